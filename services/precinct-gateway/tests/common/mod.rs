//! A gateway on a log in memory, the sample election, and its rehearsal keys.
#![expect(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hattama_election::amendment::{Amendment, AmendmentContent, Change, KeyHolder};
use hattama_election::definition::{Definition, KeyRole, sample};
use hattama_election::digest::PublicationDigest;
use hattama_election::form::{LineMeaning, Lines};
use hattama_election::ids::{AuthorityId, ContestId, OptionId, ShardId, StationId};
use hattama_election::key::PublicKey;
use hattama_election::protocol::{Protocol, ProtocolContent};
use hattama_election::submission::SubmissionBody;
use hattama_election_log::create_generation;
use hattama_precinct_gateway::{Config, Running, StartError, start};
use hattama_proto::gateway::v1::{self, precinct_gateway_client::PrecinctGatewayClient};
use hattama_record_log::topics::TopicSet;
use hattama_record_log::{NewRecord, RecordLog};
use hattama_service_kit::clock::{Clock, Purpose};
use hattama_service_kit::readiness::Readiness;
use hattama_service_kit::shutdown::Shutdown;
use hattama_tally::{
    ContestFigures, FIRST_POSITION, Generation, OutcomesBody, Part, PositionPair, PublicationBody, RecordCounts,
    SubmissionOutcome, VectorEntry,
};
use hattama_wire::{
    Envelope, Genesis, ServiceContext, SignedSubmission, SigningKey, encode_outcomes, encode_publication,
    publication_digest, sign_service, sign_submission,
};
use prost::Message as _;
use tonic::transport::Channel;

/// Longer than anything here takes on a busy machine; over it a test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Short enough for a test, long enough for a journal's commit.
pub const SHORT_WAIT: Duration = Duration::from_millis(10);

/// The shard of the stations that sign here.
pub const SHARD: ShardId = ShardId(1);

pub type Client = PrecinctGatewayClient<Channel>;

pub struct Gateway {
    pub running: Running,
    pub shutdown: Shutdown,
}

pub fn definition() -> Arc<Definition> {
    Arc::new(sample::definition())
}

pub fn topics() -> TopicSet {
    TopicSet::new("sample", 1).unwrap()
}

/// A log with a generation's topics and genesis records.
pub async fn log_with_genesis(definition: &Definition) -> RecordLog {
    let log = RecordLog::memory();
    write_generation(&log, definition, 1).await;
    log
}

pub async fn write_generation(log: &RecordLog, definition: &Definition, generation: u32) {
    create_generation(log, definition, &Genesis::first(definition, Generation(generation))).await.unwrap();
}

/// A log that takes and gives nothing.
pub async fn dead_log() -> RecordLog {
    let log = RecordLog::memory();
    log.clone().close().await.unwrap();
    log
}

pub fn config(definition: &Arc<Definition>, log: &RecordLog, directory: &Path) -> Config {
    let directory = PathBuf::from(directory);
    Config::new(Arc::clone(definition), log.clone(), directory, "gateway-test".to_owned())
}

impl Gateway {
    pub async fn start(config: Config) -> Self {
        Self::try_start(config).await.unwrap()
    }

    pub async fn try_start(config: Config) -> Result<Self, StartError> {
        let shutdown = Shutdown::new();
        let running = start(config, &shutdown).await?;
        Ok(Self { running, shutdown })
    }

    pub async fn client(&self) -> Client {
        PrecinctGatewayClient::connect(format!("http://{}", self.running.grpc_address)).await.unwrap()
    }

    /// Stops it in order; its journal is free afterwards.
    pub async fn stop(self) {
        let drain = self.shutdown.drain(PATIENCE).await;
        assert_eq!((drain.tasks_left, drain.exit_code()), (0, 0), "{drain}");
    }
}

pub fn station_key(station: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), KeyRole::Station, station).unwrap()
}

/// A list protocol whose sums are right.
pub fn protocol(station: &str, revision: u8) -> Protocol {
    let mut lines = Lines::default();
    for (meaning, count) in [
        (LineMeaning::VotersListed, 2_400),
        (LineMeaning::BallotsReceived, 2_400),
        (LineMeaning::BallotsIssued, 1_000),
        (LineMeaning::BallotsUnused, 1_400),
        (LineMeaning::BallotsSpoiled, 0),
        (LineMeaning::BallotsFound, 1_000),
        (LineMeaning::BallotsInvalid, 10),
        (LineMeaning::BallotsValid, 990),
    ] {
        lines.set(meaning, count);
    }
    let votes = [("lake", 100), ("mountain", 200), ("river", 300), ("steppe", 300)];
    Protocol {
        content: ProtocolContent {
            station: StationId::new(station).unwrap(),
            contest: ContestId::new("council-list").unwrap(),
            revision,
            lines,
            votes: votes.map(|(option, votes)| (OptionId::new(option).unwrap(), votes)).to_vec(),
            against_all: Some(90),
        },
        signed_at: hattama_election::instant::Instant::parse("2030-06-02T22:00:00+05:00").unwrap(),
        supersedes: None,
        reason: None,
        correction_authority: None,
        signatories: Vec::new(),
        complaints: None,
        scan: None,
    }
}

pub fn sign(definition: &Definition, key: &SigningKey, protocol: Protocol) -> SignedSubmission {
    sign_submission(key, &definition.id, &definition.core_digest, &SubmissionBody::Protocol(protocol))
}

/// A good protocol of a station, of so many that can be told apart.
pub fn signed(definition: &Definition, station: &str, revision: u8) -> SignedSubmission {
    sign(definition, &station_key(station), protocol(station, revision))
}

/// An amendment by the central commission: the station may also sign with this key.
pub fn key_replaced(definition: &Definition, number: u32, station: &str, key: PublicKey) -> SignedSubmission {
    let central = SigningKey::rehearsal(&sample::keys(), KeyRole::Authority, "cec").unwrap();
    let holder = KeyHolder::Station(StationId::new(station).unwrap());
    let author = AuthorityId::new("cec").unwrap();
    let body = SubmissionBody::Amendment(Amendment {
        content: AmendmentContent { number, author, change: Change::KeyReplaced { holder, key } },
        reason: "the old device is broken".to_owned(),
        signed_at: protocol(station, 1).signed_at,
    });
    sign_submission(&central, &definition.id, &definition.core_digest, &body)
}

pub fn request(submission: &SignedSubmission) -> v1::SubmitRequest {
    v1::SubmitRequest { submission: Some(submission.to_proto()) }
}

pub async fn submit(client: &mut Client, submission: &SignedSubmission) -> Result<v1::Receipt, tonic::Status> {
    client.submit(request(submission)).await.map(|response| response.into_inner().receipt.unwrap())
}

pub async fn receipt(client: &mut Client, submission: &SignedSubmission) -> Result<v1::Receipt, tonic::Status> {
    let request = v1::GetReceiptRequest { digest: submission.digest().0.to_vec().into() };
    client.get_receipt(request).await.map(|response| response.into_inner().receipt.unwrap())
}

pub async fn watch(client: &mut Client, submission: &SignedSubmission) -> tonic::Streaming<v1::WatchReceiptResponse> {
    let request = v1::WatchReceiptRequest { digest: submission.digest().0.to_vec().into() };
    client.watch_receipt(request).await.unwrap().into_inner()
}

/// The next receipt of a stream that a condition is true of.
pub async fn watch_until(
    stream: &mut tonic::Streaming<v1::WatchReceiptResponse>,
    condition: impl Fn(&v1::Receipt) -> bool,
) -> v1::Receipt {
    let found = async {
        loop {
            let receipt = stream.message().await.unwrap().unwrap().receipt.unwrap();
            if condition(&receipt) {
                return receipt;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no such receipt came"))
}

pub fn service_key(service: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), KeyRole::Service, service).unwrap()
}

/// Appends outcomes of a shard, signed by `service`.
pub async fn write_outcomes(
    log: &RecordLog,
    definition: &Definition,
    service: &str,
    (from, to): (PositionPair, PositionPair),
    outcomes: Vec<SubmissionOutcome>,
) {
    let body = OutcomesBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(1),
        shard: SHARD,
        from,
        to,
        part: Part::WHOLE,
        outcomes,
    };
    let key = service_key(service);
    let value = sign_service(ServiceContext::Outcomes, &key, encode_outcomes(&body), &Envelope::default());
    log.append(&topics().outcomes, SHARD.0, NewRecord::of_value(value)).await.unwrap();
}

/// Appends a publication that names `pair` for the shard and the start for all others; returns its digest.
pub async fn write_publication(
    log: &RecordLog,
    definition: &Definition,
    number: (u64, Option<PublicationDigest>),
    pair: PositionPair,
) -> PublicationDigest {
    write_publication_of(log, definition, number, pair, Vec::new()).await
}

/// The same, with figures of contests.
pub async fn write_publication_of(
    log: &RecordLog,
    definition: &Definition,
    (sequence, previous): (u64, Option<PublicationDigest>),
    pair: PositionPair,
    contests: Vec<ContestFigures>,
) -> PublicationDigest {
    let entry = |shard| VectorEntry { shard, position: if shard == SHARD { pair } else { FIRST_POSITION } };
    let body = PublicationBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(1),
        sequence,
        previous,
        vector: (0..definition.shards).map(|shard| entry(ShardId(shard))).collect(),
        control_next_offset: 1,
        contests,
        turnout: Vec::new(),
        units_digest: hattama_election::digest::BodyDigest([0; 32]),
        records: RecordCounts::default(),
    };
    let encoded = encode_publication(definition, &body);
    let digest = publication_digest(&encoded);
    let value = sign_service(ServiceContext::Publication, &service_key("national"), encoded, &Envelope::default());
    log.append(&topics().publications, 0, NewRecord::of_value(value)).await.unwrap();
    digest
}

/// The values of a shard's submissions behind the genesis.
pub async fn logged_values(log: &RecordLog) -> Vec<bytes::Bytes> {
    let records = log.read(&topics().submissions, SHARD.0, 1, hattama_record_log::ReadLimit::default()).await.unwrap();
    records.into_iter().map(|record| record.value).collect()
}

/// A submission that lay in the log, and was counted in publication 1, before any gateway here knew it.
pub async fn with_a_counted_submission(log: &RecordLog) -> (SignedSubmission, Arc<Definition>) {
    let definition = definition();
    let covered = PositionPair { next_offset: 2, control_next_offset: 1 };
    let submission = signed(&definition, "north-001", 1);
    log.append(&topics().submissions, SHARD.0, NewRecord::of_value(submission.record_value())).await.unwrap();
    write_outcomes(log, &definition, "aggregator", (FIRST_POSITION, covered), vec![]).await;
    write_publication(log, &definition, (1, None), covered).await;
    (submission, definition)
}

/// What a refused call says, from its details.
pub fn refusal_of(status: &tonic::Status) -> v1::Refusal {
    let details = tonic_types::Status::decode(status.details()).unwrap();
    let detail = details.details.iter().find(|detail| detail.type_url.ends_with("/hattama.gateway.v1.Refusal"));
    v1::Refusal::decode(detail.unwrap().value.as_slice()).unwrap()
}

/// Rule and field of each violation.
pub fn rules(refusal: &v1::Refusal) -> Vec<(&str, &str)> {
    refusal.violations.iter().map(|violation| (violation.rule.as_str(), violation.field.as_str())).collect()
}

/// A journal whose submissions a log has acknowledged, at offsets 1, 2, 3.
pub async fn logged_by_a_log_that_is_gone(definition: &Arc<Definition>, directory: &Path) -> Vec<SignedSubmission> {
    let submissions: Vec<_> = (1..=3).map(|revision| signed(definition, "north-001", revision)).collect();
    let gateway = Gateway::start(config(definition, &log_with_genesis(definition).await, directory)).await;
    let mut client = gateway.client().await;
    for submission in &submissions {
        assert_eq!(submit(&mut client, submission).await.unwrap().state(), v1::ReceiptState::Logged);
    }
    drop(client);
    gateway.stop().await;
    submissions
}

/// Returns when the gateway says that the log has lost records of the shard.
pub async fn alarm_about_the_log(readiness: &Readiness) {
    let alarm = async {
        while !readiness.reasons().contains_key("log") {
            tokio::time::sleep(SHORT_WAIT).await;
        }
    };
    tokio::time::timeout(PATIENCE, alarm).await.unwrap_or_else(|_| panic!("no alarm came"));
    assert!(readiness.reasons()["log"].contains("[1]"), "{:?}", readiness.reasons());
}

/// A clock that stands at an instant now.
pub fn clock_at(seconds: i64) -> Clock {
    let time = format!("{},1,{}", jiff_of(seconds), jiff_of(Clock::system().now().as_second()));
    Clock::rehearsal(Purpose::Rehearsal, time.parse().unwrap()).unwrap()
}

fn jiff_of(seconds: i64) -> String {
    hattama_election::instant::Instant(seconds).to_string()
}

/// What the gateway keeps, once it has read a publication.
pub async fn kept_publications(client: &mut Client) -> Vec<v1::KeptPublication> {
    let read = async {
        loop {
            let answer = client.get_newest_publications(v1::GetNewestPublicationsRequest {}).await.unwrap();
            let publications = answer.into_inner().publications;
            if !publications.is_empty() {
                return publications;
            }
            tokio::time::sleep(SHORT_WAIT).await;
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no publication was read"))
}
