//! The pause between two tries of what a log that cannot be reached failed at.

use hattama_record_log::LogError;
use std::time::Duration;

/// The first pause; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: a log that is back is used within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A pause that doubles from try to try, up to a limit.
#[derive(Debug)]
pub struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self::new()
    }
}

impl Pause {
    /// Before the first failure.
    #[must_use]
    pub fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// Waits before the next try.
    pub async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }

    /// The same, and says why: once for each outage, not for each try.
    pub async fn after(&mut self, error: &LogError, what: &str) {
        if self.next == FIRST_PAUSE {
            tracing::warn!(%error, "the log cannot be reached: {what}; nothing is lost, it is tried again");
        }
        self.wait().await;
    }
}

/// Asks the log again, with pauses, for as long as its failure may pass. Dropping it is safe if dropping `ask` is.
///
/// # Errors
/// What does not pass.
pub async fn patiently<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, LogError>) -> Result<T, LogError> {
    let mut pause = Pause::new();
    loop {
        match ask().await {
            Err(error) if error.may_pass() => pause.after(&error, what).await,
            answered => return answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> LogError {
        LogError::Unreachable { action: "a question".to_owned(), reason: "nobody answers".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_again_with_growing_pauses_and_what_does_not_pass_is_told() {
        let started = tokio::time::Instant::now();
        let mut tries = 0;
        let answer = patiently("counting", async || {
            tries += 1;
            if tries < 12 { Err(unreachable()) } else { Ok(tries) }
        });
        assert_eq!(answer.await, Ok(12));
        // 50 ms doubled up to 5 s: 0.05 + 0.1 + … + 3.2 + 4 × 5.
        assert_eq!(started.elapsed().as_millis(), 26_350);

        let refused = LogError::Refused { action: "a question".to_owned(), reason: "no right".to_owned() };
        let mut tries = 0;
        let answer = patiently("counting", async || {
            tries += 1;
            Err::<(), _>(refused.clone())
        });
        assert_eq!((answer.await, tries), (Err(refused.clone()), 1));
    }
}
