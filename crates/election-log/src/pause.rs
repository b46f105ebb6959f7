//! The pause between two tries of what a log that cannot be reached failed at.

use hattama_record_log::{LogError, Reader, Record, RecordLog, TopicName};
use std::time::Duration;

/// The first pause; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: a log that is back is used within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A pause that doubles from try to try, up to a limit.
#[derive(Debug)]
pub struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self::new()
    }
}

impl Pause {
    /// Before the first failure.
    #[must_use]
    pub fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// Waits before the next try.
    pub async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }

    /// The same, and says why: once for each outage, not for each try.
    pub async fn after(&mut self, error: &LogError, what: &str) {
        if self.next == FIRST_PAUSE {
            tracing::warn!(%error, "the log cannot be reached: {what}; nothing is lost, it is tried again");
        }
        self.wait().await;
    }
}

/// The next records of a reader, waiting for the log too if it cannot be reached. Cancel-safe, as the reader is.
///
/// # Errors
/// What does not pass.
pub async fn next_batch_patiently(reader: &mut Reader, max_records: usize) -> Result<Vec<Record>, LogError> {
    let mut pause = Pause::new();
    loop {
        match reader.next_batch(max_records).await {
            Err(error) if error.may_pass() => pause.after(&error, "reading goes on when it can").await,
            read => return read,
        }
    }
}

/// The end of a partition, waiting for the log if it cannot be reached.
///
/// # Errors
/// What does not pass.
pub async fn end_patiently(log: &RecordLog, topic: &TopicName, partition: u32) -> Result<u64, LogError> {
    let mut pause = Pause::new();
    loop {
        match log.end(topic, partition).await {
            Err(error) if error.may_pass() => pause.after(&error, "its end is asked for when it can").await,
            answered => return answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_one() {
        let error = LogError::Unreachable { action: "a question".to_owned(), reason: "nobody answers".to_owned() };
        let started = tokio::time::Instant::now();
        let mut pause = Pause::new();
        for _ in 0..11 {
            pause.after(&error, "counting").await;
        }
        // 0.05 + 0.1 + … + 3.2 + 4 × 5 seconds.
        assert_eq!(started.elapsed().as_millis(), 26_350);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_told_at_once() {
        let log = RecordLog::memory();
        let topic = TopicName::new("nobody.made.it").unwrap();
        let error = end_patiently(&log, &topic, 0).await.unwrap_err();
        assert!(matches!(error, LogError::UnknownTopic { .. }), "{error}");
        let error = next_batch_patiently(&mut log.reader(&topic, 0, 1), 1).await.unwrap_err();
        assert!(matches!(error, LogError::UnknownTopic { .. }), "{error}");
    }
}
