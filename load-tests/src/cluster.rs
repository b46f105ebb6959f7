//! A real Kafka cluster of the harness's own, by `deploy/kafka/local.sh`. Its data goes when it is dropped.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A cluster has all its replicas in step again within this after a broker's start; seconds when all is well.
const IN_STEP_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);

/// Brokers on the loopback.
#[derive(Debug)]
pub struct Cluster {
    script: PathBuf,
    state: PathBuf,
    port: u16,
    /// How many brokers.
    pub size: u8,
    /// `host:port,…`
    pub brokers: String,
}

impl Cluster {
    /// Starts a new one; what lies in `state` from an earlier run is removed.
    ///
    /// # Errors
    /// When Java or Maven is missing or a broker does not start; the message is the script's.
    pub fn start(root: &Path, state: &Path, port: u16, size: u8) -> Result<Self, Box<dyn Error>> {
        let script = root.join("deploy/kafka/local.sh");
        let mut cluster = Self { script, state: state.to_owned(), port, size, brokers: String::new() };
        cluster.run(&["wipe"])?;
        cluster.brokers = cluster.run(&["up", &size.to_string()])?.trim().to_owned();
        Ok(cluster)
    }

    /// Runs a command of the script; what it printed.
    ///
    /// # Errors
    /// What the script said.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let mut command = Command::new(&self.script);
        command.arg("--state").arg(&self.state).args(["--port", &self.port.to_string()]).args(arguments);
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("local.sh {}: {}", arguments.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The same for one broker, from 1.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn broker(&self, command: &str, broker: u8) -> Result<(), Box<dyn Error>> {
        self.run(&[command, &broker.to_string()]).map(drop)
    }

    /// The active controller, from 1.
    ///
    /// # Errors
    /// As [`Self::run`]; or when the tool says something else.
    pub fn controller(&self) -> Result<u8, Box<dyn Error>> {
        let said =
            self.run(&["tool", "MetadataQuorumCommand", "--bootstrap-server", &self.brokers, "describe", "--status"])?;
        let leader = said.lines().find_map(|line| line.strip_prefix("LeaderId:")?.trim().parse().ok());
        leader.ok_or_else(|| format!("the quorum's status names no leader: {said}").into())
    }

    /// Where a broker keeps a partition.
    #[must_use]
    pub fn partition(&self, broker: u8, topic: &str, partition: u32) -> PathBuf {
        self.state.join(format!("data/{broker}/{topic}-{partition}"))
    }

    /// Waits until every partition has all its replicas again: before that another death is more than one.
    ///
    /// # Errors
    /// When that takes longer than it may.
    pub fn in_step(&self) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        loop {
            let describe = ["--describe", "--under-replicated-partitions"];
            let said =
                self.run(&["tool", "TopicCommand", "--bootstrap-server", &self.brokers, describe[0], describe[1]]);
            match said {
                Ok(text) if text.trim().is_empty() => return Ok(()),
                last if started.elapsed() > IN_STEP_WITHIN => {
                    let why = last.unwrap_or_else(|error| error.to_string());
                    return Err(
                        format!("after {} s replicas are still missing: {why}", IN_STEP_WITHIN.as_secs()).into()
                    );
                }
                _ => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.run(&["wipe"]) {
            eprintln!("the cluster in {} could not be removed: {error}", self.state.display());
        }
    }
}
