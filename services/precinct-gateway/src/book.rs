//! The book: what is known of each submission in the journal, and which of them the log still lacks (the outbox).
//!
//! It is as large as the journal has submissions; the submissions' bytes stay on disk.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hattama_election::digest::{ContentDigest, RecordDigest, SubmissionDigest, sha256};
use hattama_election::ids::ShardId;
use hattama_election::rules::RuleCode;
use hattama_tally::{Outcome, PositionPair};
use tokio::sync::{Notify, watch};

use crate::journal::{Kept, Loaded};

/// What is known of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) digest: SubmissionDigest,
    pub(crate) content: ContentDigest,
    pub(crate) shard: ShardId,
    pub(crate) received_at_milliseconds: i64,
    /// Its offset in its shard's partition, once it is logged.
    pub(crate) offset: Option<u64>,
    pub(crate) standing: Option<Standing>,
    /// The first publication known to cover its position while it was counted.
    pub(crate) counted_in: Option<u64>,
}

/// What a submission stands as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) outcome: Outcome,
    pub(crate) rules: Vec<RuleCode>,
    pub(crate) at: PositionPair,
    pub(crate) duplicate_of: Option<SubmissionDigest>,
}

/// A record that the log has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) offset: u64,
    pub(crate) record: RecordDigest,
}

/// All submissions of this gateway, by digest.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Mutex<HashMap<SubmissionDigest, Entry>>,
    outbox: Vec<Queue>,
    outstanding: Arc<AtomicUsize>,
    outbox_limit: usize,
}

#[derive(Debug)]
struct Entry {
    record: RecordDigest,
    content: ContentDigest,
    shard: ShardId,
    received_at_milliseconds: i64,
    offset: Option<u64>,
    standing: Option<Box<Standing>>,
    counted_in: Option<u64>,
    /// Made when somebody asks, gone when nobody listens any more.
    watchers: Option<watch::Sender<()>>,
}

/// What one shard's partition still lacks, in the order of arrival.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<VecDeque<Unsent>>,
    /// Since when the oldest of those that were taken last waits; none when nothing was left to take.
    sending_since: Mutex<Option<Instant>>,
    grown: Notify,
}

/// A submission that is to be appended. Dropping it frees its place in the outbox.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) digest: SubmissionDigest,
    pub(crate) since: Instant,
    _reservation: Reservation,
}

/// A place in the outbox, free again when dropped.
#[derive(Debug)]
pub(crate) struct Reservation(Arc<AtomicUsize>);

/// The outbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutboxFull;

impl Book {
    /// An empty book for so many shards.
    pub(crate) fn new(shards: u32, outbox_limit: usize) -> Self {
        Self {
            entries: Mutex::default(),
            outbox: (0..shards).map(|_| Queue::default()).collect(),
            outstanding: Arc::default(),
            outbox_limit,
        }
    }

    /// Enters what the journal holds; what it does not know to be logged goes to the outbox.
    pub(crate) fn load(&self, loaded: Vec<Loaded>) {
        for entry in loaded {
            let digest = entry.digest;
            let unsent = entry.offset.is_none();
            let shard = entry.shard;
            self.entries().insert(digest, Entry::from(entry));
            if unsent {
                self.queue(shard, digest, self.reserve_beyond_the_limit());
            }
        }
    }

    /// A place in the outbox for a new submission.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn reserve(&self) -> Result<Reservation, OutboxFull> {
        let more = |outstanding| (outstanding < self.outbox_limit).then_some(outstanding + 1);
        match self.outstanding.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(Reservation(Arc::clone(&self.outstanding))),
            Err(_) => Err(OutboxFull),
        }
    }

    pub(crate) fn holds(&self, digest: &SubmissionDigest) -> bool {
        self.entries().contains_key(digest)
    }

    /// True when exactly this record is kept: the same signed bytes with the same signature.
    pub(crate) fn holds_record(&self, digest: &SubmissionDigest, value: &[u8]) -> bool {
        let held = self.entries().get(digest).map(|entry| entry.record);
        held.is_some_and(|record| record == RecordDigest(sha256(value)))
    }

    /// True when exactly this record is kept for this shard. A copy that somebody wrote into another shard is refused
    /// there; it must not pass for the one that its own shard lacks.
    pub(crate) fn holds_record_of(&self, shard: ShardId, digest: &SubmissionDigest, value: &[u8]) -> bool {
        let is_of_shard = self.entries().get(digest).is_some_and(|entry| entry.shard == shard);
        is_of_shard && self.holds_record(digest, value)
    }

    /// Enters a submission that the journal has committed, and puts it into the outbox.
    pub(crate) fn add(&self, kept: &Kept, reservation: Reservation) {
        let loaded = Loaded {
            digest: kept.digest,
            record: RecordDigest(sha256(&kept.value)),
            content: kept.content,
            shard: kept.shard,
            received_at_milliseconds: kept.received_at_milliseconds,
            offset: None,
            counted_in: None,
        };
        self.entries().insert(kept.digest, Entry::from(loaded));
        self.queue(kept.shard, kept.digest, reservation);
    }

    pub(crate) fn receipt(&self, digest: &SubmissionDigest) -> Option<Receipt> {
        self.entries().get(digest).map(|entry| entry.receipt(*digest))
    }

    /// Wakes at each later change of the receipt; none when the submission is not kept here.
    pub(crate) fn subscribe(&self, digest: &SubmissionDigest) -> Option<watch::Receiver<()>> {
        let mut entries = self.entries();
        let entry = entries.get_mut(digest)?;
        Some(entry.watchers.get_or_insert_with(|| watch::Sender::new(())).subscribe())
    }

    /// The submission lies at this offset; the lowest one that is known stands. True when that is news.
    pub(crate) fn located(&self, digest: &SubmissionDigest, offset: u64) -> bool {
        self.change(digest, |entry| {
            let news = entry.offset.is_none_or(|known| offset < known);
            if news {
                entry.offset = Some(offset);
            }
            news
        })
    }

    pub(crate) fn stands(&self, digest: &SubmissionDigest, standing: Standing) {
        self.change(digest, |entry| {
            let standing = Some(Box::new(standing));
            let news = entry.standing != standing;
            entry.standing = standing;
            news
        });
    }

    /// A publication counted it; the first that is known stands. True when that is news.
    pub(crate) fn counted_in(&self, digest: &SubmissionDigest, sequence: u64) -> bool {
        self.change(digest, |entry| {
            let news = entry.counted_in.is_none();
            entry.counted_in.get_or_insert(sequence);
            news
        })
    }

    /// Of each shard, the submission that lies last in its partition: what the partition must have at least.
    pub(crate) fn last_located(&self) -> BTreeMap<ShardId, Claim> {
        let mut claims = BTreeMap::<ShardId, Claim>::new();
        for entry in self.entries().values() {
            let Some(offset) = entry.offset else { continue };
            if claims.get(&entry.shard).is_none_or(|claim| claim.offset < offset) {
                claims.insert(entry.shard, Claim { offset, record: entry.record });
            }
        }
        claims
    }

    /// Submissions of a shard that are said to lie in the log.
    pub(crate) fn logged_of_shard(&self, shard: ShardId) -> Vec<SubmissionDigest> {
        let entries = self.entries();
        let logged = entries.iter().filter(|(_, entry)| entry.shard == shard && entry.offset.is_some());
        logged.map(|(digest, _)| *digest).collect()
    }

    /// The next submissions that a shard's partition lacks, at most `limit`; waits for the first. Cancel-safe.
    pub(crate) async fn next_unsent(&self, shard: ShardId, limit: usize) -> Vec<Unsent> {
        loop {
            let Some(queue) = self.shard(shard) else { return std::future::pending().await };
            let grown = queue.grown.notified();
            let taken = self.unsent_now(shard, limit);
            if !taken.is_empty() {
                return taken;
            }
            grown.await;
        }
    }

    /// The same without waiting. What was logged meanwhile is left out.
    pub(crate) fn unsent_now(&self, shard: ShardId, limit: usize) -> Vec<Unsent> {
        let Some(queue) = self.shard(shard) else { return Vec::new() };
        let mut taken = Vec::new();
        while taken.len() < limit {
            let Some(unsent) = lock(&queue.waiting).pop_front() else { break };
            let is_logged = self.entries().get(&unsent.digest).is_some_and(|entry| entry.offset.is_some());
            if !is_logged {
                taken.push(unsent);
            }
        }
        *lock(&queue.sending_since) = taken.first().map(|unsent| unsent.since);
        taken
    }

    /// Submissions that the log lacks, those whose journalling is under way included.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    /// How long the oldest submission waits in the outbox; zero when it is empty.
    pub(crate) fn oldest_unsent_age(&self) -> Duration {
        let waiting = |queue: &Queue| lock(&queue.waiting).front().map(|unsent| unsent.since);
        let oldest = self.outbox.iter().filter_map(|queue| lock(&queue.sending_since).or_else(|| waiting(queue)));
        oldest.min().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How many submissions are kept.
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    fn queue(&self, shard: ShardId, digest: SubmissionDigest, reservation: Reservation) {
        // Every shard has a queue: a submission's shard comes from the definition that the queues were made for.
        if let Some(queue) = self.shard(shard) {
            let unsent = Unsent { digest, since: Instant::now(), _reservation: reservation };
            lock(&queue.waiting).push_back(unsent);
            queue.grown.notify_one();
        }
    }

    /// For what is in the journal already: it must be sent, whatever the limit says.
    fn reserve_beyond_the_limit(&self) -> Reservation {
        self.outstanding.fetch_add(1, Ordering::AcqRel);
        Reservation(Arc::clone(&self.outstanding))
    }

    fn shard(&self, shard: ShardId) -> Option<&Queue> {
        self.outbox.get(usize::try_from(shard.0).ok()?)
    }

    fn change(&self, digest: &SubmissionDigest, change: impl FnOnce(&mut Entry) -> bool) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(digest) else { return false };
        let news = change(entry);
        if news {
            entry.tell();
        }
        news
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SubmissionDigest, Entry>> {
        lock(&self.entries)
    }
}

impl Entry {
    fn receipt(&self, digest: SubmissionDigest) -> Receipt {
        Receipt {
            digest,
            content: self.content,
            shard: self.shard,
            received_at_milliseconds: self.received_at_milliseconds,
            offset: self.offset,
            standing: self.standing.as_deref().cloned(),
            counted_in: self.counted_in,
        }
    }

    fn tell(&mut self) {
        if let Some(watchers) = self.watchers.take_if(|watchers| watchers.send(()).is_err()) {
            // Nobody listens any more.
            drop(watchers);
        }
    }
}

impl From<Loaded> for Entry {
    fn from(loaded: Loaded) -> Self {
        Self {
            record: loaded.record,
            content: loaded.content,
            shard: loaded.shard,
            received_at_milliseconds: loaded.received_at_milliseconds,
            offset: loaded.offset,
            standing: None,
            counted_in: loaded.counted_in,
            watchers: None,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a panic left behind under the lock is whole: every change is one assignment or one push.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
