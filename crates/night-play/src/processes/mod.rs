//! Services as processes of their own: started, waited for, signalled, and never left behind.

mod error;
mod launch;

pub use error::ProcessError;
pub use launch::{Binaries, Launch, Service, free_address};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};

/// Between two looks whether a service is ready or has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long one answer of an admin address may take: a process that was stopped gives none.
const ADMIN_ANSWER_WAIT: Duration = Duration::from_secs(1);
/// What is told of a log when a service ends that should not: its last bytes.
const LOG_TAIL_BYTES: u64 = 2_000;

/// A process that was started here; killed when dropped.
#[derive(Debug)]
pub struct ServiceProcess {
    launch: Launch,
    child: Child,
}

impl ServiceProcess {
    /// Starts a service; it may not be ready yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(launch: Launch) -> Result<Self, ProcessError> {
        let child = spawn(&launch).map_err(|source| failed(&launch, "its start", source))?;
        Ok(Self { launch, child })
    }

    /// Starts it again with the same flags on the same addresses, once it has ended.
    ///
    /// # Errors
    /// When it runs still, or cannot be started.
    pub fn start_again(&mut self) -> Result<(), ProcessError> {
        if self.ended()?.is_none() {
            let still = io::Error::other("it runs still");
            return Err(failed(&self.launch, "to start it again", still));
        }
        self.child = spawn(&self.launch).map_err(|source| failed(&self.launch, "to start it again", source))?;
        Ok(())
    }

    /// How it was started. What is changed holds from the next start on.
    pub fn launch_mut(&mut self) -> &mut Launch {
        &mut self.launch
    }

    /// How it was started.
    #[must_use]
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its process id; none once it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends before, or is not ready in time.
    pub async fn ready(&mut self, within: Duration) -> Result<(), ProcessError> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Err(self.ended_with(status));
            }
            let reason = match self.asked("/readyz").await {
                Ok(_) => return Ok(()),
                Err(reason) => reason,
            };
            if Instant::now() >= deadline {
                let (name, log) = (self.launch.name.clone(), self.launch.log());
                return Err(ProcessError::NotReady { name, seconds: within.as_secs(), reason, log });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Whether it says now that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.asked("/readyz").await.is_ok()
    }

    /// The page of its admin address at a path (`/readyz`, `/metrics`).
    ///
    /// # Errors
    /// Why there is no answer, or the last line of one that is not 200 OK.
    pub async fn asked(&self, path: &str) -> Result<String, String> {
        let ask = async {
            let mut stream = TcpStream::connect(self.launch.admin).await?;
            // HTTP/1.0: the answer comes in one piece.
            stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = tokio::time::timeout(ADMIN_ANSWER_WAIT, ask).await.map_err(|_| "no answer".to_owned())?;
        let answer = answer.map_err(|error| error.to_string())?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) == Some("200") {
            return Ok(body.to_owned());
        }
        Err(body.lines().last().unwrap_or(head).to_owned())
    }

    /// Sends a signal; nothing happens to a process that has ended.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        // The child was not waited for, so that its number is nobody else's.
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        kill_process(pid, signal).map_err(|error| failed(&self.launch, "a signal", error.into()))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| failed(&self.launch, "a look at its state", source))
    }

    /// An error if it has ended: for whoever expects it to run.
    ///
    /// # Errors
    /// [`ProcessError::Ended`].
    pub fn still_runs(&mut self) -> Result<(), ProcessError> {
        match self.ended()? {
            Some(status) => Err(self.ended_with(status)),
            None => Ok(()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn wait(&mut self) -> Result<ExitStatus, ProcessError> {
        self.child.wait().await.map_err(|source| failed(&self.launch, "to wait for its end", source))
    }

    /// Asks it to stop, and kills it if it has not in time.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn stop(&mut self, within: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::TERM)?;
        // One that hangs takes no other signal.
        self.signal(Signal::CONT)?;
        if let Ok(ended) = tokio::time::timeout(within, self.wait()).await {
            return ended;
        }
        self.signal(Signal::KILL)?;
        self.wait().await
    }

    fn ended_with(&self, status: ExitStatus) -> ProcessError {
        let log = self.launch.log();
        let tail = tail(&log).unwrap_or_else(|error| format!("(it cannot be read: {error})"));
        ProcessError::Ended { name: self.launch.name.clone(), status, log, tail }
    }
}

/// Waits until one of several services has ended, all of which are expected to run: which one, how, and its last words.
pub async fn first_to_end(services: &mut [ServiceProcess]) -> ProcessError {
    loop {
        for service in services.iter_mut() {
            if let Err(error) = service.still_runs() {
                return error;
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn spawn(launch: &Launch) -> io::Result<Child> {
    fs::create_dir_all(&launch.logs)?;
    let log = File::options().create(true).append(true).open(launch.log())?;
    let mut command = Command::new(&launch.program);
    // What the caller has set for itself is not meant for services.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HATTAMA_")) {
        command.env_remove(name);
    }
    command
        .args(&launch.arguments)
        .arg(format!("--listen={}", launch.listen))
        .arg(format!("--admin-listen={}", launch.admin))
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
}

fn failed(launch: &Launch, action: &'static str, source: io::Error) -> ProcessError {
    ProcessError::Io { name: launch.name.clone(), action, source }
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let skipped = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // Where something was left out, the first line is half of one.
    let lines = if skipped == 0 { None } else { text.split_once('\n').map(|(_, lines)| lines) };
    Ok(lines.unwrap_or(&text).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A program that does what a shell is told. Another process writes it: what this one has open for writing a child of another
    /// test could inherit for a moment, and what anybody writes cannot be run.
    fn program(folder: &Path, script: &str) -> Launch {
        let (text, path) = (folder.join("script"), folder.join(Service::Gateway.binary()));
        fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        let copied = std::process::Command::new("sh")
            .args(["-c", "cp \"$0\" \"$1\" && chmod 755 \"$1\""])
            .args([&text, &path])
            .status();
        assert!(copied.unwrap().success());
        Launch::new(&Binaries::in_folder(folder), Service::Gateway, "gateway-1", &folder.join("logs")).unwrap()
    }

    #[tokio::test]
    async fn a_service_that_ends_before_it_is_ready_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut service =
            ServiceProcess::start(program(folder.path(), "echo \"flags: $*\"; echo 'no log is named' >&2; exit 3"))
                .unwrap();
        let error = service.ready(PATIENCE).await.unwrap_err().to_string();
        assert!(error.contains("gateway-1 ended (exit status: 3)") && error.contains("no log is named"), "{error}");
        assert!(error.contains(&format!("--listen={}", service.launch().listen)), "{error}");
        service.start_again().unwrap();
        assert_eq!(service.wait().await.unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn one_that_hangs_is_stopped_all_the_same_and_one_that_ignores_the_signal_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = ServiceProcess::start(program(folder.path(), "exec sleep 1000")).unwrap();
        service.signal(Signal::STOP).unwrap();
        assert!(service.ended().unwrap().is_none() && service.start_again().is_err());
        let status = service.stop(PATIENCE).await.unwrap();
        assert_eq!(status.signal(), Some(15));
        service.signal(Signal::KILL).unwrap();

        let ignores = "trap '' TERM; echo ready; while true; do sleep 0.05; done";
        let mut service = ServiceProcess::start(program(folder.path(), ignores)).unwrap();
        while !tail(&service.launch().log()).unwrap().contains("ready") {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        assert_eq!(service.stop(Duration::from_millis(50)).await.unwrap().signal(), Some(9));
    }

    #[tokio::test]
    async fn of_several_services_the_one_that_ends_is_told_at_once_with_its_last_lines() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let runs = ServiceProcess::start(program(one.path(), "exec sleep 1000")).unwrap();
        let counts = "i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); echo $i; done";
        let mut dying = program(other.path(), &format!("{counts}; echo 'the disk is full' >&2; exit 7"));
        dying.name = "national-2".to_owned();
        let log = dying.log();
        let mut services = [runs, ServiceProcess::start(dying).unwrap()];
        let error = tokio::time::timeout(PATIENCE, first_to_end(&mut services)).await.unwrap().to_string();
        assert!(
            error.contains(&format!("national-2 ended (exit status: 7); the end of {}:\n", log.display())),
            "{error}"
        );
        assert!(error.ends_with("\n2000\nthe disk is full"), "{error}");
        let lines: Vec<u32> = error.lines().filter_map(|line| line.parse().ok()).collect();
        assert!(lines.len() > 100 && lines.is_sorted() && lines[0] > 1_000, "whole lines: {lines:?}");
        assert!(services[0].ended().unwrap().is_none(), "the other one runs on");
    }

    #[tokio::test]
    async fn a_service_is_ready_when_its_admin_address_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let launch = program(folder.path(), "exec sleep 1000");
        let admin = tokio::net::TcpListener::bind(launch.admin).await.unwrap();
        let answers = ["503 Service Unavailable\r\n\r\nstart: it reads", "200 OK\r\n\r\nready"];
        tokio::spawn(async move {
            for answer in answers.iter().chain(std::iter::repeat(&answers[1])) {
                let (mut stream, _) = admin.accept().await.unwrap();
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
            }
        });
        let mut service = ServiceProcess::start(launch).unwrap();
        let error = service.ready(Duration::ZERO).await.unwrap_err().to_string();
        assert!(error.contains("start: it reads"), "{error}");
        service.ready(PATIENCE).await.unwrap();
        assert!(service.is_ready().await);
        service.stop(PATIENCE).await.unwrap();
    }
}
