//! The binary's settings and its life: config, log, telemetry, start, signal, drain.

use crate::{Config, Ownership, start};
use clap::Parser as _;
use hattama_election::{definition::ServiceRole, ids::ShardId};
use hattama_election_log::{ElectionLog, ElectionSettings, service_key};
use hattama_record_log::{
    LogError,
    kafka::{Membership, MembershipSettings},
    topics::TopicSet,
};
use hattama_service_kit::{
    config::{self, ProcessSettings},
    listen,
    process::Process,
    shutdown::{self, Drain},
};
use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

/// Where the API listens by default.
const DEFAULT_PORT: u16 = 7102;
/// Where metrics and health listen by default.
const DEFAULT_ADMIN_PORT: u16 = 9102;

/// As short as brokers allow by default: for so long the shards of an aggregator that died stand still.
const DEFAULT_SESSION_TIMEOUT_SECONDS: u32 = 6;
/// How long the group waits for an owner to stop: it stops between two calls to the log, within milliseconds.
const LET_GO_TIMEOUT: Duration = Duration::from_secs(3);

/// Owns shards of an election's log: folds their submissions, writes outcomes and tallies, and serves its commissions.
///
/// It keeps nothing on disk: started again, it reads its shards from the first record. The embedded log of `--log-dir` can
/// be open in one process at a time; a log that several processes share needs Kafka.
#[derive(Debug, Default, clap::Parser, serde::Serialize, serde::Deserialize)]
#[command(name = "hattama-territorial-aggregator", version)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// TOML file with these settings; flags and environment win over it
    #[arg(long, env = "HATTAMA_AGGREGATOR_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// In the file: `[election]`.
    #[command(flatten)]
    election: ElectionSettings,
    /// Shards to own, separated by commas; 0 is control [default: all; on Kafka those that the group of all aggregators
    /// assigns]
    #[arg(long, env = "HATTAMA_SHARDS", value_name = "SHARDS", value_delimiter = ',')]
    shards: Option<Vec<u32>>,
    /// In the group: an aggregator that is silent for so long is dead, and others own its shards [default: 6]
    #[arg(long, env = "HATTAMA_SESSION_TIMEOUT_SECONDS", value_name = "SECONDS")]
    session_timeout_seconds: Option<u32>,
    /// Where commissions connect [default: 127.0.0.1:7102]
    #[arg(long, env = "HATTAMA_AGGREGATOR_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// File with the 32-byte private key in base64url; a rehearsal's key derives from its definition's seed
    #[arg(long, env = "HATTAMA_AGGREGATOR_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// In the file: `[process]`.
    #[command(flatten)]
    process: ProcessSettings,
}

/// The aggregator as a process, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    shutdown::run(run(Settings::parse()))
}

async fn run(flags: Settings) -> Result<Drain, Box<dyn Error>> {
    let file = flags.config.clone();
    let settings = config::layered(flags, file.as_deref())?;
    let process = Process::start(&settings.process, DEFAULT_ADMIN_PORT).await?;
    let election = settings.election.open("aggregator").await?;
    match process.unless_stopped(election.is_sound()).await {
        Some(sound) => sound?,
        None => return Ok(process.drained().await),
    }
    let ownership = ownership(&election, settings.shards, settings.session_timeout_seconds).await?;
    let running = start(
        Config {
            key: service_key(&election.definition, ServiceRole::Aggregator, settings.key_file.as_deref())?,
            definition: election.definition,
            log: election.log.clone(),
            generation: election.generation,
            ownership,
            instance: election.instance,
            clock: election.clock,
            listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
            readiness: process.readiness.clone(),
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

/// The shards that were named, else what the group assigns, else all.
async fn ownership(
    election: &ElectionLog,
    named: Option<Vec<u32>>,
    session_timeout_seconds: Option<u32>,
) -> Result<Ownership, LogError> {
    let kafka = match (named, &election.kafka) {
        (Some(named), _) => return Ok(Ownership::Fixed(named.into_iter().map(ShardId).collect())),
        (None, None) => return Ok(Ownership::all()),
        (None, Some(kafka)) => kafka,
    };
    let (id, generation) = (election.definition.id.as_str(), election.generation);
    let membership = MembershipSettings {
        group: format!("{id}.g{generation}.aggregators"),
        topic: TopicSet::new(id, generation)?.submissions,
        session_timeout: Duration::from_secs(session_timeout_seconds.unwrap_or(DEFAULT_SESSION_TIMEOUT_SECONDS).into()),
        let_go_timeout: LET_GO_TIMEOUT,
    };
    Ok(Ownership::Shared(Membership::join(kafka, membership).await?))
}
