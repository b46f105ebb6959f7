//! Where the ballots of a station went: received, issued, spoiled, unused, found, invalid.

use super::{NightError, ProtocolFigures, StationFacts, turnout::BySlot};
use crate::{
    facts::{Facts, SLOT_COUNT},
    registers::{chance::Chance, rounding::fit},
};

/// Stations where a ballot or two was carried away, which is flagged: one in a hundred, and only where many voted.
const CARRIED_AWAY_PROBABILITY: f64 = 0.01;
const CARRIED_AWAY_LEAST_ISSUED: u32 = 50;
/// Invalid shares of stations as multiples of the nation's 2.4 %: narrow, so that few are cut off at 3 %.
const INVALID_SPREAD: (f64, f64) = (0.82, 1.18);

/// The largest number of invalid ballots that is below 3 % of those found: from there on it would be flagged.
pub(super) fn most_invalid(found: u32) -> u32 {
    (3 * found).saturating_sub(1) / 100
}

/// The list protocols without their votes: ballots issued are the last turnout, valid ones sum to the official votes.
pub(super) fn list_ballots(
    stations: &[StationFacts],
    added: &[BySlot],
    received: &[BySlot],
    facts: &Facts,
    seed: u64,
) -> Result<Vec<ProtocolFigures>, NightError> {
    let mut chance = Chance::new(seed, "list ballots");
    let last = SLOT_COUNT - 1;
    let mut protocols: Vec<ProtocolFigures> = stations
        .iter()
        .enumerate()
        .map(|(index, station)| {
            let voters = ProtocolFigures {
                voters_listed: station.register,
                voters_added: added[index][last],
                ballots_issued: received[index][last],
                ..ProtocolFigures::default()
            };
            with_ballots(voters, &mut chance)
        })
        .collect();
    let weights: Vec<f64> = protocols
        .iter()
        .map(|protocol| f64::from(protocol.ballots_found) * chance.between(INVALID_SPREAD.0, INVALID_SPREAD.1))
        .collect();
    let found: u64 = protocols.iter().map(|protocol| u64::from(protocol.ballots_found)).sum();
    let votes: u64 = facts.lists.iter().chain([&facts.against_all]).map(|list| u64::from(list.votes)).sum();
    let upper: Vec<u32> = protocols.iter().map(|protocol| most_invalid(protocol.ballots_found)).collect();
    let invalid = found
        .checked_sub(votes)
        .and_then(|invalid| fit(invalid, &vec![0; upper.len()], &upper, |index, scale| scale * weights[index]));
    let invalid = invalid.ok_or_else(|| NightError::no_fit("the invalid ballots"))?;
    for (protocol, invalid) in protocols.iter_mut().zip(invalid) {
        protocol.ballots_invalid = invalid;
        protocol.ballots_valid = protocol.ballots_found - invalid;
    }
    Ok(protocols)
}

/// Adds to voters and issued ballots what the commission received, spoiled, kept, and found in its boxes.
pub(super) fn with_ballots(voters: ProtocolFigures, chance: &mut Chance) -> ProtocolFigures {
    let issued = voters.ballots_issued;
    let part = |share: f64| (f64::from(issued) * share) as u32;
    let spoiled = part(chance.unit() * chance.unit() / 150.0);
    let outside = part(chance.between(0.002, 0.03));
    let absentee = part(chance.unit() * chance.unit() * 0.003);
    let is_short = issued >= CARRIED_AWAY_LEAST_ISSUED && chance.happens(CARRIED_AWAY_PROBABILITY);
    let carried_away = if is_short { 1 + u32::from(chance.happens(0.3)) } else { 0 };
    // a ballot for each voter and a small reserve, in tens
    let reserve = f64::from(voters.voters_listed) * chance.between(0.002, 0.012);
    let received = (voters.voters_listed + voters.voters_added + reserve as u32 + 1).next_multiple_of(10);
    let received = received.max(issued + spoiled);
    ProtocolFigures {
        ballots_received: received,
        issued_outside: outside,
        issued_absentee: absentee,
        ballots_unused: received - issued - spoiled,
        ballots_spoiled: spoiled,
        ballots_found: issued - carried_away,
        found_portable: outside,
        ..voters
    }
}
