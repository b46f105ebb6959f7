//! What is voted on: contests and their options.

use super::{DistrictIndex, Method, RegionIndex};
use crate::{
    ids::{ContestId, OptionId},
    instant::Instant,
    text::Text,
};

/// A contest: one question on one ballot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// Its id.
    pub id: ContestId,
    /// Its name.
    pub name: Text,
    /// Where it is held.
    pub units: Units,
    /// The form of its protocol, as a place in [`Definition::forms`](super::Definition::forms).
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

impl Contest {
    /// True while the contest's vote figures may leave no service (design, section 4, *Embargo*).
    #[must_use]
    pub fn is_embargoed(&self, now: Instant) -> bool {
        now < self.embargo_until
    }
}
