//! The nation's figures: votes, seats with their explanation, turnout.

use hattama_election::{
    definition::Definition,
    form::LineMeaning,
    ids::{ContestId, OptionId, SlotId},
};
use hattama_tally::{ContestSeats, ControlState, Nation, StationCounts, UnitTotals, seats_of};
use std::collections::BTreeMap;

/// The nation's figures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Contests in the definition's order.
    pub contests: Vec<ContestResult>,
    /// Turnout slots in time order.
    pub turnout: Vec<TurnoutResult>,
}

/// A contest over the nation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ContestResult {
    /// The contest.
    pub contest: ContestId,
    /// Its stations by what they have come to.
    pub stations: StationsByState,
    /// Summed lines that at least one counted protocol has written.
    pub lines: BTreeMap<LineMeaning, LineResult>,
    /// Options in ballot order.
    pub options: Vec<OptionVotes>,
    /// Votes against all; none when the ballot has no such line.
    pub against_all: Option<u64>,
    /// Σ votes for all options and against all.
    pub votes_sum: u64,
    /// Something is counted, and a seat is open until a commission decides.
    pub decision_needed: bool,
    /// How the seats follow from the votes.
    pub seats: ContestSeats,
}

/// The sum of a line and how many counted protocols have it written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LineResult {
    /// The sum.
    pub sum: u64,
    /// How many have it.
    pub written: u64,
}

/// Votes and seats of an option.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OptionVotes {
    /// The option.
    pub option: OptionId,
    /// Votes.
    pub votes: u64,
    /// Seats, as far as awarded.
    pub seats: u32,
}

/// Stations of a contest by state: `expected` is the sum of the five that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StationsByState {
    /// Stations where the contest is held; closed ones without a protocol excepted.
    pub expected: u64,
    /// With a counted protocol.
    pub counted: u64,
    /// Not counted, because held.
    pub held: u64,
    /// Not counted, because contested.
    pub contested: u64,
    /// Not counted, because annulled.
    pub annulled: u64,
    /// Without any protocol.
    pub missing: u64,
    /// Counted with a revision above 1.
    pub corrected: u64,
    /// Counted with at least one flag.
    pub flagged: u64,
    /// Counted, with a higher revision held beside it.
    pub held_beside: u64,
    /// Counted, with a higher revision contested beside it.
    pub contested_beside: u64,
    /// Voters on the definition's registers of the expected stations.
    pub register_expected: u64,
    /// Voters on the definition's registers of the counted stations.
    pub register_counted: u64,
}

/// The nation's turnout at a slot: `received_a_ballot` of `register`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TurnoutResult {
    /// The slot.
    pub slot: SlotId,
    /// Stations.
    pub stations: u64,
    /// Stations with a report for this very slot; a silent one stands with its last earlier slot.
    pub reported: u64,
    /// Σ voters who had received a ballot.
    pub received_a_ballot: u64,
    /// Σ register.
    pub register: u64,
}

impl Figures {
    pub(crate) fn of(definition: &Definition, nation: &Nation, control: &ControlState) -> Self {
        let contests = nation
            .contests
            .iter()
            .map(|contest| {
                let seats = seats_of(definition, contest.contest, &contest.nation, control);
                contest_result(&definition.contests[usize::from(contest.contest.0)], &contest.nation, seats)
            })
            .collect();
        let turnout = nation
            .slots
            .iter()
            .map(|figures| TurnoutResult {
                slot: definition.slots[usize::from(figures.slot.0)].id.clone(),
                stations: figures.stations,
                reported: figures.reported,
                received_a_ballot: figures.received_a_ballot,
                register: figures.register,
            })
            .collect();
        Self { contests, turnout }
    }
}

fn contest_result(
    contest: &hattama_election::definition::Contest,
    totals: &UnitTotals,
    seats: ContestSeats,
) -> ContestResult {
    let awarded = seats.awarded();
    let options = contest
        .options
        .iter()
        .zip(&totals.votes)
        .enumerate()
        .map(|(place, (option, votes))| OptionVotes {
            option: option.id.clone(),
            votes: *votes,
            seats: awarded.get(place).copied().unwrap_or(0),
        })
        .collect();
    let lines = LineMeaning::ALL
        .into_iter()
        .map(|meaning| (meaning, totals.line(meaning)))
        .filter(|(_, line)| line.written > 0)
        .map(|(meaning, line)| (meaning, LineResult { sum: line.sum, written: line.written }))
        .collect();
    ContestResult {
        contest: contest.id.clone(),
        stations: StationsByState::of(&totals.stations),
        lines,
        options,
        against_all: contest.against_all.then_some(totals.against_all),
        votes_sum: totals.sum_of_votes(),
        decision_needed: seats.decision_needed() && totals.stations.counted > 0,
        seats,
    }
}

impl StationsByState {
    fn of(counts: &StationCounts) -> Self {
        Self {
            expected: counts.expected,
            counted: counts.counted,
            held: counts.held,
            contested: counts.contested,
            annulled: counts.annulled,
            missing: counts.missing,
            corrected: counts.corrected,
            flagged: counts.flagged,
            held_beside: counts.held_beside,
            contested_beside: counts.contested_beside,
            register_expected: counts.register_expected,
            register_counted: counts.register_counted,
        }
    }
}
