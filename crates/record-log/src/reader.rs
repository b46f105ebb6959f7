//! A cursor over one partition.

use std::sync::Arc;

use tokio::sync::watch;

use crate::kafka::Cursor;
use crate::{LogError, MAX_READ_BYTES, ReadLimit, Record, RecordLog, TopicName};

/// Reads one partition in order, from an offset on. It keeps its log open.
#[derive(Debug)]
pub struct Reader {
    log: RecordLog,
    topic: TopicName,
    partition: u32,
    position: u64,
    /// Subscribed at the first wait; an unknown topic has nothing to subscribe to.
    end: Option<watch::Receiver<u64>>,
    /// On Kafka instead: what was fetched ahead.
    fetched: Option<Arc<Cursor>>,
}

impl Reader {
    pub(crate) fn new(log: RecordLog, topic: TopicName, partition: u32, from: u64) -> Self {
        Self { log, topic, partition, position: from, end: None, fetched: None }
    }

    /// Where it reads next: everything below this offset was returned or skipped at the start.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Waits until there is a record at the position, and returns it with those that follow, at
    /// most `max_records` (0 counts as 1).
    ///
    /// A position beyond the end waits until the partition has grown to it: compare
    /// [`RecordLog::end`] first if that would mean lost records. Cancel-safe: if the future is
    /// dropped, the position has not moved and nothing is skipped.
    ///
    /// # Errors
    /// As [`RecordLog::read`]. The reader may be used again; it continues at its position.
    pub async fn next_batch(&mut self, max_records: usize) -> Result<Vec<Record>, LogError> {
        if let RecordLog::Kafka(log) = &self.log {
            let place = (&self.topic, self.partition, self.position);
            let batch = log.follow(&mut self.fetched, place, limit(max_records)).await?;
            return Ok(self.moved_behind(batch));
        }
        loop {
            let batch = self.next_batch_now(max_records).await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            self.wait_for_the_position().await?;
        }
    }

    /// What is there now from the position on, possibly nothing, at most `max_records` (0 counts
    /// as 1). Cancel-safe.
    ///
    /// # Errors
    /// As [`RecordLog::read`].
    pub async fn next_batch_now(&mut self, max_records: usize) -> Result<Vec<Record>, LogError> {
        let limit = limit(max_records);
        let batch = if let RecordLog::Kafka(log) = &self.log {
            log.follow_now(&mut self.fetched, (&self.topic, self.partition, self.position), limit).await?
        } else {
            self.log.read(&self.topic, self.partition, self.position, limit).await?
        };
        Ok(self.moved_behind(batch))
    }

    /// Not async: nothing can come between the records and the position, which makes reading cancel-safe.
    fn moved_behind(&mut self, batch: Vec<Record>) -> Vec<Record> {
        if let Some(last) = batch.last() {
            self.position = last.offset + 1;
        }
        batch
    }

    async fn wait_for_the_position(&mut self) -> Result<(), LogError> {
        let mut end = match self.end.take() {
            Some(end) => end,
            None => self.subscribe()?,
        };
        let position = self.position;
        let grown = end.wait_for(|end| *end > position).await.is_ok();
        // A log that stopped drops its end of the watch: the next read then says why.
        if grown {
            self.end = Some(end);
        }
        Ok(())
    }

    fn subscribe(&self) -> Result<watch::Receiver<u64>, LogError> {
        match &self.log {
            RecordLog::Memory(log) => log.catalogue().end(&self.topic, self.partition),
            RecordLog::Embedded(log) => log.catalogue().end(&self.topic, self.partition),
            RecordLog::Kafka(_) => {
                let action = format!("to wait for partition {} of `{}`", self.partition, self.topic);
                Err(LogError::Refused { action, reason: "a reader of Kafka waits for what is fetched".to_owned() })
            }
        }
    }
}

fn limit(max_records: usize) -> ReadLimit {
    ReadLimit { records: max_records, bytes: MAX_READ_BYTES }.clamped()
}
