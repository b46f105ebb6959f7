//! A night whose log is lost when all of it is counted: `hattama generation new`, and everything is back.

use super::common::{PATIENCE, Place, error, hattama, told};
use hattama_election::{
    definition::{Definition, DefinitionFiles, ServiceRole},
    ids::ShardId,
};
use hattama_election_log::rehearsal_service_key;
use hattama_night_play::{export::Exported, records::Records};
use hattama_proto::{
    gateway::v1::{
        GetNewestPublicationsRequest, GetReceiptRequest, Receipt, ReceiptState,
        precinct_gateway_client::PrecinctGatewayClient,
    },
    national::v1::{
        GetElectionRequest, GetNationalResultRequest, GetNationalResultResponse,
        national_results_client::NationalResultsClient,
    },
};
use hattama_record_log::{RecordLog, topics::TopicSet};
use hattama_service_kit::{
    clock::{Clock, Purpose, RehearsalTime},
    grpc::{self, MAX_ANSWER_BYTES},
    listen,
    readiness::Readiness,
    shutdown::Shutdown,
};
use hattama_territorial_aggregator::Ownership;
use hattama_wire::submission_digest;
use prost::Message as _;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::Path,
    process::Output,
    sync::Arc,
    time::Duration,
};
use tonic::transport::Channel;

pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(super) fn run(place: &Place, args: &[&str]) -> Output {
    hattama().current_dir(place.path(".")).args(args).output().unwrap()
}

pub(super) fn generation_new(place: &Place, more: &[&str]) -> Output {
    let args = ["generation", "new", "--definition", "definition", "--log-dir", "new-log"];
    run(place, &[&args, more].concat())
}

/// The services of a generation, in this process.
pub(super) struct Services {
    definition: Arc<Definition>,
    log: RecordLog,
    generation: u32,
    clock: Clock,
    shutdowns: Vec<Shutdown>,
}

impl Services {
    pub(super) async fn start(definition: &Arc<Definition>, log: &RecordLog, generation: u32) -> (Self, SocketAddr) {
        let embargo = definition.contests.iter().map(|contest| contest.embargo_until.0).max().unwrap();
        let time = RehearsalTime {
            origin: jiff::Timestamp::from_second(embargo + 36_000).unwrap(),
            speed: NonZeroU32::MIN,
            wall_start: jiff::Timestamp::now(),
        };
        let clock = Clock::rehearsal(Purpose::Rehearsal, time).unwrap();
        let (definition, log) = (Arc::clone(definition), log.clone());
        let mut services = Self { definition, log, generation, clock, shutdowns: Vec::new() };
        let national = services.aggregator_and_national().await;
        (services, national)
    }

    fn own(&mut self) -> Shutdown {
        let shutdown = Shutdown::new();
        self.shutdowns.push(shutdown.clone());
        shutdown
    }

    async fn aggregator_and_national(&mut self) -> SocketAddr {
        let config = hattama_territorial_aggregator::Config {
            definition: Arc::clone(&self.definition),
            log: self.log.clone(),
            generation: self.generation,
            ownership: Ownership::Fixed((0..self.definition.shards).map(ShardId).collect()),
            key: rehearsal_service_key(&self.definition, ServiceRole::Aggregator).unwrap(),
            instance: "aggregator".to_owned(),
            clock: self.clock,
            listen: listen::local(0),
            readiness: Readiness::new(),
        };
        let shutdown = self.own();
        hattama_territorial_aggregator::start(config, &shutdown).await.unwrap();
        let config = hattama_national_results::Config {
            definition: Arc::clone(&self.definition),
            log: self.log.clone(),
            generation: self.generation,
            listen: listen::local(0),
            instance: "national".to_owned(),
            key: rehearsal_service_key(&self.definition, ServiceRole::National).unwrap(),
            clock: self.clock,
            readiness: Readiness::new(),
            publications_at_hand: hattama_national_results::MAX_SNAPSHOTS,
        };
        let shutdown = self.own();
        hattama_national_results::start(config, shutdown).await.unwrap().address()
    }

    async fn gateway(&mut self, journal: &Path) -> PrecinctGatewayClient<Channel> {
        PrecinctGatewayClient::new(channel(self.gateway_at(journal).await))
    }

    pub(super) async fn gateway_at(&mut self, journal: &Path) -> SocketAddr {
        let name = journal.file_name().unwrap().to_string_lossy().into_owned();
        let config = hattama_precinct_gateway::Config {
            generation: self.generation,
            clock: self.clock,
            ..hattama_precinct_gateway::Config::new(
                Arc::clone(&self.definition),
                self.log.clone(),
                journal.to_owned(),
                name,
            )
        };
        hattama_precinct_gateway::start(config, &self.own()).await.unwrap().grpc_address
    }

    pub(super) async fn stop(self) {
        for shutdown in self.shutdowns.iter().rev() {
            assert_eq!(shutdown.drain(PATIENCE).await.tasks_left, 0);
        }
        self.log.close().await.unwrap();
    }
}

pub(super) fn channel(address: SocketAddr) -> Channel {
    grpc::endpoint(&format!("http://{address}")).unwrap().connect_lazy()
}

pub(super) fn national_client(address: SocketAddr) -> NationalResultsClient<Channel> {
    NationalResultsClient::new(channel(address)).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// The newest result that something is true of.
pub(super) async fn result_when(
    national: SocketAddr,
    what: &str,
    is_so: impl Fn(&GetNationalResultResponse) -> bool,
) -> GetNationalResultResponse {
    let mut client = national_client(national);
    let mut last = None;
    let found = async {
        loop {
            if let Ok(answer) = client.get_national_result(GetNationalResultRequest { sequence: None }).await {
                let result = answer.into_inner();
                if is_so(&result) {
                    return result;
                }
                last = Some((result.status, result.restoring.map(|one| (one.records, one.records_back))));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(result) => result,
        Err(_) => panic!("{what} never came; the last answer was {last:?}"),
    }
}

/// The receipts of all submissions that a gateway keeps, by digest.
async fn receipts(client: &mut PrecinctGatewayClient<Channel>, digests: &[Vec<u8>]) -> BTreeMap<Vec<u8>, Receipt> {
    let mut receipts = BTreeMap::new();
    for digest in digests {
        let request = GetReceiptRequest { digest: digest.clone().into() };
        if let Ok(answer) = client.get_receipt(request).await {
            receipts.insert(digest.clone(), answer.into_inner().receipt.unwrap());
        }
    }
    receipts
}

/// The digests of all submissions in a log.
pub(super) async fn digests(log: &RecordLog, definition: &Definition, generation: u32) -> Vec<Vec<u8>> {
    let topics = TopicSet::new(definition.id.as_str(), generation).unwrap();
    let mut digests = Vec::new();
    for shard in 0..definition.shards {
        let mut records = Records::from(log, &topics.submissions, shard, 1);
        while let Some(record) = records.next().await.unwrap() {
            // A rehearsal's intruders write past the gateways, also what is no submission at all.
            if let Ok(submission) = hattama_proto::submission::v1::SignedSubmission::decode(record.value) {
                digests.push(submission_digest(&submission.signed).0.to_vec());
            }
        }
    }
    digests.sort();
    digests.dedup();
    digests
}

pub(super) fn recounted(place: &Place, folder: &str) -> Value {
    let report = run(place, &["recount", folder, "--json"]);
    assert_eq!(report.status.code(), Some(0), "{}\n{}", told(&report), error(&report));
    serde_json::from_slice(&report.stdout).unwrap()
}

#[test]
fn a_lost_log_is_filled_again_from_the_journals_and_no_number_repeats() {
    let place = Place::new();
    place.night("log", &[]);
    let before = recounted(&place, "log/export");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let files = DefinitionFiles::read(&place.definition()).unwrap();
    let definition = Arc::new(Definition::load(&files).unwrap());

    // The first generation once more, to ask it for its result and its receipts.
    let journals = [place.path("log/gateway-1"), place.path("log/gateway-2")];
    let (last, all, facts) = runtime.block_on(async {
        let log = RecordLog::open_embedded(&place.path("log/log")).await.unwrap();
        let all = digests(&log, &definition, 1).await;
        let (mut services, national) = Services::start(&definition, &log, 1).await;
        let last = result_when(national, "the result", |result| result.status == "all_counted").await;
        let sequence = last.publication.as_ref().unwrap().sequence;
        let mut facts = Vec::new();
        for journal in &journals {
            let mut client = services.gateway(journal).await;
            // Until the gateway has read the last publication, its receipts may still change.
            let newest = async || {
                let answer = client.clone().get_newest_publications(GetNewestPublicationsRequest {}).await.unwrap();
                let record = answer.into_inner().publications.pop()?.record;
                Some(hattama_wire::KeptPublication::open(&definition, &record).unwrap().body.sequence)
            };
            while newest().await != Some(sequence) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            facts.push(receipts(&mut client, &all).await);
        }
        drop(log);
        services.stop().await;
        (last, all, facts)
    });
    let last_sequence = last.publication.as_ref().unwrap().sequence;
    fs::remove_dir_all(place.path("log/log")).unwrap();

    let refused = generation_new(&place, &["--journal", "log/gateway-1", "--journal", "log/gateway-3"]);
    assert_eq!(refused.status.code(), Some(1), "{}", told(&refused));
    assert!(error(&refused).contains("log/gateway-3 could not be asked"), "{}", error(&refused));
    assert!(error(&refused).contains("--without log/gateway-3"), "{}", error(&refused));

    let both = ["--journal", "log/gateway-1", "--journal", "log/gateway-2"];
    let made = generation_new(&place, &both);
    assert_eq!(made.status.code(), Some(0), "{}", error(&made));
    let first = last_sequence + 1_000;
    assert!(
        told(&made).contains(&format!("generation 2 is ready: its first publication has number {first}")),
        "{}",
        told(&made)
    );
    let again = generation_new(&place, &both);
    assert!(told(&again).contains("generation 2 is made already"), "{}", told(&again));
    let shown = run(&place, &["generation", "show", "--definition", "definition", "--log-dir", "new-log"]);
    assert!(told(&shown).contains("generation 2: empty"), "{}{}", told(&shown), error(&shown));
    assert!(
        told(&shown).contains(&format!("restores: publication {last_sequence} of generation 1")),
        "{}",
        told(&shown)
    );

    runtime.block_on(async {
        let log = RecordLog::open_embedded(&place.path("new-log")).await.unwrap();
        let (mut services, national) = Services::start(&definition, &log, 2).await;
        let mut one = services.gateway(&journals[0]).await;
        let half = result_when(national, "what one gateway keeps", |result| {
            result.restoring.as_ref().is_some_and(|restoring| restoring.records_back > 0)
        })
        .await;
        assert_eq!(half.status, "restoring");
        let restoring = half.restoring.unwrap();
        assert_eq!(restoring.publication.as_ref().unwrap().sequence, last_sequence);
        assert_eq!(restoring.publication.unwrap().digest, last.publication.as_ref().unwrap().digest);
        let figures = |contests: &[hattama_proto::national::v1::ContestSummary]| {
            contests.iter().map(|contest| contest.figures.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(figures(&restoring.contests), figures(&last.contests));
        let election = national_client(national).get_election(GetElectionRequest {}).await.unwrap().into_inner();
        assert!(election.restoring.is_some());

        let mut two = services.gateway(&journals[1]).await;
        let whole = result_when(national, "the whole result", |result| result.restoring.is_none()).await;
        assert_eq!(whole.status, "all_counted");
        assert_eq!(figures(&whole.contests), figures(&last.contests));
        assert!(whole.publication.as_ref().unwrap().sequence >= first);
        let election = national_client(national).get_election(GetElectionRequest {}).await.unwrap().into_inner();
        assert_eq!(election.restoring, None);

        // A receipt keeps the fact about its publication, and lies in the new generation.
        let kept: BTreeSet<&Vec<u8>> = facts.iter().flat_map(|facts| facts.keys()).collect();
        let again = digests(&log, &definition, 2).await;
        assert_eq!(again.iter().collect::<BTreeSet<_>>(), kept, "all that a gateway kept, and nothing else");
        for (client, facts) in [(&mut one, &facts[0]), (&mut two, &facts[1])] {
            let now = receipts(client, &all).await;
            assert_eq!(now.len(), facts.len());
            for (digest, fact) in facts {
                let now = &now[digest];
                assert_eq!(now.position.unwrap().generation, 2);
                if fact.state() == ReceiptState::Counted {
                    assert_eq!((now.state(), now.counted_in), (ReceiptState::Counted, fact.counted_in));
                }
            }
        }
        let exported = Exported { log: &log, files: &files, definition: &definition, generation: 2 };
        exported.write("test", &place.path("out")).await.unwrap();
        drop((one, two, log));
        services.stop().await;
    });

    let after = recounted(&place, "out");
    assert_eq!(after["figures"], before["figures"]);
    assert_eq!(after["result_digest"], before["result_digest"]);
}
