//! Votes in single-mandate districts: wholly synthetic, each district with one clear winner.

use super::{
    NightError, ProtocolFigures, StationFacts,
    ballots::{most_invalid, with_ballots},
};
use crate::registers::{chance::Chance, rounding::share_out};
use std::collections::BTreeMap;

/// Some voters take the list ballot alone: at six stations in a hundred, one or two of them.
const LIST_ALONE_PROBABILITY: f64 = 0.06;
const LIST_ALONE_LEAST_ISSUED: u32 = 50;
/// A candidate other than the winner has at most this share of the winner's strength.
const RUNNER_UP_LIMIT: f64 = 0.6;
/// How unlike stations of a district are, as [`Chance::factor`] spreads them.
const STATION_SPREAD: f64 = 0.25;

/// The district protocols, `None` at stations without a district.
pub(super) fn cast(
    stations: &[StationFacts],
    lists: &[ProtocolFigures],
    candidates: &BTreeMap<String, u32>,
    seed: u64,
) -> Result<Vec<Option<ProtocolFigures>>, NightError> {
    let strengths: BTreeMap<&str, Vec<f64>> =
        candidates.iter().map(|(district, count)| (district.as_str(), strengths(district, *count, seed))).collect();
    let mut chance = Chance::new(seed, "district votes");
    let mut protocols = Vec::with_capacity(stations.len());
    for (station, list) in stations.iter().zip(lists) {
        let Some(district) = station.district.as_deref() else {
            protocols.push(None);
            continue;
        };
        let no_candidates = || NightError::NoCandidates { district: district.to_owned() };
        let strengths = strengths.get(district).filter(|lines| lines.len() > 1).ok_or_else(no_candidates)?;
        protocols.push(Some(protocol(list, strengths, &mut chance)));
    }
    Ok(protocols)
}

/// How strong each candidate is and, last, against all: one clear winner, at a place on the ballot that the seed chooses.
fn strengths(district: &str, candidates: u32, seed: u64) -> Vec<f64> {
    let mut chance = Chance::new(seed, &format!("candidates of {district}"));
    let winner = (chance.unit() * f64::from(candidates)) as u32;
    let mut lines: Vec<f64> = (0..candidates)
        .map(|candidate| {
            let draw = chance.unit();
            if candidate == winner { 1.0 } else { 0.03 + (RUNNER_UP_LIMIT - 0.03) * draw * draw * draw }
        })
        .collect();
    let against_all = lines.iter().sum::<f64>() * chance.between(0.04, 0.08);
    lines.push(against_all);
    lines
}

fn protocol(list: &ProtocolFigures, strengths: &[f64], chance: &mut Chance) -> ProtocolFigures {
    let some_took_one = list.ballots_issued >= LIST_ALONE_LEAST_ISSUED && chance.happens(LIST_ALONE_PROBABILITY);
    let list_alone = if some_took_one { 1 + u32::from(chance.happens(0.5)) } else { 0 };
    let voters = ProtocolFigures {
        voters_listed: list.voters_listed,
        voters_added: list.voters_added,
        ballots_issued: list.ballots_issued - list_alone,
        ..ProtocolFigures::default()
    };
    let mut protocol = with_ballots(voters, chance);
    // the same voters: as many outside and on certificates as took the list ballot
    protocol.issued_outside = list.issued_outside.min(protocol.ballots_issued);
    protocol.issued_absentee = list.issued_absentee.min(protocol.ballots_issued);
    protocol.found_portable = protocol.issued_outside.min(protocol.ballots_found);
    let invalid = (f64::from(protocol.ballots_found) * chance.between(0.012, 0.03)) as u32;
    protocol.ballots_invalid = invalid.min(most_invalid(protocol.ballots_found));
    protocol.ballots_valid = protocol.ballots_found - protocol.ballots_invalid;
    let weights: Vec<f64> = strengths.iter().map(|strength| strength * chance.factor(STATION_SPREAD)).collect();
    let mut votes = share_out(protocol.ballots_valid, &weights);
    protocol.against_all = votes.pop().unwrap_or_default();
    protocol.options = votes;
    protocol
}
