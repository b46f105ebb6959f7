//! Every exit of the aggregator's process: no vote leaves by the API before the contest's instant, and none ever by a metric or
//! a log line. The figures have seven digits, and each is looked for as a number of the wire and as a text.

use crate::{
    process::binary_on_log,
    rig::{PATIENCE, Rig, pair},
};
use hattama_election::{
    definition::{Definition, DefinitionFiles, sample},
    form::LineMeaning,
    ids::ShardId,
    submission::SubmissionBody,
};
use hattama_proto::aggregator::v1::{
    GetTallyRequest, ListShardsRequest, territorial_aggregator_client::TerritorialAggregatorClient,
};
use hattama_record_log::RecordLog;
use hattama_service_kit::testing::{GRPC_LISTENS, Running, connect, holds, one_second_before_and_after};
use hattama_tally::FIRST_POSITION;
use hattama_wire::ServiceContext;
use prost::Message as _;
use std::path::Path;

/// Of the protocol that is counted in the end, of the one that it corrects, and of one that is held.
const COUNTED: u32 = 3_141_593;
const CORRECTED: u32 = 3_141_539;
const HELD: u32 = 2_718_281;
/// The protocols' votes for all others, and against all.
const OTHERS: u32 = 4;

/// The sample with stations that are large enough for these figures.
fn files() -> DefinitionFiles {
    let mut files = sample::definition_files();
    let stations = String::from_utf8(files.get("stations.csv").unwrap().to_vec()).unwrap();
    let mut large = String::new();
    for line in stations.lines() {
        let mut fields: Vec<&str> = line.split(',').collect();
        if let Some(register) = fields.iter_mut().find(|field| field.parse::<u32>().is_ok_and(|register| register > 99))
        {
            *register = "9999999";
        }
        large += &(fields.join(",") + "\n");
    }
    files.set("stations.csv", large.into_bytes());
    files
}

/// A log with votes, and with outcomes that make the aggregator speak.
async fn write_election(folder: &Path) -> Rig {
    files().write(&folder.join("definition")).unwrap();
    let log = RecordLog::open_embedded(&folder.join("log")).await.unwrap();
    let rig = Rig::on(log, Definition::load(&files()).unwrap()).await;
    rig.protocol("north-001", 1, CORRECTED).await;
    rig.protocol("north-001", 2, COUNTED).await;
    let SubmissionBody::Protocol(mut held) = rig.protocol_of("north-002", 1, HELD) else { unreachable!("a protocol") };
    held.content.lines.set(LineMeaning::BallotsValid, HELD);
    let role = hattama_election::definition::KeyRole::Station;
    rig.submit(role, "north-002", &SubmissionBody::Protocol(held)).await;
    let forged = rig.outcomes(ShardId(1), (FIRST_POSITION, pair(2, 1)), vec![]);
    rig.tell_as(ShardId(1), "national", ServiceContext::Outcomes, &forged).await;
    rig
}

/// What leaves by the API and by `/metrics`.
async fn everything(running: &Running) -> (Vec<u8>, String) {
    let mut client = TerritorialAggregatorClient::new(connect(&running.address).await);
    let mut answers = client.list_shards(ListShardsRequest {}).await.unwrap().into_inner().encode_to_vec();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        // A tally is in the log a moment before it is answered.
        if let Ok(tally) = client.get_tally(GetTallyRequest { shard: 1 }).await
            && tally.get_ref().tally.as_ref().unwrap().position.as_ref().unwrap().next_offset == 4
        {
            answers.extend(tally.into_inner().encode_to_vec());
            return (answers, running.metrics_with(&["hattama_aggregator_foreign_records_total"]));
        }
        assert!(tokio::time::Instant::now() < deadline, "no tally of all three protocols");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Which of the figures, and of the sums that tell them, stand in the bytes.
fn found(bytes: &[u8]) -> Vec<u32> {
    let figures = [COUNTED, CORRECTED, HELD].into_iter().flat_map(|votes| [votes, votes + OTHERS - 1, votes + OTHERS]);
    figures.filter(|figure| holds(bytes, u64::from(*figure))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_vote_leaves_one_second_before_the_instant_and_none_ever_by_a_metric_or_a_log_line() {
    let folder = tempfile::tempdir().unwrap();
    let rig = write_election(folder.path()).await;
    let embargo = rig.definition.contests[0].embargo_until.0;
    rig.log.close().await.unwrap();

    let filter = "info,hattama_territorial_aggregator=trace,hattama_service_kit=trace,hattama_tally=trace";
    let start = async |clock: hattama_service_kit::clock::Clock| {
        let time = clock.rehearsal_time().unwrap().to_string();
        binary_on_log(folder.path()).with(["--log", filter, "--rehearsal-time", &time]).start(GRPC_LISTENS)
    };
    let (running, before, after) = one_second_before_and_after(embargo, start, everything).await;
    assert!(found(&before.0).is_empty(), "{:?} one second before", found(&before.0));
    assert_eq!(found(&after.0), [COUNTED, COUNTED + OTHERS], "one second after");
    let said = running.end();
    assert!(said.contains(" INFO "), "{said}");
    for text in [&before.1, &after.1, &said] {
        assert!(found(text.as_bytes()).is_empty(), "{text}");
    }
}
