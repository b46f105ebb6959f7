//! The binary's settings and its life: config, telemetry, log, start, signal, drain.

use crate::{Config, MAX_SNAPSHOTS, StartError, start};
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, LoadErrors, ReadError, ServiceRole},
    key::InvalidKey,
};
use hattama_record_log::{LogError, RecordLog};
use hattama_service_kit::{
    admin,
    clock::Clock,
    config::{self, ConfigError, ProcessSettings},
    listen::{self, ListenError},
    readiness::Readiness,
    secret::{self, SecretError},
    shutdown::{self, Drain, Shutdown},
    telemetry::{self, TelemetryError},
};
use hattama_wire::SigningKey;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// What this instance is called in what it signs [default: national]
    #[arg(long, env = "HATTAMA_INSTANCE", value_name = "NAME")]
    pub instance: Option<String>,
    /// Where the CEC's systems and the public board connect [default: 127.0.0.1:7103]
    #[arg(long, env = "HATTAMA_NATIONAL_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// File with the 32-byte private key in base64url; a rehearsal's key derives from its definition's seed
    #[arg(long, env = "HATTAMA_NATIONAL_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// In the file: `[process]`.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// The process could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logging or metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signals(#[source] std::io::Error),
    /// The admin listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The admin listener has no address.
    #[error("the admin listener cannot be started: {0}")]
    Admin(#[source] std::io::Error),
    /// The definition's files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The definition is wrong.
    #[error(transparent)]
    Definition(#[from] LoadErrors),
    /// The log cannot be opened or closed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key file.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The key itself.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// An official election derives no keys.
    #[error("an official election has no rehearsal keys: give --key-file")]
    KeyFileMissing,
    /// Nobody may publish.
    #[error("the definition names no service of role national: add it to `[[services]]` of election.toml")]
    NoNationalService,
    /// The service did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Runs the national results as a process until a signal.
///
/// # Errors
/// When a setting is missing or wrong, or the service cannot start; each error says what to do.
pub async fn run(flags: Settings) -> Result<Drain, SettingsError> {
    let file = flags.config.clone();
    let settings = config::layered(flags, file.as_deref())?;
    let telemetry = telemetry::start(&settings.process)?;
    let shutdown = Shutdown::new();
    shutdown::on_signals(&shutdown).map_err(SettingsError::Signals)?;
    let readiness = Readiness::new();
    let admin_listener = listen::bind(settings.process.admin_listen(DEFAULT_ADMIN_PORT)).await?;
    let admin = admin::start(admin_listener, telemetry, readiness.clone()).map_err(SettingsError::Admin)?;

    let directory = config::required(settings.definition, "definition")?;
    let definition = Arc::new(Definition::load(&DefinitionFiles::read(&directory)?)?);
    let key = signing_key(&definition, settings.key_file.as_deref())?;
    let log = RecordLog::open_embedded(&config::required(settings.log_dir, "log_dir")?).await?;
    let config = Config {
        definition,
        log: log.clone(),
        generation: settings.generation.unwrap_or(1),
        listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
        instance: settings.instance.unwrap_or_else(|| "national".to_owned()),
        key,
        clock: Clock::system(),
        readiness,
        publications_at_hand: MAX_SNAPSHOTS,
    };
    start(config, shutdown.clone()).await?;

    shutdown.requested().await;
    let drain = shutdown.drain(settings.process.drain_deadline()).await;
    log.close().await?;
    admin.close().await;
    Ok(drain)
}

/// The key of the file, else the rehearsal key of the definition's first national service.
fn signing_key(definition: &Definition, file: Option<&Path>) -> Result<SigningKey, SettingsError> {
    if let Some(path) = file {
        return Ok(SigningKey::from_seed(secret::read_seed(path)?)?);
    }
    let keys = definition.rehearsal.as_ref().ok_or(SettingsError::KeyFileMissing)?;
    let service = definition.services.iter().find(|service| service.role == ServiceRole::National);
    let service = service.ok_or(SettingsError::NoNationalService)?;
    Ok(SigningKey::rehearsal(keys, KeyRole::Service, service.id.as_str())?)
}
