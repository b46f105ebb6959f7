//! The binary's settings and its life: config, log, telemetry, start, signal, drain.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_record_log::RecordLog;
use hattama_service_kit::config::{self, ProcessSettings};
use hattama_service_kit::shutdown::{self, Drain, Shutdown};
use hattama_service_kit::{admin, listen, readiness::Readiness, telemetry};

use crate::{Config, start};

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
    /// Folder of this gateway's journal
    #[arg(long, env = "HATTAMA_GATEWAY_JOURNAL_DIR", value_name = "DIR")]
    pub journal_dir: Option<PathBuf>,
    /// Generation of the log [default: 1]
    #[arg(long, env = "HATTAMA_GENERATION", value_name = "N")]
    pub generation: Option<u32>,
    /// What this gateway is called in receipts [default: gateway]
    #[arg(long, env = "HATTAMA_INSTANCE", value_name = "NAME")]
    pub instance: Option<String>,
    /// Where stations connect [default: 127.0.0.1:7101]
    #[arg(long, env = "HATTAMA_GATEWAY_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// In the file: `[process]`.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// Runs the gateway as a process until a signal.
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
    let journal_directory = config::required(settings.journal_dir, "journal_dir")?;
    let log = RecordLog::open_embedded(&config::required(settings.log_dir, "log_dir")?).await?;
    let instance = settings.instance.unwrap_or_else(|| "gateway".to_owned());
    let running = start(
        Config {
            generation: settings.generation.unwrap_or(1),
            listen: settings.listen.unwrap_or(listen::local(DEFAULT_PORT)),
            readiness,
            ..Config::new(definition, log.clone(), journal_directory, instance)
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
