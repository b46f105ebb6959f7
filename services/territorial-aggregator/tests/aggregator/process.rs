//! The binary: its settings, what it says when it cannot start, what it serves on a log in a folder, and SIGTERM.

use hattama_election::definition::sample;
use hattama_election_log::create_generation;
use hattama_proto::aggregator::v1::{
    ListShardsRequest, ListShardsResponse, territorial_aggregator_server::SERVICE_NAME as TERRITORIAL_AGGREGATOR,
};
use hattama_record_log::{KafkaSettings, RecordLog};
use hattama_service_kit::testing::{
    Binary, GRPC_LISTENS, assert_health_and_reflection, assert_sigterm_answers_calls_in_flight,
};
use hattama_tally::Generation;
use hattama_wire::Genesis;
use std::{path::Path, time::UNIX_EPOCH};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_hattama-territorial-aggregator"))
}

/// The binary on an election's folder, without a log.
fn binary_on(folder: &Path) -> Binary {
    binary().with(["--definition".as_ref(), folder.join("definition").as_os_str()])
}

/// The binary on an election's folder, with the log there.
pub fn binary_on_log(folder: &Path) -> Binary {
    binary_on(folder).with(["--log-dir".as_ref(), folder.join("log").as_os_str()])
}

/// The sample election's folder, with its log.
async fn write_election(folder: &Path) {
    sample::definition_files().write(&folder.join("definition")).unwrap();
    let log = RecordLog::open_embedded(&folder.join("log")).await.unwrap();
    let definition = sample::definition();
    create_generation(&log, &definition, &Genesis::first(&definition, Generation(1))).await.unwrap();
    log.close().await.unwrap();
}

#[test]
fn help_names_every_setting_with_its_variable_and_who_may_open_the_log() {
    binary().assert_help_names_every_setting(&[
        "config",
        "definition",
        "log-dir",
        "brokers",
        "generation",
        "instance",
        "rehearsal-time",
        "shards",
        "session-timeout-seconds",
        "listen",
        "key-file",
        "admin-listen",
        "log",
        "log-format",
        "drain-seconds",
    ]);
    let help = String::from_utf8(binary().with(["--help"]).output().stdout).unwrap();
    assert!(help.contains("one process at a time"), "{help}");
}

#[test]
fn an_unknown_key_is_refused_and_a_flag_beats_the_environment_which_beats_the_file() {
    binary().assert_an_unknown_key_is_refused();
    binary().assert_a_flag_beats_the_environment_which_beats_the_file();
}

#[test]
fn a_missing_setting_is_named() {
    let refused = binary().with(["--log-dir", "nowhere"]).output();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("definition"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_its_health_its_interface_and_its_metrics_and_at_sigterm_answers_the_calls_under_way() {
    let folder = tempfile::tempdir().unwrap();
    write_election(folder.path()).await;
    let running = binary_on_log(folder.path()).start(GRPC_LISTENS);
    assert_health_and_reflection(&running, TERRITORIAL_AGGREGATOR).await;
    running.assert_alive_with_metrics("hattama_aggregator_");
    let path = "/hattama.aggregator.v1.TerritorialAggregator/ListShards";
    let (answers, said) =
        assert_sigterm_answers_calls_in_flight::<_, ListShardsResponse>(running, path, ListShardsRequest {}).await;
    for answer in answers {
        assert_eq!(answer.shards.iter().map(|shard| shard.shard).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
    assert_no_alarm(&said);
}

fn assert_no_alarm(said: &str) {
    assert!(said.contains(" INFO "), "nothing was said: {said}");
    let alarms: Vec<&str> = said.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[tokio::test]
async fn sigterm_ends_a_member_of_the_group_without_an_error_or_a_warning() {
    let Ok(brokers) = std::env::var("HATTAMA_KAFKA_BROKERS") else {
        eprintln!("SKIPPED: set HATTAMA_KAFKA_BROKERS (docs/kafka.md)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    sample::definition_files().write(&folder.path().join("definition")).unwrap();
    let definition = sample::definition();
    // One that nobody has used: a generation is a second of this century.
    let generation = u32::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let settings = KafkaSettings { dev: true, ..KafkaSettings::new(brokers.as_str(), "test") };
    let log = RecordLog::connect_kafka(settings).await.unwrap();
    create_generation(&log, &definition, &Genesis::first(&definition, Generation(generation))).await.unwrap();
    log.close().await.unwrap();
    for _ in 0..3 {
        let generation = generation.to_string();
        let member = binary_on(folder.path())
            .with(["--brokers", brokers.as_str(), "--dev", "--generation", generation.as_str()])
            .start(GRPC_LISTENS);
        // The group has given it its shards.
        let _page = member.metrics_with(&["hattama_aggregator_shards_owned 5"]);
        assert_no_alarm(&member.end());
    }
}
