//! Appending: an idempotent producer, with limits of its own on what is on its way.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::context::{Complaint, Context};
use super::queries::{cannot_start, is_forbidden};
use super::{blocking, partition_id};
use crate::catalogue::Stop;
use crate::{KafkaSettings, LogError, MAX_RECORD_BYTES, NewRecord, TopicName};

/// Bytes of records that may wait for their acknowledgement; over it senders wait.
pub const MAX_IN_FLIGHT_BYTES: usize = 32 << 20;

/// The most records of one part of a list: the next part follows when it is acknowledged.
const MAX_RECORDS_PER_PART: usize = 4_096;

/// The most bytes of one part, but at least one record fits.
const MAX_BYTES_PER_PART: usize = 4 << 20;

/// What a record costs beside its bytes, so that a flood of empty ones is bounded too.
const OVERHEAD_BYTES: usize = 256;

// A part always fits, or it would wait for ever.
const _: () = assert!(
    MAX_BYTES_PER_PART + MAX_RECORD_BYTES + OVERHEAD_BYTES <= MAX_IN_FLIGHT_BYTES
        && MAX_IN_FLIGHT_BYTES <= u32::MAX as usize
);

type Client = FutureProducer<Context>;

/// The writing side of a log. Clones are handles of the same one.
#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    complaint: Complaint,
    /// Replaced after an error that the library calls fatal: it takes no more records then.
    client: RwLock<Client>,
    in_flight_bytes: Arc<Semaphore>,
}

impl Writer {
    pub(super) fn new(settings: &KafkaSettings, complaint: &Complaint) -> Result<Self, LogError> {
        let client = RwLock::new(new_client(settings, complaint)?);
        let in_flight_bytes = Arc::new(Semaphore::new(MAX_IN_FLIGHT_BYTES));
        Ok(Self(Arc::new(Shared { settings: settings.clone(), complaint: complaint.clone(), client, in_flight_bytes })))
    }

    /// Appends to a partition that exists.
    pub(super) async fn append_all(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
    ) -> Result<Vec<u64>, LogError> {
        let mut offsets = Vec::with_capacity(records.len());
        let mut records = records.into_iter().peekable();
        while let Some(first) = records.next() {
            let mut bytes = cost(&first);
            let mut part = vec![first];
            while part.len() < MAX_RECORDS_PER_PART
                && let Some(record) = records.next_if(|record| bytes + cost(record) <= MAX_BYTES_PER_PART)
            {
                bytes += cost(&record);
                part.push(record);
            }
            // One after the other: a part that fails is never followed by one that succeeds.
            match self.append_part(topic, partition, part, bytes).await {
                Ok(part) => offsets.extend(part),
                Err(error) if offsets.is_empty() => return Err(error),
                Err(error) => {
                    let reason = format!("{} of its records are written, then: {error}", offsets.len());
                    return Err(LogError::unknown_append(topic, partition, reason));
                }
            }
        }
        Ok(offsets)
    }

    async fn append_part(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
        bytes: usize,
    ) -> Result<Vec<u64>, LogError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let in_flight = Arc::clone(&self.0.in_flight_bytes).acquire_many_owned(bytes).await;
        let in_flight = in_flight.map_err(|_| Stop::Closed.error())?;
        let client = self.client();
        let mut deliveries = Vec::with_capacity(records.len());
        let mut refused = None;
        for record in &records {
            match client.send_result(to_send(topic, partition, record)) {
                Ok(delivery) => deliveries.push(delivery),
                Err((error, _)) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        // In a task of its own: also if nobody waits any more, the limit counts what is on its way.
        let (reply, answer) = oneshot::channel();
        tokio::spawn(await_deliveries(deliveries, refused, in_flight, reply));
        let outcome =
            answer.await.unwrap_or_else(|_| Outcome { offsets: Vec::new(), error: Some(KafkaError::Canceled) });
        self.conclude(&client, topic, partition, records.len(), outcome).await
    }

    /// What the caller may conclude. In doubt: that the outcome is unknown.
    async fn conclude(
        &self,
        client: &Client,
        topic: &TopicName,
        partition: u32,
        records: usize,
        outcome: Outcome,
    ) -> Result<Vec<u64>, LogError> {
        let Some(error) = outcome.error else {
            if outcome.offsets.len() == records && outcome.offsets.is_sorted_by(|a, b| a < b) {
                return Ok(outcome.offsets);
            }
            return Err(LogError::unknown_append(topic, partition, "it was acknowledged out of order"));
        };
        self.replace_if_fatal(client).await;
        let code = error.rdkafka_error_code();
        if outcome.offsets.is_empty() && code.is_some_and(is_certainly_not_written) {
            let action = format!("an append to partition {partition} of `{topic}`");
            return Err(LogError::Refused { action, reason: error.to_string() });
        }
        let reason = match outcome.offsets.len() {
            0 => error.to_string(),
            written => format!("{written} of its records are written, then: {error}"),
        };
        Err(LogError::unknown_append(topic, partition, self.0.complaint.explain(reason)))
    }

    /// Waits for what is on its way, and takes nothing more; `false` if something was given up.
    pub(super) fn close(&self) -> bool {
        self.0.in_flight_bytes.close();
        // The client gives up by itself after the message timeout.
        self.client().flush(self.0.settings.message_timeout + FLUSH_GRACE).is_ok()
    }

    fn client(&self) -> Client {
        self.0.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idempotent producer that the brokers contradicted (they lost what it wrote) is of no more
    /// use; a new one begins afresh. What the old one had on its way has failed: unknown.
    async fn replace_if_fatal(&self, failed: &Client) {
        let Some((code, reason)) = failed.client().fatal_error() else { return };
        let this = self.clone();
        let replaced = blocking(move || {
            let mut current = this.0.client.write().unwrap_or_else(PoisonError::into_inner);
            if current.client().fatal_error().is_none() {
                return Ok(());
            }
            let old = std::mem::replace(&mut *current, new_client(&this.0.settings, &this.0.complaint)?);
            drop(current);
            drop(old);
            tracing::error!(%code, reason, "the brokers contradicted the producer: begun afresh; compare the log with the journals");
            Ok(())
        });
        if let Err(error) = replaced.await {
            tracing::error!(%error, "the producer failed and could not be begun afresh; tried again at the next append");
        }
    }
}

/// What a flush may take beyond the time that records have.
const FLUSH_GRACE: Duration = Duration::from_secs(2);

/// What became of a part.
struct Outcome {
    /// Of the records that were acknowledged.
    offsets: Vec<u64>,
    /// The first failure.
    error: Option<KafkaError>,
}

async fn await_deliveries(
    deliveries: Vec<DeliveryFuture>,
    refused: Option<KafkaError>,
    in_flight: OwnedSemaphorePermit,
    reply: oneshot::Sender<Outcome>,
) {
    let mut outcome = Outcome { offsets: Vec::with_capacity(deliveries.len()), error: None };
    for delivery in deliveries {
        match delivery.await {
            Ok(Ok(delivered)) => match u64::try_from(delivered.offset) {
                Ok(offset) => outcome.offsets.push(offset),
                Err(_) => outcome.error = outcome.error.or(Some(KafkaError::NoMessageReceived)),
            },
            Ok(Err((error, _))) => outcome.error = outcome.error.or(Some(error)),
            Err(_) => outcome.error = outcome.error.or(Some(KafkaError::Canceled)),
        }
    }
    outcome.error = outcome.error.or(refused);
    drop(in_flight);
    // Who asked may have gone away.
    let _ = reply.send(outcome);
}

/// Whether an error says that the record is in no broker's log. Everything else is unknown, a time-out above all.
fn is_certainly_not_written(code: Code) -> bool {
    let refused = matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::QueueFull
    );
    refused || is_forbidden(code)
}

fn to_send<'a>(topic: &'a TopicName, partition: u32, record: &'a NewRecord) -> FutureRecord<'a, [u8], [u8]> {
    let mut sent = FutureRecord::to(topic.as_str()).partition(partition_id(partition)).payload(record.value.as_ref());
    if let Some(key) = &record.key {
        sent = sent.key(key.as_ref());
    }
    if record.headers.is_empty() {
        return sent;
    }
    let headers = OwnedHeaders::new_with_capacity(record.headers.len());
    let add = |headers: OwnedHeaders, (name, value): &(String, bytes::Bytes)| {
        headers.insert(Header { key: name, value: Some(value.as_ref()) })
    };
    sent.headers(record.headers.iter().fold(headers, add))
}

fn cost(record: &NewRecord) -> usize {
    record.size_bytes() + OVERHEAD_BYTES
}

fn new_client(settings: &KafkaSettings, complaint: &Complaint) -> Result<Client, LogError> {
    let context = Context { client: "producer", complaint: complaint.clone() };
    let client = settings.producer()?.create_with_context(context);
    client.map_err(|error| cannot_start(settings, &error))
}
