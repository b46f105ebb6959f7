//! Records, as they go in and as they come out, and how large they may be.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::LogError;

/// The largest record, in bytes: key, value, header names and header values together.
///
/// A submission has about 600 bytes and a tally at most 64 KiB; 1 MiB is what Kafka takes by
/// default, and leaves room for larger definitions without letting one record fill a queue.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// The most headers of one record: kind, digest, gateway and trace context are five.
pub const MAX_RECORD_HEADERS: usize = 32;

/// The longest name of a header, in bytes.
pub const MAX_HEADER_NAME_BYTES: usize = 255;

/// A record to append.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// What the record is about, if that helps a reader; it does not choose the partition.
    pub key: Option<Bytes>,
    /// The record itself.
    pub value: Bytes,
    /// Names and values, in order, for information only.
    pub headers: Vec<(String, Bytes)>,
}

impl NewRecord {
    /// A record without key and headers.
    #[must_use]
    pub fn of_value(value: impl Into<Bytes>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    /// What counts towards [`MAX_RECORD_BYTES`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), &self.value, &self.headers)
    }

    pub(crate) fn check(&self) -> Result<(), LogError> {
        check_limit("headers of a record", self.headers.len(), MAX_RECORD_HEADERS)?;
        for (name, _) in &self.headers {
            check_limit("bytes of a header's name", name.len(), MAX_HEADER_NAME_BYTES)?;
            // Kafka's client ends names at the first one, and its Rust half panics.
            if name.contains('\0') {
                let action = "an append of a record".to_owned();
                return Err(LogError::Refused { action, reason: "the name of a header has a NUL".to_owned() });
            }
        }
        check_limit("bytes of a record", self.size_bytes(), MAX_RECORD_BYTES)
    }
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in its partition, from 0.
    pub offset: u64,
    /// When the log took it, in milliseconds since 1970 UTC. For information only: it orders nothing.
    pub timestamp_milliseconds: i64,
    /// The key, as it was appended.
    pub key: Option<Bytes>,
    /// The value, as it was appended.
    pub value: Bytes,
    /// The headers, as they were appended.
    pub headers: Vec<(String, Bytes)>,
}

impl Record {
    /// What counts towards the bytes of a [`crate::ReadLimit`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), &self.value, &self.headers)
    }
}

pub(crate) fn check_limit(what: &'static str, size: usize, limit: usize) -> Result<(), LogError> {
    if size > limit {
        return Err(LogError::TooLarge { what, size, limit });
    }
    Ok(())
}

/// The wall clock. One that stands before 1970 gives 0: the time stamp is information only.
pub(crate) fn now_milliseconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or(0)
}

fn size_bytes(key: Option<&Bytes>, value: &Bytes, headers: &[(String, Bytes)]) -> usize {
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    key.map_or(0, Bytes::len) + value.len() + headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordLog, TopicName};

    #[tokio::test]
    async fn the_name_of_a_header_has_no_nul_and_its_value_may() {
        let (log, topic) = (RecordLog::memory(), TopicName::new("test.g1.submissions").unwrap());
        log.create_topic(&topic, 1).await.unwrap();
        let with = |name: &str, value: &'static [u8]| NewRecord {
            headers: vec![("first".to_owned(), Bytes::new()), (name.to_owned(), Bytes::from_static(value))],
            ..NewRecord::of_value("x")
        };
        for name in ["\0", "digest\0", "\0digest", "di\0gest"] {
            // Also behind a record that is good: nothing of the list is written.
            let refused = log.append_all(&topic, 0, vec![with("digest", b"x"), with(name, b"x")]).await.unwrap_err();
            assert!(matches!(refused, LogError::Refused { .. }) && !refused.may_pass(), "{name:?}: {refused}");
            assert!(matches!(log.append_if_empty(&topic, 0, with(name, b"x")).await, Err(LogError::Refused { .. })));
        }
        assert_eq!(log.end(&topic, 0).await, Ok(0));
        assert_eq!(log.append(&topic, 0, with("digest", b"a\0b")).await, Ok(0));
    }
}
