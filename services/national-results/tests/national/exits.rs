//! Every exit of vote figures: nothing of them leaves before their contest's instant, by any method, metric or log line.
//!
//! The figures of these tests have seven digits, and each is looked for in the bytes of every answer, as a number of the
//! wire and as a text.

use crate::{
    process::{binary_on, write_election},
    rig::{FIRST_SEQUENCE, Rig, sequence, with_other_votes, without_conservation},
};
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, sample},
    submission::SubmissionBody,
};
use hattama_national_results::MAX_SNAPSHOTS;
use hattama_proto::national::v1::{
    GetContestResultRequest, GetElectionRequest, GetNationalResultRequest, GetSeatAllocationRequest, GetStationRequest,
    GetStationResponse, GetTurnoutRequest, ListMissingRecordsRequest, ListStationsRequest, StationContent,
    WatchPublicationsRequest, national_results_client::NationalResultsClient,
};
use hattama_record_log::RecordLog;
use hattama_service_kit::{
    clock::Clock,
    testing::{GRPC_LISTENS, connect, holds, holds_text},
};
use hattama_tally::PositionPair;
use hattama_wire::ServiceContext;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use std::collections::BTreeMap;
use tonic::{Status, transport::Channel};

/// The list's votes of the first revision and of the second, which is counted; the small ones are too short to be found.
const LIST_BEFORE: [u32; 4] = [3_141_539, 2_718_283, 2_236_067, 1_234];
const LIST: [u32; 4] = [3_141_593, 2_718_281, 2_236_063, 1_234];
const DISTRICT: [u32; 3] = [2_654_435, 3_333_337, 2_100_001];
/// The reason that the second revision gives.
const REASON: &str = "we wrote 3141539 for 3141593";
/// A sum that would tell the votes, although no method gives it.
const WITHOUT_AGAINST_ALL: &str = "ballots, without against all";
/// Turnout is not embargoed.
const RECEIVED: u32 = 4_242_421;
/// Seconds before the instant at which a service starts: the next are for a machine too busy for the first.
const LEADS_SECONDS: [i64; 3] = [4, 16, 64];

/// Methods that give vote figures once they may; every other one never does.
const METHODS_WITH_VOTES: [&str; 5] =
    ["GetContestResult", "GetNationalResult", "GetSeatAllocation", "GetStation", "WatchPublications"];
/// Methods that give the number of ballots received.
const METHODS_WITH_TURNOUT: [&str; 5] =
    ["GetContestResult", "GetNationalResult", "GetStation", "GetTurnout", "WatchPublications"];

/// The sample with one station that is large enough for these figures.
fn files() -> DefinitionFiles {
    let mut files = sample::definition_files();
    let stations = String::from_utf8(files.get("stations.csv").unwrap().to_vec()).unwrap();
    files.set("stations.csv", stations.replacen(",2400,", ",9999999,", 1).into_bytes());
    files
}

/// The station tells everything, and its aggregator twice: the figures are in two publications.
async fn with_votes(rig: &mut Rig) -> PositionPair {
    rig.turnout("north-001", "20-00", RECEIVED).await;
    rig.protocol("north-001", "council-list", 1, &LIST_BEFORE).await;
    rig.protocol("north-001", "council-d-1", 1, &DISTRICT).await;
    rig.tell(1).await;
    let mut protocol = rig.protocol_of("north-001", "council-list", 2, &LIST);
    protocol.reason = Some(REASON.to_owned());
    rig.submit(KeyRole::Station, "north-001", &SubmissionBody::Protocol(protocol)).await;
    rig.tell(1).await
}

/// By method and the publication asked for.
type Answers = BTreeMap<(String, Option<u64>), Vec<u8>>;

/// Each figure that must not leave, by what it is.
fn figures() -> BTreeMap<String, u64> {
    let mut figures = BTreeMap::new();
    for (what, votes) in [("list before", &LIST_BEFORE[..]), ("list", &LIST[..]), ("district", &DISTRICT[..])] {
        let large = votes.iter().filter(|votes| **votes > 1_000_000);
        figures.extend(large.map(|votes| (format!("{what}: votes {votes}"), u64::from(*votes))));
        let sum = votes.iter().map(|votes| u64::from(*votes)).sum::<u64>();
        figures.insert(format!("{what}: {WITHOUT_AGAINST_ALL}"), sum);
        figures.insert(format!("{what}: ballots, with one against all"), sum + 1);
    }
    figures
}

/// What of the figures stands in the bytes.
fn found(bytes: &[u8]) -> Vec<String> {
    let mut found: Vec<String> =
        figures().into_iter().filter(|(_, number)| holds(bytes, *number)).map(|(what, _)| what).collect();
    if holds_text(bytes, REASON.as_bytes()) {
        found.push("the reason of a correction".to_owned());
    }
    found
}

/// The methods of the service as the contract has them.
pub fn methods() -> Vec<String> {
    let set = FileDescriptorSet::decode(hattama_proto::DESCRIPTORS).unwrap();
    let file = set.file.iter().find(|file| file.package() == "hattama.national.v1").unwrap();
    let [service] = file.service.as_slice() else { panic!("one service is tested here") };
    service.method.iter().map(|method| method.name().to_owned()).collect()
}

/// The bytes of all that a method answers as of a publication.
pub async fn ask(
    mut client: NationalResultsClient<Channel>,
    method: &str,
    sequence: Option<u64>,
) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    match method {
        "GetElection" => bytes = client.get_election(GetElectionRequest {}).await?.get_ref().encode_to_vec(),
        "GetNationalResult" => {
            let request = GetNationalResultRequest { sequence };
            bytes = client.get_national_result(request).await?.get_ref().encode_to_vec();
        }
        "GetTurnout" => {
            let request = GetTurnoutRequest { sequence, unit: None };
            bytes = client.get_turnout(request).await?.get_ref().encode_to_vec();
        }
        "GetContestResult" => {
            for contest in ["council-list", "council-d-1"] {
                let request = GetContestResultRequest { contest: contest.into(), sequence };
                bytes.extend(client.get_contest_result(request).await?.get_ref().encode_to_vec());
            }
        }
        "GetSeatAllocation" => {
            for contest in ["council-list", "council-d-1"] {
                let request = GetSeatAllocationRequest { contest: contest.into(), sequence };
                bytes.extend(client.get_seat_allocation(request).await?.get_ref().encode_to_vec());
            }
        }
        "ListStations" => {
            let request = ListStationsRequest { sequence, ..Default::default() };
            bytes = client.list_stations(request).await?.get_ref().encode_to_vec();
        }
        "GetStation" => {
            let request = GetStationRequest { station: "north-001".into(), sequence };
            bytes = client.get_station(request).await?.get_ref().encode_to_vec();
        }
        "WatchPublications" => {
            let request = WatchPublicationsRequest { after_sequence: None };
            let mut watch = client.watch_publications(request).await?.into_inner();
            bytes = watch.message().await?.unwrap().encode_to_vec();
        }
        "ListMissingRecords" => {
            let request = ListMissingRecordsRequest::default();
            bytes = client.list_missing_records(request).await?.get_ref().encode_to_vec();
        }
        other => panic!("`{other}` is not asked here: say how to ask it, and whether it gives vote figures"),
    }
    Ok(bytes)
}

/// What every method answers, as of the newest publication and of an older one.
async fn everything(client: &NationalResultsClient<Channel>) -> Answers {
    let mut answers = BTreeMap::new();
    for method in methods() {
        for sequence in [None, Some(FIRST_SEQUENCE)] {
            let bytes = ask(client.clone(), &method, sequence).await.unwrap();
            answers.insert((method.clone(), sequence), bytes);
        }
    }
    answers
}

fn assert_hidden(answers: &Answers) {
    for ((method, sequence), bytes) in answers {
        assert_eq!(found(bytes), Vec::<String>::new(), "{method} as of {sequence:?}, before the instant");
        let gives_turnout = METHODS_WITH_TURNOUT.contains(&method.as_str());
        assert_eq!(holds(bytes, u64::from(RECEIVED)), gives_turnout, "{method}: turnout is not embargoed");
    }
}

fn assert_shown(answers: &Answers) {
    for ((method, sequence), bytes) in answers {
        let gives_votes = METHODS_WITH_VOTES.contains(&method.as_str());
        assert_eq!(!found(bytes).is_empty(), gives_votes, "{method} as of {sequence:?}, behind the instant");
    }
    // All that is looked for can be found: a station's answer has every revision with its lines, the rest the counted sums.
    let all: Vec<u8> = answers.values().flatten().copied().collect();
    let missing: Vec<String> = figures()
        .into_iter()
        .filter(|(what, number)| !what.ends_with(WITHOUT_AGAINST_ALL) && !holds(&all, *number))
        .map(|(what, _)| what)
        .collect();
    assert!(missing.is_empty(), "never shown: {missing:?}");
    assert!(holds_text(&all, REASON.as_bytes()));
}

/// The digests of a station's protocols and of what it sent: those of few voters tell the figures to whoever tries all.
fn digests(answers: &Answers) -> Vec<Vec<u8>> {
    let station = GetStationResponse::decode(answers[&("GetStation".to_owned(), None)].as_slice()).unwrap();
    let of_content = |content: StationContent| {
        let submissions: Vec<_> = content.submissions.into_iter().map(|seen| seen.digest.to_vec()).collect();
        std::iter::once(content.content.to_vec()).chain(submissions)
    };
    station.contents.into_iter().flat_map(of_content).collect()
}

/// Asks everything one second before the instant; none when the machine was too slow and the instant had come meanwhile.
async fn one_second_before(clock: Clock, end: Timestamp, client: &NationalResultsClient<Channel>) -> Option<Answers> {
    // The older publication is refolded and all listings are made: what is kept must not leak either.
    let early = everything(client).await;
    clock.sleep_until(end - SignedDuration::from_secs(1)).await;
    let answers = everything(client).await;
    if clock.now() >= end {
        return None;
    }
    assert_hidden(&early);
    Some(answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_method_gives_a_vote_one_second_before_the_instant_and_all_do_at_it_and_one_second_after() {
    let mut rig = Rig::on(RecordLog::memory(), Definition::load(&files()).unwrap()).await;
    let end = Timestamp::from_second(rig.definition.contests[0].embargo_until.0).unwrap();
    assert!(rig.definition.contests.iter().all(|contest| contest.embargo_until.0 == end.as_second()));
    let position = with_votes(&mut rig).await;
    // One publication of the first tally and one of the second, whoever reads them later.
    let mut before = rig.start_with("before", rig.clock_at(-3_600, 1), MAX_SNAPSHOTS).await;
    before.eventually_at(1, position).await;
    rig.turnout("north-001", "10-00", 7).await;
    let position = rig.tell(1).await;
    assert!(sequence(&before.eventually_at(1, position).await) > FIRST_SEQUENCE);
    before.stop().await;

    for lead in LEADS_SECONDS {
        let clock = rig.clock_at(-lead, 1);
        let mut replica = rig.start_with("one", clock, 1).await;
        replica.eventually_at(1, position).await;
        let Some(hidden) = one_second_before(clock, end, &replica.client).await else {
            replica.stop().await;
            continue;
        };
        assert_hidden(&hidden);
        clock.sleep_until(end).await;
        let shown = everything(&replica.client).await;
        assert_shown(&shown);
        let digests = digests(&shown);
        assert_eq!(digests.len(), 6, "three contents, each said once");
        assert!(hidden.values().all(|bytes| !digests.iter().any(|digest| holds_text(bytes, digest))));
        clock.sleep_until(end + SignedDuration::from_secs(1)).await;
        assert_shown(&everything(&replica.client).await);
        return replica.stop().await;
    }
    panic!("the machine was too slow to ask everything before the instant");
}

#[test]
fn a_method_that_is_named_here_is_one_of_the_contract() {
    let methods = methods();
    for named in METHODS_WITH_VOTES.iter().chain(&METHODS_WITH_TURNOUT) {
        assert!(methods.iter().any(|method| method == named), "{named}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_metric_and_no_log_line_has_a_vote_whatever_goes_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = write_election(folder.path(), &files()).await;
    with_votes(&mut rig).await;
    // What makes the service speak: a tally that is not believed, one that differs, one whose sums are broken.
    let tally = rig.fold(1).await;
    rig.tell_as("gateway", ServiceContext::Tally, &tally, None).await;
    rig.turnout("north-002", "10-00", 7).await;
    let wrong = with_other_votes(&rig.fold(1).await);
    rig.tell_as("aggregator", ServiceContext::Tally, &wrong, None).await;
    rig.turnout("north-002", "14-00", 8).await;
    let broken = without_conservation(&rig.fold(1).await);
    rig.tell_as("aggregator", ServiceContext::Tally, &broken, None).await;
    rig.log.close().await.unwrap();

    let filter = "info,hattama_national_results=trace,hattama_service_kit=trace";
    let process = binary_on(folder.path()).with(["--log", filter]).start(GRPC_LISTENS);
    let client = NationalResultsClient::new(connect(&process.address).await);
    let page = process.metrics_with(&["hattama_national_shards_frozen 1", "verdict=\"not_believed\""]);
    let request = GetStationRequest { station: "north-001".into(), sequence: None };
    // Whether anything is published depends on which of the tallies was checked first.
    let _ = client.clone().get_station(request).await;
    let said = process.end();
    assert!(said.contains("ERROR") && said.contains("a shard is frozen"), "{said}");
    assert_eq!(found(page.as_bytes()), Vec::<String>::new(), "{page}");
    assert_eq!(found(said.as_bytes()), Vec::<String>::new(), "{said}");
    // The wrong tallies have one vote more.
    for (what, number) in figures() {
        let one_more = (number + 1).to_string();
        assert!(!page.contains(&one_more) && !said.contains(&one_more), "{what}: {page}{said}");
    }
}
