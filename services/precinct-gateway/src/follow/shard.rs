//! One shard: where this gateway's submissions lie in its partition, and what became of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hattama_election::digest::{SubmissionDigest, sha256};
use hattama_election::ids::ShardId;
use hattama_proto::submission::v1::SignedSubmission;
use hattama_record_log::Record;
use hattama_tally::{OutcomeChain, OutcomesBody, PassedOver, Read};
use hattama_wire::{open_outcomes, submission_digest};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};

use super::{PatientReader, Source, WrongLog};
use crate::book::Book;
use crate::journal::{CountedIn, Journal, LoggedAt};
use crate::limits::{LOSS_SIGHTING_PAUSE, LOSS_SIGHTINGS};
use crate::losses::Losses;
use crate::metrics;
use crate::standing::{Named, News, ShardStandings};

/// Follows one shard.
#[derive(Debug)]
pub(crate) struct ShardFollower {
    source: Arc<Source>,
    shard: ShardId,
    book: Arc<Book>,
    journal: Journal,
    losses: Losses,
    submissions: PatientReader,
    outcomes: PatientReader,
    standings: ShardStandings,
    chain: OutcomeChain,
}

impl ShardFollower {
    pub(crate) fn new(source: Arc<Source>, shard: ShardId, book: Arc<Book>, journal: Journal, losses: Losses) -> Self {
        Self {
            submissions: source.reader(&source.topics.submissions, shard.0),
            outcomes: source.reader(&source.topics.outcomes, shard.0),
            chain: OutcomeChain::new(source.generation, shard),
            source,
            shard,
            book,
            journal,
            losses,
            standings: ShardStandings::default(),
        }
    }

    /// Reconciles journal and log, tells `reconciled`, then follows for ever. `found` brings what the sender has found in the
    /// log: another gateway's copy may have been passed before the submission was known here.
    ///
    /// # Errors
    /// The log is another election's.
    pub(crate) async fn follow(
        mut self,
        mut publications: mpsc::Receiver<Named>,
        mut found: mpsc::Receiver<LoggedAt>,
        reconciled: oneshot::Sender<()>,
    ) -> Result<(), WrongLog> {
        self.source.genesis_patiently(&self.source.topics.submissions, self.shard.0).await?;
        self.reconcile().await;
        // A sender that is gone has stopped with its gateway.
        let _ = reconciled.send(());
        self.source.genesis_patiently(&self.source.topics.outcomes, self.shard.0).await?;
        loop {
            let behind = self.standings.is_behind();
            tokio::select! {
                Some(named) = publications.recv() => {
                    let news = self.standings.publication(named);
                    self.enter(news).await;
                }
                Some(LoggedAt { digest, offset }) = found.recv() => {
                    let news = self.standings.found(offset, digest);
                    self.enter(news).await;
                }
                batch = self.submissions.next_batch(), if behind => self.locate(&batch).await,
                batch = self.outcomes.next_batch(), if !behind => self.take(&batch).await,
            }
        }
    }

    /// Reads the partition to its end: what it has of the journal is logged. What it had acknowledged and has no more is lost.
    async fn reconcile(&mut self) {
        let said = self.book.logged_of_shard(self.shard);
        for sighting in 1..=LOSS_SIGHTINGS {
            let end = self.source.end_patiently(&self.source.topics.submissions, self.shard.0).await;
            while self.submissions.position() < end {
                let batch = self.submissions.next_batch().await;
                self.locate(&batch).await;
            }
            let lost = said.iter().filter(|digest| self.standings.offset_of(digest).is_none()).count();
            if lost == 0 {
                return;
            }
            if sighting == LOSS_SIGHTINGS {
                let what =
                    format!("it ends at {end}, and {lost} of {} acknowledged submissions are not in it", said.len());
                self.losses.report(&BTreeSet::from([self.shard]), &what);
                return;
            }
            tokio::time::sleep(LOSS_SIGHTING_PAUSE).await;
        }
    }

    /// Notes which of the records are this gateway's, and applies the steps that waited for them.
    async fn locate(&mut self, batch: &[Record]) {
        let (mut logged, mut records) = (Vec::new(), Vec::with_capacity(batch.len()));
        for record in batch {
            let digest = digest_of(record);
            let is_own = self.book.holds_record_of(self.shard, &digest, &record.value);
            records.push((digest, is_own));
            if !is_own {
                continue;
            }
            let known = self.book.receipt(&digest).and_then(|receipt| receipt.offset);
            self.book.located(&digest, record.offset);
            // Later copies too: each place that a submission had is named when a lost log is filled again.
            if known != Some(record.offset) {
                logged.push(LoggedAt { digest, offset: record.offset });
            }
        }
        let news = self.standings.records(records);
        self.note_logged(logged).await;
        self.enter(news).await;
    }

    /// Reads outcomes on: steps that are whole are applied, or wait for their submissions.
    async fn take(&mut self, batch: &[Record]) {
        let mut news = Vec::new();
        for record in batch {
            match open_outcomes(&self.source.definition, &record.value) {
                Ok(body) => news.extend(self.take_part(record.offset, body)),
                Err(error) => self.disbelieve(record.offset, &error.to_string()),
            }
        }
        self.enter(news).await;
    }

    fn take_part(&mut self, offset: u64, body: OutcomesBody) -> Vec<News> {
        match self.chain.read(body) {
            Read::Step(step) => return self.standings.step(step),
            Read::Part => {}
            Read::PassedOver(why @ PassedOver::Foreign) => self.disbelieve(offset, &why.to_string()),
            Read::PassedOver(why) => {
                tracing::debug!(shard = self.shard.0, offset, %why, "outcomes are passed over");
                metrics::ignored_record("outcomes", "not_next");
            }
        }
        Vec::new()
    }

    fn disbelieve(&self, offset: u64, error: &str) {
        tracing::warn!(shard = self.shard.0, offset, error, "outcomes are not believed and ignored");
        metrics::ignored_record("outcomes", "not_believed");
    }

    /// Enters news into book and journal. Never asks the log: with three copies of everything it would be asked for each.
    async fn enter(&self, news: Vec<News>) {
        let (mut logged, mut counted) = (Vec::new(), Vec::new());
        for one in news {
            match one {
                News::LiesAt { digest, offset } => {
                    if self.book.located(&digest, offset) {
                        logged.push(LoggedAt { digest, offset });
                    }
                }
                News::Stands { digest, standing } => self.book.stands(&digest, standing),
                News::CountedIn { digest, sequence } => {
                    if self.book.counted_in(&digest, sequence) {
                        counted.push(CountedIn { digest, sequence });
                    }
                }
            }
        }
        self.note_logged(logged).await;
        self.note_counted(counted).await;
    }

    async fn note_counted(&self, counted: Vec<CountedIn>) {
        if !counted.is_empty() {
            // A journal that has stopped stops the gateway.
            let _ = self.journal.note_counted(counted).await;
        }
    }

    async fn note_logged(&self, logged: Vec<LoggedAt>) {
        if !logged.is_empty() {
            // A journal that has stopped stops the gateway.
            let _ = self.journal.note_logged(logged).await;
        }
    }
}

/// Of what is no submission, SHA-256 over its value.
fn digest_of(record: &Record) -> SubmissionDigest {
    match SignedSubmission::decode(record.value.clone()) {
        Ok(submission) => submission_digest(&submission.signed),
        Err(_) => SubmissionDigest(sha256(&record.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::Seen;
    use crate::journal::{Identity, Store};
    use bytes::Bytes;
    use hattama_election::definition::{KeyRole, sample};
    use hattama_election::digest::{ContentDigest, RecordDigest};
    use hattama_record_log::{NewRecord, RecordLog, topics::TopicSet};
    use hattama_service_kit::readiness::Readiness;
    use hattama_tally::{FIRST_POSITION, Generation, Outcome, Part, PositionPair, SubmissionOutcome};
    use hattama_wire::{Envelope, ServiceContext, SigningKey, encode_outcomes, sign_service};
    use std::time::Duration;

    const SHARD: ShardId = ShardId(1);
    /// What a busy shard sends in an hour.
    const SUBMISSIONS: u64 = 2_000;

    fn record(offset: u64, value: Bytes) -> Record {
        Record { offset, timestamp_milliseconds: 0, key: None, value, headers: Vec::new() }
    }

    /// Everything lies three times in the shard, this gateway's copies last.
    #[tokio::test]
    async fn of_any_number_of_duplicates_none_is_looked_up_in_the_log() {
        let definition = Arc::new(sample::definition());
        let log = RecordLog::memory();
        let topics = TopicSet::new("sample", 1).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        log.append(&topics.submissions, SHARD.0, NewRecord::of_value("x")).await.unwrap();
        let value = |number: u64| Bytes::from(format!("not a submission, but told apart: {number}"));
        let digest = |number: u64| SubmissionDigest(sha256(&value(number)));
        let book = Arc::new(Book::new(definition.shards, 10_000));
        let loaded = |number| crate::journal::Loaded {
            digest: digest(number),
            record: RecordDigest(sha256(&value(number))),
            content: ContentDigest([0; 32]),
            shard: SHARD,
            received_at_milliseconds: 0,
            offset: None,
            counted_in: None,
        };
        let directory = tempfile::tempdir().unwrap();
        let identity = Identity { election: definition.id.clone(), core_digest: definition.core_digest };
        let store = Store::open(directory.path(), &identity).unwrap();
        let (journal, _end) = Journal::start(store, 1, Arc::clone(&book)).unwrap();
        let source = Arc::new(Source {
            definition: Arc::clone(&definition),
            generation: Generation(1),
            log: log.clone(),
            topics,
            outage: Arc::default(),
            seen: Seen::default(),
        });
        let losses = Losses::new(Readiness::new());
        let mut follower = ShardFollower::new(source, SHARD, Arc::clone(&book), journal, losses);
        let copies: Vec<u64> = (0..3).flat_map(|_| 0..SUBMISSIONS).collect();
        let records: Vec<Record> = (1..).zip(&copies).map(|(offset, number)| record(offset, value(*number))).collect();
        let (others, own) = records.split_at(2 * SUBMISSIONS as usize);
        follower.locate(others).await;
        book.load((0..SUBMISSIONS).map(loaded).collect());
        follower.locate(own).await;
        // From here on whoever asks the log waits for ever.
        log.close().await.unwrap();

        let duplicate = |(offset, number): (u64, &u64)| SubmissionOutcome {
            offset,
            digest: digest(*number),
            outcome: Outcome::Duplicate,
            rules: Vec::new(),
            duplicate_of: Some(number + 1),
        };
        let first = SUBMISSIONS as usize;
        let body = OutcomesBody {
            election: definition.id.clone(),
            core_digest: definition.core_digest,
            generation: Generation(1),
            shard: SHARD,
            from: FIRST_POSITION,
            to: PositionPair { next_offset: copies.len() as u64 + 1, control_next_offset: 1 },
            part: Part::WHOLE,
            outcomes: (1..).zip(&copies).skip(first).map(duplicate).collect(),
        };
        let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Service, "aggregator").unwrap();
        let outcomes = sign_service(ServiceContext::Outcomes, &key, encode_outcomes(&body), &Envelope::default());
        let outcomes = [record(1, outcomes)];
        tokio::time::timeout(Duration::from_secs(60), follower.take(&outcomes)).await.unwrap();
        for number in 0..SUBMISSIONS {
            let receipt = book.receipt(&digest(number)).unwrap();
            assert_eq!(receipt.offset, Some(number + 1));
            assert_eq!(receipt.standing.unwrap().outcome, Outcome::Counted);
        }
    }
}
