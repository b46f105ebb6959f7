//! Where an election is held: regions, territories, districts, stations.

use crate::{
    ids::{DistrictId, RegionId, ShardId, StationId, TerritoryId},
    instant::Instant,
    key::PublicKey,
    text::Text,
};

/// A region's place in [`Definition::regions`](super::Definition::regions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIndex(pub u16);
/// A territory's place in [`Definition::territories`](super::Definition::territories).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TerritoryIndex(pub u16);
/// A district's place in [`Definition::districts`](super::Definition::districts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistrictIndex(pub u16);

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
    /// Its own form, as a place in [`Definition::forms`](super::Definition::forms); none means the contest's.
    pub form: Option<usize>,
    /// Voters on its list when the election starts.
    pub register: u32,
    /// When it closes.
    pub polls_close: Instant,
    /// Its key.
    pub key: PublicKey,
}
