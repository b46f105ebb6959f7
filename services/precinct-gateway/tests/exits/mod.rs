//! Every exit of the gateway's process: the publications that it keeps give no vote away before the contests' instant, and no
//! receipt, metric or log line ever does. The figures have seven digits, and each is looked for as a number of the wire and as
//! a text.

use std::sync::Arc;

use hattama_election::definition::{Definition, DefinitionFiles, sample};
use hattama_election::form::LineMeaning;
use hattama_election::ids::ContestIndex;
use hattama_proto::gateway::v1::GetNewestPublicationsRequest;
use hattama_record_log::RecordLog;
use hattama_service_kit::clock::Clock;
use hattama_service_kit::testing::{GRPC_LISTENS, Running, holds, one_second_before_and_after};
use hattama_tally::{ContestFigures, FiguresDetail, LineTotal, PositionPair, StationCounts};
use hattama_wire::SignedSubmission;
use prost::Message as _;

use super::{binary_on, client};
use crate::common::{Client, protocol, sign, signed, station_key, submit, write_generation, write_publication_of};

/// Of the publication that the gateway keeps.
const PUBLISHED: [u64; 4] = [3_141_593, 2_718_281, 2_236_063, 1_618_033];
/// Of the first list in a protocol that is good, in one that is held, in one that is refused, and in one that is forged.
const SUBMITTED: [u32; 4] = [1_414_213, 1_732_051, 2_654_435, 3_333_337];

/// The sample with one station that is large enough for these figures.
fn files() -> DefinitionFiles {
    let mut files = sample::definition_files();
    let stations = String::from_utf8(files.get("stations.csv").unwrap().to_vec()).unwrap();
    files.set("stations.csv", stations.replacen(",2400,", ",9999999,", 1).into_bytes());
    files
}

fn figures_of_the_list() -> ContestFigures {
    ContestFigures {
        contest: ContestIndex(0),
        stations: StationCounts::default(),
        votes_sum: PUBLISHED.iter().sum(),
        against_all: 0,
        decision_needed: false,
        detail: FiguresDetail::List {
            lines: [LineTotal::default(); LineMeaning::ALL.len()],
            votes: PUBLISHED.to_vec(),
            seats: vec![0; PUBLISHED.len()],
        },
    }
}

/// A protocol with so many votes for the first list, and none for others.
fn with_votes(definition: &Definition, revision: u8, votes: u32, ballots_valid: u32) -> SignedSubmission {
    let mut protocol = protocol("north-001", revision);
    let content = &mut protocol.content;
    for (meaning, count) in [
        (LineMeaning::VotersListed, 9_999_999),
        (LineMeaning::BallotsReceived, 9_999_999),
        (LineMeaning::BallotsIssued, votes),
        (LineMeaning::BallotsUnused, 9_999_999 - votes),
        (LineMeaning::BallotsFound, votes),
        (LineMeaning::BallotsInvalid, 0),
        (LineMeaning::BallotsValid, ballots_valid),
    ] {
        content.lines.set(meaning, count);
    }
    content.votes.iter_mut().for_each(|(_, votes)| *votes = 0);
    content.votes[0].1 = votes;
    content.against_all = Some(0);
    protocol.reason = (revision > 1).then(|| "counted again".to_owned());
    sign(definition, &station_key("north-001"), protocol)
}

/// Sends a good protocol, a held one, a refused one and a forged one; returns the receipts of those that are kept.
async fn submit_all(client: &mut Client, definition: &Definition) -> Vec<u8> {
    let good = with_votes(definition, 1, SUBMITTED[0], SUBMITTED[0]);
    let held = with_votes(definition, 2, SUBMITTED[1], SUBMITTED[1] - 1);
    let mut receipts = Vec::new();
    for kept in [good, held] {
        receipts.extend(submit(client, &kept).await.unwrap().encode_to_vec());
    }
    let mut foreign = protocol("north-002", 1);
    foreign.content.votes[0].1 = SUBMITTED[2];
    let foreign = sign(definition, &station_key("north-001"), foreign);
    let forged = signed(definition, "north-001", 3);
    let forged = SignedSubmission { signed: with_votes(definition, 3, SUBMITTED[3], 1).signed, ..forged };
    for refused in [foreign, forged] {
        assert_eq!(submit(client, &refused).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    }
    receipts
}

/// The publications that are kept, the receipts, and `/metrics`.
async fn everything(gateway: &Running, definition: &Definition) -> (Vec<u8>, Vec<u8>, String) {
    let mut client = client(gateway).await;
    let receipts = submit_all(&mut client, definition).await;
    let metrics = gateway.metrics_with(&["hattama_gateway_publication_sequence 1", "hattama_gateway_refusals_total"]);
    let kept = client.get_newest_publications(GetNewestPublicationsRequest {}).await.unwrap().into_inner();
    assert_eq!(kept.publications.len(), 1);
    (kept.encode_to_vec(), receipts, metrics)
}

/// Which of the figures, and of their sum, stand in the bytes.
fn found(bytes: &[u8]) -> Vec<u64> {
    let sum = PUBLISHED.iter().sum::<u64>();
    let figures = PUBLISHED.into_iter().chain([sum]).chain(SUBMITTED.map(u64::from));
    figures.filter(|figure| holds(bytes, *figure)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_vote_leaves_one_second_before_the_instant_and_none_ever_by_a_receipt_a_metric_or_a_log_line() {
    let definition = Arc::new(Definition::load(&files()).unwrap());
    let embargo = definition.contests.iter().map(|contest| contest.embargo_until.0).max().unwrap();
    let directory = tempfile::tempdir().unwrap();
    files().write(&directory.path().join("definition")).unwrap();
    let log = RecordLog::open_embedded(&directory.path().join("log")).await.unwrap();
    write_generation(&log, &definition, 1).await;
    let beyond = PositionPair { next_offset: 2, control_next_offset: 1 };
    write_publication_of(&log, &definition, (1, None), beyond, vec![figures_of_the_list()]).await;
    log.close().await.unwrap();

    let filter = "info,hattama_precinct_gateway=trace,hattama_service_kit=trace,hattama_tally=trace";
    let start = async |clock: Clock| {
        let time = clock.rehearsal_time().unwrap().to_string();
        binary_on(directory.path()).with(["--log", filter, "--rehearsal-time", &time]).start(GRPC_LISTENS)
    };
    let look = async |gateway: &Running| everything(gateway, &definition).await;
    let (gateway, before, after) = one_second_before_and_after(embargo, start, look).await;
    assert!(found(&before.0).is_empty(), "{:?} one second before", found(&before.0));
    let shown: Vec<u64> = PUBLISHED.into_iter().chain([PUBLISHED.iter().sum()]).collect();
    assert_eq!(found(&after.0), shown, "one second after");
    let said = gateway.end();
    assert!(said.contains(" INFO "), "{said}");
    for bytes in [&before.1, &after.1] {
        assert!(found(bytes).is_empty(), "{:?} in receipts", found(bytes));
    }
    for text in [&before.2, &after.2, &said] {
        assert!(found(text.as_bytes()).is_empty(), "{text}");
    }
}
