//! A loaded definition: everything resolved to indexes, everything checked. Only the loader makes one.

mod authorities;
mod contests;
mod methods;
mod places;

pub use authorities::*;
pub use contests::*;
pub use methods::*;
pub use places::*;

use crate::{
    digest::CoreDigest,
    form::Form,
    ids::{AuthorityId, ContestId, ContestIndex, ElectionId, ShardId, SlotId, SlotIndex, StationId, StationIndex},
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{RuleCode, Severity},
    text::Text,
};
use std::collections::{BTreeMap, HashMap};

/// A whole definition, loaded and checked.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Which election.
    pub id: ElectionId,
    /// Its digest, which every submission and tally carries.
    pub core_digest: CoreDigest,
    /// Rehearsal and reality cannot meet (design, D16).
    pub purpose: Purpose,
    /// Where its figures come from.
    pub provenance: Provenance,
    /// Election day, `YYYY-MM-DD`.
    pub date: String,
    /// The national clock's distance from UTC.
    pub national_utc_offset_minutes: i32,
    /// The version of the fold in force at the start.
    pub fold_version: u32,
    /// Its name.
    pub name: Text,
    /// Where rehearsal keys come from; never in an official definition.
    pub rehearsal: Option<RehearsalKeys>,
    /// Turnout slots in time order.
    pub slots: Vec<TurnoutSlot>,
    /// Forms.
    pub forms: Vec<Form>,
    /// Regions in the file's order.
    pub regions: Vec<Region>,
    /// Territories in the file's order.
    pub territories: Vec<Territory>,
    /// Districts in the file's order.
    pub districts: Vec<District>,
    /// Contests in the definition's order, templates expanded in district order.
    pub contests: Vec<Contest>,
    /// Stations in ascending order of their ids.
    pub stations: Vec<Station>,
    /// All commissions and offices: `tec-…`, `dec-…`, then those of `election.toml`; ascending by id.
    pub authorities: Vec<Authority>,
    /// Services whose signatures are believed.
    pub services: Vec<Service>,
    /// The severity of every rule at the start.
    pub severities: BTreeMap<RuleCode, Severity>,
    /// Number of shards, control (0) included.
    pub shards: u32,
    pub(crate) index: Index,
}

/// Look-ups derived from the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) stations: HashMap<StationId, StationIndex>,
    pub(crate) contests: HashMap<ContestId, ContestIndex>,
    pub(crate) slots: HashMap<SlotId, SlotIndex>,
    pub(crate) authorities: HashMap<AuthorityId, usize>,
    pub(crate) keys: HashMap<KeyId, (PublicKey, Holder)>,
    /// Contests by region and district: what a station there votes on.
    pub(crate) contests_everywhere: Vec<ContestIndex>,
    pub(crate) contests_by_district: HashMap<DistrictIndex, Vec<ContestIndex>>,
    pub(crate) contests_by_region: HashMap<RegionIndex, Vec<ContestIndex>>,
}

/// What a definition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The real election.
    Official,
    /// A rehearsal: generator, rehearsal keys and set clocks are allowed.
    Rehearsal,
}

/// Where a definition's figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// From stations, now.
    Live,
    /// Made by the generator: marked synthetic everywhere.
    Generated,
    /// Real figures of the past, signed by the importer.
    Recorded,
}

/// Where rehearsal keys come from (`docs/definition.md`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsalKeys {
    /// The seed that every rehearsal key derives from.
    pub key_seed: String,
    /// Whether one authority of role importer may sign for all stations.
    pub importer: bool,
}

/// An instant of the national clock for which stations report turnout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnoutSlot {
    /// Its id, e.g. `10-00`.
    pub id: SlotId,
    /// The instant.
    pub at: Instant,
}

impl Definition {
    /// The station of this id.
    #[must_use]
    pub fn station(&self, id: &StationId) -> Option<(StationIndex, &Station)> {
        let index = *self.index.stations.get(id)?;
        Some((index, self.stations.get(index.0 as usize)?))
    }

    /// The contest of this id.
    #[must_use]
    pub fn contest(&self, id: &ContestId) -> Option<(ContestIndex, &Contest)> {
        let index = *self.index.contests.get(id)?;
        Some((index, self.contests.get(usize::from(index.0))?))
    }

    /// The slot of this id.
    #[must_use]
    pub fn slot(&self, id: &SlotId) -> Option<(SlotIndex, &TurnoutSlot)> {
        let index = *self.index.slots.get(id)?;
        Some((index, self.slots.get(usize::from(index.0))?))
    }

    /// The authority of this id.
    #[must_use]
    pub fn authority(&self, id: &AuthorityId) -> Option<&Authority> {
        self.authorities.get(*self.index.authorities.get(id)?)
    }

    /// The key of this id as the frozen core has it, and its holder; amendments may add others.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<(&PublicKey, Holder)> {
        self.index.keys.get(id).map(|(key, holder)| (key, *holder))
    }

    /// The contests held at a station, in the definition's order.
    pub fn contests_of(&self, station: &Station) -> impl Iterator<Item = ContestIndex> {
        let district = station.district.and_then(|district| self.index.contests_by_district.get(&district));
        let region = self.index.contests_by_region.get(&station.region);
        let mut contests: Vec<ContestIndex> = self
            .index
            .contests_everywhere
            .iter()
            .chain(district.into_iter().flatten())
            .chain(region.into_iter().flatten())
            .copied()
            .collect();
        contests.sort_unstable();
        contests.into_iter()
    }

    /// True when the contest is held at the station.
    #[must_use]
    pub fn holds(&self, station: &Station, contest: &Contest) -> bool {
        match &contest.units {
            Units::All => true,
            Units::District(district) => station.district == Some(*district),
            Units::Regions(regions) => regions.contains(&station.region),
        }
    }

    /// The form of a contest's protocol at a station.
    #[must_use]
    pub fn form_of(&self, station: &Station, contest: &Contest) -> &Form {
        &self.forms[station.form.unwrap_or(contest.form)]
    }

    /// Stations of a shard, in ascending order.
    pub fn stations_of_shard(&self, shard: ShardId) -> impl Iterator<Item = (StationIndex, &Station)> {
        (0..).map(StationIndex).zip(&self.stations).filter(move |(_, station)| station.shard == shard)
    }
}
