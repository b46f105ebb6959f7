//! The handle: one set of calls over every implementation.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crate::record::check_limit;
use crate::{
    EmbeddedLog, KafkaLog, KafkaSettings, LogError, MAX_PARTITIONS, MemoryLog, NewRecord, Reader, Record, TopicName,
};

/// The most records that one read returns, whatever was asked for: it bounds a read transaction.
pub const MAX_READ_RECORDS: usize = 4_096;

/// The most bytes that one read returns, whatever was asked for; only a single record may exceed a limit.
pub const MAX_READ_BYTES: usize = 8 << 20;

/// How much a read may return. It returns one record at least, if there is one, so that it always advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// At most this many records; 0 counts as 1, and more than [`MAX_READ_RECORDS`] as that.
    pub records: usize,
    /// At most this many bytes ([`Record::size_bytes`]), but for a first record that is larger;
    /// more than [`MAX_READ_BYTES`] counts as that.
    pub bytes: usize,
}

impl Default for ReadLimit {
    /// As much as one read may return.
    fn default() -> Self {
        Self { records: MAX_READ_RECORDS, bytes: MAX_READ_BYTES }
    }
}

impl ReadLimit {
    pub(crate) fn clamped(self) -> Self {
        Self { records: self.records.clamp(1, MAX_READ_RECORDS), bytes: self.bytes.min(MAX_READ_BYTES) }
    }
}

/// Whether [`RecordLog::create_topic`] made the topic or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It did not exist.
    New,
    /// It existed, with the same number of partitions.
    Existed,
}

/// A log: a handle that is cheap to clone. It stays open as long as a handle or a [`Reader`] of it lives.
#[derive(Debug, Clone)]
pub enum RecordLog {
    /// In memory: gone with the last handle.
    Memory(MemoryLog),
    /// In a directory of this machine, for one process.
    Embedded(EmbeddedLog),
    /// On a Kafka cluster, for many processes.
    Kafka(KafkaLog),
}

impl RecordLog {
    /// A new, empty log in memory. It starts no thread and uses no timer.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(MemoryLog::new())
    }

    /// Opens the log in a directory, which is created if there is none.
    ///
    /// # Errors
    /// [`LogError::Locked`] if it is open already, here or in another process;
    /// [`LogError::Storage`] if the disk or the file fails.
    pub async fn open_embedded(directory: &Path) -> Result<Self, LogError> {
        Ok(Self::Embedded(EmbeddedLog::open(directory).await?))
    }

    /// Connects to a Kafka cluster and asks it which topics there are, so that a wrong address shows here.
    ///
    /// # Errors
    /// [`LogError::Unreachable`] if no broker answers within the request timeout; [`LogError::Refused`]
    /// for settings that make no sense, or TLS in a program without it.
    pub async fn connect_kafka(settings: KafkaSettings) -> Result<Self, LogError> {
        Ok(Self::Kafka(KafkaLog::connect(settings).await?))
    }

    /// The same without asking anything: brokers that are away show at the first call.
    ///
    /// # Errors
    /// [`LogError::Refused`] for settings that make no sense, or TLS in a program without it.
    pub async fn open_kafka(settings: KafkaSettings) -> Result<Self, LogError> {
        Ok(Self::Kafka(KafkaLog::open(settings).await?))
    }

    /// Makes a topic, unless it exists. Its number of partitions never changes.
    ///
    /// # Errors
    /// [`LogError::PartitionsDiffer`] if it exists with another number of partitions;
    /// [`LogError::NoPartitions`], [`LogError::TooLarge`] outside the limits;
    /// [`LogError::Storage`], [`LogError::Stopped`], [`LogError::Unknown`] if the log fails. It is
    /// safe to ask again after any error.
    pub async fn create_topic(&self, topic: &TopicName, partitions: u32) -> Result<Created, LogError> {
        if partitions == 0 {
            return Err(LogError::NoPartitions { topic: topic.clone() });
        }
        let wanted = usize::try_from(partitions).unwrap_or(usize::MAX);
        check_limit("partitions of a topic", wanted, MAX_PARTITIONS)?;
        match self {
            Self::Memory(log) => log.create_topic(topic, partitions),
            Self::Embedded(log) => log.create_topic(topic, partitions).await,
            Self::Kafka(log) => log.create_topic(topic, partitions).await,
        }
    }

    /// All topics and how many partitions each has, asked afresh where others may change that.
    ///
    /// # Errors
    /// [`LogError::Stopped`] if the log runs no more.
    pub async fn topics(&self) -> Result<BTreeMap<TopicName, u32>, LogError> {
        match self {
            Self::Memory(log) => log.catalogue().topics(),
            Self::Embedded(log) => log.catalogue().topics(),
            Self::Kafka(log) => log.topics().await,
        }
    }

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], or [`LogError::Stopped`].
    pub async fn partitions(&self, topic: &TopicName) -> Result<u32, LogError> {
        match self {
            Self::Memory(log) => Ok(log.catalogue().topic(topic)?.partitions()),
            Self::Embedded(log) => Ok(log.catalogue().topic(topic)?.partitions()),
            Self::Kafka(log) => log.partitions(topic).await,
        }
    }

    /// Appends one record and returns its offset once it is in the log for good.
    ///
    /// Waits while the log is busy. If the future is dropped, the outcome is unknown.
    ///
    /// # Errors
    /// [`LogError::TooLarge`], [`LogError::UnknownTopic`], [`LogError::UnknownPartition`]: refused.
    /// [`LogError::Unknown`]: it may be in the log. [`LogError::Storage`], [`LogError::Stopped`],
    /// [`LogError::Refused`], [`LogError::Unreachable`]: it is not.
    pub async fn append(&self, topic: &TopicName, partition: u32, record: NewRecord) -> Result<u64, LogError> {
        let offsets = self.append_all(topic, partition, vec![record]).await?;
        offsets
            .first()
            .copied()
            .ok_or_else(|| LogError::unknown_append(topic, partition, "it was acknowledged without an offset"))
    }

    /// Appends records in their order and returns their offsets, ascending. Other appends may come
    /// between them. An empty list returns at once.
    ///
    /// If the future is dropped, the records before some point of the list are in the log.
    ///
    /// # Errors
    /// As [`RecordLog::append`]; all records are checked before the first is written. After
    /// [`LogError::Unknown`] any number of the records may be in the log, in their order and, but on
    /// Kafka, without gaps.
    pub async fn append_all(
        &self,
        topic: &TopicName,
        partition: u32,
        records: Vec<NewRecord>,
    ) -> Result<Vec<u64>, LogError> {
        for record in &records {
            record.check()?;
        }
        match self {
            Self::Memory(log) => log.append_all(topic, partition, records),
            Self::Embedded(log) => log.append_all(topic, partition, records).await,
            Self::Kafka(log) => log.append_all(topic, partition, records).await,
        }
    }

    /// Appends a record if the partition has none, which makes it the one at offset 0.
    ///
    /// `None` if the partition has records: nothing was written. In memory and embedded, check and
    /// write are one step; on Kafka they are one for this handle, and whoever comes second in a race
    /// with another process gets [`LogError::Unknown`].
    ///
    /// # Errors
    /// As [`RecordLog::append`].
    pub async fn append_if_empty(
        &self,
        topic: &TopicName,
        partition: u32,
        record: NewRecord,
    ) -> Result<Option<u64>, LogError> {
        record.check()?;
        match self {
            Self::Memory(log) => log.append_if_empty(topic, partition, record),
            Self::Embedded(log) => log.append_if_empty(topic, partition, record).await,
            Self::Kafka(log) => log.append_if_empty(topic, partition, record).await,
        }
    }

    /// The offset that the next record of a partition will get.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::UnknownPartition`], [`LogError::Stopped`],
    /// [`LogError::Unreachable`] or [`LogError::Refused`].
    pub async fn end(&self, topic: &TopicName, partition: u32) -> Result<u64, LogError> {
        match self {
            Self::Memory(log) => Ok(*log.catalogue().end(topic, partition)?.borrow()),
            Self::Embedded(log) => Ok(*log.catalogue().end(topic, partition)?.borrow()),
            Self::Kafka(log) => log.end(topic, partition).await,
        }
    }

    /// The offsets that a partition has now. It begins at 0: whatever else was found is lost data, since nothing is ever
    /// removed.
    ///
    /// # Errors
    /// As [`RecordLog::end`].
    pub async fn bounds(&self, topic: &TopicName, partition: u32) -> Result<Range<u64>, LogError> {
        match self {
            Self::Memory(_) | Self::Embedded(_) => Ok(0..self.end(topic, partition).await?),
            Self::Kafka(log) => log.bounds(topic, partition).await,
        }
    }

    /// The id of the cluster that answers now, asked afresh: another one is another log, whatever its topics are called.
    /// `None` where there is no cluster.
    ///
    /// # Errors
    /// [`LogError::Stopped`], [`LogError::Unreachable`] or [`LogError::Refused`].
    pub async fn cluster_id(&self) -> Result<Option<String>, LogError> {
        match self {
            Self::Memory(_) | Self::Embedded(_) => Ok(None),
            Self::Kafka(log) => log.cluster_id().await,
        }
    }

    /// The records from an offset on that are there now; none if the offset is at the end or beyond.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::UnknownPartition`], [`LogError::Storage`],
    /// [`LogError::Corrupt`], [`LogError::Stopped`], [`LogError::Unreachable`] or [`LogError::Refused`].
    pub async fn read(
        &self,
        topic: &TopicName,
        partition: u32,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        match self {
            Self::Memory(log) => log.read(topic, partition, from, limit.clamped()),
            Self::Embedded(log) => log.read(topic, partition, from, limit.clamped()).await,
            Self::Kafka(log) => log.read(topic, partition, from, limit.clamped()).await,
        }
    }

    /// A reader of one partition that starts at an offset and can wait for records to come.
    ///
    /// An unknown topic or partition shows at the first read.
    #[must_use]
    pub fn reader(&self, topic: &TopicName, partition: u32, from: u64) -> Reader {
        Reader::new(self.clone(), topic.clone(), partition, from)
    }

    /// Writes what is queued, closes the log for all its handles and returns when the directory is
    /// free again. Readers that wait are woken with [`LogError::Stopped`].
    ///
    /// # Errors
    /// [`LogError::Stopped`] if the log had stopped after a failure, or could not be closed in order.
    pub async fn close(self) -> Result<(), LogError> {
        match self {
            Self::Memory(log) => {
                log.close();
                Ok(())
            }
            Self::Embedded(log) => log.close().await,
            Self::Kafka(log) => log.close().await,
        }
    }
}
