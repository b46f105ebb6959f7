//! How a service stops: a cause, one token that everybody sees, a drain with a deadline, and a word on how it went.
//!
//! What takes in work (servers, followers of a log) ends on the token. What finishes work (writers behind a channel)
//! ends when its channel closes: then nothing accepted is dropped, whatever the order in which tasks see the token.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The service did not start, or stopped with an error or because a task of it failed.
pub const EXIT_FAILED: u8 = 1;
/// The service stopped, but the drain's deadline passed first.
pub const EXIT_DEADLINE: u8 = 3;
/// A second signal ended the process at once, without a drain.
pub const EXIT_FORCED: u8 = 4;

/// A service's stop: asked for once, seen by all clones. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
    cause: Arc<OnceLock<Cause>>,
}

/// Why a service stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An operator or the system sent this signal.
    Signal(&'static str),
    /// Somebody inside the process asked, for this reason.
    Asked(&'static str),
    /// A task of the service failed (see [`crate::supervise`]).
    TaskFailed {
        /// The task's name.
        task: &'static str,
        /// Its error, or what it panicked with.
        error: String,
    },
    /// The process of which the service is a part stops.
    Parent,
}

/// How a drain went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Why the service stopped.
    pub cause: Cause,
    /// How long the drain took.
    pub took: Duration,
    /// Tasks that had not ended at the deadline; 0 when drained.
    pub tasks_left: usize,
}

impl Shutdown {
    /// A service's own stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stop of a service inside a process that runs several: it comes with this one's, or alone. Each counts its
    /// own tasks.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token(), ..Self::default() }
    }

    /// Asks the service to stop. The first cause is kept; asking again changes nothing.
    pub fn request(&self, cause: Cause) {
        // A second cause is a consequence of the first one.
        let _ = self.cause.set(cause);
        self.token.cancel();
    }

    /// Waits until the service is asked to stop, and says why.
    pub async fn requested(&self) -> Cause {
        self.token.cancelled().await;
        self.cause.get().cloned().unwrap_or(Cause::Parent)
    }

    /// True once the service was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The token that is cancelled when the service is asked to stop, for `select!` and streams.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The tasks that a drain waits for. Use [`crate::supervise::spawn`] to start one.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Waits until all tasks have ended, at most for `deadline`, and logs which happened. Call it after
    /// [`requested`](Self::requested); if nobody asked yet, this asks.
    pub async fn drain(&self, deadline: Duration) -> Drain {
        let started = Instant::now();
        self.request(Cause::Asked("drain"));
        self.tasks.close();
        let ended = tokio::time::timeout(deadline, self.tasks.wait()).await;
        let drain = Drain {
            cause: self.requested().await,
            took: started.elapsed(),
            tasks_left: if ended.is_ok() { 0 } else { self.tasks.len() },
        };
        match drain.tasks_left {
            0 => tracing::info!("{drain}"),
            _ => tracing::warn!(deadline_seconds = deadline.as_secs_f64(), "{drain}"),
        }
        drain
    }
}

impl Drain {
    /// The process's exit code: 0 only for a drain that was asked for and complete.
    pub fn exit_code(&self) -> u8 {
        match (&self.cause, self.tasks_left) {
            (Cause::TaskFailed { .. }, _) => EXIT_FAILED,
            (_, 0) => 0,
            _ => EXIT_DEADLINE,
        }
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.took.as_millis();
        match self.tasks_left {
            0 => write!(f, "drained in {milliseconds} ms after {}", self.cause),
            left => {
                write!(f, "drain's deadline passed after {milliseconds} ms, {left} tasks left, after {}", self.cause)
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => f.write_str(name),
            Self::Asked(reason) => f.write_str(reason),
            Self::TaskFailed { task, error } => write!(f, "the task `{task}` failed: {error}"),
            Self::Parent => f.write_str("the whole process was asked to stop"),
        }
    }
}

/// Asks for a stop at the first SIGTERM or SIGINT, and ends the process at once at the second. Call it inside a runtime.
///
/// # Errors
/// The handlers could not be installed.
pub fn on_signals(shutdown: &Shutdown) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        let name = next_signal(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "stopping; a second signal ends the process at once");
        shutdown.request(Cause::Signal(name));

        let name = next_signal(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "second signal: ending without a drain");
        std::process::exit(EXIT_FORCED.into());
    });
    Ok(())
}

/// Runs a service to its end on a runtime of its own, and turns how it ended into the process's exit code. Whatever
/// outlived the drain's deadline, blocking calls too, is abandoned.
pub fn run<E: Into<Box<dyn Error>>>(service: impl Future<Output = Result<Drain, E>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error),
    };
    let ended = runtime.block_on(service);
    runtime.shutdown_background();
    match ended {
        Ok(drain) => ExitCode::from(drain.exit_code()),
        Err(error) => refuse(error.into().as_ref()),
    }
}

/// Prints an error with its causes to standard error, and returns the exit code of a failure.
pub fn refuse(error: &dyn Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Most errors repeat their cause in their own text.
        if !said.contains(&text) {
            eprintln!("  because: {text}");
            said.push_str(&text);
        }
        cause = error.source();
    }
    ExitCode::from(EXIT_FAILED)
}

async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_drain_waits_for_tasks_to_finish_their_work() {
        let shutdown = Shutdown::new();
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<u32>(4);
        let written = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let sum = written.clone();
        crate::supervise::spawn(&shutdown, "writer", async move {
            while let Some(value) = receiver.recv().await {
                sum.fetch_add(value, std::sync::atomic::Ordering::Relaxed);
            }
            Ok::<(), Infallible>(())
        });
        let token = shutdown.token().clone();
        crate::supervise::spawn(&shutdown, "reader", async move {
            token.cancelled().await;
            for value in [1, 2, 3] {
                sender.send(value).await.map_err(|_| "the writer ended before its input")?;
            }
            Ok::<(), &str>(())
        });

        shutdown.request(Cause::Signal("SIGTERM"));
        assert_eq!(shutdown.requested().await, Cause::Signal("SIGTERM"));
        let drain = shutdown.drain(PATIENCE).await;
        assert_eq!(drain.tasks_left, 0);
        assert_eq!(drain.exit_code(), 0);
        assert!(drain.to_string().starts_with("drained in "), "{drain}");
        assert_eq!(written.load(std::sync::atomic::Ordering::Relaxed), 6);
    }

    #[tokio::test]
    async fn a_drain_ends_at_its_deadline_and_counts_what_is_left() {
        let shutdown = Shutdown::new();
        for _ in 0..2 {
            crate::supervise::spawn(&shutdown, "stuck", std::future::pending::<Result<(), Infallible>>());
        }
        shutdown.request(Cause::Asked("the test is over"));
        let drain = shutdown.drain(Duration::from_millis(30)).await;
        assert_eq!(drain.tasks_left, 2);
        assert_eq!(drain.exit_code(), EXIT_DEADLINE);
        assert!(drain.to_string().contains("2 tasks left"), "{drain}");
    }

    #[tokio::test]
    async fn a_child_stops_with_its_parent_but_not_the_other_way_round() {
        let parent = Shutdown::new();
        let (first, second) = (parent.child(), parent.child());
        first.request(Cause::Asked("only this one"));
        assert!(first.is_requested() && !second.is_requested() && !parent.is_requested());

        parent.request(Cause::Signal("SIGINT"));
        assert_eq!(second.requested().await, Cause::Parent);
        assert_eq!(first.requested().await, Cause::Asked("only this one"));
    }
}
