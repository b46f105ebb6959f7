//! The Kafka cluster that tests run on, if there is one.

#![expect(dead_code, reason = "each test program uses a part")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use hattama_record_log::KafkaSettings;

static SKIPPED: Once = Once::new();

/// The cluster of `HATTAMA_KAFKA_BROKERS`. None, and a line that says so, if none was given.
pub fn settings(client_id: &str) -> Option<KafkaSettings> {
    let Ok(brokers) = std::env::var("HATTAMA_KAFKA_BROKERS") else {
        say_skipped("run deploy/kafka/local.sh up, then set HATTAMA_KAFKA_BROKERS to what it prints");
        return None;
    };
    let mut settings = KafkaSettings::new(brokers.as_str(), client_id);
    // A single address: a single broker.
    settings.dev = !brokers.contains(',');
    Some(settings)
}

/// A name that no other test and no other run has used: topics are never removed here.
pub fn own_name(test: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
    format!("test-{now}-{}-{test}", std::process::id())
}

fn say_skipped(what_to_do: &str) {
    // Not by println!, which a test that passes does not show.
    SKIPPED.call_once(|| {
        let _ = writeln!(std::io::stderr(), "SKIPPED: tests on kafka; {what_to_do}");
    });
}

/// Three brokers of one test's own, which may be killed. They are ended and their data removed when it is dropped.
pub struct OwnCluster {
    state: PathBuf,
    port: u16,
    pub brokers: String,
}

impl OwnCluster {
    /// Starts it. None, and a line that says so, unless `HATTAMA_KAFKA_FAULTS` is 1: it takes a gigabyte of memory.
    pub fn start(port: u16) -> Option<Self> {
        if std::env::var("HATTAMA_KAFKA_FAULTS").as_deref() != Ok("1") {
            say_skipped("set HATTAMA_KAFKA_FAULTS=1: they start and kill brokers of their own (Java 17, Maven)");
            return None;
        }
        let state = root().join(format!("target/kafka-faults-{port}"));
        let mut cluster = Self { state, port, brokers: String::new() };
        cluster.run(&["wipe"]);
        cluster.brokers = cluster.run(&["up", "3"]).trim().to_owned();
        Some(cluster)
    }

    /// Runs a command of `deploy/kafka/local.sh` and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(root().join("deploy/kafka/local.sh"));
        command.arg("--state").arg(&self.state).args(["--port", &self.port.to_string()]).args(arguments);
        let output = command.output().expect("deploy/kafka/local.sh");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "local.sh {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        self.run(&["wipe"]);
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
