//! Data that the log has acknowledged and has no more: the alarm, and the stop of sending (design, D7).
//!
//! Within a generation nothing is sent again to a partition that has lost records: new records would come to lie at positions
//! that tallies and receipts name already. An operator's new generation is filled from the journals instead. Receiving goes on.

use std::collections::BTreeMap;
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

    /// A partition has lost records. The first time it is an alarm; it stays so until the gateway starts again.
    pub(crate) fn report(&self, shard: ShardId, submissions: usize, what: &str) {
        let token = self.of(shard);
        if token.is_cancelled() {
            return;
        }
        tracing::error!(
            shard = shard.0,
            submissions,
            what,
            "the log has lost acknowledged submissions: nothing more is sent to this shard, receiving goes on; make a new \
             generation with `hattama generation new`, then start all services with it: it is filled from the journals"
        );
        token.cancel();
        let shards: Vec<u32> =
            self.tokens().iter().filter(|(_, token)| token.is_cancelled()).map(|(shard, _)| shard.0).collect();
        metrics::lost(submissions, shards.len());
        let reason = format!("the log has lost records of shards {shards:?}: make a new generation of it");
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
