//! The log in one directory of this machine: durable, for one process, on redb.
//!
//! One thread owns all writes. Senders wait while its queue is full; what queued up during a commit
//! is the next commit. A failed commit leaves the outcome unknown, so the log stops and has to be
//! opened again. Reads run on the runtime's blocking threads, one short transaction each.

mod encoding;
#[cfg(test)]
mod failure_tests;
mod store;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use self::store::Store;
use self::writer::{Append, Command, Create, MAX_COMMANDS_PER_GROUP, Writer};
use crate::catalogue::{Catalogue, Stop};
use crate::{Created, LogError, MAX_RECORD_BYTES, NewRecord, ReadLimit, Record, TopicName};

/// Commands that wait for the writer: one group, gathered while the one before is committed.
const MAX_QUEUED_COMMANDS: usize = MAX_COMMANDS_PER_GROUP;

/// Bytes of records that wait for the writer or are being committed; over it senders wait.
const MAX_QUEUED_BYTES: usize = 32 << 20;

/// The most records of one command: a longer list is cut, so that others get their turn.
const MAX_RECORDS_PER_COMMAND: usize = 1_024;

/// The most bytes of one command, but at least one record fits.
const MAX_BYTES_PER_COMMAND: usize = 4 << 20;

/// What a record costs in the queue beside its bytes, so that a flood of empty ones is bounded too.
const QUEUE_OVERHEAD_BYTES: usize = 128;

// A command always fits the queue, or it would wait for ever.
const _: () = assert!(
    MAX_BYTES_PER_COMMAND + MAX_RECORD_BYTES + QUEUE_OVERHEAD_BYTES <= MAX_QUEUED_BYTES
        && MAX_QUEUED_BYTES <= u32::MAX as usize
);

/// A log in a directory. Clones are handles of the same log; when the last one is dropped, what is
/// queued is written and the directory becomes free.
#[derive(Debug, Clone)]
pub struct EmbeddedLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<Store>,
    catalogue: Arc<Catalogue>,
    commands: mpsc::Sender<Command>,
    queued_bytes: Arc<Semaphore>,
    /// Its sender goes away with the writer, after the file was closed.
    writer_gone: watch::Receiver<()>,
}

impl EmbeddedLog {
    pub(crate) async fn open(directory: &Path) -> Result<Self, LogError> {
        let directory = directory.to_path_buf();
        blocking(move || Self::start(Store::open(&directory)?)).await
    }

    fn start(store: Store) -> Result<Self, LogError> {
        let store = Arc::new(store);
        let catalogue = Arc::new(Catalogue::new(store.topics()?));
        let (commands, receiver) = mpsc::channel(MAX_QUEUED_COMMANDS);
        let (gone, writer_gone) = watch::channel(());
        let writer = Writer {
            store: Arc::clone(&store),
            catalogue: Arc::clone(&catalogue),
            commands: receiver,
            failed: None,
            _gone: gone,
        };
        std::thread::Builder::new().name("record-log-writer".to_owned()).spawn(move || writer.run()).map_err(
            |error| LogError::Storage {
                action: "starting the log's writer thread".to_owned(),
                reason: error.to_string(),
            },
        )?;
        Ok(Self(Arc::new(Shared {
            store,
            catalogue,
            commands,
            queued_bytes: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
            writer_gone,
        })))
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    pub(crate) async fn create_topic(&self, topic: &TopicName, partitions: u32) -> Result<Created, LogError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Create(Create { topic: topic.clone(), partitions, reply })).await?;
        answer.await.unwrap_or_else(|_| {
            Err(LogError::Unknown {
                action: format!("the creation of topic `{topic}`"),
                reason: WRITER_DIED.to_owned(),
            })
        })
    }

    pub(crate) async fn append_all(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
    ) -> Result<Vec<u64>, LogError> {
        // So that an empty list is refused like any other.
        self.catalogue().topic_with(topic, partition)?;
        let mut offsets = Vec::with_capacity(records.len());
        let mut records = records.into_iter().peekable();
        while let Some(first) = records.next() {
            let mut bytes = queue_bytes(&first);
            let mut command = vec![first];
            while command.len() < MAX_RECORDS_PER_COMMAND
                && let Some(record) = records.next_if(|record| bytes + queue_bytes(record) <= MAX_BYTES_PER_COMMAND)
            {
                bytes += queue_bytes(&record);
                command.push(record);
            }
            // One after the other: a part that fails is never followed by one that succeeds.
            match self.append_command(topic, partition, command, false).await {
                Ok(range) => offsets.extend(range),
                Err(error) if offsets.is_empty() => return Err(error),
                Err(error) => {
                    let reason = format!("{} of its records are written, then: {error}", offsets.len());
                    return Err(LogError::unknown_append(topic, partition, reason));
                }
            }
        }
        Ok(offsets)
    }

    pub(crate) async fn append_if_empty(
        &self,
        topic: &TopicName,
        partition: u32,
        record: NewRecord,
    ) -> Result<Option<u64>, LogError> {
        let mut offsets = self.append_command(topic, partition, vec![record], true).await?;
        Ok(offsets.next())
    }

    pub(crate) async fn read(
        &self,
        topic: &TopicName,
        partition: u32,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        let topic = self.catalogue().topic_with(topic, partition)?;
        let end = topic.end(partition)?;
        if from >= end {
            return Ok(Vec::new());
        }
        let store = Arc::clone(&self.0.store);
        blocking(move || store.read(&topic, partition, from, end, limit)).await
    }

    pub(crate) async fn close(self) -> Result<(), LogError> {
        // Refused if the log stopped already: then only its end is waited for.
        let _ = self.send(Command::Close).await;
        let mut writer_gone = self.0.writer_gone.clone();
        while writer_gone.changed().await.is_ok() {}
        match self.catalogue().stopped() {
            Some(Stop::Closed) | None => Ok(()),
            Some(failed) => Err(failed.error()),
        }
    }

    async fn append_command(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
        only_if_empty: bool,
    ) -> Result<Range<u64>, LogError> {
        let bytes: usize = records.iter().map(queue_bytes).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let queued_bytes =
            Arc::clone(&self.0.queued_bytes).acquire_many_owned(bytes).await.map_err(|_| Stop::Closed.error())?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Append(Append {
            topic: self.catalogue().topic_with(topic, partition)?,
            partition,
            records,
            only_if_empty,
            reply,
            _queued_bytes: queued_bytes,
        }))
        .await?;
        answer.await.unwrap_or_else(|_| Err(LogError::unknown_append(topic, partition, WRITER_DIED)))
    }

    async fn send(&self, command: Command) -> Result<(), LogError> {
        self.0.commands.send(command).await.map_err(|_| {
            let unexpected = || Stop::Failed(WRITER_DIED.to_owned());
            self.catalogue().stopped().unwrap_or_else(unexpected).error()
        })
    }
}

const WRITER_DIED: &str = "its writer died";

fn queue_bytes(record: &NewRecord) -> usize {
    record.size_bytes() + QUEUE_OVERHEAD_BYTES
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(LogError::Stopped { reason: format!("the work on its file was broken off: {error}") })
    })
}
