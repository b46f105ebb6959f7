//! What a gateway notices of a Kafka cluster that loses data behind its back. Each test has a broker of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use hattama_precinct_gateway::Config;
use hattama_record_log::{KafkaSettings, RecordLog};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Longer than a broker takes to come back and an alarm to be seen three times.
const ALARM_WITHIN: Duration = Duration::from_secs(120);

/// One broker, which is ended and its data removed when this is dropped.
struct Broker {
    state: PathBuf,
    port: u16,
    brokers: String,
}

impl Broker {
    /// None, and a line that says so, unless `HATTAMA_KAFKA_FAULTS` is 1.
    fn start(port: u16) -> Option<Self> {
        if std::env::var("HATTAMA_KAFKA_FAULTS").as_deref() != Ok("1") {
            eprintln!("SKIPPED: set HATTAMA_KAFKA_FAULTS=1: starts and wipes a broker of its own (Java 17, Maven)");
            return None;
        }
        let mut broker =
            Self { state: root().join(format!("target/kafka-gateway-{port}")), port, brokers: String::new() };
        broker.run(&["wipe"]);
        broker.brokers = broker.run(&["up", "1"]).trim().to_owned();
        Some(broker)
    }

    /// Runs a command of `deploy/kafka/local.sh` and returns what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(root().join("deploy/kafka/local.sh"));
        command.arg("--state").arg(&self.state).args(["--port", &self.port.to_string()]).args(arguments);
        let output = command.output().expect("deploy/kafka/local.sh");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "local.sh {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    async fn log(&self) -> RecordLog {
        let settings = KafkaSettings { dev: true, ..KafkaSettings::new(self.brokers.as_str(), "test") };
        RecordLog::connect_kafka(settings).await.unwrap()
    }

    /// The folder of a partition.
    fn partition(&self, name: &str) -> PathBuf {
        let found = Command::new("find").arg(&self.state).args(["-type", "d", "-name", name]).output().unwrap();
        PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.run(&["wipe"]);
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A gateway, what it says of its readiness, and one submission of it that is logged.
async fn gateway(broker: &Broker, directory: &Path) -> (Gateway, hattama_service_kit::readiness::Readiness) {
    let definition = definition();
    let log = broker.log().await;
    write_generation(&log, &definition, 1).await;
    let every_second = Duration::from_secs(1);
    let config = Config { reconcile_interval: every_second, ..config(&definition, &log, directory) };
    let readiness = config.readiness.clone();
    let gateway = Gateway::start(config).await;
    let mut client = gateway.client().await;
    let receipt = submit(&mut client, &signed(&definition, "north-001", 1)).await.unwrap();
    assert!(receipt.position.is_some(), "{receipt:?}");
    // A step and a publication, so that all topics were read.
    with_outcomes(&log, &definition).await;
    let mut stream = watch(&mut client, &signed(&definition, "north-001", 1)).await;
    watch_until(&mut stream, |receipt| receipt.counted_in.is_some()).await;
    // Compared a few times, and nothing is wrong.
    tokio::time::sleep(5 * every_second).await;
    assert!(readiness.is_ready(), "{:?}", readiness.reasons());
    (gateway, readiness)
}

async fn with_outcomes(log: &RecordLog, definition: &Arc<hattama_election::definition::Definition>) {
    let to = hattama_tally::PositionPair { next_offset: 2, control_next_offset: 1 };
    write_outcomes(log, definition, "aggregator", (hattama_tally::FIRST_POSITION, to), vec![]).await;
    write_publication(log, definition, (1, None), to).await;
}

/// The shards that are said to have lost records.
async fn alarm(readiness: &hattama_service_kit::readiness::Readiness) -> String {
    let alarm = async {
        loop {
            if let Some(reason) = readiness.reasons().get("log") {
                return reason.clone();
            }
            tokio::time::sleep(SHORT_WAIT).await;
        }
    };
    tokio::time::timeout(ALARM_WITHIN, alarm).await.unwrap_or_else(|_| panic!("no alarm came"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_wiped_under_a_gateway_is_an_alarm() {
    let Some(broker) = Broker::start(28_292) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (gateway, readiness) = gateway(&broker, directory.path()).await;
    broker.run(&["wipe"]);
    broker.run(&["up", "1"]);
    assert!(alarm(&readiness).await.contains("[0, 1, 2, 3, 4]"), "{:?}", readiness.reasons());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_deleted_and_records_that_are_removed_are_alarms() {
    let Some(broker) = Broker::start(28_492) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (running, readiness) = gateway(&broker, directory.path()).await;
    let topics = topics();
    let tool = |arguments: &[&str]| {
        let all = [&["tool"], arguments, &["--bootstrap-server", broker.brokers.as_str()]].concat();
        broker.run(&all)
    };
    tool(&["TopicCommand", "--delete", "--topic", topics.outcomes.as_str()]);
    alarm(&readiness).await;
    running.stop().await;

    // The broker loses the folder of one partition while it is down, and makes an empty one.
    broker.run(&["wipe"]);
    broker.run(&["up", "1"]);
    let directory = tempfile::tempdir().unwrap();
    let (running, readiness) = gateway(&broker, directory.path()).await;
    broker.run(&["stop", "1"]);
    std::fs::remove_dir_all(broker.partition(&format!("{}-{}", topics.outcomes, SHARD.0))).unwrap();
    broker.run(&["start", "1"]);
    assert!(alarm(&readiness).await.contains("[1]"), "{:?}", readiness.reasons());
    running.stop().await;

    // Records are removed from the front.
    broker.run(&["wipe"]);
    broker.run(&["up", "1"]);
    let directory = tempfile::tempdir().unwrap();
    let (running, readiness) = gateway(&broker, directory.path()).await;
    let offsets = broker.state.join("delete.json");
    let topic = topics.submissions.as_str();
    std::fs::write(
        &offsets,
        format!(r#"{{"partitions":[{{"topic":"{topic}","partition":1,"offset":1}}],"version":1}}"#),
    )
    .unwrap();
    tool(&["DeleteRecordsCommand", "--offset-json-file", offsets.to_str().unwrap()]);
    assert!(alarm(&readiness).await.contains("[1]"), "{:?}", readiness.reasons());
    running.stop().await;
}
