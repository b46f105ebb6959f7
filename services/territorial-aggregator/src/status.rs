//! How far each owned shard has come, for the API.

use hattama_election::ids::ShardId;
use hattama_tally::{PositionPair, TallyBody};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// What is known of an owned shard.
#[derive(Debug, Clone)]
pub(crate) struct ShardStatus {
    pub(crate) position: PositionPair,
    pub(crate) end_offset: u64,
    pub(crate) tally: Option<Arc<TallyBody>>,
    pub(crate) frozen: Option<String>,
}

/// All owned shards; read by the API, written by the owners.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusBoard(Arc<RwLock<BTreeMap<ShardId, ShardStatus>>>);

impl StatusBoard {
    pub(crate) fn set(&self, shard: ShardId, status: ShardStatus) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(shard, status);
    }

    pub(crate) fn remove(&self, shard: ShardId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&shard);
    }

    pub(crate) fn get(&self, shard: ShardId) -> Option<ShardStatus> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&shard).cloned()
    }

    pub(crate) fn all(&self) -> BTreeMap<ShardId, ShardStatus> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
