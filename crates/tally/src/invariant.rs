//! Invariants of our own arithmetic (design, D12). Broken, they stop publishing; facts of the world are rules, not invariants.

use crate::{
    nation::Nation,
    publication::PublicationBody,
    totals::{ContestTotals, StationCounts, TallyBody, TurnoutTotals, Unit, UnitTotals},
};

/// A broken invariant: what, where, and by how much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invariant {id} is broken: {what}; publishing stops here, receiving goes on (docs/promises.md)")]
pub struct InvariantBroken {
    /// Its id, as in `docs/promises.md`.
    pub id: &'static str,
    /// What was found.
    pub what: String,
}

fn broken(id: &'static str, what: String) -> InvariantBroken {
    InvariantBroken { id, what }
}

/// Checks a shard's tally by itself.
///
/// # Errors
/// The first invariant that does not hold: `records` (they sum to the position), `stations` (expected is the sum of the
/// states), `conservation` (territories and regions have the same sums), `slots` (reported is at most the stations).
pub fn check_tally(tally: &TallyBody) -> Result<(), InvariantBroken> {
    let records = &tally.records;
    let sum: u64 = records.by_outcome.iter().sum();
    if sum != records.records || records.records + 1 != tally.position.next_offset {
        return Err(broken(
            "records",
            format!(
                "shard {}: {} records by outcome, {} in all, next offset {}",
                tally.shard, sum, records.records, tally.position.next_offset
            ),
        ));
    }
    tally.contests.iter().try_for_each(check_contest)?;
    check_turnout(&tally.turnout)
}

fn check_contest(contest: &ContestTotals) -> Result<(), InvariantBroken> {
    for (unit, totals) in &contest.units {
        check_counts(&totals.stations, unit)?;
    }
    let sum_over = |wanted: fn(&Unit) -> bool| {
        let mut sum = UnitTotals::empty(contest.units.first().map_or(0, |(_, totals)| totals.votes.len()));
        contest.units.iter().filter(|(unit, _)| wanted(unit)).for_each(|(_, totals)| sum.add(totals));
        sum
    };
    let regions = sum_over(|unit| matches!(unit, Unit::Region(_)));
    let territories = sum_over(|unit| matches!(unit, Unit::Territory(_)));
    if regions != territories {
        return Err(broken(
            "conservation",
            format!(
                "contest {}: {} stations and {} votes by region, {} and {} by territory",
                contest.contest.0,
                regions.stations.counted,
                regions.sum_of_votes(),
                territories.stations.counted,
                territories.sum_of_votes()
            ),
        ));
    }
    Ok(())
}

fn check_counts(counts: &StationCounts, unit: &Unit) -> Result<(), InvariantBroken> {
    let states = counts.counted + counts.held + counts.contested + counts.annulled + counts.missing;
    let within = [counts.corrected, counts.flagged, counts.held_beside, counts.contested_beside];
    if states != counts.expected || within.iter().any(|part| *part > counts.counted) {
        return Err(broken("stations", format!("{unit:?}: {counts:?}")));
    }
    Ok(())
}

fn check_turnout(turnout: &[TurnoutTotals]) -> Result<(), InvariantBroken> {
    for slot in turnout {
        if slot.reported > slot.stations {
            return Err(broken("slots", format!("{slot:?}")));
        }
    }
    Ok(())
}

/// Checks a publication against the merged nation and the publication before.
///
/// # Errors
/// The first invariant that does not hold: `sequence`, `vector` (nowhere lower, somewhere higher), `nation` (the figures
/// are those of the merge).
pub fn check_publication(
    publication: &PublicationBody,
    before: Option<&PublicationBody>,
    nation: &Nation,
) -> Result<(), InvariantBroken> {
    if let Some(before) = before {
        if publication.sequence != before.sequence + 1 {
            return Err(broken("sequence", format!("{} follows {}", publication.sequence, before.sequence)));
        }
        if !publication.is_beyond(before) {
            return Err(broken("vector", format!("{} is not beyond {}", publication.sequence, before.sequence)));
        }
    }
    for figures in &publication.contests {
        let merged = nation.contest(figures.contest).map(|contest| &contest.nation);
        let same = merged.is_some_and(|merged| {
            merged.stations == figures.stations
                && merged.sum_of_votes() == figures.votes_sum
                && merged.against_all == figures.against_all
        });
        if !same {
            return Err(broken(
                "nation",
                format!("contest {} differs from the merge of the tallies", figures.contest.0),
            ));
        }
    }
    Ok(())
}
