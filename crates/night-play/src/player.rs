//! The precinct nodes: each sends what the script says, when it says so, through a gateway, and insists until it is logged.

use crate::{freshness::Freshness, in_the_log};
use hattama_election::{definition::Definition, digest::SubmissionDigest, ids::ShardId};
use hattama_proto::gateway::v1::{
    Receipt, ReceiptState, SubmitRequest, precinct_gateway_client::PrecinctGatewayClient,
};
use hattama_record_log::{LogError, NewRecord, RecordLog, TopicName};
use hattama_rehearsal::script::{Event, Fate, RehearsalKeyring, Route, SignedEvent};
use hattama_service_kit::clock::Clock;
use hdrhistogram::Histogram;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, transport::Channel};

/// Submissions on their way at a time: below what two gateways take, so that nodes wait here and not for a refusal.
const MAX_IN_FLIGHT: usize = 1_500;
/// Tries for one submission: with the pauses below about two minutes, longer than any restart of a gateway.
pub const DEFAULT_TRIES: u32 = 30;
/// Tries for one that is refused until an amendment brings its key: the pauses below come to more than the five seconds
/// after which the gateway says to come again.
const MAX_TRIES_REFUSED: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A precinct node asks again after this at the latest.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A precinct node waits this long for an answer.
const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// Latencies up to an hour, with three digits.
const LONGEST_LATENCY_MICROSECONDS: u64 = 3_600_000_000;

/// What the precinct nodes need.
pub struct Player {
    /// The election.
    pub definition: Arc<Definition>,
    /// Its keys.
    pub keyring: RehearsalKeyring,
    /// The night's clock.
    pub clock: Clock,
    /// A client of each gateway.
    pub gateways: Vec<PrecinctGatewayClient<Channel>>,
    /// The log, for intruders who write past the gateways.
    pub log: RecordLog,
    /// Where submissions lie in it.
    pub submissions: TopicName,
    /// Digests of what an earlier run has brought into the log already.
    pub already_logged: HashSet<SubmissionDigest>,
    /// Learns when what was logged.
    pub freshness: Arc<Freshness>,
    /// What happens, for the progress bars.
    pub counters: Arc<Counters>,
    /// Tries for one submission; [`DEFAULT_TRIES`], or more where outages are longer.
    pub tries: u32,
    /// Hears of every receipt. Who takes them too slowly holds the precincts up.
    pub receipts: Option<mpsc::Sender<Answered>>,
}

/// A receipt that a precinct node got.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The event's number in the script.
    pub event: u32,
    /// What was sent: its submission digest.
    pub digest: SubmissionDigest,
    /// Which of the player's gateways answered, from 0.
    pub gateway: usize,
    /// The answer.
    pub receipt: Receipt,
    /// When it came.
    pub at: Instant,
}

/// What has been sent so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events played.
    pub played: AtomicU64,
    /// Submissions that a gateway acknowledged as logged.
    pub logged: AtomicU64,
    /// Submissions that a gateway refused.
    pub refused: AtomicU64,
    /// Records written past the gateways.
    pub intruded: AtomicU64,
    /// Calls that had to be made again.
    pub retried: AtomicU64,
    /// Events skipped because an earlier run has brought them into the log.
    pub skipped: AtomicU64,
}

/// What came of playing.
#[derive(Debug)]
pub struct Played {
    /// From sending to LOGGED, in microseconds.
    pub latency: Histogram<u64>,
    /// Submissions acknowledged in each second of real time, from the start.
    pub logged_by_second: Vec<u64>,
    /// What did not go as the script says, at most `MAX_SURPRISES`.
    pub surprises: Vec<String>,
    /// Refusals by code.
    pub refused_by_rule: BTreeMap<String, u64>,
}

/// Surprises that are kept to be shown; the first ones tell most.
const MAX_SURPRISES: usize = 20;

struct Tally {
    latency: Histogram<u64>,
    logged_by_second: Vec<u64>,
    surprises: Vec<String>,
    refused_by_rule: BTreeMap<String, u64>,
}

impl Player {
    /// Plays all events, each at its instant and not before it is handed out; returns when each is logged, refused or given up.
    ///
    /// # Errors
    /// When the script has an instant that is none, or a node panicked.
    pub async fn play(
        self,
        mut events: impl Stream<Item = Event> + Unpin,
    ) -> Result<Played, Box<dyn std::error::Error>> {
        let started = self.clock.monotonic();
        let tally = Arc::new(Mutex::new(Tally {
            latency: Histogram::new_with_bounds(1, LONGEST_LATENCY_MICROSECONDS, 3)?,
            logged_by_second: Vec::new(),
            surprises: Vec::new(),
            refused_by_rule: BTreeMap::new(),
        }));
        let player = Arc::new(self);
        let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        let mut nodes = JoinSet::new();
        while let Some(event) = events.next().await {
            if !player.already_logged.is_empty() && player.is_logged(&event) {
                player.counters.skipped.fetch_add(1, Ordering::Relaxed);
                player.counters.played.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            player.clock.sleep_until(jiff::Timestamp::from_second(event.at.0)?).await;
            let permit = Arc::clone(&in_flight).acquire_owned().await?;
            let (player, tally) = (Arc::clone(&player), Arc::clone(&tally));
            nodes.spawn(async move {
                let sent = player.clock.monotonic();
                let outcome = player.send(&event).await;
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.note(&player, &event, outcome, sent.elapsed(), started.elapsed());
                drop(permit);
            });
            // Finished tasks are taken out as they end, so that the set stays as small as what is in flight.
            while nodes.try_join_next().is_some() {}
        }
        while let Some(node) = nodes.join_next().await {
            node?;
        }
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Played {
            latency: tally.latency.clone(),
            logged_by_second: std::mem::take(&mut tally.logged_by_second),
            surprises: std::mem::take(&mut tally.surprises),
            refused_by_rule: std::mem::take(&mut tally.refused_by_rule),
        })
    }

    fn is_logged(&self, event: &Event) -> bool {
        event.sign(&self.keyring, &self.definition).is_ok_and(|signed| self.already_logged.contains(&signed.digest))
    }

    async fn send(&self, event: &Event) -> Sent {
        let signed = match event.sign(&self.keyring, &self.definition) {
            Ok(signed) => signed,
            Err(error) => return Sent::Failed(error.to_string()),
        };
        match event.through {
            Route::StraightIntoLog { shard } => self.intrude(shard, signed).await,
            Route::Gateway(hint) => self.submit(event.number, usize::from(hint), signed).await,
        }
    }

    /// Insists as well. An append of which nobody knows whether it is in the log is looked for before it is made again: the
    /// script counts its records.
    async fn intrude(&self, shard: ShardId, signed: SignedEvent) -> Sent {
        let mut pause = FIRST_PAUSE;
        let mut last: Result<(), LogError> = Ok(());
        let mut may_be_there = false;
        for _ in 0..self.tries {
            may_be_there |= last.as_ref().is_err_and(LogError::outcome_is_unknown);
            last = self.intrude_once(shard, &signed, may_be_there).await;
            if last.is_ok() {
                return Sent::Intruded;
            }
            self.counters.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Sent::Failed(last.map_or_else(|error| error.to_string(), |()| "not tried".to_owned()))
    }

    async fn intrude_once(&self, shard: ShardId, signed: &SignedEvent, may_be_there: bool) -> Result<(), LogError> {
        if may_be_there && in_the_log::holds(&self.log, &self.submissions, shard, &signed.value).await? {
            return Ok(());
        }
        self.log.append(&self.submissions, shard.0, NewRecord::of_value(signed.value.clone())).await.map(|_| ())
    }

    async fn observe(&self, event: u32, digest: &SubmissionDigest, gateway: usize, receipt: &Receipt) {
        let Some(receipts) = &self.receipts else { return };
        let (gateway, at) = (gateway % self.gateways.len(), self.clock.monotonic());
        // Nobody listens any more: playing goes on.
        let _ = receipts.send(Answered { event, digest: *digest, gateway, receipt: receipt.clone(), at }).await;
    }

    /// Insists: a gateway that is away is passed by, the same bytes count once through any of them (promise P2).
    async fn submit(&self, number: u32, hint: usize, signed: SignedEvent) -> Sent {
        let Some(submission) = signed.submission else {
            return Sent::Failed("a gateway takes submissions only".to_owned());
        };
        let message = submission.to_proto();
        let mut pause = FIRST_PAUSE;
        let mut gateway = hint;
        for attempt in 0..self.tries {
            let mut client = self.gateways[gateway % self.gateways.len()].clone();
            let mut request = tonic::Request::new(SubmitRequest { submission: Some(message.clone()) });
            request.set_timeout(CALL_DEADLINE);
            match client.submit(request).await {
                Ok(answer) => {
                    if let Some(receipt) = answer.into_inner().receipt {
                        self.observe(number, &signed.digest, gateway, &receipt).await;
                        if receipt.state >= ReceiptState::Logged as i32 {
                            return Sent::Logged(Box::new(receipt));
                        }
                    }
                    // RECEIVED: it is safe, and asked for again until it is in the log.
                }
                Err(status) if status.code() == Code::InvalidArgument => {
                    if !may_come_again(&status) || attempt + 1 >= MAX_TRIES_REFUSED {
                        return Sent::Refused(rule_of(&status));
                    }
                }
                Err(status) if attempt + 1 == self.tries => return Sent::Failed(status.to_string()),
                // "Later" says that this gateway is there.
                Err(status) if status.code() == Code::ResourceExhausted => {}
                Err(_) => gateway += 1,
            }
            self.counters.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Sent::Failed(format!("not logged after {} tries", self.tries))
    }
}

/// What came of one event.
enum Sent {
    Logged(Box<Receipt>),
    Refused(String),
    Intruded,
    Failed(String),
}

/// The rule code of a refusal: the reason in its `google.rpc.ErrorInfo`.
fn rule_of(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map_or_else(|| status.message().to_owned(), |info| info.reason)
}

/// Whether the gateway says when to try again: an amendment that brings the key may be on its way (docs/api.md).
fn may_come_again(status: &tonic::Status) -> bool {
    use tonic_types::StatusExt as _;
    status.get_details_retry_info().is_some()
}

impl Tally {
    fn note(&mut self, player: &Player, event: &Event, sent: Sent, took: Duration, since_start: Duration) {
        let counters = &player.counters;
        counters.played.fetch_add(1, Ordering::Relaxed);
        match sent {
            Sent::Logged(receipt) => {
                counters.logged.fetch_add(1, Ordering::Relaxed);
                let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(microseconds.max(1));
                let second = usize::try_from(since_start.as_secs()).unwrap_or(usize::MAX);
                if self.logged_by_second.len() <= second {
                    self.logged_by_second.resize(second + 1, 0);
                }
                self.logged_by_second[second] += 1;
                if let Some(position) = receipt.position {
                    player.freshness.logged(ShardId(position.partition), position.offset, player.clock.monotonic());
                }
                if let Fate::RefusedByGateway(rule) = event.fate {
                    self.surprise(event, &format!("was accepted, {rule} was expected"));
                }
            }
            Sent::Refused(rule) => {
                counters.refused.fetch_add(1, Ordering::Relaxed);
                if !matches!(event.fate, Fate::RefusedByGateway(expected) if expected.as_str() == rule) {
                    self.surprise(event, &format!("was refused: {rule}"));
                }
                *self.refused_by_rule.entry(rule).or_default() += 1;
            }
            Sent::Intruded => {
                counters.intruded.fetch_add(1, Ordering::Relaxed);
            }
            Sent::Failed(why) => self.surprise(event, &why),
        }
    }

    fn surprise(&mut self, event: &Event, what: &str) {
        if self.surprises.len() < MAX_SURPRISES {
            self.surprises.push(format!("event {} ({:?}) {what}", event.number, event.why));
        }
    }
}
