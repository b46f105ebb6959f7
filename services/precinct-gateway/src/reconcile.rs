//! Compares what the log has had with what it still has: at intervals, and when it is back after an outage.
//!
//! The brokers are asked afresh whether they are the same cluster, have the topics, and in each partition all that was read from
//! it; and of each partition of submissions the last one of this gateway is read. What a start finds is more thorough: it reads
//! the partition ([`ShardFollower`](crate::follow::shard::ShardFollower)).

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hattama_election::digest::{RecordDigest, sha256};
use hattama_election::ids::ShardId;
use hattama_record_log::{LogError, ReadLimit, TopicName};

use crate::book::{Book, Claim};
use crate::follow::{Pause, Place, Source};
use crate::limits::{LOSS_SIGHTING_PAUSE, LOSS_SIGHTINGS, MAX_TOLD_PLACES};
use crate::losses::Losses;

/// What is compared with what.
#[derive(Debug)]
pub(crate) struct Reconciler {
    source: Arc<Source>,
    book: Arc<Book>,
    losses: Losses,
    interval: Duration,
    /// The cluster that answered first.
    cluster: OnceLock<String>,
}

/// What is wrong with each place.
type Wrong = BTreeMap<Place, String>;

impl Reconciler {
    pub(crate) fn new(source: Arc<Source>, book: Arc<Book>, losses: Losses, interval: Duration) -> Self {
        Self { source, book, losses, interval, cluster: OnceLock::new() }
    }

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
        let mut wrong = self.look().await?;
        for _ in 1..LOSS_SIGHTINGS {
            if wrong.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(LOSS_SIGHTING_PAUSE).await;
            let again = self.look().await?;
            wrong.retain(|place, _| again.contains_key(place));
        }
        self.report(&wrong);
        Ok(())
    }

    /// One alarm, however many places there are: a wiped cluster has lost all at once.
    fn report(&self, wrong: &Wrong) {
        let concerned: Wrong = wrong
            .iter()
            .filter(|(place, _)| self.shards_of(place).iter().any(|shard| !self.losses.is_lost(*shard)))
            .map(|(place, what)| (place.clone(), what.clone()))
            .collect();
        let shards: BTreeSet<ShardId> = concerned.keys().flat_map(|place| self.shards_of(place)).collect();
        let told = concerned.iter().take(MAX_TOLD_PLACES);
        let mut what: Vec<String> =
            told.map(|((topic, partition), what)| format!("{topic} [{partition}]: {what}")).collect();
        if concerned.len() > what.len() {
            what.push(format!("and {} partitions more", concerned.len() - what.len()));
        }
        self.losses.report(&shards, &what.join("; "));
    }

    /// Publications are all shards'.
    fn shards_of(&self, (topic, partition): &Place) -> Vec<ShardId> {
        if *topic == self.source.topics.publications {
            return (0..self.source.definition.shards).map(ShardId).collect();
        }
        vec![ShardId(*partition)]
    }

    /// What is wrong now.
    async fn look(&self) -> Result<Wrong, LogError> {
        let log = &self.source.log;
        let claims = self.book.last_located();
        let mut had = self.source.seen.ends();
        for (shard, claim) in &claims {
            let end = had.entry((self.source.topics.submissions.clone(), shard.0)).or_default();
            *end = (*end).max(claim.offset + 1);
        }
        let topics = log.topics().await?;
        let cluster = log.cluster_id().await?;
        let known = cluster.as_ref().map(|cluster| self.cluster.get_or_init(|| cluster.clone()));
        let mut wrong = Wrong::new();
        for (place, had) in had {
            let claim = (place.0 == self.source.topics.submissions).then(|| claims.get(&ShardId(place.1))).flatten();
            let what = match (&cluster, known) {
                (Some(cluster), Some(known)) if cluster != known => {
                    Some(format!("cluster {cluster} answers, and it was read from cluster {known}"))
                }
                _ if topics.get(&place.0).is_none_or(|partitions| *partitions <= place.1) => {
                    Some("it is gone, or this user may not see it any more".to_owned())
                }
                _ => self.look_at(&place, had, claim).await?,
            };
            wrong.extend(what.map(|what| (place, what)));
        }
        Ok(wrong)
    }

    /// What is wrong with a partition that is there.
    async fn look_at(
        &self,
        (topic, partition): &Place,
        had: u64,
        claim: Option<&Claim>,
    ) -> Result<Option<String>, LogError> {
        let has = self.source.log.bounds(topic, *partition).await?;
        if has.start > 0 {
            return Ok(Some(format!("its first {} records were removed", has.start)));
        }
        if has.end < had {
            return Ok(Some(format!("it ends at {}, and had acknowledged offset {}", has.end, had - 1)));
        }
        match claim {
            Some(claim) => self.look_for(topic, *partition, claim).await,
            None => Ok(None),
        }
    }

    async fn look_for(&self, topic: &TopicName, partition: u32, claim: &Claim) -> Result<Option<String>, LogError> {
        let one = ReadLimit { records: 1, ..ReadLimit::default() };
        let records = self.source.log.read(topic, partition, claim.offset, one).await?;
        let is_there = records.first().is_some_and(|record| RecordDigest(sha256(&record.value)) == claim.record);
        Ok((!is_there).then(|| format!("another record lies at offset {} now", claim.offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::Seen;
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
        let source = Arc::new(Source {
            definition,
            generation: Generation(1),
            log,
            topics,
            outage: Arc::default(),
            seen: Seen::default(),
        });
        let losses = Losses::new(readiness.clone());
        (Reconciler::new(source, book, losses, Duration::ZERO), readiness)
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
            Arc::new(Source {
                definition,
                generation: Generation(1),
                log,
                topics,
                outage: Arc::default(),
                seen: Seen::default(),
            })
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
        let wrong: Vec<String> = reconciler.look().await.unwrap().into_values().collect();
        assert_eq!(wrong, ["another record lies at offset 1 now"]);
    }

    #[tokio::test]
    async fn whatever_was_read_must_stay_there_in_every_topic() {
        let (mut reconciler, readiness) = reconciler(&[b"genesis", b"mine"], b"mine", 1).await;
        let topics = reconciler.source.topics.clone();
        for topic in [&topics.outcomes, &topics.publications] {
            reconciler.source.log.append(topic, 0, NewRecord::of_value("genesis")).await.unwrap();
        }
        let seen = |end| {
            reconciler.source.seen.note(&topics.outcomes, 0, end);
            reconciler.source.seen.note(&topics.publications, 0, end);
        };
        seen(1);
        reconciler.compare_all().await.unwrap();
        assert!(readiness.is_ready());
        // What was read last is gone.
        seen(2);
        let wrong = reconciler.look().await.unwrap();
        let places: Vec<_> = wrong.keys().cloned().collect();
        assert_eq!(places, [(topics.outcomes.clone(), 0), (topics.publications.clone(), 0)]);
        assert!(wrong.values().all(|what| what == "it ends at 1, and had acknowledged offset 1"), "{wrong:?}");
        reconciler.compare_all().await.unwrap();
        assert!((0..reconciler.source.definition.shards).all(|shard| reconciler.losses.is_lost(ShardId(shard))));
        assert!(!readiness.is_ready());
        // All at once gone.
        let source = Arc::get_mut(&mut reconciler.source).unwrap();
        source.log = RecordLog::memory();
        let wrong = reconciler.look().await.unwrap();
        assert_eq!(wrong.len(), 3);
        assert!(wrong.values().all(|what| what.contains("it is gone")), "{wrong:?}");
    }
}
