//! Named tasks whose end is never overlooked: one that fails or panics is reported and stops its service.
//!
//! There is no restart in here: a service keeps no state of its own that a restart could save (design, D1), so the
//! process ends, and whoever runs it (systemd, an orchestrator) starts it again from the log.

use std::fmt::Display;
use std::future::Future;

use tokio::task::JoinError;

use crate::shutdown::{Cause, Shutdown};

/// Runs `task` until it ends. A drain of `shutdown` waits for it; if it returns an error or panics, that is logged and
/// the service is asked to stop. Returning `Ok` at any time is fine.
pub fn spawn<E: Display + Send + 'static>(
    shutdown: &Shutdown,
    name: &'static str,
    task: impl Future<Output = Result<(), E>> + Send + 'static,
) {
    let asked = shutdown.clone();
    shutdown.tasks().spawn(async move {
        // A task of its own, so that a panic arrives here as a value.
        let error = match tokio::spawn(task).await {
            Ok(Ok(())) => {
                tracing::debug!(task = name, "ended");
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => join_error_text(error),
        };
        tracing::error!(
            task = name,
            error,
            "a task failed and the service stops: remove the cause, then start it again; nothing acknowledged is lost"
        );
        asked.request(Cause::TaskFailed { task: name, error });
    });
}

fn join_error_text(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else {
        return "cancelled, since its runtime ends".to_owned();
    };
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    format!("panicked: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::EXIT_FAILED;
    use std::convert::Infallible;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn an_error_in_a_task_stops_the_service_and_is_its_cause() {
        let shutdown = Shutdown::new();
        spawn(&shutdown, "journal", async { Err("disk full") });
        let drain = {
            shutdown.requested().await;
            shutdown.drain(PATIENCE).await
        };
        let expected = Cause::TaskFailed { task: "journal", error: "disk full".to_owned() };
        assert_eq!(drain.cause, expected);
        assert_eq!(drain.exit_code(), EXIT_FAILED);
    }

    #[tokio::test]
    async fn a_panic_in_a_task_stops_the_service_and_is_its_cause() {
        let shutdown = Shutdown::new();
        let number = 7;
        spawn::<Infallible>(&shutdown, "fold", async move { panic!("shard {number}") });
        let expected = Cause::TaskFailed { task: "fold", error: "panicked: shard 7".to_owned() };
        assert_eq!(shutdown.requested().await, expected);
    }

    #[tokio::test]
    async fn a_task_that_ends_well_stops_nothing() {
        let shutdown = Shutdown::new();
        spawn(&shutdown, "warm up", async { Ok::<(), Infallible>(()) });
        shutdown.tasks().close();
        tokio::time::timeout(PATIENCE, shutdown.tasks().wait()).await.unwrap();
        assert!(!shutdown.is_requested());
    }
}
