//! The record log, as a port: partitioned topics of records, appended and read, nothing else.
//!
//! [`RecordLog`] is one handle over several implementations (design, D13): [`KafkaLog`] is a cluster
//! for many processes, [`EmbeddedLog`] keeps everything in one directory and survives a crash,
//! [`MemoryLog`] keeps everything in memory for tests and simulated time. One conformance suite (`tests/conformance.rs`) runs over all of them.
//!
//! What every implementation promises:
//! * An acknowledged record is in the log, as durably as the implementation can keep it.
//! * Offsets of a partition start at 0 and only grow; what was read once never changes.
//! * An append that fails says whether the record *may* be in the log after all
//!   ([`LogError::outcome_is_unknown`]); whoever appends again after that must bear a duplicate.
//! * After an acknowledged append, [`RecordLog::end`] and [`RecordLog::read`] of the same handle
//!   show the record.
//!
//! What no implementation promises: an order between concurrent calls, neighbouring offsets for
//! the records of one call, meaning of the time stamp. Groups, transactions and compaction are
//! not part of the port.

mod catalogue;
mod embedded;
mod error;
pub mod kafka;
mod log;
mod memory;
mod reader;
mod record;
mod topic_name;
pub mod topics;

pub use embedded::EmbeddedLog;
pub use error::LogError;
pub use kafka::{KafkaLog, KafkaSettings};
pub use log::{Created, MAX_READ_BYTES, MAX_READ_RECORDS, ReadLimit, RecordLog};
pub use memory::{AppendFault, MemoryLog};
pub use reader::Reader;
pub use record::{MAX_HEADER_NAME_BYTES, MAX_RECORD_BYTES, MAX_RECORD_HEADERS, NewRecord, Record};
pub use topic_name::{MAX_TOPIC_NAME_BYTES, TopicName};

pub use catalogue::{MAX_PARTITIONS, MAX_TOPICS};
