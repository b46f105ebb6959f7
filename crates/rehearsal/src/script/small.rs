//! A random, plausible truth for any definition: sums that add up on every form, nobody's whole register.

use super::{
    dice::Dice,
    rates::OPEN_SECONDS,
    truth::{TrueStation, content},
};
use crate::night::{ProtocolFigures, TurnoutFigures};
use hattama_election::{
    definition::{Contest, Definition, Station},
    form::{Form, LineMeaning},
    ids::StationIndex,
};
use std::ops::RangeInclusive;

/// Turnout of a station, in percent of its register.
const TURNOUT_PERCENT: RangeInclusive<u32> = 40..=85;
/// Below the line from which invalid ballots are flagged.
const INVALID_PER_MILLE: RangeInclusive<u32> = 10..=28;
/// One voter in so many is added on the day, at most.
const REGISTER_TO_ADDED: u32 = 200;
/// One ballot in so many, at most, is spoiled, issued outside, or issued on an absentee certificate.
const ISSUED_TO_SPOILED: u32 = 150;
const ISSUED_TO_OUTSIDE: u32 = 30;
const ISSUED_TO_ABSENTEE: u32 = 300;
/// At one station in so many a voter carries a ballot away.
const STATIONS_TO_CARRIED_AWAY: u32 = 20;
/// How strong an option is in the nation, and at a station in percent of that.
const STRENGTH: RangeInclusive<u32> = 10..=100;
const STRENGTH_AGAINST_ALL: u32 = 8;
const STATION_PERCENT: RangeInclusive<u32> = 60..=140;

/// The truth that the seed chooses, in the definition's order of stations.
pub(super) fn truth(definition: &Definition, seed: u64) -> Vec<TrueStation> {
    let stations = (0..).map(StationIndex).zip(&definition.stations);
    stations.map(|(index, station)| of_station(definition, index, station, seed)).collect()
}

fn of_station(definition: &Definition, index: StationIndex, station: &Station, seed: u64) -> TrueStation {
    let mut dice = Dice::new(seed, "small truth", &[station.id.as_str()]);
    let in_the_end = TurnoutFigures {
        received: share(station.register, dice.within(&TURNOUT_PERCENT), 100),
        register: station.register + dice.below(station.register / REGISTER_TO_ADDED + 1),
    };
    let opens = station.polls_close.0 - OPEN_SECONDS;
    let turnout: Vec<TurnoutFigures> = definition
        .slots
        .iter()
        .map(|slot| {
            // voters come evenly all day
            let open_minutes = ((slot.at.0 - opens).clamp(0, OPEN_SECONDS) / 60) as u32;
            let by_now = |count: u32| share(count, open_minutes, (OPEN_SECONDS / 60) as u32);
            let added = by_now(in_the_end.register - station.register);
            TurnoutFigures { received: by_now(in_the_end.received), register: station.register + added }
        })
        .collect();
    // whoever votes behind the last slot is left out, so that the last report is the ballots issued
    let last = turnout.last().copied().unwrap_or(in_the_end);
    let protocols = definition
        .contests_of(station)
        .map(|place| {
            let contest = &definition.contests[usize::from(place.0)];
            let form = definition.form_of(station, contest);
            let figures = figures(form, contest, station, last, seed, &mut dice);
            (place, content(definition, station, contest, &figures))
        })
        .collect();
    TrueStation { index, turnout, protocols }
}

fn figures(
    form: &Form,
    contest: &Contest,
    station: &Station,
    last: TurnoutFigures,
    seed: u64,
    dice: &mut Dice,
) -> ProtocolFigures {
    let on_form = |meaning| form.line(meaning).is_some();
    let issued = last.received;
    let spoiled = if on_form(LineMeaning::BallotsSpoiled) { dice.below(issued / ISSUED_TO_SPOILED + 1) } else { 0 };
    let carried_away = dice.below(STATIONS_TO_CARRIED_AWAY) == 0 && issued > 0 && on_form(LineMeaning::BallotsIssued);
    let found = issued - u32::from(carried_away);
    let invalid = share(found, dice.within(&INVALID_PER_MILLE), 1_000);
    let outside = dice.below(issued / ISSUED_TO_OUTSIDE + 1).min(found);
    let received = (last.register + 1).next_multiple_of(10).max(issued + spoiled);
    let (options, against_all) = votes(contest, found - invalid, seed, dice);
    ProtocolFigures {
        voters_listed: station.register,
        voters_added: last.register - station.register,
        ballots_received: received,
        ballots_issued: issued,
        issued_outside: outside,
        issued_absentee: dice.below(issued / ISSUED_TO_ABSENTEE + 1).min(issued),
        ballots_unused: received - issued - spoiled,
        ballots_spoiled: spoiled,
        ballots_found: found,
        found_portable: outside,
        ballots_invalid: invalid,
        ballots_valid: found - invalid,
        options,
        against_all,
    }
}

/// Shares of the valid ballots for each option and against all; what rounding leaves goes to the first.
fn votes(contest: &Contest, valid: u32, seed: u64, dice: &mut Dice) -> (Vec<u32>, u32) {
    let strength = |option: &str| Dice::new(seed, "strength", &[contest.id.as_str(), option]).within(&STRENGTH);
    let mut here = |strength: u32| strength * dice.within(&STATION_PERCENT);
    let weights: Vec<u32> = contest.options.iter().map(|option| here(strength(option.id.as_str()))).collect();
    let against_all = if contest.against_all { here(STRENGTH_AGAINST_ALL) } else { 0 };
    let whole = (weights.iter().sum::<u32>() + against_all).max(1);
    let against_all = share(valid, against_all, whole);
    let mut votes: Vec<u32> = weights.iter().map(|weight| share(valid, *weight, whole)).collect();
    let left = valid - against_all - votes.iter().sum::<u32>();
    votes.iter_mut().take(1).for_each(|votes| *votes += left);
    (votes, against_all)
}

/// `count` × `part` / `whole`, rounded down.
fn share(count: u32, part: u32, whole: u32) -> u32 {
    (u64::from(count) * u64::from(part) / u64::from(whole)) as u32
}
