//! The outcomes of the submissions of one content.

use crate::{
    ledger::{Cell, ContentEntry, SubmissionNote},
    outcome::{Outcome, SubmissionOutcome},
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
