//! Data that the log has acknowledged and has no more: the alarm, and the stop of sending (design, D7).
//!
//! Within a generation nothing is sent again to a partition that has lost records: new records would come to lie at positions
//! that tallies and receipts name already. An operator's new generation is filled from the journals instead. Receiving goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hattama_election::ids::ShardId;
use hattama_service_kit::readiness::Readiness;
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// The part of readiness that a loss holds.
const READY_PART: &str = "log";

/// Which partitions have lost records. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Losses {
    readiness: Readiness,
    lost: Arc<Mutex<BTreeMap<ShardId, CancellationToken>>>,
}

impl Losses {
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self { readiness, lost: Arc::default() }
    }

    /// Shards have lost records. The first time it is an alarm, one for all; it stays so until the gateway starts again.
    pub(crate) fn report(&self, shards: &BTreeSet<ShardId>, what: &str) {
        let new: Vec<u32> = shards.iter().filter(|shard| !self.is_lost(**shard)).map(|shard| shard.0).collect();
        if new.is_empty() {
            return;
        }
        tracing::error!(
            shards = ?new,
            what,
            "the log has lost acknowledged records: nothing more is sent to these shards, receiving goes on; keep the log as it \
             is, make a new generation with `hattama generation new`, then start all services with it: it is filled from the \
             journals"
        );
        shards.iter().for_each(|shard| self.of(*shard).cancel());
        let lost: Vec<u32> =
            self.tokens().iter().filter(|(_, token)| token.is_cancelled()).map(|(shard, _)| shard.0).collect();
        metrics::lost(lost.len());
        let reason = format!("the log has lost records of shards {lost:?}: make a new generation of it");
        self.readiness.hold(READY_PART, reason);
    }

    /// True when nothing may be sent to a shard any more.
    pub(crate) fn is_lost(&self, shard: ShardId) -> bool {
        self.of(shard).is_cancelled()
    }

    /// Cancelled when a shard has lost records.
    pub(crate) fn of(&self, shard: ShardId) -> CancellationToken {
        self.tokens().entry(shard).or_default().clone()
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<ShardId, CancellationToken>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
