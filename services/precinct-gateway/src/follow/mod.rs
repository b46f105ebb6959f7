//! Following the log: control for keys, each shard for positions and outcomes, the nation for publications.
//!
//! A log that cannot be read is waited for: the gateway goes on receiving. A log that is another election's or generation's
//! is an error at once.

pub(crate) mod control;
pub(crate) mod publications;
pub(crate) mod shard;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hattama_election::definition::Definition;
use hattama_election_log::{FirstRecord, GenesisError, first_record};
use hattama_record_log::topics::TopicSet;
use hattama_record_log::{LogError, Reader, Record, RecordLog, TopicName};
use hattama_tally::Generation;
use tokio::sync::Notify;

use crate::limits::{FIRST_PAUSE, LONGEST_PAUSE, MAX_READ_RECORDS};
use crate::metrics;

/// Which log is followed, and of which election.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) definition: Arc<Definition>,
    pub(crate) generation: Generation,
    pub(crate) log: RecordLog,
    pub(crate) topics: TopicSet,
    /// Told when the log begins to fail its readers: what comes back may have lost something.
    pub(crate) outage: Arc<Notify>,
    /// Up to where each partition was read: so much it must have from then on.
    pub(crate) seen: Seen,
}

/// Topic and partition.
pub(crate) type Place = (TopicName, u32);

/// Up to where partitions were read. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<Place, u64>>>);

impl Seen {
    /// By topic and partition, the offset behind the last record that was read.
    pub(crate) fn ends(&self) -> BTreeMap<Place, u64> {
        self.lock().clone()
    }

    pub(crate) fn note(&self, topic: &TopicName, partition: u32, end: u64) {
        self.lock().insert((topic.clone(), partition), end);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log is not this gateway's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongLog {
    /// A partition begins with another log's genesis.
    #[error("{0}; check --definition, --generation and the log's address")]
    Genesis(GenesisError),
    /// The topic was made for another number of shards.
    #[error("topic `{topic}` has {found} partition(s) and the definition {shards} shard(s); check --definition")]
    Shards {
        /// The topic.
        topic: TopicName,
        /// Its partitions.
        found: u32,
        /// The definition's shards.
        shards: u32,
    },
}

/// Why a genesis could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error(transparent)]
    Wrong(#[from] WrongLog),
    #[error("the log cannot be read: {0}")]
    Unavailable(#[from] LogError),
    /// Not there yet.
    #[error(transparent)]
    NotYet(GenesisError),
}

impl Source {
    /// The first record of a partition.
    pub(crate) async fn genesis(&self, topic: &TopicName, partition: u32) -> Result<FirstRecord, Unread> {
        first_record(&self.log, &self.definition, self.generation, topic, partition).await.map_err(
            |error| match error {
                GenesisError::Foreign { .. } => Unread::Wrong(WrongLog::Genesis(error)),
                GenesisError::Missing { .. } | GenesisError::Log { .. } => Unread::NotYet(error),
            },
        )
    }

    /// The same, waiting for the log.
    ///
    /// # Errors
    /// It is another election's.
    pub(crate) async fn genesis_patiently(&self, topic: &TopicName, partition: u32) -> Result<FirstRecord, WrongLog> {
        let mut pause = Pause::new();
        loop {
            match self.genesis(topic, partition).await {
                Ok(genesis) => return Ok(genesis),
                Err(Unread::Wrong(wrong)) => return Err(wrong),
                Err(error) => pause.after_failed_read(topic, partition, &error).await,
            }
        }
    }

    /// Refuses a log that is certainly not this gateway's.
    ///
    /// # Errors
    /// It is another election's, or cannot be read now.
    pub(crate) async fn check(&self) -> Result<(), Unread> {
        let topic = &self.topics.submissions;
        let found = self.log.partitions(topic).await?;
        if found != self.definition.shards {
            return Err(WrongLog::Shards { topic: topic.clone(), found, shards: self.definition.shards }.into());
        }
        self.genesis(topic, 0).await.map(|_| ())
    }

    /// A reader of a partition from behind its genesis.
    pub(crate) fn reader(&self, topic: &TopicName, partition: u32) -> PatientReader {
        PatientReader {
            reader: self.log.reader(topic, partition, 1),
            topic: topic.clone(),
            partition,
            pause: Pause::new(),
            outage: Arc::clone(&self.outage),
            seen: self.seen.clone(),
        }
    }

    /// The end of a partition, waiting for the log.
    pub(crate) async fn end_patiently(&self, topic: &TopicName, partition: u32) -> u64 {
        let mut pause = Pause::new();
        loop {
            match self.log.end(topic, partition).await {
                Ok(end) => return end,
                Err(error) => pause.after_failed_read(topic, partition, &error).await,
            }
        }
    }
}

/// A reader that tries again when the log fails.
#[derive(Debug)]
pub(crate) struct PatientReader {
    reader: Reader,
    topic: TopicName,
    partition: u32,
    pause: Pause,
    outage: Arc<Notify>,
    seen: Seen,
}

impl PatientReader {
    /// Where it reads next.
    pub(crate) fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The next records, at least one. Cancel-safe.
    pub(crate) async fn next_batch(&mut self) -> Vec<Record> {
        loop {
            match self.reader.next_batch(MAX_READ_RECORDS).await {
                Ok(batch) => {
                    self.pause = Pause::new();
                    self.seen.note(&self.topic, self.partition, self.reader.position());
                    return batch;
                }
                Err(error) => {
                    self.outage.notify_one();
                    self.pause.after_failed_read(&self.topic, self.partition, &error).await;
                }
            }
        }
    }
}

/// The pause between two tries: doubles from try to try, up to a limit.
#[derive(Debug)]
pub(crate) struct Pause {
    next: Duration,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// Waits before the next try.
    pub(crate) async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }

    async fn after_failed_read(&mut self, topic: &TopicName, partition: u32, error: &(dyn std::error::Error + Sync)) {
        metrics::read_failed();
        // Once for each outage, not for each try.
        if self.next == FIRST_PAUSE {
            tracing::warn!(%topic, partition, %error, "the log cannot be read; receiving goes on, reading is tried again");
        }
        self.wait().await;
    }
}
