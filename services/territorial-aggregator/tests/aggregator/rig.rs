//! An election under way: a log, stations and commissions that sign, and aggregators.

use bytes::Bytes;
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change},
    definition::{Definition, KeyRole, sample},
    form::{LineMeaning, Lines},
    ids::{AuthorityId, ContestId, OptionId, ShardId, StationId},
    instant::Instant,
    protocol::{Protocol, ProtocolContent},
    routing::home_shard,
    submission::SubmissionBody,
};
use hattama_proto::aggregator::v1::{
    GetTallyRequest, GetTallyResponse, ListShardsRequest, ShardStatus,
    territorial_aggregator_client::TerritorialAggregatorClient,
};
use hattama_record_log::{NewRecord, Record, RecordLog, TopicName, topics::TopicSet};
use hattama_service_kit::{
    clock::{Clock, Purpose, RehearsalTime},
    grpc, listen,
    readiness::Readiness,
    shutdown::Shutdown,
};
use hattama_tally::{Generation, OutcomesBody, Part, PositionPair, SubmissionOutcome};
use hattama_territorial_aggregator::{Config, Ownership, start};
use hattama_wire::{Envelope, Genesis, ServiceContext, SigningKey, encode_genesis, encode_outcomes, sign_service};
use jiff::Timestamp;
use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{self, Write},
    num::NonZeroU32,
    sync::{Arc, Once},
    time::Duration,
};
use tonic::transport::Channel;

/// Longer than anything takes here, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the log.
const GLANCE: Duration = Duration::from_millis(2);
pub const GENERATION: Generation = Generation(1);

/// The election and its log.
pub struct Rig {
    pub definition: Arc<Definition>,
    pub log: RecordLog,
    pub topics: TopicSet,
}

/// A running aggregator and a client of it.
pub struct Aggregator {
    pub shutdown: Shutdown,
    pub client: TerritorialAggregatorClient<Channel>,
}

pub fn pair(next_offset: u64, control_next_offset: u64) -> PositionPair {
    PositionPair { next_offset, control_next_offset }
}

pub fn genesis(definition: &Definition, generation: u32) -> Bytes {
    encode_genesis(&Genesis::first(definition, Generation(generation)))
}

pub fn service_key(service: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), KeyRole::Service, service).unwrap()
}

impl Rig {
    pub async fn new() -> Self {
        Self::of(sample::definition()).await
    }

    pub async fn of(definition: Definition) -> Self {
        Self::on(RecordLog::memory(), definition).await
    }

    pub async fn on(log: RecordLog, definition: Definition) -> Self {
        let rig = Self::without_genesis_on(log, definition).await;
        for (topic, partitions) in rig.topics.partitions(rig.definition.shards) {
            for partition in 0..partitions {
                let record = NewRecord::of_value(genesis(&rig.definition, GENERATION.0));
                assert_eq!(rig.log.append_if_empty(topic, partition, record).await, Ok(Some(0)));
            }
        }
        rig
    }

    pub async fn without_genesis(definition: Definition) -> Self {
        Self::without_genesis_on(RecordLog::memory(), definition).await
    }

    async fn without_genesis_on(log: RecordLog, definition: Definition) -> Self {
        let topics = TopicSet::new(definition.id.as_str(), GENERATION.0).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        Self { definition: Arc::new(definition), log, topics }
    }

    /// Signs and appends a submission to its shard; returns its offset.
    pub async fn submit(&self, role: KeyRole, id: &str, body: &SubmissionBody) -> u64 {
        let key = SigningKey::rehearsal(&sample::keys(), role, id).unwrap();
        self.submit_with(&key, body).await
    }

    pub async fn submit_with(&self, key: &SigningKey, body: &SubmissionBody) -> u64 {
        let signed =
            hattama_wire::sign_submission(key, &self.definition.id, &self.definition.core_digest, body).record_value();
        self.append(home_shard(&self.definition, body).unwrap(), signed).await
    }

    pub async fn append(&self, shard: ShardId, value: impl Into<Bytes>) -> u64 {
        self.log.append(&self.topics.submissions, shard.0, NewRecord::of_value(value)).await.unwrap()
    }

    /// A station's protocol of the list, with its own key.
    pub async fn protocol(&self, station: &str, revision: u8, votes: u32) -> u64 {
        self.submit(KeyRole::Station, station, &self.protocol_of(station, revision, votes)).await
    }

    /// A protocol whose lines fit its votes: so many for the first option, one for each other and against all.
    pub fn protocol_of(&self, station: &str, revision: u8, first: u32) -> SubmissionBody {
        let station = StationId::new(station).unwrap();
        let contest = ContestId::new("council-list").unwrap();
        let register = self.definition.station(&station).unwrap().1.register;
        let options = ["lake", "mountain", "river", "steppe"];
        let votes = options.map(|option| (OptionId::new(option).unwrap(), if option == "lake" { first } else { 1 }));
        let valid = first + 4;
        let mut lines = Lines::default();
        for (meaning, count) in [
            (LineMeaning::VotersListed, register),
            (LineMeaning::BallotsReceived, register),
            (LineMeaning::BallotsIssued, valid),
            (LineMeaning::BallotsUnused, register - valid),
            (LineMeaning::BallotsSpoiled, 0),
            (LineMeaning::BallotsFound, valid),
            (LineMeaning::BallotsInvalid, 0),
            (LineMeaning::BallotsValid, valid),
        ] {
            lines.set(meaning, count);
        }
        SubmissionBody::Protocol(Protocol {
            content: ProtocolContent { station, contest, revision, lines, votes: votes.to_vec(), against_all: Some(1) },
            signed_at: Instant::parse("2030-06-03T02:00:00+05:00").unwrap(),
            supersedes: None,
            reason: (revision > 1).then(|| "counted again".to_owned()),
            correction_authority: None,
            signatories: Vec::new(),
            complaints: None,
            scan: None,
        })
    }

    /// An amendment of the central commission.
    pub async fn amend(&self, number: u32, change: Change) -> u64 {
        let content = AmendmentContent { number, author: AuthorityId::new("cec").unwrap(), change };
        let amendment = Amendment { content, reason: "for a test".to_owned(), signed_at: Instant(0) };
        self.submit(KeyRole::Authority, "cec", &SubmissionBody::Amendment(amendment)).await
    }

    pub fn outcomes(
        &self,
        shard: ShardId,
        (from, to): (PositionPair, PositionPair),
        outcomes: Vec<SubmissionOutcome>,
    ) -> OutcomesBody {
        let (election, core_digest) = (self.definition.id.clone(), self.definition.core_digest);
        let part = Part::WHOLE;
        OutcomesBody { election, core_digest, generation: GENERATION, shard, from, to, part, outcomes }
    }

    /// Appends outcomes to a shard's partition as anyone might sign them.
    pub async fn tell_as(&self, partition: ShardId, service: &str, context: ServiceContext, body: &OutcomesBody) {
        let value = sign_service(context, &service_key(service), encode_outcomes(body), &Envelope::default());
        self.log.append(&self.topics.outcomes, partition.0, NewRecord::of_value(value)).await.unwrap();
    }

    pub async fn end(&self, shard: ShardId) -> u64 {
        self.log.end(&self.topics.submissions, shard.0).await.unwrap()
    }

    /// Where a shard stands when all is folded.
    pub async fn ends(&self, shard: ShardId) -> PositionPair {
        pair(self.end(shard).await, self.end(ShardId::CONTROL).await)
    }

    /// The records of a partition behind its genesis.
    pub async fn records(&self, topic: &TopicName, shard: ShardId) -> Vec<Record> {
        let mut reader = self.log.reader(topic, shard.0, 1);
        let mut records = Vec::new();
        loop {
            let batch = reader.next_batch_now(usize::MAX).await.unwrap();
            if batch.is_empty() {
                return records;
            }
            records.extend(batch);
        }
    }

    /// The values of a partition of submissions behind its genesis and before an offset.
    pub async fn values(&self, shard: ShardId, before: u64) -> Vec<Bytes> {
        let records = self.records(&self.topics.submissions, shard).await;
        records.into_iter().filter(|record| record.offset < before).map(|record| record.value).collect()
    }

    pub fn config(&self, instance: &str, shards: &[u32]) -> Config {
        Config {
            definition: Arc::clone(&self.definition),
            log: self.log.clone(),
            generation: GENERATION.0,
            ownership: Ownership::Fixed(shards.iter().copied().map(ShardId).collect::<BTreeSet<_>>()),
            key: service_key("aggregator"),
            instance: instance.to_owned(),
            clock: self.clock(36_000),
            listen: listen::local(0),
            readiness: Readiness::new(),
        }
    }

    /// A clock that stands at the embargo's instant plus these seconds now.
    pub fn clock(&self, seconds_after_embargo: i64) -> Clock {
        let embargo = self.definition.contests[0].embargo_until.0;
        let time = RehearsalTime {
            origin: Timestamp::from_second(embargo + seconds_after_embargo).unwrap(),
            speed: NonZeroU32::new(1).unwrap(),
            wall_start: Timestamp::now(),
        };
        Clock::rehearsal(Purpose::Rehearsal, time).unwrap()
    }

    /// An aggregator of these shards, long after every embargo.
    pub async fn start(&self, instance: &str, shards: &[u32]) -> Aggregator {
        Aggregator::start(self.config(instance, shards)).await
    }
}

impl Aggregator {
    pub async fn start(config: Config) -> Self {
        let shutdown = Shutdown::new();
        let running = start(config, &shutdown).await.unwrap();
        // It connects when it is asked: some of these stop at once.
        let channel = grpc::endpoint(&format!("http://{}", running.grpc_address)).unwrap().connect_lazy();
        Self { shutdown, client: TerritorialAggregatorClient::new(channel) }
    }

    pub async fn shards(&mut self) -> Vec<ShardStatus> {
        self.client.list_shards(ListShardsRequest {}).await.unwrap().into_inner().shards
    }

    pub async fn tally(&mut self, shard: u32) -> Result<GetTallyResponse, tonic::Status> {
        self.client.get_tally(GetTallyRequest { shard }).await.map(tonic::Response::into_inner)
    }

    /// The shards once they are as wanted.
    pub async fn shards_until(&mut self, what: &str, is_so: impl Fn(&[ShardStatus]) -> bool) -> Vec<ShardStatus> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let shards = self.shards().await;
            if is_so(&shards) {
                return shards;
            }
            assert!(tokio::time::Instant::now() < deadline, "not so within {PATIENCE:?}: {what}; last: {shards:?}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Stops it in order.
    pub async fn stop(self) {
        let drain = self.shutdown.drain(PATIENCE).await;
        assert_eq!((drain.tasks_left, drain.exit_code()), (0, 0), "{drain}");
    }
}

/// Looks again until there is something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The lines that are logged on this thread: for tests whose runtime has one.
pub struct LogLines;

impl LogLines {
    /// Forgets what was logged here before. One subscriber serves all threads: with one for each, whether a line is written
    /// depends on which thread came to it first.
    pub fn capture() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| ThreadWriter).init());
        LOGGED.take();
        Self
    }

    pub fn errors(&self) -> Vec<String> {
        let text = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
        assert!(text.contains("INFO") || text.contains("ERROR"), "nothing was captured: {text}");
        text.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect()
    }
}

struct ThreadWriter;

impl Write for ThreadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
