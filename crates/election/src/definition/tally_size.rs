//! The largest tally that a shard can have: one record must hold it (design, D4).

use super::{
    Definition, Station, TerritoryIndex, Units,
    errors::{Errors, Location},
};
use crate::{
    form::LineMeaning,
    ids::{ContestIndex, ShardId},
};
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of a tally: far below what any log takes as one record.
pub const MAX_TALLY_BYTES: u64 = 64 * 1024;

/// A tag and a varint of up to 35 bits for a sum.
const LINE_BYTES: u64 = 6;
/// A packed varint of up to 35 bits: votes for an option, or against all.
const VOTES_BYTES: u64 = 5;
/// Ids, lengths and counters of one contest in one unit: protocols counted, held, flagged, open, voters.
const COUNTERS_BYTES: u64 = 40;
/// Received, register and stations of one slot in one unit.
const TURNOUT_BYTES: u64 = 30;
/// Positions, digests and counters of the whole shard.
const SHARD_BYTES: u64 = 512;

/// The largest tally of a shard, estimated from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TallySize {
    /// The shard.
    pub shard: ShardId,
    /// Bytes that its tally may come to.
    pub bytes: u64,
    /// Of these, what a shard with one of its territories alone would have, that territory not counted.
    pub shared_bytes: u64,
    /// How many territories it has.
    pub territories: u64,
    /// What the largest of its territories takes.
    pub largest_territory_bytes: u64,
}

impl TallySize {
    /// How many territories fit beside what is shared.
    fn territories_that_fit(&self) -> u64 {
        MAX_TALLY_BYTES.saturating_sub(self.shared_bytes) / self.largest_territory_bytes.max(1)
    }

    /// Into how many shards of whole territories this one must be split; none when not even one territory fits.
    #[must_use]
    pub fn split(&self) -> Option<u64> {
        let fit = self.territories_that_fit();
        (fit > 0).then(|| self.territories.div_ceil(fit))
    }
}

/// The largest possible tally of each shard but control, in ascending order of shards.
#[must_use]
pub fn tally_sizes(definition: &Definition) -> Vec<TallySize> {
    let mut shards: BTreeMap<ShardId, Vec<&Station>> = BTreeMap::new();
    for station in &definition.stations {
        shards.entry(station.shard).or_default().push(station);
    }
    shards.into_iter().map(|(shard, stations)| tally_size(definition, shard, &stations)).collect()
}

/// The largest of all tallies in bytes; 0 without stations.
#[must_use]
pub fn largest_tally_bytes(definition: &Definition) -> u64 {
    tally_sizes(definition).iter().map(|size| size.bytes).max().unwrap_or(0)
}

fn tally_size(definition: &Definition, shard: ShardId, stations: &[&Station]) -> TallySize {
    let districts: BTreeSet<_> = stations.iter().filter_map(|station| station.district).collect();
    let mut territories: BTreeMap<ContestIndex, BTreeSet<TerritoryIndex>> = BTreeMap::new();
    for station in stations {
        for contest in definition.contests_of(station) {
            territories.entry(contest).or_default().insert(station.territory);
        }
    }
    let turnout = TURNOUT_BYTES * definition.slots.len() as u64;
    let mut shared_bytes = SHARD_BYTES + turnout;
    let mut by_territory: BTreeMap<TerritoryIndex, u64> =
        stations.iter().map(|station| (station.territory, turnout)).collect();
    for (contest, territories) in territories {
        let contest = &definition.contests[usize::from(contest.0)];
        let options = contest.options.len() as u64 + u64::from(contest.against_all);
        let unit = LINE_BYTES * LineMeaning::ALL.len() as u64 + VOTES_BYTES * options + COUNTERS_BYTES;
        let districts = match contest.units {
            Units::District(_) => 1,
            Units::All | Units::Regions(_) => districts.len() as u64,
        };
        shared_bytes += unit * (1 + districts);
        territories.iter().for_each(|territory| *by_territory.entry(*territory).or_default() += unit);
    }
    TallySize {
        shard,
        bytes: shared_bytes + by_territory.values().sum::<u64>(),
        shared_bytes,
        territories: by_territory.len() as u64,
        largest_territory_bytes: by_territory.into_values().max().unwrap_or(0),
    }
}

/// Refuses shards whose tally may grow over the limit.
pub(super) fn check(definition: &Definition, errors: &mut Errors) {
    for size in tally_sizes(definition).into_iter().filter(|size| size.bytes > MAX_TALLY_BYTES) {
        let Some((_, station)) = definition.stations_of_shard(size.shard).next() else { continue };
        let region = &definition.regions[usize::from(station.region.0)].id;
        let problem = format!(
            "the tally of shard {} (region `{region}`) may come to {} bytes, at most {MAX_TALLY_BYTES}",
            size.shard, size.bytes
        );
        let hint = match size.split() {
            Some(shards) => {
                format!("split it into {shards} shards, each with at most {} territories", size.territories_that_fit())
            }
            None => "no split helps: its contests have too many options".to_owned(),
        };
        errors.add_with_hint(Location::file("stations.csv").named("shard"), problem, hint);
    }
}
