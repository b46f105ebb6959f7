//! What can go wrong with a log, sorted by what the caller may conclude from it.

use std::path::PathBuf;

use crate::TopicName;

/// Why a call to the log failed.
///
/// Every variant but [`LogError::Unknown`] means: nothing was written by this call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Text that cannot name a topic.
    #[error("`{name}` cannot be a topic name: {reason}")]
    InvalidTopicName {
        /// The text, as it came.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },

    /// No topic has this name.
    #[error("the log has no topic `{topic}`; create the generation's topics first")]
    UnknownTopic {
        /// The name that was asked for.
        topic: TopicName,
    },

    /// The topic has fewer partitions.
    #[error("topic `{topic}` has {partitions} partition(s), numbered from 0; there is no partition {partition}")]
    UnknownPartition {
        /// The topic.
        topic: TopicName,
        /// The partition that was asked for.
        partition: u32,
        /// How many the topic has.
        partitions: u32,
    },

    /// A topic with this name exists with another number of partitions.
    #[error(
        "topic `{topic}` exists with {existing} partition(s), not {wanted}; a topic never changes, use a new generation"
    )]
    PartitionsDiffer {
        /// The topic.
        topic: TopicName,
        /// How many partitions it has.
        existing: u32,
        /// How many were wanted.
        wanted: u32,
    },

    /// A named limit of the log would be broken.
    #[error("{what}: {size} is over the limit of {limit}; refused, nothing was written")]
    TooLarge {
        /// What is limited, with its unit.
        what: &'static str,
        /// The size that was wanted.
        size: usize,
        /// The limit.
        limit: usize,
    },

    /// A topic without partitions was wanted.
    #[error("topic `{topic}` needs at least one partition")]
    NoPartitions {
        /// The topic.
        topic: TopicName,
    },

    /// Another process, or another handle of this one, has the directory open.
    #[error(
        "the log in {} is in use by another process (or was opened twice in this one); stop the other one, or use another directory",
        directory.display()
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
    },

    /// The outcome is unknown: what was to be written, all or some of it, may or may not be in the log.
    #[error(
        "the outcome of {action} is unknown: {reason}; read the log before you conclude anything, or do it again and bear a duplicate"
    )]
    Unknown {
        /// What was being done, for example "an append to partition 3 of `kz-2023.g1.submissions`".
        action: String,
        /// What happened.
        reason: String,
    },

    /// The storage failed; nothing was written by this call.
    #[error("{action} failed: {reason}; nothing was written; check the disk, then open the log again")]
    Storage {
        /// What was being done, and where.
        action: String,
        /// What the storage said.
        reason: String,
    },

    /// The brokers could not be asked, or did not answer in time; nothing was written by this call.
    #[error(
        "{action} failed: {reason}; nothing was written; check that the brokers run and can be reached, then try again"
    )]
    Unreachable {
        /// What was being done, and where.
        action: String,
        /// What the client or the brokers said.
        reason: String,
    },

    /// The log understood and said no; nothing was written by this call, and trying again will not help.
    #[error("{action} was refused: {reason}; nothing was written")]
    Refused {
        /// What was being done, and where.
        action: String,
        /// What is wrong with it, or which right is missing.
        reason: String,
    },

    /// The log was closed, or stopped after a failure; nothing was written by this call.
    #[error("the log is not running any more ({reason}); nothing was written, open it again")]
    Stopped {
        /// Why it stopped.
        reason: String,
    },

    /// What is stored at an offset is not a record: the file was damaged or written by a newer version.
    #[error(
        "the record at offset {offset} of partition {partition} of `{topic}` cannot be read: {reason}; restore the log from the gateways' journals into a new generation"
    )]
    Corrupt {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: u32,
        /// The offset.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl LogError {
    /// Whether what the failed call was to write may be in the log all the same.
    ///
    /// `false` means that it certainly is not: appending again cannot make a duplicate.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether the same call may succeed later without anybody doing anything to this process or to its rights.
    ///
    /// After [`LogError::Unknown`] read what is there before appending again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Unreachable { .. })
    }

    pub(crate) fn unknown_append(topic: &TopicName, partition: u32, reason: impl Into<String>) -> Self {
        Self::Unknown { action: format!("an append to partition {partition} of `{topic}`"), reason: reason.into() }
    }
}
