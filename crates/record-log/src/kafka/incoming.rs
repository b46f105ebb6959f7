//! Records as they come from the brokers, and the check that none is left out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers, Message};

use crate::{LogError, Record, TopicName};

/// What to do with a message at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// It is the next one.
    Next,
    /// It was there before: a fetch that was under way when its partition was paused.
    Again,
    /// Offsets between are missing.
    Gap,
}

/// Every offset holds a record: the writers use no transactions, whose markers take offsets, and
/// nothing is compacted.
pub(super) fn sequence(expected: u64, offset: i64) -> Sequence {
    match u64::try_from(offset) {
        Ok(offset) if offset == expected => Sequence::Next,
        Ok(offset) if offset > expected => Sequence::Gap,
        _ => Sequence::Again,
    }
}

pub(super) fn gap(topic: &TopicName, partition: u32, offset: u64) -> LogError {
    let reason =
        "the log goes on behind it, but the offset holds no record (a transaction's marker, or it was removed)";
    LogError::Corrupt { topic: topic.clone(), partition, offset, reason }
}

pub(super) fn removed(topic: &TopicName, partition: u32, offset: u64) -> LogError {
    let reason = "the brokers do not have it (any more)";
    LogError::Corrupt { topic: topic.clone(), partition, offset, reason }
}

pub(super) fn record(message: &BorrowedMessage<'_>, offset: u64) -> Record {
    Record {
        offset,
        timestamp_milliseconds: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice).unwrap_or_default(),
        headers: headers(message),
    }
}

fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Bytes)> {
    let Some(headers) = message.headers() else { return Vec::new() };
    // The library panics on a name that is not UTF-8. Ours are; a stranger's must not stop a reader,
    // and headers only inform.
    let read = || {
        let one = |header: rdkafka::message::Header<'_, &[u8]>| {
            (header.key.to_owned(), header.value.map(Bytes::copy_from_slice).unwrap_or_default())
        };
        headers.iter().map(one).collect()
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_offset_is_taken_and_a_later_one_is_a_gap() {
        assert_eq!(sequence(5, 5), Sequence::Next);
        assert_eq!(sequence(5, 4), Sequence::Again);
        assert_eq!(sequence(5, 6), Sequence::Gap);
        assert_eq!(sequence(5, -1), Sequence::Again);
    }
}
