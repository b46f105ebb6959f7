//! The public board as a process: its settings, and its life from its arguments to its exit code.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hattama_service_kit::clock::{Clock, Purpose};
use hattama_service_kit::config::{self, ProcessSettings};
use hattama_service_kit::listen;
use hattama_service_kit::process::Process;
use hattama_service_kit::shutdown::{self, Drain};
use serde::{Deserialize, Serialize};

use crate::{Config, start};

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_ADMIN_PORT: u16 = 9401;

/// Election night on one page: reads the national service, answers readers over HTTP.
///
/// It speaks plain HTTP: put a reverse proxy with TLS, compression and timeouts for slow clients before it.
/// Flags beat environment variables, which beat the configuration file.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// A TOML file with any of these settings, by the flags' names with `_`; the process's settings under `[process]`
    #[arg(long, env = "HATTAMA_BOARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Default, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Where readers connect [default: 127.0.0.1:8080]
    #[arg(long, env = "HATTAMA_BOARD_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The national service, for example http://127.0.0.1:7103; it may be away when the board starts
    #[arg(long, env = "HATTAMA_BOARD_NATIONAL", value_name = "URL")]
    national: Option<String>,
    /// Connections at a time; more wait in the system's queue [default: 20000]
    #[arg(long, env = "HATTAMA_BOARD_CONNECTIONS", value_name = "NUMBER")]
    connections: Option<usize>,
    /// Readers who follow live at a time; more are told to come again later [default: 10000]
    #[arg(long, env = "HATTAMA_BOARD_LIVE_READERS", value_name = "NUMBER")]
    live_readers: Option<usize>,
    /// The clock of a rehearsal that several processes play: what it shows at a real instant, and its speed. Ages are told by
    /// it; never set it beside an official election [example: 2023-03-19T00:00:00Z,3600,2026-03-01T09:00:00Z]
    #[arg(long, env = "HATTAMA_REHEARSAL_TIME", value_name = "ORIGIN,SPEED,WALL_START")]
    rehearsal_time: Option<String>,
    #[command(flatten)]
    process: ProcessSettings,
}

/// The public board as a process, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match config::layered(arguments.settings, arguments.config.as_deref()) {
        Ok(settings) => shutdown::run(serve(settings)),
        Err(error) => shutdown::refuse(&error),
    }
}

async fn serve(settings: Settings) -> Result<Drain, Box<dyn Error>> {
    // Ready at once: without a national service the page says that it waits for one.
    let process = Process::start(&settings.process, DEFAULT_ADMIN_PORT).await?;
    start(config_of(&settings)?, process.shutdown.clone()).await?;
    process.started();

    let drain = process.drained().await;
    process.close().await;
    Ok(drain)
}

fn config_of(settings: &Settings) -> Result<Config, Box<dyn Error>> {
    let national = config::required(settings.national.clone(), "national")?;
    let clock = match &settings.rehearsal_time {
        None => Clock::system(),
        Some(time) => Clock::rehearsal(Purpose::Rehearsal, time.parse()?)?,
    };
    let listen = settings.listen.unwrap_or(listen::local(DEFAULT_PORT));
    Ok(Config {
        connections: settings.connections.unwrap_or(Config::DEFAULT_CONNECTIONS),
        live_readers: settings.live_readers.unwrap_or(Config::DEFAULT_LIVE_READERS),
        ..Config::new(listen, national, clock)
    })
}
