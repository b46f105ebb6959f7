//! Reading a partition to where it ends now, a record at a time.

use hattama_record_log::{LogError, Reader, Record, RecordLog, TopicName};

/// Records read at a time: bounds memory, whatever the log holds.
const BATCH_RECORDS: usize = 1_024;

/// The records of a partition from an offset on, in order, until there are none now.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    batch: std::vec::IntoIter<Record>,
}

impl Records {
    /// Those of a partition from an offset on; nothing is read yet.
    #[must_use]
    pub fn from(log: &RecordLog, topic: &TopicName, partition: u32, offset: u64) -> Self {
        Self { reader: log.reader(topic, partition, offset), batch: Vec::new().into_iter() }
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn next(&mut self) -> Result<Option<Record>, LogError> {
        if self.batch.len() == 0 {
            self.batch = self.reader.next_batch_now(BATCH_RECORDS).await?.into_iter();
        }
        Ok(self.batch.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_record_log::{NewRecord, topics::TopicSet};

    #[tokio::test]
    async fn every_record_from_an_offset_on_is_read_once_over_more_than_one_batch() {
        let log = RecordLog::memory();
        let topics = TopicSet::new("sample", 1).unwrap();
        topics.create_all(&log, 2).await.unwrap();
        let count = BATCH_RECORDS as u64 + 3;
        for number in 0..count {
            log.append(&topics.submissions, 1, NewRecord::of_value(number.to_string())).await.unwrap();
        }
        let mut records = Records::from(&log, &topics.submissions, 1, 1);
        let mut offsets = Vec::new();
        while let Some(record) = records.next().await.unwrap() {
            assert_eq!(record.value, record.offset.to_string());
            offsets.push(record.offset);
        }
        assert_eq!(offsets, (1..count).collect::<Vec<_>>());
        assert!(Records::from(&log, &topics.submissions, 7, 0).next().await.is_err(), "there is no such partition");
    }
}
