//! The services of a night as processes of their own. Whatever happens to the harness, they end with it.

use crate::rows::Target;
use hattama_night_play::processes::{Binaries, Launch, ProcessError, Service as Program, ServiceProcess, Signal};
use std::{ffi::OsString, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// A service is ready within this after its start; a second when all is well, more while brokers are away.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// A service that was asked to stop has ended within this: its own drain deadline is 10 s.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// What all services of a night are started with.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where the binaries lie.
    pub binaries: Binaries,
    /// The definition's folder.
    pub definition: PathBuf,
    /// The brokers.
    pub brokers: String,
    /// One broker: weaker topics are allowed.
    pub dev: bool,
    /// The night's time.
    pub rehearsal_time: String,
    /// Where logs and journals go.
    pub folder: PathBuf,
    /// How long a member of the aggregators' group may be silent.
    pub session_timeout_seconds: u64,
}

/// A service that is started, killed and started again under one name and address.
#[derive(Debug)]
pub struct Service {
    /// Its instance name.
    pub name: String,
    launch: Launch,
    journal: PathBuf,
    process: Option<ServiceProcess>,
}

impl Service {
    /// One that does not run yet.
    ///
    /// # Errors
    /// When its binary is not there, or no port is free.
    pub fn new(common: &Common, target: Target, number: usize) -> Result<Self, ProcessError> {
        let name = format!("{target}-{}", number + 1);
        let journal = common.folder.join(format!("{name}-journal"));
        let program = match target {
            Target::Gateway => Program::Gateway,
            Target::Aggregator => Program::Aggregator,
            Target::National => Program::National,
        };
        let mut launch = Launch::new(&common.binaries, program, &name, &common.folder)?
            .with("--definition", &common.definition)
            .with("--brokers", &common.brokers)
            .with("--generation", crate::stage::FIRST_GENERATION.to_string())
            .with("--instance", &name)
            .with("--rehearsal-time", &common.rehearsal_time);
        if common.dev {
            launch.arguments.push("--dev".into());
        }
        launch = match target {
            Target::Gateway => launch.with("--journal-dir", &journal),
            Target::Aggregator => launch.with("--session-timeout-seconds", common.session_timeout_seconds.to_string()),
            Target::National => launch,
        };
        Ok(Self { name, launch, journal, process: None })
    }

    /// With a flag and its value more, from the next start on.
    pub fn flag(&mut self, flag: &str, value: &str) {
        self.launch = self.launch.clone().with(flag, value);
    }

    /// With another program, from the next start on.
    pub fn program(&mut self, program: PathBuf) {
        self.launch.program = program;
    }

    /// In another generation, from the next start on.
    pub fn generation(&mut self, generation: u32) {
        let place = self.launch.arguments.iter().position(|argument| argument == "--generation");
        if let Some(value) = place.and_then(|place| self.launch.arguments.get_mut(place + 1)) {
            *value = generation.to_string().into();
        }
    }

    /// With a variable more, from the next start on.
    pub fn variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.launch.environment.push((name.to_owned(), value.into()));
    }

    /// Starts it; returns at once.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> Result<(), ProcessError> {
        self.process = Some(ServiceProcess::start(self.launch.clone())?);
        Ok(())
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it ends before, or takes too long; its log tells why.
    pub async fn ready(&mut self) -> Result<(), ProcessError> {
        match &mut self.process {
            Some(process) => process.ready(READY_WITHIN).await,
            None => Ok(()),
        }
    }

    /// An error if it has ended by itself.
    ///
    /// # Errors
    /// That one, with its last words.
    pub fn still_runs(&mut self) -> Result<(), ProcessError> {
        self.process.as_mut().map_or(Ok(()), ServiceProcess::still_runs)
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result<(), ProcessError> {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::KILL)?;
            process.wait().await?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for the end: the time that it took.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn terminate(&mut self) -> Result<Duration, ProcessError> {
        let asked = Instant::now();
        if let Some(mut process) = self.process.take() {
            process.stop(ENDS_WITHIN).await?;
        }
        Ok(asked.elapsed())
    }

    /// Waits until it ends by itself; none when it does not in time.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn ends(&mut self, within: Duration) -> Result<Option<ExitStatus>, ProcessError> {
        let Some(process) = &mut self.process else { return Ok(None) };
        match timeout(within, process.wait()).await {
            Ok(status) => status.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Stands still for a while.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn stand_still(&mut self, how_long: Duration) -> Result<(), ProcessError> {
        let Some(process) = &mut self.process else { return Ok(()) };
        process.signal(Signal::STOP)?;
        sleep(how_long).await;
        process.signal(Signal::CONT)
    }

    /// What its admin address answers to a path, or why it does not.
    pub async fn asked(&self, path: &str) -> String {
        match &self.process {
            Some(process) => process.asked(path).await.unwrap_or_else(|why| why),
            None => "it does not run".to_owned(),
        }
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.launch.listen
    }

    /// What it has said, over all its starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.launch.log()
    }

    /// A gateway's journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.journal.clone()
    }
}
