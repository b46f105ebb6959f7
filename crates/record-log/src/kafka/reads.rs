//! Reading a range that is known to be there, at any place: a few consumers, one read each at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::Semaphore;

use super::context::{Complaint, Context};
use super::incoming::{Sequence, gap, record, removed, sequence};
use super::queries::{cannot_start, is_forbidden};
use super::{blocking, offset_id, partition_id};
use crate::catalogue::Stop;
use crate::{KafkaSettings, LogError, ReadLimit, Record, TopicName};

/// Reads at the same time; each has a consumer with its threads and connections. More wait.
const MAX_READS: usize = 4;

/// How long a poll waits, and so how late a closed log is noticed.
const POLL: Duration = Duration::from_millis(50);

/// How long the question for a topic's leaders may take.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads at any place. Clones share the consumers.
#[derive(Clone)]
pub(super) struct Reads(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    complaint: Complaint,
    permits: Semaphore,
    idle: Mutex<Vec<Slot>>,
}

/// A consumer, and the topics that it knows the leaders of.
struct Slot {
    consumer: BaseConsumer<Context>,
    topics: BTreeSet<TopicName>,
}

/// What is read: up to `end`, which the brokers have.
pub(super) struct Range {
    pub(super) topic: TopicName,
    pub(super) partition: u32,
    pub(super) from: u64,
    pub(super) end: u64,
    pub(super) limit: ReadLimit,
}

impl Reads {
    pub(super) fn new(settings: &KafkaSettings, complaint: &Complaint) -> Self {
        let (settings, complaint) = (settings.clone(), complaint.clone());
        let permits = Semaphore::new(MAX_READS);
        Self(Arc::new(Shared { settings, complaint, permits, idle: Mutex::default() }))
    }

    pub(super) async fn read(&self, range: Range) -> Result<Vec<Record>, LogError> {
        let _permit = self.0.permits.acquire().await.map_err(|_| Stop::Closed.error())?;
        let this = self.clone();
        blocking(move || {
            let idle = this.idle().pop();
            let mut slot = idle.map_or_else(|| this.slot(), Ok)?;
            if slot.topics.insert(range.topic.clone()) {
                learn_leaders(&slot.consumer, &range.topic);
            }
            let records = this.read_range(&slot.consumer, &range)?;
            // Only after a success: one that failed is not used again.
            if slot.consumer.unassign().is_ok() && !this.0.permits.is_closed() {
                this.idle().push(slot);
            }
            Ok(records)
        })
        .await
    }

    /// Refuses new reads and ends the consumers that wait for one.
    pub(super) fn close(&self) {
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn read_range(&self, consumer: &BaseConsumer<Context>, range: &Range) -> Result<Vec<Record>, LogError> {
        let action = || format!("a read of partition {} of `{}` at {}", range.partition, range.topic, range.from);
        let (id, offset) = (partition_id(range.partition), Offset::Offset(offset_id(range.from)));
        let mut place = TopicPartitionList::new();
        let assigned =
            place.add_partition_offset(range.topic.as_str(), id, offset).and_then(|()| consumer.assign(&place));
        assigned.map_err(|error| LogError::Refused { action: action(), reason: error.to_string() })?;
        let deadline = Instant::now() + self.0.settings.request_timeout;
        let (mut records, mut bytes, mut next) = (Vec::new(), 0, range.from);
        while next < range.end && records.len() < range.limit.records {
            if self.0.permits.is_closed() {
                return Err(Stop::Closed.error());
            }
            if Instant::now() >= deadline {
                let reason = self.0.complaint.explain("no answer in time");
                return Err(LogError::Unreachable { action: action(), reason });
            }
            match consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) if message.partition() != id || message.topic() != range.topic.as_str() => {}
                Some(Ok(message)) => match sequence(next, message.offset()) {
                    Sequence::Again => {}
                    Sequence::Gap => return Err(gap(&range.topic, range.partition, next)),
                    Sequence::Next => {
                        let record = record(&message, next);
                        bytes += record.size_bytes();
                        if bytes > range.limit.bytes && !records.is_empty() {
                            break;
                        }
                        next += 1;
                        records.push(record);
                    }
                },
                Some(Err(error)) => match verdict(&error) {
                    Verdict::Removed => return Err(removed(&range.topic, range.partition, next)),
                    Verdict::Forbidden => {
                        return Err(LogError::Refused { action: action(), reason: error.to_string() });
                    }
                    // The library goes on by itself; the deadline bounds it.
                    Verdict::Passing => tracing::debug!(%error, "a read goes on after an error"),
                },
            }
        }
        Ok(records)
    }

    fn slot(&self) -> Result<Slot, LogError> {
        let context = Context { client: "reader", complaint: self.0.complaint.clone() };
        let consumer = self.0.settings.random_reader()?.create_with_context(context);
        let consumer = consumer.map_err(|error| cannot_start(&self.0.settings, &error))?;
        Ok(Slot { consumer, topics: BTreeSet::new() })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a topic's leaders before its first partition is fetched: by itself a consumer looks for
/// those of a new topic once a second.
pub(super) fn learn_leaders(consumer: &BaseConsumer<Context>, topic: &TopicName) {
    if let Err(error) = consumer.fetch_metadata(Some(topic.as_str()), LEADERS_TIMEOUT) {
        tracing::debug!(%error, %topic, "the consumer will look for the leaders by itself");
    }
}

/// What an error of a consumer means.
pub(super) enum Verdict {
    /// The brokers do not have the offset.
    Removed,
    /// This user may not.
    Forbidden,
    /// It may get better.
    Passing,
}

pub(super) fn verdict(error: &KafkaError) -> Verdict {
    match error.rdkafka_error_code() {
        Some(Code::AutoOffsetReset | Code::LogTruncation | Code::OffsetOutOfRange) => Verdict::Removed,
        Some(code) if is_forbidden(code) => Verdict::Forbidden,
        _ => Verdict::Passing,
    }
}
