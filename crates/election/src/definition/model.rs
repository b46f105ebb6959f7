//! A loaded definition: everything resolved to indexes, everything checked. Only the loader makes one.

use crate::{
    digest::CoreDigest,
    form::{Certainty, Form},
    ids::{
        AuthorityId, ContestId, ContestIndex, DistrictId, ElectionId, OptionId, RegionId, ServiceId, ShardId, SlotId,
        SlotIndex, StationId, StationIndex, TerritoryId,
    },
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{RuleCode, Severity},
    text::Text,
};
use std::collections::{BTreeMap, HashMap};

/// A region's place in [`Definition::regions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIndex(pub u16);
/// A territory's place in [`Definition::territories`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TerritoryIndex(pub u16);
/// A district's place in [`Definition::districts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistrictIndex(pub u16);

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

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its id.
    pub id: RegionId,
    /// Its name.
    pub name: Text,
    /// ISO 3166-2 code, when it has one.
    pub iso: Option<String>,
    /// Its clock's distance from UTC.
    pub utc_offset_minutes: i32,
    /// When its stations close, unless a station says otherwise.
    pub polls_close: Instant,
}

/// The area of a rayon or city commission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    /// Its id.
    pub id: TerritoryId,
    /// The region that it lies in.
    pub region: RegionIndex,
    /// Its name.
    pub name: Text,
}

/// A single-mandate district.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct District {
    /// Its id.
    pub id: DistrictId,
    /// The region that it lies in.
    pub region: RegionIndex,
    /// Its name.
    pub name: Text,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Its id.
    pub id: StationId,
    /// Its region.
    pub region: RegionIndex,
    /// Its territory.
    pub territory: TerritoryIndex,
    /// Its district; none abroad.
    pub district: Option<DistrictIndex>,
    /// The shard that its submissions go to.
    pub shard: ShardId,
    /// Its own form, as a place in [`Definition::forms`]; none means the contest's.
    pub form: Option<usize>,
    /// Voters on its list when the election starts.
    pub register: u32,
    /// When it closes.
    pub polls_close: Instant,
    /// Its key.
    pub key: PublicKey,
}

/// A contest: one question on one ballot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// Its id.
    pub id: ContestId,
    /// Its name.
    pub name: Text,
    /// Where it is held.
    pub units: Units,
    /// The form of its protocol, as a place in [`Definition::forms`].
    pub form: usize,
    /// Whether its ballot has an "against all" line.
    pub against_all: bool,
    /// Vote figures leave no service before this instant.
    pub embargo_until: Instant,
    /// Options in ballot order.
    pub options: Vec<ContestOption>,
    /// How votes become seats.
    pub method: Method,
}

/// Where a contest is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// At every station.
    All,
    /// At the stations of one district.
    District(DistrictIndex),
    /// At the stations of these regions.
    Regions(Vec<RegionIndex>),
}

/// A list, an independent or a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestOption {
    /// Its id.
    pub id: OptionId,
    /// Its name.
    pub name: Text,
    /// What it is.
    pub kind: OptionKind,
}

/// What an option is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// A closed list.
    List,
    /// An independent in a list contest.
    Independent,
    /// A candidate in a district, and who nominated it.
    Candidate {
        /// As on the ballot; empty for a self-nominated one.
        nominated_by: String,
    },
}

/// A legal rule's source and how sure we are of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalSource {
    /// The article, or who says so.
    pub article: String,
    /// How sure we are.
    pub certainty: Certainty,
}

/// How votes become seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Seats are allocated to lists.
    List(ListMethod),
    /// The option with the most votes wins the one seat.
    Plurality {
        /// What happens when against all is ahead of every candidate.
        against_all_ahead: AgainstAllAhead,
        /// The law.
        source: LegalSource,
    },
}

/// How a list contest allocates its seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMethod {
    /// Seats to allocate.
    pub seats: u32,
    /// The rule.
    pub allocation: ListAllocationRule,
    /// Its law.
    pub source: LegalSource,
    /// The line to pass; none means no threshold.
    pub threshold: Option<Threshold>,
    /// When one list alone passes, the runner-up gets at least this many seats.
    pub sole_list_runner_up_minimum: Option<u32>,
    /// Independents are elected with valid votes / seats, one seat each.
    pub independents_by_quota: bool,
}

/// The rule of a list allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListAllocationRule {
    /// Hare quota with largest remainder.
    HareLargestRemainder,
    /// D'Hondt's highest averages.
    DHondt,
}

/// A threshold as a fraction of a named denominator; exactly on the line passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// Numerator, e.g. 5.
    pub numerator: u32,
    /// Denominator, e.g. 100.
    pub denominator: u32,
    /// Of which number of votes.
    pub of: VoteBase,
    /// The law.
    pub source: LegalSource,
}

/// A number of votes that percentages and thresholds may be taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteBase {
    /// Votes for all options and against all.
    ValidWithAgainstAll,
    /// Votes for all options.
    ValidWithoutAgainstAll,
    /// Ballots found in the boxes.
    TookPart,
}

/// What happens when against all is ahead of every candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgainstAllAhead {
    /// The seat stays open until a commission decides.
    SeatOpen,
    /// The candidate with the most votes wins all the same.
    Ignored,
}

/// A commission or office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its id: `tec-…`, `dec-…` or as in `election.toml`.
    pub id: AuthorityId,
    /// What it may do.
    pub role: AuthorityRole,
    /// Its key.
    pub key: PublicKey,
    /// Its name.
    pub name: Text,
}

/// What an authority is; a higher one's decision holds over a lower one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthorityRole {
    /// Signs recorded protocols for all stations; in recorded rehearsals only.
    Importer,
    /// Amends; decides nothing.
    Operator,
    /// The commission of a territory: decides on list contests (every contest not of a district) at its stations.
    Territorial(TerritoryIndex),
    /// The commission of a district: decides on that district's contests at its stations.
    District(DistrictIndex),
    /// The central commission: decides on everything, amends, resolves ties.
    Central,
}

/// A service whose signatures are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// What it signs.
    pub role: ServiceRole,
    /// Its key.
    pub key: PublicKey,
}

/// What a service signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRole {
    /// Outcomes and tallies.
    Aggregator,
    /// Publications.
    National,
    /// Probes.
    Gateway,
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A station.
    Station(StationIndex),
    /// An authority, as a place in [`Definition::authorities`].
    Authority(u16),
    /// A service, as a place in [`Definition::services`].
    Service(u16),
}

impl Contest {
    /// True while the contest's vote figures may leave no service (design, section 4, *Embargo*).
    #[must_use]
    pub fn is_embargoed(&self, now: Instant) -> bool {
        now < self.embargo_until
    }
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
