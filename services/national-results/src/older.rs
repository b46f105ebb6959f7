//! Publications whose figures the archive has no more: folded again on request, one at a time, and kept for a while.
//!
//! A refolding goes on when nobody waits for it any more: what it comes to is kept, so whoever asks again is answered at
//! once, and no second one runs beside it. It ends when the service stops.

use crate::{
    archive::Past,
    metrics,
    nation::Snapshot,
    refold::{Refold, RefoldError},
};
use hattama_service_kit::{shutdown::Shutdown, supervise};
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, timeout},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, ErrorInfo, RetryInfo, StatusExt as _};

/// Publications folded again at a time: each takes a core and the memory of a shard from those that publish.
const REFOLDS_AT_A_TIME: usize = 1;
/// Refolded publications that are kept: whoever asks for one asks for its contests and seats next. Some hundred
/// kibibytes each.
const MAX_REFOLDED: usize = 16;
/// How long a request waits for its refolding: below the 30 s that a request may take.
const MAX_REFOLD_WAIT: Duration = Duration::from_secs(20);
/// How long one refolding may take: a million stations' nine million records at a hundred microseconds each (assumed; most
/// of it is checking signatures).
const MAX_REFOLD_TIME: Duration = Duration::from_secs(15 * 60);
/// How long whoever is told "later" should wait: ninety thousand records, a night, at half of that.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Whose reasons those of `google.rpc.ErrorInfo` are.
pub(crate) const ERROR_DOMAIN: &str = "hattama";

/// The refolded publications, and the one under way.
#[derive(Debug)]
pub(crate) struct Older {
    refold: Refold,
    place: Arc<Semaphore>,
    kept: Arc<Kept>,
    shutdown: Shutdown,
}

/// What a refolding came to that will not change.
type Outcome = Result<Arc<Snapshot>, NotShown>;

/// The newest outcomes, by number.
#[derive(Debug, Default)]
struct Kept(Mutex<VecDeque<(u64, Outcome)>>);

/// Why an older publication is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotShown {
    /// Another one is being folded.
    #[error("another older publication is being folded again, one at a time: ask again later")]
    Busy,
    /// It takes longer than a request may wait.
    #[error("publication {0} is still being folded again: ask again later")]
    StillFolding(u64),
    /// It could not be folded this time.
    #[error("publication {0} could not be folded again this time: ask again later, or recount the log to its vector")]
    GivenUp(u64),
    /// The service stops.
    #[error("the service stops: ask another replica")]
    Stopping,
    /// The fold does not come to it.
    #[error(
        "publication {sequence} is not what its submissions come to: {why}; ask another replica, or recount the log"
    )]
    Wrong {
        /// Its number.
        sequence: u64,
        /// What is wrong; without a figure.
        why: String,
    },
}

impl Older {
    /// None refolded yet.
    pub(crate) fn new(refold: Refold, shutdown: Shutdown) -> Self {
        let place = Arc::new(Semaphore::new(REFOLDS_AT_A_TIME));
        Self { refold, place, kept: Arc::default(), shutdown }
    }

    /// A publication with all its figures, folded again unless it is kept. Cancel-safe.
    ///
    /// # Errors
    /// [`NotShown`]; all but `Wrong` mean "later".
    pub(crate) async fn snapshot(&self, past: Arc<Past>) -> Outcome {
        let sequence = past.sequence;
        if let Some(outcome) = self.kept.get(sequence) {
            return outcome;
        }
        let place = Arc::clone(&self.place).try_acquire_owned().map_err(|_| NotShown::Busy)?;
        // It may have been finished between the first look and the place.
        if let Some(outcome) = self.kept.get(sequence) {
            return outcome;
        }
        let (answer, answered) = oneshot::channel();
        let (refold, kept, stop) = (self.refold.clone(), Arc::clone(&self.kept), self.shutdown.token().clone());
        supervise::spawn(&self.shutdown, "refold", async move {
            let folded = stop.run_until_cancelled_owned(folded(&refold, &past)).await;
            let outcome = folded.unwrap_or(Err(NotShown::Stopping));
            kept.put(sequence, &outcome);
            drop(place);
            // Nobody waits any more when the client is gone.
            let _ = answer.send(outcome);
            Ok::<(), Infallible>(())
        });
        match timeout(MAX_REFOLD_WAIT, answered).await {
            Ok(outcome) => outcome.unwrap_or(Err(NotShown::Stopping)),
            Err(_) => Err(NotShown::StillFolding(sequence)),
        }
    }
}

/// Folds within the time for it, and says what came of it once: in the metrics, and in the log when a person must act.
async fn folded(refold: &Refold, past: &Past) -> Outcome {
    let (started, sequence) = (Instant::now(), past.sequence);
    let folded = timeout(MAX_REFOLD_TIME, refold.to(past)).await;
    ::metrics::histogram!(metrics::REFOLD_SECONDS).record(started.elapsed());
    let (verdict, outcome) = match folded {
        Ok(Ok(snapshot)) => ("same", Ok(Arc::new(snapshot))),
        Ok(Err(RefoldError::Log(error))) => {
            tracing::warn!(sequence, %error, "an older publication could not be folded again");
            ("failed", Err(NotShown::GivenUp(sequence)))
        }
        Ok(Err(wrong)) => {
            let why = wrong.to_string();
            tracing::error!(
                sequence,
                why,
                "an older publication is not what its submissions come to: compare this replica with another one and \
                 with a recount of the log to its vector"
            );
            ("differs", Err(NotShown::Wrong { sequence, why }))
        }
        Err(_) => {
            let limit_seconds = MAX_REFOLD_TIME.as_secs();
            tracing::warn!(sequence, limit_seconds, "folding an older publication again took too long");
            ("given_up", Err(NotShown::GivenUp(sequence)))
        }
    };
    ::metrics::counter!(metrics::REFOLDS_TOTAL, "verdict" => verdict).increment(1);
    outcome
}

impl Kept {
    fn get(&self, sequence: u64) -> Option<Outcome> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(other, _)| *other == sequence).map(|(_, outcome)| outcome.clone())
    }

    /// Keeps what would come to the same again.
    fn put(&self, sequence: u64, outcome: &Outcome) {
        if !matches!(outcome, Ok(_) | Err(NotShown::Wrong { .. })) {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((sequence, outcome.clone()));
        if kept.len() > MAX_REFOLDED {
            kept.pop_front();
        }
    }
}

impl From<NotShown> for Status {
    fn from(error: NotShown) -> Self {
        let text = error.to_string();
        let retry = || ErrorDetail::from(RetryInfo::new(Some(RETRY_AFTER)));
        if !matches!(error, NotShown::Wrong { .. }) {
            ::metrics::counter!(metrics::LATER_TOTAL).increment(1);
        }
        match error {
            NotShown::Busy => {
                let limit = [("limit".to_owned(), "refolds_at_a_time".to_owned())];
                let details = vec![ErrorInfo::new("LATER", ERROR_DOMAIN, limit).into(), retry()];
                Self::with_error_details_vec(Code::ResourceExhausted, text, details)
            }
            NotShown::StillFolding(_) | NotShown::GivenUp(_) => {
                Self::with_error_details_vec(Code::Unavailable, text, vec![retry()])
            }
            NotShown::Stopping => Self::unavailable(text),
            NotShown::Wrong { .. } => Self::internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(sequence: u64) -> Outcome {
        Err(NotShown::Wrong { sequence, why: "it differs".to_owned() })
    }

    #[test]
    fn only_what_would_come_to_the_same_again_is_kept_and_only_the_newest() {
        let kept = Kept::default();
        kept.put(1, &Err(NotShown::GivenUp(1)));
        kept.put(2, &Err(NotShown::Stopping));
        assert!(kept.get(1).is_none() && kept.get(2).is_none());
        for sequence in 3..=3 + MAX_REFOLDED as u64 {
            kept.put(sequence, &wrong(sequence));
        }
        assert!(kept.get(3).is_none());
        assert_eq!(kept.get(4).unwrap().unwrap_err(), wrong(4).unwrap_err());
    }

    #[test]
    fn later_says_when_to_ask_again_and_wrong_does_not() {
        let busy = Status::from(NotShown::Busy);
        assert_eq!(busy.code(), Code::ResourceExhausted);
        assert_eq!(busy.get_details_error_info().unwrap().reason, "LATER");
        assert_eq!(busy.get_details_retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
        for error in [NotShown::StillFolding(1), NotShown::GivenUp(1)] {
            let later = Status::from(error);
            assert_eq!(later.code(), Code::Unavailable);
            assert_eq!(later.get_details_retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
        }
        let wrong = Status::from(wrong(7).unwrap_err());
        assert!(wrong.code() == Code::Internal && wrong.get_details_retry_info().is_none(), "{wrong:?}");
        assert!(wrong.message().contains("publication 7"), "{wrong}");
    }
}
