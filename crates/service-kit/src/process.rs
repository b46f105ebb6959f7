//! The life of a service's process, which every service shares: telemetry, signals, the admin listener; then the service;
//! then the stop.

use crate::{
    admin::{self, Admin},
    config::ProcessSettings,
    listen::{self, ListenError},
    readiness::Readiness,
    shutdown::{self, Drain, Shutdown},
    telemetry::{self, TelemetryError},
};
use std::{io, time::Duration};

/// The part of readiness that is held until the service has started.
const START_PART: &str = "start";

/// A process in which a service may be started.
#[derive(Debug)]
pub struct Process {
    /// The process's stop: asked for by a signal, or by a task that failed.
    pub shutdown: Shutdown,
    /// What `/readyz` says.
    pub readiness: Readiness,
    admin: Admin,
    drain_deadline: Duration,
}

/// The process could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Logging or metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signals(#[source] io::Error),
    /// The admin listener's address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The admin listener has no address.
    #[error("the admin listener cannot be started: {0}")]
    Admin(#[source] io::Error),
}

impl Process {
    /// Starts to log, to listen to signals, and to answer on the admin listener. Call it inside a runtime.
    ///
    /// # Errors
    /// When the log filter is wrong, or the admin listener's address is taken.
    pub async fn start(settings: &ProcessSettings, default_admin_port: u16) -> Result<Self, ProcessError> {
        let telemetry = telemetry::start(settings)?;
        let shutdown = Shutdown::new();
        shutdown::on_signals(&shutdown).map_err(ProcessError::Signals)?;
        let readiness = Readiness::new();
        readiness.hold(START_PART, "the service is starting");
        let listener = listen::bind(settings.admin_listen(default_admin_port)).await?;
        let admin = admin::start(listener, telemetry, readiness.clone()).map_err(ProcessError::Admin)?;
        Ok(Self { shutdown, readiness, admin, drain_deadline: settings.drain_deadline() })
    }

    /// Says that the service has started: what else holds readiness back is its own.
    pub fn started(&self) {
        self.readiness.release(START_PART);
    }

    /// Waits for work that comes before the service, unless the process is asked to stop: then `None`.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.shutdown.token().run_until_cancelled(work).await
    }

    /// Waits until the process is asked to stop, and then until its tasks have ended.
    pub async fn drained(&self) -> Drain {
        self.shutdown.requested().await;
        self.shutdown.drain(self.drain_deadline).await
    }

    /// The last thing: the admin listener, so that a drain can be watched.
    pub async fn close(self) {
        self.admin.close().await;
    }
}
