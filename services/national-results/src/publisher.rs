//! The shell around the merger: reads tallies and publications, appends drafts, hands snapshots to the archive.
//!
//! No timers: one publication is in flight, and the next follows when that one has been read back and something changed.

use crate::{
    archive::{Archive, ShardStates},
    follow::{Event, Followers},
    gate::{Behind, Gate},
    merger::{Draft, Merger},
    metrics,
    records::{LoggedPublication, LoggedTally, open_publication, open_tally},
    replica::{Check, Replica},
    restoration::Progress,
    tallies::Verdict,
};
use bytes::Bytes;
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_election_log::end_patiently;
use hattama_record_log::{LogError, NewRecord, RecordLog, TopicName};
use hattama_service_kit::{clock::Clock, readiness::Readiness, shutdown::Shutdown};
use hattama_tally::Generation;
use hattama_wire::{Envelope, ServiceContext, SigningKey, sign_service};
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long to wait before the log is asked or written to again after it failed: each try took its own time-outs already, so
/// that this need not grow.
const FAILED_APPEND_WAIT: Duration = Duration::from_secs(1);
/// How long a stop waits for the append under way: a log that can be reached has acknowledged it long before.
const LAST_APPEND_WAIT: Duration = Duration::from_secs(2);
/// Events taken in before the merge looks at them: one merge for many tallies when there are many.
const MAX_EVENTS_AT_ONCE: usize = 256;
/// The part of readiness that this task holds.
pub(crate) const READY_PART: &str = "publications";

/// Who publishes, and where.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub definition: Arc<Definition>,
    pub generation: Generation,
    pub log: RecordLog,
    pub topic: TopicName,
    pub clock: Clock,
    pub key: SigningKey,
    pub instance: String,
}

/// The task that merges and publishes.
pub(crate) struct Publisher {
    pub author: Author,
    pub merger: Merger,
    pub archive: Arc<Archive>,
    pub replica: Arc<Replica>,
    /// The newest tally of each shard, for the checks.
    pub targets: BTreeMap<ShardId, watch::Sender<Arc<LoggedTally>>>,
    pub readiness: Readiness,
    /// Opened when this replica has caught up.
    pub gate: Gate,
    /// The newest publication in the log at the start; none when nothing was published yet.
    pub newest_at_start: Option<Arc<LoggedPublication>>,
    /// The offset behind the last publication that was read.
    pub read_up_to: u64,
    pub flight: Flight,
}

/// The publication under way.
pub(crate) enum Flight {
    /// None.
    Landed,
    /// The log has not acknowledged it yet.
    Appending { append: Pin<Box<dyn Future<Output = Result<Landing, LogError>> + Send>>, since: Instant },
    /// Acknowledged; the records before this offset are to be read first.
    ReadingBack { until: u64, since: Instant },
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    /// The log has it: before this offset.
    Acknowledged(u64),
    /// Nobody knows: if the log has it now, before this offset.
    Unknown(u64),
    /// The log could not be reached: it has nothing of it.
    NotWritten,
}

impl Publisher {
    /// Runs until the service stops. A publication under way is seen through to its acknowledgement.
    pub(crate) async fn run(mut self, mut followers: Followers, shutdown: Shutdown) -> Result<(), LogError> {
        let mut control = self.replica.control_position();
        self.show_states();
        loop {
            self.settle();
            tokio::select! {
                biased;
                () = shutdown.token().cancelled() => break,
                landed = landing(&mut self.flight) => self.landed(landed?),
                event = followers.next() => {
                    let Some(event) = event else { break };
                    self.take(event);
                    for event in followers.waiting(MAX_EVENTS_AT_ONCE) {
                        self.take(event);
                    }
                }
                // Never an error: the replica keeps the sender.
                _ = control.changed() => {}
            }
        }
        if let Flight::Appending { append, .. } = self.flight {
            // Its record is in the log or not, whatever this says: the next reader will see.
            let _ = tokio::time::timeout(LAST_APPEND_WAIT, append).await;
        }
        Ok(())
    }

    /// Shows what is complete, and publishes when something has moved and nothing is in flight.
    fn settle(&mut self) {
        let replica = Arc::clone(&self.replica);
        while let Some(snapshot) = self.merger.next_snapshot(&|next_offset| replica.control_at(next_offset)) {
            if let Some(restoration) = replica.restoration() {
                restoration.take(&snapshot.publication.body);
            }
            self.archive.show(snapshot);
        }
        self.let_readers_in();
        self.show_newest();
        if let Flight::ReadingBack { until, since } = self.flight
            && self.read_up_to >= until
        {
            ::metrics::histogram!(metrics::PUBLISH_SECONDS).record(since.elapsed());
            self.flight = Flight::Landed;
        }
        if matches!(self.flight, Flight::Landed) {
            match self.replica.control().map(|control| self.merger.draft(&control)) {
                Ok(Some(draft)) => {
                    let append = Box::pin(self.author.append(draft));
                    self.flight = Flight::Appending { append, since: Instant::now() };
                }
                Ok(None) => {}
                Err(broken) => self.merger.stop(format!("control: {broken}")),
            }
        }
        let stopped = if self.merger.stopped().is_some() { 1.0 } else { 0.0 };
        ::metrics::gauge!(metrics::PUBLISHING_STOPPED).set(stopped);
    }

    /// Opens the gate once this replica is as new as the log was when it started, however far the log has gone on since.
    fn let_readers_in(&self) {
        if self.gate.is_open() {
            return;
        }
        let behind = self.newest_at_start.as_ref().filter(|newest| !self.has_caught_up_with(newest));
        let Some(behind) = behind else {
            self.gate.open();
            self.readiness.release(READY_PART);
            return;
        };
        let publication = self.archive.snapshot(None).map_or(0, |newest| newest.publication.body.sequence);
        let behind = Behind { publication, until: behind.body.sequence };
        self.gate.stands(behind);
        self.readiness.hold(READY_PART, behind.to_string());
    }

    /// While a lost log is restored, what is back is known from the replica's own fold: it must have come as far too. A
    /// shard that stands still is not waited for.
    fn has_caught_up_with(&self, newest: &LoggedPublication) -> bool {
        let is_folded = |shard: ShardId, position| {
            let is_frozen = self.merger.shards().get(&shard).is_some_and(|shard| shard.frozen().is_some());
            is_frozen || self.replica.has_reached(shard, position)
        };
        self.merger.has_passed(newest.body.sequence)
            && (self.replica.restoration().is_none()
                || newest.body.vector.iter().all(|entry| is_folded(entry.shard, entry.position)))
    }

    /// Metrics of what readers see; nothing while they see nothing.
    fn show_newest(&self) {
        if !self.gate.is_open() {
            return;
        }
        if let Ok(newest) = self.archive.snapshot(None) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "gauges are floats; 2^53 publications are a thousand years"
            )]
            ::metrics::gauge!(metrics::NEWEST_SEQUENCE).set(newest.publication.body.sequence as f64);
        }
        self.show_restoration();
    }

    fn show_restoration(&self) {
        let Some(restoration) = self.replica.restoration() else { return };
        let newest = self.archive.snapshot(None).ok();
        let complete =
            newest.as_ref().is_some_and(|newest| restoration.is_complete(&newest.publication.body, &newest.control));
        let Progress { records, records_back, records_lost } =
            restoration.progress(newest.as_ref().map(|newest| &*newest.control));
        let missing = if complete { 0 } else { records - records_back - records_lost };
        ::metrics::gauge!(metrics::RESTORING).set(if complete { 0.0 } else { 1.0 });
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats; records stay far below 2^53")]
        ::metrics::gauge!(metrics::RESTORING_RECORDS_MISSING).set(missing as f64);
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats; records stay far below 2^53")]
        ::metrics::gauge!(metrics::RESTORING_RECORDS_LOST).set(records_lost as f64);
    }

    fn landed(&mut self, landed: Landing) {
        let Flight::Appending { since, .. } = self.flight else { return };
        self.flight = match landed {
            Landing::Acknowledged(until) => {
                ::metrics::counter!(metrics::PUBLICATIONS_APPENDED_TOTAL).increment(1);
                Flight::ReadingBack { until, since }
            }
            Landing::Unknown(until) => Flight::ReadingBack { until, since },
            Landing::NotWritten => Flight::Landed,
        };
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Tallies { shard, values } => values.iter().for_each(|value| self.take_tally(shard, value)),
            Event::Publications { values, next_offset } => {
                values.iter().for_each(|value| self.take_publication(value));
                self.read_up_to = next_offset;
            }
            Event::Checked { shard, check } => self.take_check(shard, check),
            Event::ControlBroken { why } => self.merger.stop(why),
        }
    }

    fn take_tally(&mut self, shard: ShardId, value: &[u8]) {
        let tally = match open_tally(&self.author.definition, self.author.generation, shard, value) {
            Ok(tally) => tally,
            Err(error) => {
                tracing::warn!(shard = shard.0, %error, "a tally is not believed and is ignored");
                ::metrics::counter!(metrics::TALLIES_READ_TOTAL, "verdict" => "not_believed").increment(1);
                return;
            }
        };
        let Some(verdict) = self.merger.take_tally(shard, tally) else { return };
        ::metrics::counter!(metrics::TALLIES_READ_TOTAL, "verdict" => verdict.as_str()).increment(1);
        match verdict {
            Verdict::Newer => {
                if let (Some(target), Some(shard)) = (self.targets.get(&shard), self.merger.shards().get(&shard)) {
                    target.send_replace(Arc::clone(shard.newest()));
                }
                self.show_states();
            }
            Verdict::Same => self.show_states(),
            Verdict::Older => {}
            Verdict::Alarm => self.alarm(shard),
        }
    }

    /// Takes a record of the publications; also those that lie in the log when the service starts.
    pub(crate) fn take_publication(&mut self, value: &Bytes) {
        let count = |verdict: &'static str| {
            ::metrics::counter!(metrics::PUBLICATIONS_READ_TOTAL, "verdict" => verdict).increment(1);
        };
        let publication = match open_publication(&self.author.definition, self.author.generation, value) {
            Ok(publication) => publication,
            Err(error) => {
                tracing::warn!(%error, "a publication is not believed and is ignored");
                return count("not_believed");
            }
        };
        let sequence = publication.body.sequence;
        match self.merger.take_publication(publication) {
            Ok(publication) => {
                count("valid");
                self.archive.remember(&publication);
            }
            Err(not_next) => {
                tracing::debug!(sequence, why = not_next.as_str(), "another publication came first");
                count(not_next.as_str());
            }
        }
    }

    fn take_check(&mut self, shard: ShardId, check: Check) {
        match check {
            Check::Confirmed(tally) => {
                ::metrics::counter!(metrics::CHECKS_TOTAL, "verdict" => "confirmed").increment(1);
                self.merger.confirm(shard, tally);
                self.show_states();
            }
            Check::Differs(why) => {
                ::metrics::counter!(metrics::CHECKS_TOTAL, "verdict" => "differs").increment(1);
                self.merger.freeze(shard, why);
                self.alarm(shard);
            }
            Check::Passed => {}
        }
    }

    fn alarm(&self, shard: ShardId) {
        let why = self.merger.shards().get(&shard).and_then(|shard| shard.frozen()).unwrap_or_default();
        tracing::error!(
            shard = shard.0,
            why,
            "a shard is frozen, the others go on: compare its aggregators with a recount of its submissions, stop the \
             wrong one, then start the national service again"
        );
        self.show_states();
    }

    fn show_states(&self) {
        let mut states = ShardStates::default();
        for (shard, tallies) in self.merger.shards() {
            states.confirmed.insert(*shard, tallies.confirmed());
            if let Some(why) = tallies.frozen() {
                states.frozen.insert(*shard, why.to_owned());
            }
        }
        ::metrics::gauge!(metrics::SHARDS_FROZEN).set(u32::try_from(states.frozen.len()).unwrap_or(u32::MAX));
        self.archive.set_states(states);
    }
}

impl Author {
    /// Signs a draft and appends it. The future owns what it needs.
    fn append(&self, draft: Draft) -> impl Future<Output = Result<Landing, LogError>> + Send + use<> {
        let envelope = Envelope {
            instance: self.instance.clone(),
            written_at_milliseconds: self.clock.now_utc_milliseconds(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            frozen: None,
        };
        tracing::debug!(sequence = draft.sequence, "publishing");
        let value = sign_service(ServiceContext::Publication, &self.key, draft.bytes, &envelope);
        let (log, topic) = (self.log.clone(), self.topic.clone());
        async move {
            match log.append(&topic, 0, NewRecord::of_value(value)).await {
                Ok(offset) => Ok(Landing::Acknowledged(offset + 1)),
                Err(error) if error.outcome_is_unknown() => {
                    ::metrics::counter!(metrics::APPENDS_UNKNOWN_TOTAL).increment(1);
                    tracing::warn!(%error, "a publication may be in the log or not: reading on before the next one");
                    tokio::time::sleep(FAILED_APPEND_WAIT).await;
                    end_patiently(&log, &topic, 0).await.map(Landing::Unknown)
                }
                Err(error) if error.may_pass() => {
                    tracing::warn!(%error, "the log cannot be reached: publishing goes on when it can");
                    tokio::time::sleep(FAILED_APPEND_WAIT).await;
                    Ok(Landing::NotWritten)
                }
                Err(error) => Err(error),
            }
        }
    }
}

/// The outcome of the append under way; never when there is none.
async fn landing(flight: &mut Flight) -> Result<Landing, LogError> {
    match flight {
        Flight::Appending { append, .. } => append.await,
        Flight::Landed | Flight::ReadingBack { .. } => std::future::pending().await,
    }
}
