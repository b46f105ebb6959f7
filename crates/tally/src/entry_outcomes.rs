//! The outcomes of submissions, from what their contents stand as.

use crate::{
    evaluation::{CellEvaluation, StationEvaluation},
    ledger::{Cell, ContentEntry, StationLedger, SubmissionNote},
    outcome::{Outcome, SubmissionOutcome},
    position::PositionPair,
};
use hattama_election::rules::RuleCode;

/// One outcome for each submission of a content: of those whose key is known the first in the log has its standing, the
/// others are duplicates.
pub(crate) fn entry_outcomes<C>(
    entry: &ContentEntry<C>,
    standing: Outcome,
    rules: &[RuleCode],
    known: impl Fn(&SubmissionNote) -> bool,
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    let first = entry.submissions.iter().filter(|note| known(note)).map(|note| note.offset).min();
    for note in &entry.submissions {
        let (offset, digest) = (note.offset, note.digest);
        let (outcome, rules, duplicate_of) = if !known(note) {
            (Outcome::Refused, vec![RuleCode::UnknownKey], None)
        } else if first == Some(offset) {
            (standing, rules.to_vec(), None)
        } else {
            (Outcome::Duplicate, vec![RuleCode::SameContent], first)
        };
        outcomes.push(SubmissionOutcome { offset, digest, outcome, rules, duplicate_of });
    }
}

/// The outcomes of a commission's protocols for a contest: contents of one revision contest each other, a higher revision
/// supersedes the lower ones.
pub(crate) fn commission_outcomes(
    cell: &Cell<()>,
    known: impl Fn(&SubmissionNote) -> bool,
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    let is_there = |entry: &&ContentEntry<()>| entry.submissions.iter().any(&known);
    let highest = cell.entries().filter(|(_, entry)| is_there(entry)).map(|(revision, _)| revision).max();
    for (revision, entry) in cell.entries() {
        let contents = cell.at(revision).iter().filter(is_there).count();
        let (standing, rule) = if Some(revision) < highest {
            (Outcome::Superseded, Some(RuleCode::SupersededByRevision))
        } else if contents > 1 {
            (Outcome::Contested, Some(RuleCode::ContestedRevision))
        } else {
            (Outcome::Counted, None)
        };
        entry_outcomes(entry, standing, rule.as_slice(), &known, outcomes);
    }
}

/// The outcomes of everything that a station has sent. What has no evaluation has no submission whose key is known.
pub(crate) fn station_outcomes(
    ledger: &StationLedger,
    evaluation: &StationEvaluation,
    at: &PositionPair,
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    for (contest, contents) in &ledger.protocols {
        let cell = evaluation.contests.iter().find(|(of, _)| of == contest);
        cell_outcomes(contents, cell.map(|(_, cell)| cell), at, outcomes);
    }
    for (slot, contents) in &ledger.turnout {
        let cell = evaluation.turnout.iter().find(|(of, _)| of == slot);
        cell_outcomes(contents, cell.map(|(_, cell)| cell), at, outcomes);
    }
    for (_, entry) in ledger.decisions.values().flat_map(Cell::entries) {
        let decision = evaluation.decisions.iter().find(|decision| decision.content == entry.digest);
        let (standing, rules) = match decision {
            Some(decision) => (decision.standing, decision.rules.as_slice()),
            None => UNEVALUATED,
        };
        entry_outcomes(entry, standing, rules, |note| note.is_visible(at), outcomes);
    }
}

fn cell_outcomes<C>(
    contents: &Cell<C>,
    evaluation: Option<&CellEvaluation>,
    at: &PositionPair,
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    for (_, entry) in contents.entries() {
        let content = evaluation
            .and_then(|evaluation| evaluation.contents.iter().find(|content| content.content == entry.digest));
        let (standing, rules) = match content {
            Some(content) => (content.standing, content.rules.as_slice()),
            None => UNEVALUATED,
        };
        entry_outcomes(entry, standing, rules, |note| note.is_visible(at), outcomes);
    }
}

/// Of a content without a visible submission: each of its submissions is refused by itself.
const UNEVALUATED: (Outcome, &[RuleCode]) = (Outcome::Refused, &[RuleCode::UnknownKey]);
