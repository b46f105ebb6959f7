//! Who signs beside the stations: commissions, offices and services.

use super::{DistrictIndex, TerritoryIndex};
use crate::{
    ids::{AuthorityId, ServiceId, StationIndex},
    key::PublicKey,
    text::Text,
};
use std::fmt;

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

impl fmt::Display for ServiceRole {
    /// As `election.toml` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aggregator => "aggregator",
            Self::National => "national",
            Self::Gateway => "gateway",
        })
    }
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A station.
    Station(StationIndex),
    /// An authority, as a place in [`Definition::authorities`](super::Definition::authorities).
    Authority(u16),
    /// A service, as a place in [`Definition::services`](super::Definition::services).
    Service(u16),
}
