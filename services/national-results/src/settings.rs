//! The binary's settings and its life: config, telemetry, log, start, signal, drain.

use crate::{Config, MAX_SNAPSHOTS, start};
use clap::Parser as _;
use hattama_election::definition::ServiceRole;
use hattama_election_log::{ElectionSettings, service_key};
use hattama_service_kit::{
    config::{self, ProcessSettings},
    listen,
    process::Process,
    shutdown::{self, Drain},
};
use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Where the API listens by default.
const DEFAULT_PORT: u16 = 7103;
/// Where metrics and health listen by default.
const DEFAULT_ADMIN_PORT: u16 = 9103;

/// Merges the shards' tallies, publishes the nation's result, and answers the CEC's systems and the public board.
///
/// It keeps nothing on disk: started again, it reads the log from the first record. Several may run on one log. The embedded
/// log of `--log-dir` can be open in one process at a time; a log that several processes share needs Kafka.
#[derive(Debug, Default, clap::Parser, serde::Serialize, serde::Deserialize)]
#[command(name = "hattama-national-results", version)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// TOML file with these settings; flags and environment win over it
    #[arg(long, env = "HATTAMA_NATIONAL_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// In the file: `[election]`.
    #[command(flatten)]
    election: ElectionSettings,
    /// Where the CEC's systems and the public board connect [default: 127.0.0.1:7103]
    #[arg(long, env = "HATTAMA_NATIONAL_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// File with the 32-byte private key in base64url; a rehearsal's key derives from its definition's seed
    #[arg(long, env = "HATTAMA_NATIONAL_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// In the file: `[process]`.
    #[command(flatten)]
    process: ProcessSettings,
}

/// The national results as a process, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}

async fn run(flags: Settings) -> Result<Drain, Box<dyn Error>> {
    let file = flags.config.clone();
    let settings = config::layered(flags, file.as_deref())?;
    let process = Process::start(&settings.process, DEFAULT_ADMIN_PORT).await?;
    let election = settings.election.open("national").await?;
    match process.unless_stopped(election.is_sound()).await {
        Some(sound) => sound?,
        None => return Ok(process.drained().await),
    }
    let config = Config {
        key: service_key(&election.definition, ServiceRole::National, settings.key_file.as_deref())?,
        definition: election.definition,
        log: election.log.clone(),
        generation: election.generation,
        listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
        instance: election.instance,
        clock: election.clock,
        readiness: process.readiness.clone(),
        publications_at_hand: MAX_SNAPSHOTS,
    };
    start(config, process.shutdown.clone()).await?;
    process.started();

    let drain = process.drained().await;
    election.log.close().await?;
    process.close().await;
    Ok(drain)
}
