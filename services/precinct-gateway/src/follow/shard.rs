//! One shard: where this gateway's submissions lie in its partition, and what became of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hattama_election::digest::{SubmissionDigest, sha256};
use hattama_election::ids::ShardId;
use hattama_proto::submission::v1::SignedSubmission;
use hattama_record_log::{ReadLimit, Record};
use hattama_tally::{OutcomeChain, OutcomesBody, PassedOver, Read};
use hattama_wire::{open_outcomes, submission_digest};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};

use super::{PatientReader, Pause, Source, WrongLog};
use crate::book::{Book, Standing};
use crate::journal::{CountedIn, Journal, LoggedAt};
use crate::limits::{LOSS_SIGHTING_PAUSE, LOSS_SIGHTINGS};
use crate::losses::Losses;
use crate::metrics;
use crate::standing::{Named, News, ShardStandings, Word};

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
    /// Steps that were read and wait until the submissions before their end are read.
    next: VecDeque<OutcomesBody>,
    /// Steps that were applied, in their order. They list what is not plainly counted: a small part of the shard.
    applied: Vec<OutcomesBody>,
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
            standings: ShardStandings::new(),
            next: VecDeque::new(),
            applied: Vec::new(),
        }
    }

    /// Reconciles journal and log, tells `reconciled`, then follows for ever.
    ///
    /// # Errors
    /// The log is another election's.
    pub(crate) async fn follow(
        mut self,
        mut publications: mpsc::Receiver<Named>,
        reconciled: oneshot::Sender<()>,
    ) -> Result<(), WrongLog> {
        self.source.genesis_patiently(&self.source.topics.submissions, self.shard.0).await?;
        self.reconcile().await;
        // A sender that is gone has stopped with its gateway.
        let _ = reconciled.send(());
        self.source.genesis_patiently(&self.source.topics.outcomes, self.shard.0).await?;
        loop {
            self.apply_what_is_ready().await;
            let behind = !self.next.is_empty();
            tokio::select! {
                Some(named) = publications.recv() => {
                    let news = self.standings.publication(named);
                    self.enter(news).await;
                }
                batch = self.submissions.next_batch(), if behind => self.locate(&batch).await,
                batch = self.outcomes.next_batch(), if !behind => self.take(&batch),
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
                self.losses.report(self.shard, lost, &what);
                return;
            }
            tokio::time::sleep(LOSS_SIGHTING_PAUSE).await;
        }
    }

    /// Notes which of the records are this gateway's.
    async fn locate(&mut self, batch: &[Record]) {
        let mut logged = Vec::new();
        for record in batch {
            let Ok(submission) = SignedSubmission::decode(record.value.clone()) else { continue };
            let digest = submission_digest(&submission.signed);
            if !self.book.holds_record_of(self.shard, &digest, &record.value) {
                continue;
            }
            self.standings.locate(record.offset, digest);
            let known = self.book.receipt(&digest).and_then(|receipt| receipt.offset);
            self.book.located(&digest, record.offset);
            // Later copies too: each place that a submission had is named when a lost log is filled again.
            if known != Some(record.offset) {
                logged.push(LoggedAt { digest, offset: record.offset });
            }
        }
        self.note_logged(logged).await;
    }

    /// Reads outcomes on: steps that are whole wait for their submissions.
    fn take(&mut self, batch: &[Record]) {
        for record in batch {
            match open_outcomes(&self.source.definition, &record.value) {
                Ok(body) => self.take_part(record.offset, body),
                Err(error) => self.disbelieve(record.offset, &error.to_string()),
            }
        }
    }

    fn take_part(&mut self, offset: u64, body: OutcomesBody) {
        match self.chain.read(body) {
            Read::Step(step) => self.next.push_back(step),
            Read::Part => {}
            Read::PassedOver(why @ PassedOver::Foreign) => self.disbelieve(offset, &why.to_string()),
            Read::PassedOver(why) => {
                tracing::debug!(shard = self.shard.0, offset, %why, "outcomes are passed over");
                metrics::ignored_record("outcomes", "not_next");
            }
        }
    }

    fn disbelieve(&self, offset: u64, error: &str) {
        tracing::warn!(shard = self.shard.0, offset, error, "outcomes are not believed and ignored");
        metrics::ignored_record("outcomes", "not_believed");
    }

    /// Applies steps whose submissions are all read.
    async fn apply_what_is_ready(&mut self) {
        let read = self.submissions.position();
        while let Some(step) = self.next.pop_front_if(|step| step.to.next_offset <= read) {
            let news = self.standings.apply(&step);
            self.applied.push(step);
            self.enter(news).await;
        }
    }

    /// Enters news into the book. A duplicate of the very same signed bytes, which another gateway had sent before, lies
    /// where these lie first, and stands as they do.
    async fn enter(&mut self, news: Vec<News>) {
        let (mut earlier, mut counted) = (BTreeMap::new(), Vec::new());
        for one in news {
            if let Some((offset, digest)) = self.enter_one(one, &mut counted).await {
                earlier.insert(offset, digest);
            }
        }
        if earlier.is_empty() {
            self.note_counted(counted).await;
            return;
        }
        let standings = self.standings_at(&earlier);
        let logged: Vec<_> = earlier
            .iter()
            .filter(|(offset, digest)| self.book.located(digest, **offset))
            .map(|(offset, digest)| LoggedAt { digest: *digest, offset: *offset })
            .collect();
        self.note_logged(logged).await;
        for one in self.standings.adopt(standings) {
            self.enter_one(one, &mut counted).await;
        }
        self.note_counted(counted).await;
    }

    /// Returns the offset and digest of an earlier copy of the same signed bytes.
    async fn enter_one(&self, news: News, counted: &mut Vec<CountedIn>) -> Option<(u64, SubmissionDigest)> {
        let (digest, word) = match news {
            News::CountedIn { digest, sequence } => {
                if self.book.counted_in(&digest, sequence) {
                    counted.push(CountedIn { digest, sequence });
                }
                return None;
            }
            News::Stands { digest, word, .. } => (digest, word),
        };
        let Word { outcome, rules, at, duplicate_of } = word;
        let first = match duplicate_of {
            Some(offset) => Some((offset, self.digest_at(offset).await)),
            None => None,
        };
        if let Some((offset, first)) = first
            && first == digest
        {
            return Some((offset, digest));
        }
        let duplicate_of = first.map(|(_, first)| first);
        self.book.stands(&digest, Standing { outcome, rules, at, duplicate_of });
        None
    }

    /// The submission digest of a record of the shard, waiting for the log.
    async fn digest_at(&self, offset: u64) -> SubmissionDigest {
        if let Some(digest) = self.standings.digest_at(offset) {
            return digest;
        }
        let topic = &self.source.topics.submissions;
        let one = ReadLimit { records: 1, ..ReadLimit::default() };
        let mut pause = Pause::new();
        loop {
            match self.source.log.read(topic, self.shard.0, offset, one).await {
                Ok(records) => match records.first() {
                    Some(record) => return digest_of(record),
                    None => pause.wait().await,
                },
                Err(error) => pause.after_failed_read(topic, self.shard.0, &error).await,
            }
        }
    }

    /// The standings of submissions at offsets whose outcomes are applied already.
    fn standings_at(&self, earlier: &BTreeMap<u64, SubmissionDigest>) -> ShardStandings {
        let mut standings = ShardStandings::new();
        earlier.iter().for_each(|(offset, digest)| standings.locate(*offset, *digest));
        for step in &self.applied {
            standings.apply(step);
        }
        standings
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
