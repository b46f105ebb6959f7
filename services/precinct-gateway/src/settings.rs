//! The binary's settings and its life: config, log, telemetry, start, signal, drain.

use crate::{Config, start};
use clap::Parser as _;
use hattama_election_log::{ClusterError, ElectionLog, ElectionSettings};
use hattama_service_kit::{
    config::{self, ProcessSettings},
    listen,
    process::Process,
    shutdown::{self, Drain},
    supervise,
};
use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Where stations connect by default.
const DEFAULT_PORT: u16 = 7101;
/// Where metrics and health listen by default.
const DEFAULT_ADMIN_PORT: u16 = 9101;

/// Takes signed submissions, keeps them in a journal on this machine's disk, and brings them into the election's log.
///
/// The journal is kept until the operator archives the election: give it a disk of its own, and each gateway a directory of
/// its own. The embedded log of --log-dir can be open in one process at a time; a log that several processes share needs
/// Kafka.
#[derive(Debug, Default, clap::Parser, serde::Serialize, serde::Deserialize)]
#[command(name = "hattama-precinct-gateway", version)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// TOML file with these settings; flags and environment win over it
    #[arg(long, env = "HATTAMA_GATEWAY_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// In the file: `[election]`.
    #[command(flatten)]
    election: ElectionSettings,
    /// Folder of this gateway's journal
    #[arg(long, env = "HATTAMA_GATEWAY_JOURNAL_DIR", value_name = "DIR")]
    journal_dir: Option<PathBuf>,
    /// Where stations connect [default: 127.0.0.1:7101]
    #[arg(long, env = "HATTAMA_GATEWAY_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// In the file: `[process]`.
    #[command(flatten)]
    process: ProcessSettings,
}

/// The gateway as a process, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}

async fn run(flags: Settings) -> Result<Drain, Box<dyn Error>> {
    let file = flags.config.clone();
    let settings = config::layered(flags, file.as_deref())?;
    let process = Process::start(&settings.process, DEFAULT_ADMIN_PORT).await?;
    let election = settings.election.open("gateway").await?;
    // Receiving does not depend on the log: only a cluster that answers and is too weak is refused.
    supervise::spawn(&process.shutdown, "check the cluster", {
        let (election, stop) = (election.clone(), process.shutdown.token().clone());
        async move { stop.run_until_cancelled(refuse_a_weak_cluster(&election)).await.unwrap_or(Ok(())) }
    });
    let journal_directory = config::required(settings.journal_dir, "journal_dir")?;
    let running = start(
        Config {
            generation: election.generation,
            clock: election.clock,
            listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
            readiness: process.readiness.clone(),
            ..Config::new(election.definition, election.log.clone(), journal_directory, election.instance)
        },
        &process.shutdown,
    )
    .await?;
    process.started();
    tracing::info!(address = %running.grpc_address, "serving");

    let drain = process.drained().await;
    election.log.close().await?;
    process.close().await;
    Ok(drain)
}

/// Topics that are not there yet are waited for by the gateway's followers: what is received before lies in the journal.
async fn refuse_a_weak_cluster(election: &ElectionLog) -> Result<(), ClusterError> {
    match election.is_sound().await {
        Err(ClusterError::Weak(deviations)) if deviations.only_missing() => {
            tracing::warn!("the generation's topics are not there yet:\n{deviations}");
            Ok(())
        }
        checked => checked,
    }
}
