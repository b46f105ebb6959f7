//! A real Kafka cluster of the harness's own, by `deploy/kafka/local.sh`. Its data goes when it is dropped.

use hattama_record_log::{KafkaSettings, kafka, topics::TopicSet};
use serde::Deserialize;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A cluster has all its replicas in step again within this after a broker's start; seconds when all is well.
const IN_STEP_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);

/// Brokers on the loopback.
#[derive(Debug)]
pub struct Cluster {
    script: Arc<Script>,
    /// How many brokers.
    pub size: u8,
    /// `host:port,…`
    pub brokers: String,
}

/// The script, told which cluster is meant.
#[derive(Debug)]
struct Script {
    path: PathBuf,
    state: PathBuf,
    port: u16,
    /// One command at a time: who is dropped while a broker starts has to remove that one too.
    turn: Mutex<()>,
}

impl Script {
    fn run(&self, arguments: &[String]) -> Result<String, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new(&self.path);
        command.arg("--state").arg(&self.state).args(["--port", &self.port.to_string()]).args(arguments);
        let failed = |why: &str| format!("local.sh {}: {}", arguments.join(" "), why.trim());
        let output = command.stdin(Stdio::null()).output().map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8(output.stdout).map_err(|error| failed(&error.to_string()))
    }
}

impl Cluster {
    /// Starts a new one; what lies in `state` from an earlier run is removed.
    ///
    /// # Errors
    /// When Java or Maven is missing or a broker does not start; the message is the script's.
    pub async fn start(root: &Path, state: &Path, port: u16, size: u8) -> Result<Self, Box<dyn Error>> {
        let path = root.join("deploy/kafka/local.sh");
        let script = Arc::new(Script { path, state: state.to_owned(), port, turn: Mutex::default() });
        let mut cluster = Self { script, size, brokers: String::new() };
        cluster.run(&["wipe"]).await?;
        cluster.brokers = cluster.run(&["up", &size.to_string()]).await?.trim().to_owned();
        Ok(cluster)
    }

    /// Runs a command of the script; what it printed. The night goes on meanwhile.
    ///
    /// # Errors
    /// What the script said.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let script = Arc::clone(&self.script);
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Ok(tokio::task::spawn_blocking(move || script.run(&arguments)).await??)
    }

    /// The same for one broker, from 1.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn broker(&self, command: &str, broker: u8) -> Result<(), Box<dyn Error>> {
        self.run(&[command, &broker.to_string()]).await.map(drop)
    }

    /// The active controller, from 1: whom the brokers elected last, as each keeps on its disk. (Kafka's own tool would take a
    /// JVM and seconds of both processors, which the night needs.)
    ///
    /// # Errors
    /// When no broker has such a file, or it says something else.
    pub fn controller(&self) -> Result<u8, Box<dyn Error>> {
        let mut newest = None;
        for broker in 1..=self.size {
            let file = self.script.state.join(format!("data/{broker}/__cluster_metadata-0/quorum-state"));
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let elected: QuorumState = serde_json::from_str(&text)?;
            newest = newest.max(Some((elected.leader_epoch, elected.leader_id)));
        }
        let (_, leader) = newest.ok_or("a cluster has brokers")?;
        u8::try_from(leader).map_err(|_| "the brokers are electing a controller".into())
    }

    /// Where a broker keeps a partition.
    #[must_use]
    pub fn partition(&self, broker: u8, topic: &str, partition: u32) -> PathBuf {
        self.script.state.join(format!("data/{broker}/{topic}-{partition}"))
    }

    /// Where a broker writes its log.
    #[must_use]
    pub fn log(&self, broker: u8) -> PathBuf {
        self.script.state.join(format!("{broker}.log"))
    }

    /// How the harness reaches it.
    #[must_use]
    pub fn settings(&self) -> KafkaSettings {
        KafkaSettings { dev: self.size == 1, ..KafkaSettings::new(self.brokers.as_str(), "load-tests") }
    }

    /// Waits until every partition of these topics has all its replicas again: before that another death is more than one.
    ///
    /// # Errors
    /// When that takes longer than it may.
    pub async fn in_step(&self, topics: &TopicSet, shards: u32) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        loop {
            let missing = match kafka::check(&self.settings(), topics, shards).await {
                Ok(report) => {
                    report.deviations.iter().find(|deviation| deviation.is_passing()).map(ToString::to_string)
                }
                Err(error) => Some(error.to_string()),
            };
            let Some(missing) = missing else { return Ok(()) };
            if started.elapsed() > IN_STEP_WITHIN {
                return Err(
                    format!("after {} s replicas are still missing: {missing}", IN_STEP_WITHIN.as_secs()).into()
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What a broker keeps of the controllers' elections.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuorumState {
    /// −1 during an election.
    leader_id: i32,
    leader_epoch: u64,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.script.run(&["wipe".to_owned()]) {
            eprintln!("the cluster in {} could not be removed: {error}", self.script.state.display());
        }
    }
}
