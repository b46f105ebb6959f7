//! What was fetched of one partition for one reader and not yet taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::incoming::{Sequence, gap, sequence};
use crate::{LogError, ReadLimit, Record, TopicName};

/// Fetching pauses when so many bytes wait for the reader; one record more may come.
const MAX_WAITING_BYTES: usize = 2 << 20;

/// Fetching pauses when so many records wait for the reader.
const MAX_WAITING_RECORDS: usize = 8_192;

/// What a small record costs beside its bytes.
const OVERHEAD_BYTES: usize = 128;

/// Where one reader is in one partition. The fetching thread fills it, the reader empties it.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(super) topic: TopicName,
    pub(super) partition: u32,
    waiting: Mutex<Waiting>,
    /// Something came, or went wrong.
    changed: Notify,
}

#[derive(Debug)]
struct Waiting {
    records: VecDeque<Record>,
    bytes: usize,
    /// The offset that comes next.
    next: u64,
    /// The reader was not told yet of what is here.
    untold: bool,
    failed: Option<LogError>,
}

/// What the fetching thread has to do after a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// Go on; the reader has to be told.
    Tell,
    /// Go on.
    Nothing,
}

impl Cursor {
    pub(super) fn new(topic: TopicName, partition: u32, from: u64) -> Self {
        let waiting = Waiting { records: VecDeque::new(), bytes: 0, next: from, untold: false, failed: None };
        Self { topic, partition, waiting: Mutex::new(waiting), changed: Notify::new() }
    }

    /// Takes what is there, within the limit; `None` if there is nothing.
    pub(super) fn take(&self, limit: ReadLimit) -> Result<Option<Vec<Record>>, LogError> {
        let mut waiting = self.waiting();
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < limit.records
            && let Some(record) = waiting.records.pop_front()
        {
            bytes += record.size_bytes();
            if bytes > limit.bytes && !taken.is_empty() {
                waiting.records.push_front(record);
                break;
            }
            waiting.bytes -= cost(&record);
            taken.push(record);
        }
        match (&waiting.failed, taken.is_empty()) {
            (_, false) => Ok(Some(taken)),
            (Some(error), true) => Err(error.clone()),
            (None, true) => Ok(None),
        }
    }

    /// Returns once there is something to take, or it failed.
    pub(super) async fn wait(&self) {
        loop {
            if self.has(0, ReadLimit { records: 1, bytes: 0 }) {
                return;
            }
            self.changed.notified().await;
        }
    }

    /// Returns once as much is there as a read up to an end would give, or it failed.
    pub(super) async fn wait_for(&self, end: u64, limit: ReadLimit) {
        while !self.has(end, limit) {
            self.changed.notified().await;
        }
    }

    fn has(&self, end: u64, limit: ReadLimit) -> bool {
        let waiting = self.waiting();
        let enough = waiting.records.len() >= limit.records || waiting.bytes >= limit.bytes;
        // Without room fetching may have paused: what would be waited for does not come.
        (enough && !waiting.records.is_empty())
            || (end > 0 && waiting.next >= end)
            || !waiting.has_room()
            || waiting.failed.is_some()
    }

    pub(super) fn next(&self) -> u64 {
        self.waiting().next
    }

    /// Takes in what was fetched for an offset; `make` is not called for one that is not next.
    pub(super) fn fill(&self, offset: i64, make: impl FnOnce(u64) -> Record) -> Fill {
        let mut waiting = self.waiting();
        if waiting.failed.is_some() {
            return Fill::Nothing;
        }
        match sequence(waiting.next, offset) {
            Sequence::Again => return Fill::Nothing,
            Sequence::Gap => waiting.failed = Some(gap(&self.topic, self.partition, waiting.next)),
            Sequence::Next => {
                let record = make(waiting.next);
                waiting.bytes += cost(&record);
                waiting.next += 1;
                waiting.records.push_back(record);
            }
        }
        if std::mem::replace(&mut waiting.untold, true) { Fill::Nothing } else { Fill::Tell }
    }

    /// Wakes the reader.
    pub(super) fn tell(&self) {
        self.waiting().untold = false;
        self.changed.notify_one();
    }

    /// Ends the cursor: when it is empty, the reader gets the error.
    pub(super) fn fail(&self, error: LogError) {
        self.waiting().failed.get_or_insert(error);
        self.changed.notify_one();
    }

    /// Whether fetching has to pause.
    pub(super) fn is_full(&self) -> bool {
        self.waiting().is_full()
    }

    /// Whether fetching may go on after a pause: half of what waited was taken, so that it does not pause at once again.
    pub(super) fn has_room(&self) -> bool {
        self.waiting().has_room()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.bytes <= MAX_WAITING_BYTES / 2 && self.records.len() <= MAX_WAITING_RECORDS / 2
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_WAITING_BYTES || self.records.len() >= MAX_WAITING_RECORDS
    }
}

fn cost(record: &Record) -> usize {
    record.size_bytes() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

    fn cursor(from: u64) -> Cursor {
        Cursor::new(TopicName::new("kz.g1.submissions").unwrap(), 3, from)
    }

    fn of_size(size: usize) -> impl Fn(u64) -> Record {
        move |offset| Record {
            offset,
            timestamp_milliseconds: 0,
            key: None,
            value: Bytes::from(vec![0; size]),
            headers: Vec::new(),
        }
    }

    fn taken(cursor: &Cursor, limit: ReadLimit) -> Vec<u64> {
        cursor.take(limit).unwrap().unwrap_or_default().iter().map(|record| record.offset).collect()
    }

    #[test]
    fn what_comes_twice_is_taken_once_and_the_reader_is_told_once() {
        let cursor = cursor(7);
        let fills = [6, 7, 7, 8].map(|offset| cursor.fill(offset, of_size(1)));
        assert_eq!(fills, [Fill::Nothing, Fill::Tell, Fill::Nothing, Fill::Nothing]);
        assert_eq!(taken(&cursor, ALL), [7, 8]);
        assert_eq!(taken(&cursor, ALL), [0_u64; 0]);
    }

    #[test]
    fn what_is_there_before_a_gap_is_read_and_then_the_gap_is_an_error() {
        let cursor = cursor(0);
        for offset in [0, 1, 3, 4] {
            cursor.fill(offset, of_size(1));
        }
        assert_eq!(taken(&cursor, ALL), [0, 1]);
        let error = cursor.take(ALL).unwrap_err();
        assert!(matches!(error, LogError::Corrupt { offset: 2, partition: 3, .. }), "{error}");
    }

    #[test]
    fn a_limit_of_bytes_leaves_the_rest_but_always_advances() {
        let cursor = cursor(0);
        for offset in 0..5 {
            cursor.fill(offset, of_size(10));
        }
        assert_eq!(taken(&cursor, ReadLimit { records: 9, bytes: 29 }), [0, 1]);
        assert_eq!(taken(&cursor, ReadLimit { records: 9, bytes: 1 }), [2]);
        assert_eq!(taken(&cursor, ReadLimit { records: 1, bytes: 100 }), [3]);
    }

    #[test]
    fn a_full_cursor_pauses_until_half_is_taken() {
        let cursor = cursor(0);
        let mut offset = 0;
        while !cursor.is_full() {
            cursor.fill(offset, of_size(100_000));
            offset += 1;
        }
        assert_eq!(offset, 21);
        assert!(!cursor.has_room());
        taken(&cursor, ReadLimit { records: 11, bytes: usize::MAX });
        assert!(cursor.has_room());
    }
}
