//! The log on an Apache Kafka cluster: durable on several machines, for many processes.
//!
//! A record is acknowledged when all replicas in sync have it. Positions are Kafka's offsets: the
//! writers use no transactions and nothing is compacted, so that they have no gaps; one that is
//! found is an error. Nothing is ever committed and no group is joined to read. Settings and the
//! reasons for them: `docs/kafka.md`.

mod context;
mod cursor;
mod followers;
mod incoming;
mod membership;
pub mod metrics;
pub mod preset;
mod queries;
mod reads;
mod settings;
mod topics;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use self::context::Complaint;
pub(crate) use self::cursor::Cursor;
use self::followers::Followers;
pub use self::membership::{LetGo, Membership, MembershipEvent, MembershipSettings};
use self::queries::Queries;
use self::reads::{Range, Reads};
pub use self::settings::{
    DEFAULT_MESSAGE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, DEFAULT_STATISTICS_INTERVAL, KafkaSecurity, KafkaSettings,
    READERS_GROUP,
};
pub use self::topics::{TopicsReport, apply, check};
pub use self::writer::MAX_IN_FLIGHT_BYTES;
use self::writer::Writer;
use crate::catalogue::Stop;
use crate::{Created, LogError, NewRecord, ReadLimit, Record, TopicName};

/// A log on a Kafka cluster. Clones are handles of the same connections; when the last one is
/// dropped, what is queued is sent in the background: close it to be sure.
#[derive(Clone)]
pub struct KafkaLog(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    queries: Queries,
    /// `None` if the log is only read.
    writer: Option<Writer>,
    reads: Reads,
    followers: Followers,
    /// One look at an end and the write after it at a time, of this process.
    if_empty: Mutex<()>,
    closed: AtomicBool,
}

/// How often a reader beyond the end of its partition looks whether the log got there.
const BEYOND_THE_END_PAUSE: Duration = Duration::from_millis(100);

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("KafkaLog").field(&self.0.settings).finish()
    }
}

impl KafkaLog {
    pub(crate) async fn connect(settings: KafkaSettings) -> Result<Self, LogError> {
        let log = Self::open(settings).await?;
        // So that a wrong address or password shows now, not at the first record.
        log.0.queries.list().await?;
        Ok(log)
    }

    pub(crate) async fn open(settings: KafkaSettings) -> Result<Self, LogError> {
        metrics::describe();
        blocking(move || Self::start(settings)).await
    }

    fn start(settings: KafkaSettings) -> Result<Self, LogError> {
        let complaint = Complaint::default();
        let writer = if settings.read_only { None } else { Some(Writer::new(&settings, &complaint)?) };
        Ok(Self(Arc::new(Shared {
            queries: Queries::new(&settings, &complaint)?,
            writer,
            reads: Reads::new(&settings, &complaint),
            followers: Followers::new(&settings, &complaint),
            if_empty: Mutex::new(()),
            closed: AtomicBool::new(false),
            settings,
        })))
    }

    fn queries(&self) -> &Queries {
        &self.0.queries
    }

    pub(crate) async fn create_topic(&self, topic: &TopicName, partitions: u32) -> Result<Created, LogError> {
        topics::create(&self.0.settings, &self.0.queries, topic, partitions).await
    }

    pub(crate) async fn topics(&self) -> Result<BTreeMap<TopicName, u32>, LogError> {
        let listed = self.0.queries.list().await?;
        Ok(listed.into_iter().map(|(name, topic)| (name, topic.partitions)).collect())
    }

    pub(crate) async fn partitions(&self, topic: &TopicName) -> Result<u32, LogError> {
        Ok(self.0.queries.topic_with(topic, 0).await?.partitions())
    }

    pub(crate) async fn append_all(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
    ) -> Result<Vec<u64>, LogError> {
        self.0.queries.topic_with(topic, partition).await?;
        let Some(writer) = &self.0.writer else {
            let action = format!("an append to partition {partition} of `{topic}`");
            return Err(LogError::Refused { action, reason: "the log was opened only to be read".to_owned() });
        };
        writer.append_all(topic, partition, records).await
    }

    /// Check and write are one step for this process alone. If another one came between, the record
    /// lies behind the first one, and the answer is that the outcome is unknown.
    pub(crate) async fn append_if_empty(
        &self,
        topic: &TopicName,
        partition: u32,
        record: NewRecord,
    ) -> Result<Option<u64>, LogError> {
        let _one_at_a_time = self.0.if_empty.lock().await;
        if self.end(topic, partition).await? > 0 {
            return Ok(None);
        }
        match self.append_all(topic, partition, vec![record]).await?.first() {
            Some(0) => Ok(Some(0)),
            other => {
                let reason =
                    format!("another process wrote first, this record lies at {other:?} where nobody looks for it");
                Err(LogError::unknown_append(topic, partition, reason))
            }
        }
    }

    pub(crate) async fn end(&self, topic: &TopicName, partition: u32) -> Result<u64, LogError> {
        self.0.queries.end(topic, partition).await
    }

    pub(crate) async fn bounds(&self, topic: &TopicName, partition: u32) -> Result<std::ops::Range<u64>, LogError> {
        self.0.queries.bounds(topic, partition).await
    }

    pub(crate) async fn cluster_id(&self) -> Result<Option<String>, LogError> {
        self.0.queries.cluster_id().await
    }

    pub(crate) async fn read(
        &self,
        topic: &TopicName,
        partition: u32,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        let end = self.end(topic, partition).await?;
        if from >= end {
            return Ok(Vec::new());
        }
        self.0.reads.read(Range { topic: topic.clone(), partition, from, end, limit }).await
    }

    /// Waits for records at a position. `cursor` is kept from call to call; dropping the future loses nothing.
    pub(crate) async fn follow(
        &self,
        cursor: &mut Option<Arc<Cursor>>,
        place: (&TopicName, u32, u64),
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        loop {
            let open = self.cursor(cursor, place).await?;
            open.wait().await;
            if let Some(batch) = self.take(cursor, &open, limit)? {
                return Ok(batch);
            }
        }
    }

    /// What is there now at a position, possibly nothing. As [`Self::follow`].
    pub(crate) async fn follow_now(
        &self,
        cursor: &mut Option<Arc<Cursor>>,
        place: (&TopicName, u32, u64),
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        let end = self.end(place.0, place.1).await?;
        if place.2 >= end {
            return Ok(Vec::new());
        }
        let open = self.cursor(cursor, place).await?;
        let waited = tokio::time::timeout(self.0.settings.request_timeout, open.wait_for(end, limit)).await;
        if waited.is_err() {
            let action = format!("a read of partition {} of `{}` at {}", place.1, place.0, place.2);
            return Err(LogError::Unreachable { action, reason: "no answer in time".to_owned() });
        }
        Ok(self.take(cursor, &open, limit)?.unwrap_or_default())
    }

    /// The reader's cursor, opened if it has none.
    async fn cursor(
        &self,
        cursor: &mut Option<Arc<Cursor>>,
        (topic, partition, position): (&TopicName, u32, u64),
    ) -> Result<Arc<Cursor>, LogError> {
        if let Some(open) = cursor {
            return Ok(Arc::clone(open));
        }
        // The brokers call it an error to fetch beyond the end.
        while self.end(topic, partition).await? < position {
            tokio::time::sleep(BEYOND_THE_END_PAUSE).await;
        }
        let open = Arc::new(Cursor::new(topic.clone(), partition, position));
        let (followers, new) = (self.0.followers.clone(), Arc::clone(&open));
        blocking(move || followers.follow(&new)).await?;
        *cursor = Some(Arc::clone(&open));
        Ok(open)
    }

    /// A cursor that failed is given up: the next call opens another at the reader's position.
    fn take(
        &self,
        cursor: &mut Option<Arc<Cursor>>,
        open: &Cursor,
        limit: ReadLimit,
    ) -> Result<Option<Vec<Record>>, LogError> {
        let taken = open.take(limit);
        if taken.is_err() {
            *cursor = None;
        }
        taken
    }

    pub(crate) async fn close(self) -> Result<(), LogError> {
        blocking(move || {
            let closed = self.0.close();
            // Here, where it may block, should this be the last handle.
            drop(self);
            closed
        })
        .await
    }
}

impl Shared {
    /// Sends what is queued and ends all clients; waits for both.
    fn close(&self) -> Result<(), LogError> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let flushed = self.writer.as_ref().is_none_or(Writer::close);
        self.queries.catalogue().stop(Stop::Closed);
        self.followers.close();
        self.reads.close();
        if flushed {
            return Ok(());
        }
        let reason = "it was closed while records waited for their acknowledgement: their outcome is unknown";
        Err(LogError::Stopped { reason: reason.to_owned() })
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        // Ending the clients takes a while: not on the thread that drops, which may be the runtime's.
        if Arc::strong_count(&self.0) == 1 && !self.0.closed.load(Ordering::Acquire) {
            let shared = Arc::clone(&self.0);
            let close = move || {
                if let Err(error) = shared.close() {
                    tracing::warn!(%error, "the log was dropped, not closed");
                }
            };
            if let Err(error) = std::thread::Builder::new().name("record-log-close".to_owned()).spawn(close) {
                tracing::warn!(%error, "the log was dropped and could not be closed in order");
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Closed already, but when two handles were dropped at the same instant.
        let _ = self.close();
    }
}

/// Kafka's numbers of partitions are signed; a topic has at most [`crate::MAX_PARTITIONS`].
fn partition_id(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// Kafka's offsets are signed.
fn offset_id(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// Runs what blocks on a thread where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(LogError::Stopped { reason: format!("the work was broken off: {error}") }))
}
