//! What amendments in force give up as lost, by generation of the log (design, D7). No figure comes from it.

use crate::{offsets::OffsetSet, position::Generation};
use hattama_election::{
    amendment::RecordRange,
    ids::{AuthorityId, ShardId},
};
use std::collections::{BTreeMap, BTreeSet};

/// Records of one earlier generation that will not come again, by the amendments in force: the union of what they list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostRecords {
    by_shard: BTreeMap<ShardId, OffsetSet>,
    amendments: BTreeSet<u32>,
    authors: BTreeSet<AuthorityId>,
}

/// By generation.
pub(super) type LostByGeneration = BTreeMap<Generation, LostRecords>;

impl LostRecords {
    /// How many records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_shard.values().map(OffsetSet::count).fold(0, u64::saturating_add)
    }

    /// The offsets of a shard.
    #[must_use]
    pub fn of(&self, shard: ShardId) -> &OffsetSet {
        self.by_shard.get(&shard).unwrap_or(OffsetSet::EMPTY)
    }

    /// The numbers of the amendments that list them, ascending.
    pub fn amendments(&self) -> impl Iterator<Item = u32> {
        self.amendments.iter().copied()
    }

    /// Who signed these, ascending.
    pub fn authors(&self) -> impl Iterator<Item = &AuthorityId> {
        self.authors.iter()
    }

    /// One more amendment lists these.
    pub(super) fn add(&mut self, amendment: u32, author: &AuthorityId, ranges: &[RecordRange]) {
        for range in ranges {
            self.by_shard.entry(range.shard).or_default().insert(range.first..=range.last);
        }
        self.amendments.insert(amendment);
        self.authors.insert(author.clone());
    }
}
