//! What readers see: the newest publication, those before it, and how the shards stand. Readers never wait for a fold.

use crate::{metrics, nation::Snapshot, records::LoggedPublication};
use arc_swap::{ArcSwap, ArcSwapOption};
use hattama_election::{digest::PublicationDigest, ids::ShardId};
use hattama_tally::{PositionPair, VectorEntry};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::watch;

/// Publications whose merged nation is at hand at once (design, D15); older ones are folded again on request.
pub const MAX_SNAPSHOTS: usize = 1_000;
/// Publications whose vector is kept, so that a station can be shown as of them, and their figures folded again: a few a
/// second over a long night, about 140 MB with twenty-two shards.
pub const MAX_VECTORS: usize = 200_000;

/// What is kept of every publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    /// Its number.
    pub sequence: u64,
    /// Its digest.
    pub digest: PublicationDigest,
    /// Digest of the publication before.
    pub previous: Option<PublicationDigest>,
    /// When it was written, milliseconds since 1970 UTC.
    pub written_at_milliseconds: i64,
    /// Its vector.
    pub vector: Box<[VectorEntry]>,
    /// The control position that the nation itself stands at.
    pub control_next_offset: u64,
}

/// How the shards stand now, which no publication says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ShardStates {
    /// Shards that stand still, and why.
    pub frozen: BTreeMap<ShardId, String>,
    /// Up to where the replica's own fold has confirmed each shard.
    pub confirmed: BTreeMap<ShardId, PositionPair>,
}

/// What watchers wait for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Signal {
    /// The newest publication.
    pub newest: Option<Arc<Snapshot>>,
    /// How many embargoes have ended since the start: the same publication then says more.
    pub embargoes_ended: usize,
}

/// Everything that is published, as far as it is at hand.
#[derive(Debug)]
pub(crate) struct Archive {
    /// Publications whose figures are at hand.
    limit: usize,
    newest: ArcSwapOption<Snapshot>,
    snapshots: RwLock<BTreeMap<u64, Arc<Snapshot>>>,
    past: RwLock<BTreeMap<u64, Arc<Past>>>,
    states: ArcSwap<ShardStates>,
    signal: watch::Sender<Signal>,
}

/// Why a publication cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAtHand {
    /// There is none yet.
    #[error("nothing has been published yet: ask again later")]
    Nothing,
    /// No publication has this number.
    #[error("there is no publication {sequence} in this generation: the newest is {newest}")]
    Unknown {
        /// The number asked for.
        sequence: u64,
        /// The newest number.
        newest: u64,
    },
    /// It exists, but its figures are not at hand: they can be folded again while its vector is.
    #[error(
        "publication {sequence} is too old to be at hand here: ask for a newer one, or recount the log to its vector"
    )]
    Older {
        /// The number asked for.
        sequence: u64,
    },
}

impl From<NotAtHand> for tonic::Status {
    fn from(error: NotAtHand) -> Self {
        ::metrics::counter!(metrics::LATER_TOTAL).increment(1);
        match error {
            NotAtHand::Unknown { .. } => Self::not_found(error.to_string()),
            NotAtHand::Nothing | NotAtHand::Older { .. } => Self::unavailable(error.to_string()),
        }
    }
}

impl Past {
    pub(crate) fn new(publication: &LoggedPublication) -> Self {
        Self {
            sequence: publication.body.sequence,
            digest: publication.digest,
            previous: publication.body.previous,
            written_at_milliseconds: publication.written_at_milliseconds,
            vector: publication.body.vector.clone().into(),
            control_next_offset: publication.body.control_next_offset,
        }
    }

    /// Where a shard stands in it.
    pub(crate) fn position(&self, shard: ShardId) -> Option<PositionPair> {
        self.vector.iter().find(|entry| entry.shard == shard).map(|entry| entry.position)
    }
}

impl Archive {
    /// Nothing yet. The figures of the newest `limit` publications will be at hand.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            newest: ArcSwapOption::empty(),
            snapshots: RwLock::default(),
            past: RwLock::default(),
            states: ArcSwap::default(),
            signal: watch::Sender::default(),
        }
    }

    /// A valid publication was read; its figures may follow.
    pub(crate) fn remember(&self, publication: &LoggedPublication) {
        let mut past = self.past.write().unwrap_or_else(PoisonError::into_inner);
        past.insert(publication.body.sequence, Arc::new(Past::new(publication)));
        if past.len() > MAX_VECTORS {
            past.pop_first();
        }
    }

    /// From now on this publication is the newest.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        let sequence = snapshot.publication.body.sequence;
        {
            let mut snapshots = self.snapshots.write().unwrap_or_else(PoisonError::into_inner);
            snapshots.insert(sequence, Arc::clone(&snapshot));
            if snapshots.len() > self.limit {
                snapshots.pop_first();
            }
        }
        self.newest.store(Some(Arc::clone(&snapshot)));
        self.signal.send_modify(|signal| signal.newest = Some(snapshot));
    }

    /// From now on the shards stand like this.
    pub(crate) fn set_states(&self, states: ShardStates) {
        self.states.store(Arc::new(states));
    }

    /// How the shards stand.
    pub(crate) fn states(&self) -> Arc<ShardStates> {
        self.states.load_full()
    }

    /// An embargo has ended: whoever watches is told again.
    pub(crate) fn embargo_ended(&self) {
        self.signal.send_modify(|signal| signal.embargoes_ended += 1);
    }

    /// Changes with every publication shown and every embargo that ends.
    pub(crate) fn watch(&self) -> watch::Receiver<Signal> {
        self.signal.subscribe()
    }

    /// The publication of a number with all its figures; without a number the newest.
    pub(crate) fn snapshot(&self, sequence: Option<u64>) -> Result<Arc<Snapshot>, NotAtHand> {
        let newest = self.newest.load_full().ok_or(NotAtHand::Nothing)?;
        let Some(sequence) = sequence else { return Ok(newest) };
        let snapshots = self.snapshots.read().unwrap_or_else(PoisonError::into_inner);
        match snapshots.get(&sequence) {
            Some(snapshot) => Ok(Arc::clone(snapshot)),
            None => Err(self.not_at_hand(sequence, newest.publication.body.sequence)),
        }
    }

    /// The vector of the publication of a number; without a number that of the newest shown.
    pub(crate) fn past(&self, sequence: Option<u64>) -> Result<Arc<Past>, NotAtHand> {
        let newest = self.newest.load_full().ok_or(NotAtHand::Nothing)?.publication.body.sequence;
        let sequence = sequence.unwrap_or(newest);
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner).get(&sequence).cloned();
        past.filter(|_| sequence <= newest).ok_or_else(|| self.not_at_hand(sequence, newest))
    }

    /// Of these shards, how many does the replica's own fold confirm as of a vector?
    pub(crate) fn confirmed(&self, vector: &[VectorEntry], shards: &BTreeSet<ShardId>) -> usize {
        let states = self.states.load();
        let is_confirmed = |entry: &&VectorEntry| {
            states.confirmed.get(&entry.shard).is_some_and(|confirmed| confirmed.covers(&entry.position))
        };
        vector.iter().filter(|entry| shards.contains(&entry.shard)).filter(is_confirmed).count()
    }

    fn not_at_hand(&self, sequence: u64, newest: u64) -> NotAtHand {
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner);
        let before_all = past.len() < MAX_VECTORS && past.keys().next().is_none_or(|first| sequence < *first);
        if sequence > newest || before_all {
            return NotAtHand::Unknown { sequence, newest };
        }
        NotAtHand::Older { sequence }
    }
}
