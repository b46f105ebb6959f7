//! What is impossible in a decision.

use super::{Faults, ascends};
use crate::{
    decision::{Decision, MAX_SET_ASIDE, MAX_TIED_OPTIONS, Ruling},
    definition::{Contest, Definition},
    digest::ContentDigest,
    ids::{ContestId, OptionId, StationId},
    rules::{Field, RuleCode, Violation},
};

/// What is impossible in a decision. Whether the contents that it names are there, the fold says (`TARGET_ABSENT`).
#[must_use]
pub fn decision(definition: &Definition, decision: &Decision) -> Vec<Violation> {
    let mut faults = Faults::default();
    faults.reason(&decision.reason);
    faults.require(decision.content.number >= 1, RuleCode::RulingImpossible, "number");
    faults.require(definition.authority(&decision.content.author).is_some(), RuleCode::RulingImpossible, "author");
    if let Some(station) = decision.content.ruling.station() {
        faults.require(definition.station(station).is_some(), RuleCode::UnknownStation, "station");
    }
    match &decision.content.ruling {
        Ruling::Confirm { .. } | Ruling::Annul { .. } => {}
        Ruling::AnnulStation { station, contest } => annul_station(definition, station, contest, &mut faults),
        Ruling::Choose { chosen, set_aside, .. } => choose(chosen, set_aside, &mut faults),
        Ruling::ResolveTie { contest, between, seats, winners } => match definition.contest(contest) {
            Some((_, contest)) => resolve_tie(contest, between, *seats, winners, &mut faults),
            None => faults.named(RuleCode::UnknownContest, "contest"),
        },
    }
    faults.0
}

fn annul_station(definition: &Definition, station: &StationId, contest: &ContestId, faults: &mut Faults) {
    let held = match (definition.station(station), definition.contest(contest)) {
        (Some((_, station)), Some((_, contest))) => definition.holds(station, contest),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    faults.require(held, RuleCode::UnknownContest, "contest");
}

fn choose(chosen: &ContentDigest, set_aside: &[ContentDigest], faults: &mut Faults) {
    faults.length("set_aside", set_aside.len(), MAX_SET_ASIDE);
    faults.require(!set_aside.is_empty() && ascends(set_aside), RuleCode::RulingImpossible, "set_aside");
    faults.require(!set_aside.contains(chosen), RuleCode::RulingImpossible, "chosen");
}

/// A winner each seat, and at least one of those tied loses. Where one runner-up gets all seats open, it is one winner.
fn resolve_tie(contest: &Contest, between: &[OptionId], seats: u32, winners: &[OptionId], faults: &mut Faults) {
    faults.length("between", between.len(), MAX_TIED_OPTIONS);
    faults.require(between.len() >= 2 && ascends(between), RuleCode::RulingImpossible, "between");
    for option in between {
        if !contest.options.iter().any(|known| known.id == *option) {
            faults.push(Violation::new(RuleCode::RulingImpossible, Field::Option(option.clone())));
        }
    }
    let fills_the_seats = winners.len() as u64 == u64::from(seats) || (winners.len() == 1 && seats > 1);
    faults.require(seats >= 1 && fills_the_seats, RuleCode::RulingImpossible, "seats");
    let some_lose = winners.len() < between.len();
    let of_those_tied = winners.iter().all(|winner| between.contains(winner));
    faults.require(some_lose && of_those_tied && ascends(winners), RuleCode::RulingImpossible, "winners");
}
