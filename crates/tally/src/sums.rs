//! A shard's totals, kept by adding and subtracting what each station comes to.

use crate::{
    evaluation::{CellEvaluation, StationEvaluation, StationState, counted_protocol, counted_report},
    ledger::StationLedger,
    outcome::Outcome,
    totals::{ContestTotals, StationCounts, TurnoutTotals, Unit, UnitTotals},
};
use hattama_election::{
    definition::{Definition, Station},
    ids::{ContestIndex, SlotIndex, StationIndex},
    protocol::ProtocolContent,
};
use std::collections::BTreeMap;

/// Totals by contest and unit, turnout by slot and unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardSums {
    contests: BTreeMap<ContestIndex, BTreeMap<Unit, UnitTotals>>,
    turnout: BTreeMap<(SlotIndex, Unit), TurnoutTotals>,
}

/// Whether a station's part is added or taken away.
#[derive(Clone, Copy)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn apply(self, sum: &mut u64, part: u64) {
        match self {
            Self::Plus => *sum += part,
            Self::Minus => *sum -= part,
        }
    }
}

impl ShardSums {
    /// Nothing yet, with a place for every contest, slot and unit that these stations have.
    pub(crate) fn new(definition: &Definition, stations: &[StationIndex]) -> Self {
        let mut sums = Self { contests: BTreeMap::new(), turnout: BTreeMap::new() };
        for index in stations {
            let station = &definition.stations[index.0 as usize];
            for contest in definition.contests_of(station) {
                let options = definition.contests[usize::from(contest.0)].options.len();
                let units = sums.contests.entry(contest).or_default();
                for unit in contest_units(station) {
                    units.entry(unit).or_insert_with(|| UnitTotals::empty(options));
                }
            }
            for slot in 0..definition.slots.len() {
                let Ok(slot) = u16::try_from(slot) else { continue };
                for unit in turnout_units(station) {
                    sums.turnout.entry((SlotIndex(slot), unit)).or_insert(TurnoutTotals {
                        slot: SlotIndex(slot),
                        unit,
                        stations: 0,
                        reported: 0,
                        received_a_ballot: 0,
                        register: 0,
                    });
                }
            }
        }
        sums
    }

    /// Adds what a station comes to.
    pub(crate) fn add(
        &mut self,
        definition: &Definition,
        station: StationIndex,
        ledger: Option<&StationLedger>,
        evaluation: &StationEvaluation,
    ) {
        self.change(Sign::Plus, definition, station, ledger, evaluation);
    }

    /// Takes away what a station came to before.
    pub(crate) fn subtract(
        &mut self,
        definition: &Definition,
        station: StationIndex,
        ledger: Option<&StationLedger>,
        evaluation: &StationEvaluation,
    ) {
        self.change(Sign::Minus, definition, station, ledger, evaluation);
    }

    /// The totals as a tally lists them.
    pub(crate) fn totals(&self) -> (Vec<ContestTotals>, Vec<TurnoutTotals>) {
        let contests = self
            .contests
            .iter()
            .map(|(contest, units)| ContestTotals {
                contest: *contest,
                units: units.iter().map(|(unit, totals)| (*unit, totals.clone())).collect(),
            })
            .collect();
        (contests, self.turnout.values().copied().collect())
    }

    fn change(
        &mut self,
        sign: Sign,
        definition: &Definition,
        index: StationIndex,
        ledger: Option<&StationLedger>,
        evaluation: &StationEvaluation,
    ) {
        let station = &definition.stations[index.0 as usize];
        for (contest, cell) in &evaluation.contests {
            let content = ledger.and_then(|ledger| counted_protocol(ledger, *contest, cell));
            let places = content.map(|content| ballot_places(definition, *contest, content)).unwrap_or_default();
            let counts = counts_of(station, cell);
            let Some(units) = self.contests.get_mut(contest) else { continue };
            for unit in contest_units(station) {
                let Some(totals) = units.get_mut(&unit) else { continue };
                change_counts(sign, &mut totals.stations, &counts);
                if let Some(content) = content {
                    change_figures(sign, totals, content, &places);
                }
            }
        }
        self.change_turnout(sign, station, ledger, evaluation);
    }

    fn change_turnout(
        &mut self,
        sign: Sign,
        station: &Station,
        ledger: Option<&StationLedger>,
        evaluation: &StationEvaluation,
    ) {
        let mut received = 0;
        let mut register = u64::from(station.register);
        for (slot, cell) in &evaluation.turnout {
            let report = ledger.and_then(|ledger| counted_report(ledger, *slot, cell));
            if let Some(report) = report {
                received = u64::from(report.received_a_ballot);
                register = u64::from(report.register);
            }
            for unit in turnout_units(station) {
                let Some(totals) = self.turnout.get_mut(&(*slot, unit)) else { continue };
                sign.apply(&mut totals.stations, 1);
                sign.apply(&mut totals.reported, u64::from(report.is_some()));
                sign.apply(&mut totals.received_a_ballot, received);
                sign.apply(&mut totals.register, register);
            }
        }
    }
}

/// The units that a station's protocols are summed over.
fn contest_units(station: &Station) -> impl Iterator<Item = Unit> {
    turnout_units(station).chain(station.district.map(Unit::District))
}

/// The units that a station's turnout is summed over.
fn turnout_units(station: &Station) -> impl Iterator<Item = Unit> {
    [Unit::Region(station.region), Unit::Territory(station.territory)].into_iter()
}

/// Where each of a content's votes stands on the ballot; its votes ascend by id, the ballot has its own order.
fn ballot_places(definition: &Definition, contest: ContestIndex, content: &ProtocolContent) -> Vec<usize> {
    let options = &definition.contests[usize::from(contest.0)].options;
    content
        .votes
        .iter()
        .map(|(id, _)| options.iter().position(|option| option.id == *id).unwrap_or(usize::MAX))
        .collect()
}

fn counts_of(station: &Station, cell: &CellEvaluation) -> StationCounts {
    let register = u64::from(station.register);
    let one = |state| u64::from(cell.state == state);
    let expected = u64::from(cell.state != StationState::Closed);
    let counted = one(StationState::Counted);
    let flagged = cell.counted_content().is_some_and(|content| !content.rules.is_empty());
    StationCounts {
        expected,
        counted,
        held: one(StationState::Held),
        contested: one(StationState::Contested),
        annulled: one(StationState::Annulled),
        missing: one(StationState::Missing),
        corrected: u64::from(cell.counted.is_some_and(|(revision, _)| revision > 1)),
        flagged: u64::from(flagged),
        held_beside: u64::from(cell.has_beside(Outcome::Held)),
        contested_beside: u64::from(cell.has_beside(Outcome::Contested)),
        register_expected: expected * register,
        register_counted: counted * register,
    }
}

fn change_counts(sign: Sign, sums: &mut StationCounts, part: &StationCounts) {
    let mut changed = sums.as_array();
    changed.iter_mut().zip(part.as_array()).for_each(|(sum, part)| sign.apply(sum, part));
    *sums = StationCounts::from_array(changed);
}

fn change_figures(sign: Sign, totals: &mut UnitTotals, content: &ProtocolContent, places: &[usize]) {
    for (meaning, count) in content.lines.written() {
        let line = &mut totals.lines[meaning as usize];
        sign.apply(&mut line.sum, u64::from(count));
        sign.apply(&mut line.written, 1);
    }
    for ((_, votes), place) in content.votes.iter().zip(places) {
        if let Some(sum) = totals.votes.get_mut(*place) {
            sign.apply(sum, u64::from(*votes));
        }
    }
    sign.apply(&mut totals.against_all, u64::from(content.against_all.unwrap_or(0)));
}
