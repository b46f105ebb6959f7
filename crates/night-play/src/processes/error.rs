//! What goes wrong with processes.

use super::launch::{FIRST_PORT, PORTS};
use std::{io, path::PathBuf, process::ExitStatus};

/// What goes wrong with processes.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The binary was not built.
    #[error("{} is not there: build the services first, `cargo build --release`", path.display())]
    NoBinary {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be started, signalled or waited for.
    #[error("{name}: {action} failed: {source}")]
    Io {
        /// Which.
        name: String,
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended where it should not.
    #[error("{name} ended ({status}); the end of {}:\n{tail}", log.display())]
    Ended {
        /// Which.
        name: String,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// It is not ready in time.
    #[error("{name} is not ready after {seconds} s: {reason}; its log: {}", log.display())]
    NotReady {
        /// Which.
        name: String,
        /// How long was waited.
        seconds: u64,
        /// What `/readyz` says.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
    /// No port is free.
    #[error("none of the ports {FIRST_PORT} to {} is free", FIRST_PORT + PORTS - 1)]
    NoPort,
}
