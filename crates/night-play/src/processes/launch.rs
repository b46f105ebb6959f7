//! What is started: which program, on which addresses, with which flags.

use super::ProcessError;
use std::{
    ffi::OsString,
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

/// Ports that are given out: below those that the system takes for outgoing connections, so that a service that is started
/// again finds its own free.
pub(super) const FIRST_PORT: u16 = 10_000;
/// How many there are.
pub(super) const PORTS: u16 = 8_000;

/// A program of the project that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The precinct gateway.
    Gateway,
    /// The territorial aggregator.
    Aggregator,
    /// The national results.
    National,
    /// The public board.
    Board,
}

impl Service {
    /// The name of its binary.
    #[must_use]
    pub fn binary(self) -> &'static str {
        match self {
            Self::Gateway => "hattama-precinct-gateway",
            Self::Aggregator => "hattama-territorial-aggregator",
            Self::National => "hattama-national-results",
            Self::Board => "hattama-public-board",
        }
    }
}

/// Where the binaries lie.
#[derive(Debug, Clone)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Beside the program that runs.
    ///
    /// # Errors
    /// When nobody knows where that lies.
    pub fn beside_this() -> io::Result<Self> {
        let this = std::env::current_exe()?;
        Ok(Self(this.parent().unwrap_or(Path::new(".")).to_owned()))
    }

    /// In a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The path of a service's binary.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(&self, service: Service) -> Result<PathBuf, ProcessError> {
        let path = self.0.join(service.binary());
        if path.is_file() { Ok(path) } else { Err(ProcessError::NoBinary { path }) }
    }
}

/// What is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// What it is called: `gateway-1`; its log is called so too.
    pub name: String,
    /// Its flags, without its addresses.
    pub arguments: Vec<OsString>,
    /// Its environment beside the one inherited, of which nothing of the project's is.
    pub environment: Vec<(String, OsString)>,
    /// Where it serves.
    pub listen: SocketAddr,
    /// Where `/readyz` and metrics are.
    pub admin: SocketAddr,
    /// The folder of its log.
    pub logs: PathBuf,
}

impl Launch {
    /// A service of a name, on free ports of the loopback.
    ///
    /// # Errors
    /// When its binary is not there, or no port is free.
    pub fn new(binaries: &Binaries, service: Service, name: &str, logs: &Path) -> Result<Self, ProcessError> {
        Ok(Self {
            program: binaries.of(service)?,
            name: name.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            listen: free_address()?,
            admin: free_address()?,
            logs: logs.to_owned(),
        })
    }

    /// With a flag and its value more.
    #[must_use]
    pub fn with(mut self, flag: &str, value: impl Into<OsString>) -> Self {
        self.arguments.extend([flag.into(), value.into()]);
        self
    }

    /// Where its log lies; a service that is started again goes on in it.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.name))
    }
}

/// A free address of the loopback. Two calls of one process never give the same one.
///
/// # Errors
/// When none is free.
pub fn free_address() -> Result<SocketAddr, ProcessError> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that look at the same time begin at different places.
    let offset = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap_or(0);
    for _ in 0..PORTS {
        let place = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % PORTS;
        let address = hattama_service_kit::listen::local(FIRST_PORT + place);
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(ProcessError::NoPort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_not_built_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Binaries::in_folder(folder.path()).of(Service::Board).unwrap_err().to_string();
        assert!(error.contains("hattama-public-board") && error.contains("cargo build"), "{error}");
    }

    #[test]
    fn addresses_that_are_given_out_differ() {
        let addresses: std::collections::BTreeSet<_> = (0..50).map(|_| free_address().unwrap()).collect();
        assert_eq!(addresses.len(), 50);
    }
}
