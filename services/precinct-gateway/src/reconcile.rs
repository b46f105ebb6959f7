//! Compares what the log has acknowledged with what it still has: at intervals, and when it is back after an outage.
//!
//! Of each partition the last of this gateway's submissions is looked at: a log loses its end. What a start finds is more
//! thorough: it reads the partition ([`ShardFollower`](crate::follow::shard::ShardFollower)).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hattama_election::digest::{RecordDigest, sha256};
use hattama_election::ids::ShardId;
use hattama_record_log::{LogError, ReadLimit};

use crate::book::{Book, Claim};
use crate::follow::{Pause, Source};
use crate::limits::{LOSS_SIGHTING_PAUSE, LOSS_SIGHTINGS};
use crate::losses::Losses;

/// What is compared with what.
#[derive(Debug)]
pub(crate) struct Reconciler {
    pub(crate) source: Arc<Source>,
    pub(crate) book: Arc<Book>,
    pub(crate) losses: Losses,
    pub(crate) interval: Duration,
}

impl Reconciler {
    /// Compares for ever. A log that cannot be asked is asked again soon, so that what came back is compared within
    /// [`LONGEST_PAUSE`](crate::limits::LONGEST_PAUSE).
    pub(crate) async fn run(self) -> Result<(), Infallible> {
        let mut pause = Pause::new();
        loop {
            match self.compare_all().await {
                Ok(()) => {
                    pause = Pause::new();
                    tokio::select! {
                        () = tokio::time::sleep(self.interval) => {}
                        // Soon after the log fails a reader, and then until it answers; many readers may fail at once.
                        () = self.source.outage.notified() => tokio::time::sleep(LOSS_SIGHTING_PAUSE).await,
                    }
                }
                // Followers and senders say that it is away.
                Err(error) => {
                    tracing::debug!(%error, "journal and log cannot be compared now");
                    pause.wait().await;
                }
            }
        }
    }

    async fn compare_all(&self) -> Result<(), LogError> {
        for (shard, claim) in self.book.last_located() {
            if self.losses.is_lost(shard) {
                continue;
            }
            if let Some(what) = self.compare(shard, claim).await? {
                self.losses.report(shard, 1, &what);
            }
        }
        Ok(())
    }

    /// What is wrong, when it was seen [`LOSS_SIGHTINGS`] times.
    async fn compare(&self, shard: ShardId, claim: Claim) -> Result<Option<String>, LogError> {
        for sighting in 1.. {
            let Some(what) = self.look(shard, claim).await? else { return Ok(None) };
            if sighting == LOSS_SIGHTINGS {
                return Ok(Some(what));
            }
            tokio::time::sleep(LOSS_SIGHTING_PAUSE).await;
        }
        Ok(None)
    }

    async fn look(&self, shard: ShardId, claim: Claim) -> Result<Option<String>, LogError> {
        let topic = &self.source.topics.submissions;
        let end = match self.source.log.end(topic, shard.0).await {
            Ok(end) => end,
            // The log answers, and has never heard of what it had acknowledged: it was wiped.
            Err(LogError::UnknownTopic { .. } | LogError::UnknownPartition { .. }) => {
                return Ok(Some("the partition is gone".to_owned()));
            }
            Err(error) => return Err(error),
        };
        if end <= claim.offset {
            return Ok(Some(format!("it ends at {end}, and had acknowledged offset {}", claim.offset)));
        }
        let one = ReadLimit { records: 1, ..ReadLimit::default() };
        let records = self.source.log.read(topic, shard.0, claim.offset, one).await?;
        let is_there = records.first().is_some_and(|record| RecordDigest(sha256(&record.value)) == claim.record);
        Ok((!is_there).then(|| format!("another record lies at offset {} now", claim.offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Loaded;
    use bytes::Bytes;
    use hattama_election::{definition::sample, digest::SubmissionDigest};
    use hattama_record_log::{NewRecord, RecordLog, topics::TopicSet};
    use hattama_service_kit::readiness::Readiness;
    use hattama_tally::Generation;

    const SHARD: ShardId = ShardId(1);

    /// A log with these records in the shard, and a journal that knows one as acknowledged at an offset.
    async fn reconciler(records: &[&'static [u8]], value: &[u8], offset: u64) -> (Reconciler, Readiness) {
        let definition = Arc::new(sample::definition());
        let log = RecordLog::memory();
        let topics = TopicSet::new("sample", 1).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        for record in records {
            log.append(&topics.submissions, SHARD.0, NewRecord::of_value(Bytes::from_static(record))).await.unwrap();
        }
        let book = Arc::new(Book::new(definition.shards, 10));
        book.load(vec![Loaded {
            digest: SubmissionDigest([1; 32]),
            record: RecordDigest(sha256(value)),
            content: hattama_election::digest::ContentDigest([1; 32]),
            shard: SHARD,
            received_at_milliseconds: 0,
            offset: Some(offset),
            counted_in: None,
        }]);
        let readiness = Readiness::new();
        let source = Arc::new(Source { definition, generation: Generation(1), log, topics, outage: Arc::default() });
        let losses = Losses::new(readiness.clone());
        (Reconciler { source, book, losses, interval: Duration::ZERO }, readiness)
    }

    #[tokio::test]
    async fn a_record_that_is_where_it_was_is_no_loss() {
        let (reconciler, readiness) = reconciler(&[b"genesis", b"mine", b"other"], b"mine", 1).await;
        reconciler.compare_all().await.unwrap();
        assert!(!reconciler.losses.is_lost(SHARD) && readiness.is_ready());
    }

    #[tokio::test]
    async fn an_end_below_what_was_acknowledged_is_an_alarm() {
        let (reconciler, readiness) = reconciler(&[b"genesis", b"mine"], b"mine", 2).await;
        reconciler.compare_all().await.unwrap();
        assert!(reconciler.losses.is_lost(SHARD) && !reconciler.losses.is_lost(ShardId(0)));
        assert!(readiness.reasons()["log"].contains("[1]"), "{:?}", readiness.reasons());
    }

    #[tokio::test]
    async fn a_log_that_was_wiped_is_an_alarm_and_one_that_does_not_answer_is_none() {
        let (mut reconciler, readiness) = reconciler(&[b"genesis", b"mine"], b"mine", 1).await;
        let source = |log| {
            let (definition, topics) = (Arc::new(sample::definition()), TopicSet::new("sample", 1).unwrap());
            Arc::new(Source { definition, generation: Generation(1), log, topics, outage: Arc::default() })
        };
        let away = RecordLog::memory();
        away.clone().close().await.unwrap();
        reconciler.source = source(away);
        reconciler.compare_all().await.unwrap_err();
        assert!(readiness.is_ready());
        reconciler.source = source(RecordLog::memory());
        reconciler.compare_all().await.unwrap();
        assert!(reconciler.losses.is_lost(SHARD) && !readiness.is_ready());
    }

    #[tokio::test]
    async fn an_outage_is_a_reason_to_compare_before_the_interval_is_over() {
        let (mut reconciler, _) = reconciler(&[b"genesis", b"mine"], b"mine", 1).await;
        reconciler.interval = Duration::from_secs(3_600);
        let (source, losses, book) =
            (Arc::clone(&reconciler.source), reconciler.losses.clone(), Arc::clone(&reconciler.book));
        let running = tokio::spawn(reconciler.run());
        // Nothing is wrong until a submission lies where the log has none.
        tokio::task::yield_now().await;
        book.load(vec![Loaded {
            digest: SubmissionDigest([2; 32]),
            record: RecordDigest([2; 32]),
            content: hattama_election::digest::ContentDigest([2; 32]),
            shard: SHARD,
            received_at_milliseconds: 0,
            offset: Some(9),
            counted_in: None,
        }]);
        source.outage.notify_one();
        tokio::time::timeout(Duration::from_secs(30), losses.of(SHARD).cancelled()).await.unwrap();
        running.abort();
    }

    #[tokio::test]
    async fn another_record_at_the_acknowledged_position_is_an_alarm() {
        let (reconciler, _) = reconciler(&[b"genesis", b"other"], b"mine", 1).await;
        let what = reconciler.look(SHARD, reconciler.book.last_located()[&SHARD]).await.unwrap();
        assert_eq!(what.unwrap(), "another record lies at offset 1 now");
    }
}
