//! What a station's counted contents say together: rules that look at several submissions.

use super::{CellEvaluation, StationEvaluation, Subject};
use crate::ledger::{Cell, StationLedger};
use hattama_election::{
    ids::{ContestIndex, SlotIndex},
    protocol::ProtocolContent,
    rules::{self, RuleCode},
    turnout::TurnoutContent,
};

/// Rules that look at several submissions: they only flag what counts.
pub(super) fn mark_station_rules(subject: &Subject<'_>, evaluation: &mut StationEvaluation) {
    let Some(ledger) = subject.ledger else { return };
    mark_turnout_falls(subject, ledger, evaluation);
    let Some((first, rest)) = evaluation.contests.split_first_mut() else { return };
    let Some(first_content) = counted_protocol(ledger, first.0, &first.1) else { return };
    let last_report = evaluation.turnout.iter().rev().find_map(|(slot, cell)| counted_report(ledger, *slot, cell));
    if rules::station::issued_differs_from_turnout(last_report, first_content).is_some() {
        first.1.mark_counted(RuleCode::IssuedDiffersFromTurnout, subject.control);
    }
    for (contest, cell) in rest {
        let apart = counted_protocol(ledger, *contest, cell)
            .is_some_and(|content| rules::station::contests_far_apart(first_content, content).is_some());
        if apart {
            cell.mark_counted(RuleCode::ContestsFarApart, subject.control);
        }
    }
}

fn mark_turnout_falls(subject: &Subject<'_>, ledger: &StationLedger, evaluation: &mut StationEvaluation) {
    let mut before: Option<&TurnoutContent> = None;
    for (slot, cell) in &mut evaluation.turnout {
        let Some(report) = counted_report(ledger, *slot, cell) else { continue };
        if before.is_some_and(|before| rules::station::turnout_falls(before, report).is_some()) {
            cell.mark_counted(RuleCode::TurnoutFalls, subject.control);
        }
        before = Some(report);
    }
}

/// The content that counts for a contest.
pub(crate) fn counted_protocol<'a>(
    ledger: &'a StationLedger,
    contest: ContestIndex,
    cell: &CellEvaluation,
) -> Option<&'a ProtocolContent> {
    counted_entry(ledger.protocols.get(&contest)?, cell)
}

/// The report that counts for a slot.
pub(crate) fn counted_report<'a>(
    ledger: &'a StationLedger,
    slot: SlotIndex,
    cell: &CellEvaluation,
) -> Option<&'a TurnoutContent> {
    counted_entry(ledger.turnout.get(&slot)?, cell)
}

fn counted_entry<'a, C>(contents: &'a Cell<C>, evaluation: &CellEvaluation) -> Option<&'a C> {
    let (revision, digest) = evaluation.counted?;
    let entries = contents.at(u32::from(revision));
    let place = entries.binary_search_by_key(&digest, |entry| entry.digest).ok()?;
    Some(&entries[place].content)
}
