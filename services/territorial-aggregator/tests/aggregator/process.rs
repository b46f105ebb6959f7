//! The binary: its help, what it says when it cannot start, and that it stops without a word of alarm.

use hattama_election::definition::sample;
use hattama_election_log::create_generation;
use hattama_record_log::{KafkaSettings, RecordLog};
use hattama_tally::Generation;
use hattama_wire::Genesis;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
    time::UNIX_EPOCH,
};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hattama-territorial-aggregator"));
    command.args(["--admin-listen", "127.0.0.1:0"]).args(arguments).output().unwrap()
}

#[test]
fn help_names_every_setting_and_who_may_open_the_log() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    let flags =
        ["config", "definition", "log-dir", "generation", "shards", "instance", "listen", "key-file", "admin-listen"];
    for flag in flags {
        assert!(text.contains(&format!("--{flag} <")), "--{flag} is not in:\n{text}");
    }
    assert!(text.contains("one process at a time"), "{text}");
}

#[test]
fn a_missing_setting_is_named() {
    let refused = run(&["--log-dir", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("definition"), "{text}");
}

/// Starts the binary on a log that has a generation, stops it with SIGTERM when it serves, and returns what it said.
fn said_until_it_stopped(folder: &Path, log: &[&str]) -> String {
    let definition = folder.join("definition");
    let files = sample::definition_files();
    std::fs::create_dir_all(&definition).unwrap();
    for name in files.names() {
        std::fs::write(definition.join(name), files.get(name).unwrap()).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_hattama-territorial-aggregator"))
        .args(["--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--definition"])
        .arg(&definition)
        .args(log)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let asked_to_stop = if log.contains(&"--brokers") { "these shards are owned here now" } else { "serving" };
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        if line.contains(asked_to_stop) {
            assert!(Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap().success());
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    said
}

fn assert_no_alarm(said: &str) {
    assert!(said.contains(" INFO "), "nothing was said: {said}");
    let alarms: Vec<&str> = said.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[tokio::test]
async fn sigterm_ends_an_aggregator_without_an_error_or_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let log_folder = folder.path().join("log");
    let log = RecordLog::open_embedded(&log_folder).await.unwrap();
    let definition = sample::definition();
    create_generation(&log, &definition, &Genesis::first(&definition, Generation(1))).await.unwrap();
    log.close().await.unwrap();
    assert_no_alarm(&said_until_it_stopped(folder.path(), &["--log-dir", log_folder.to_str().unwrap()]));
}

#[tokio::test]
async fn sigterm_ends_a_member_of_the_group_without_an_error_or_a_warning() {
    let Ok(brokers) = std::env::var("HATTAMA_KAFKA_BROKERS") else {
        eprintln!("SKIPPED: set HATTAMA_KAFKA_BROKERS (docs/kafka.md)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let definition = sample::definition();
    // One that nobody has used: a generation is a second of this century.
    let generation = u32::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let settings = KafkaSettings { dev: true, ..KafkaSettings::new(brokers.as_str(), "test") };
    let log = RecordLog::connect_kafka(settings).await.unwrap();
    create_generation(&log, &definition, &Genesis::first(&definition, Generation(generation))).await.unwrap();
    log.close().await.unwrap();
    for _ in 0..3 {
        let generation = generation.to_string();
        let arguments = ["--brokers", brokers.as_str(), "--dev", "--generation", generation.as_str()];
        assert_no_alarm(&said_until_it_stopped(folder.path(), &arguments));
    }
}
