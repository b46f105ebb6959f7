//! The log in memory: the same behaviour without disk, thread or timer. Appends can be made to fail as on a network.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalogue::{Catalogue, Stop, Topic};
use crate::record::now_milliseconds;
use crate::{Created, LogError, NewRecord, ReadLimit, Record, TopicName};

/// A log in memory, for tests and simulated time. Clones are handles of the same log.
#[derive(Debug, Clone)]
pub struct MemoryLog(Arc<Shared>);

/// Topic number and partition.
type PartitionKey = (u32, u32);

#[derive(Debug)]
struct Shared {
    catalogue: Catalogue,
    /// The lock also makes a look at an end and the write after it one step.
    records: Mutex<BTreeMap<PartitionKey, Vec<Record>>>,
    /// What becomes of the next appends to a topic.
    faults: Mutex<BTreeMap<TopicName, VecDeque<AppendFault>>>,
}

/// How an append fails that a test wants to fail, as one on a network may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendFault {
    /// Nobody answers: [`LogError::Unreachable`], and nothing is written.
    Unreachable,
    /// [`LogError::Unknown`], and nothing is written.
    LostOnTheWay,
    /// [`LogError::Unknown`], and the first half of the list is written, of one record none.
    HalfWritten,
    /// [`LogError::Unknown`], and all is written: only the answer was lost.
    AnswerLost,
}

impl MemoryLog {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { catalogue: Catalogue::new([]), records: Mutex::default(), faults: Mutex::default() }))
    }

    /// Makes the next appends to a topic fail, each in its way; those after them succeed.
    pub fn fail_next_appends(&self, topic: &TopicName, faults: impl IntoIterator<Item = AppendFault>) {
        let mut all = self.0.faults.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(topic.clone()).or_default().extend(faults);
    }

    fn next_fault(&self, topic: &TopicName) -> Option<AppendFault> {
        self.0.faults.lock().unwrap_or_else(PoisonError::into_inner).get_mut(topic)?.pop_front()
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    pub(crate) fn create_topic(&self, name: &TopicName, partitions: u32) -> Result<Created, LogError> {
        let _one_at_a_time = self.records();
        let Some(number) = self.catalogue().number_for(name, partitions)? else {
            return Ok(Created::Existed);
        };
        let ends = (0..partitions).map(|_| 0);
        self.catalogue().add(Topic::new(name.clone(), number, ends));
        Ok(Created::New)
    }

    pub(crate) fn append_all(
        &self,
        name: &TopicName,
        partition: u32,
        mut new: Vec<NewRecord>,
    ) -> Result<Vec<u64>, LogError> {
        let mut all = self.records();
        let topic = self.catalogue().topic_with(name, partition)?;
        let Some(fault) = self.next_fault(name) else { return append(&mut all, &topic, partition, new) };
        let written = match fault {
            AppendFault::Unreachable => {
                let action = format!("an append to partition {partition} of `{name}`");
                return Err(LogError::Unreachable { action, reason: "a test wants it".to_owned() });
            }
            AppendFault::LostOnTheWay => 0,
            AppendFault::HalfWritten => new.len() / 2,
            AppendFault::AnswerLost => new.len(),
        };
        new.truncate(written);
        append(&mut all, &topic, partition, new)?;
        Err(LogError::unknown_append(name, partition, "a test wants it"))
    }

    pub(crate) fn append_if_empty(
        &self,
        name: &TopicName,
        partition: u32,
        new: NewRecord,
    ) -> Result<Option<u64>, LogError> {
        let mut all = self.records();
        let topic = self.catalogue().topic_with(name, partition)?;
        if topic.end(partition)? > 0 {
            return Ok(None);
        }
        let offsets = append(&mut all, &topic, partition, vec![new])?;
        Ok(offsets.first().copied())
    }

    pub(crate) fn read(
        &self,
        name: &TopicName,
        partition: u32,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        let all = self.records();
        let topic = self.catalogue().topic_with(name, partition)?;
        let Some(records) = all.get(&(topic.number, partition)) else {
            return Ok(Vec::new());
        };
        let start = usize::try_from(from).map_or(records.len(), |from| from.min(records.len()));
        let mut batch = Vec::new();
        let mut bytes = 0;
        for record in records[start..].iter().take(limit.records) {
            bytes += record.size_bytes();
            if bytes > limit.bytes && !batch.is_empty() {
                break;
            }
            batch.push(record.clone());
        }
        Ok(batch)
    }

    pub(crate) fn close(&self) {
        // Under the lock, so that no append is half done.
        let mut all = self.records();
        self.catalogue().stop(Stop::Closed);
        all.clear();
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<PartitionKey, Vec<Record>>> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(
    all: &mut BTreeMap<PartitionKey, Vec<Record>>,
    topic: &Topic,
    partition: u32,
    new: Vec<NewRecord>,
) -> Result<Vec<u64>, LogError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let first = topic.end(partition)?;
    let timestamp_milliseconds = now_milliseconds();
    let records = all.entry((topic.number, partition)).or_default();
    let mut offsets = Vec::with_capacity(new.len());
    for (offset, record) in (first..).zip(new) {
        offsets.push(offset);
        records.push(Record {
            offset,
            timestamp_milliseconds,
            key: record.key,
            value: record.value,
            headers: record.headers,
        });
    }
    let end = offsets.last().map_or(first, |last| last + 1);
    topic.publish_end(partition, end)?;
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordLog;

    #[tokio::test]
    async fn appends_fail_as_a_test_wants_and_then_no_more() {
        let (memory, topic) = (MemoryLog::new(), TopicName::new("test.g1.submissions").unwrap());
        let log = RecordLog::Memory(memory.clone());
        log.create_topic(&topic, 1).await.unwrap();
        let faults = [
            (AppendFault::Unreachable, 0, false),
            (AppendFault::LostOnTheWay, 0, true),
            (AppendFault::HalfWritten, 1, true),
            (AppendFault::AnswerLost, 4, true),
        ];
        memory.fail_next_appends(&topic, faults.map(|(fault, ..)| fault));
        for (fault, end, is_unknown) in faults {
            let error = log.append_all(&topic, 0, vec![NewRecord::of_value("x"); 3]).await.unwrap_err();
            assert_eq!((error.outcome_is_unknown(), error.may_pass()), (is_unknown, true), "{fault:?}");
            assert_eq!(log.end(&topic, 0).await, Ok(end), "{fault:?}");
        }
        assert_eq!(log.append(&topic, 0, NewRecord::of_value("y")).await, Ok(4));
    }
}
