//! The binary's settings and its life: config, log, telemetry, start, signal, drain.

use crate::{Config, start};
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, ServiceRole},
    ids::ShardId,
};
use hattama_record_log::RecordLog;
use hattama_service_kit::secret;
use hattama_service_kit::{
    admin,
    clock::Clock,
    config::{self, ProcessSettings},
    listen,
    readiness::Readiness,
    shutdown::{self, Drain, Shutdown},
    telemetry,
};
use hattama_wire::SigningKey;
use std::{
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the API listens by default.
const DEFAULT_PORT: u16 = 7102;
/// Where metrics and health listen by default.
const DEFAULT_ADMIN_PORT: u16 = 9102;

/// Owns shards of an election's log: folds their submissions, writes outcomes and tallies, and serves its commissions.
///
/// It keeps nothing on disk: started again, it reads its shards from the first record. The embedded log of `--log-dir` can
/// be open in one process at a time; a log that several processes share needs Kafka.
#[derive(Debug, Default, clap::Parser, serde::Serialize, serde::Deserialize)]
#[command(name = "hattama-territorial-aggregator", version)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// TOML file with these settings; flags and environment win over it
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of the election's definition [example: elections/kz-2023]
    #[arg(long, env = "HATTAMA_DEFINITION", value_name = "DIR")]
    pub definition: Option<PathBuf>,
    /// Folder of the embedded log
    #[arg(long, env = "HATTAMA_LOG_DIR", value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Generation of the log [default: 1]
    #[arg(long, env = "HATTAMA_GENERATION", value_name = "N")]
    pub generation: Option<u32>,
    /// Shards to own, separated by commas; 0 is control [default: all]
    #[arg(long, env = "HATTAMA_SHARDS", value_name = "SHARDS", value_delimiter = ',')]
    pub shards: Option<Vec<u32>>,
    /// What this instance is called in what it signs [default: aggregator]
    #[arg(long, env = "HATTAMA_INSTANCE", value_name = "NAME")]
    pub instance: Option<String>,
    /// Where commissions connect [default: 127.0.0.1:7102]
    #[arg(long, env = "HATTAMA_AGGREGATOR_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// File with the 32-byte private key in base64url; a rehearsal's key derives from its definition's seed
    #[arg(long, env = "HATTAMA_AGGREGATOR_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// In the file: `[process]`.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// Runs the aggregator as a process until a signal.
///
/// # Errors
/// When a setting is missing or wrong, or the service cannot start; each error says what to do.
pub async fn run(flags: Settings) -> Result<Drain, Box<dyn Error>> {
    let file = flags.config.clone();
    let settings = config::layered(flags, file.as_deref())?;
    let telemetry = telemetry::start(&settings.process)?;
    let shutdown = Shutdown::new();
    shutdown::on_signals(&shutdown)?;
    let readiness = Readiness::new();
    let admin_listener = listen::bind(settings.process.admin_listen(DEFAULT_ADMIN_PORT)).await?;
    let admin = admin::start(admin_listener, telemetry, readiness.clone())?;

    let directory = config::required(settings.definition, "definition")?;
    let definition = Arc::new(Definition::load(&DefinitionFiles::read(&directory)?)?);
    let log = RecordLog::open_embedded(&config::required(settings.log_dir, "log_dir")?).await?;
    let key = signing_key(&definition, settings.key_file.as_deref())?;
    let running = start(
        Config {
            definition,
            log: log.clone(),
            generation: settings.generation.unwrap_or(1),
            shards: settings.shards.unwrap_or_default().into_iter().map(ShardId).collect(),
            key,
            instance: settings.instance.unwrap_or_else(|| "aggregator".to_owned()),
            clock: Clock::system(),
            listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
            readiness,
        },
        &shutdown,
    )
    .await?;
    tracing::info!(address = %running.grpc_address, "serving");

    shutdown.requested().await;
    let drain = shutdown.drain(settings.process.drain_deadline()).await;
    log.close().await?;
    admin.close().await;
    Ok(drain)
}

/// The key of the file, else the rehearsal key of the definition's first service of this role.
fn signing_key(definition: &Definition, file: Option<&Path>) -> Result<SigningKey, Box<dyn Error>> {
    if let Some(path) = file {
        return Ok(SigningKey::from_seed(secret::read_seed(path)?)?);
    }
    let keys = definition.rehearsal.as_ref().ok_or("an official election has no rehearsal keys: give --key-file")?;
    let service = definition.services.iter().find(|service| service.role == ServiceRole::Aggregator);
    let service = service.ok_or("the definition names no service of role aggregator")?;
    Ok(SigningKey::rehearsal(keys, KeyRole::Service, service.id.as_str())?)
}
