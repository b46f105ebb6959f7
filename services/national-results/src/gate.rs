//! Who may ask (promise P5: publications only grow, to any reader): nobody, until this replica is as new as the log was when it
//! started. Before that it holds publications that readers have long seen newer ones of, here before a restart or elsewhere.
//!
//! It stands before all methods at once, so that none is forgotten. Once open it stays open: a replica that loses the log
//! later goes on showing what it has, and the age of that says so.

use crate::{metrics, older::ERROR_DOMAIN};
use arc_swap::ArcSwapOption;
use std::{sync::Arc, time::Duration};
use tonic::{Code, Request, Status, service::Interceptor};
use tonic_types::{ErrorInfo, RetryInfo, StatusExt as _};

/// How long whoever is told to come again should wait: the tallies of a night are read within a few of these.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The reason in `google.rpc.ErrorInfo`; its metadata are `publication` and `until`.
const REASON: &str = "CATCHING_UP";

/// Shut at first. Clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// None once it is open.
    behind: Arc<ArcSwapOption<Behind>>,
}

/// How far the replica has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, thiserror::Error)]
#[error(
    "this replica has started and is catching up with the log: it is at publication {publication} and answers once it is at \
     {until}; ask again in {} s, or ask another replica",
    RETRY_AFTER.as_secs()
)]
pub(crate) struct Behind {
    /// The number of the newest publication that it could show; 0 before the first.
    pub publication: u64,
    /// The number of the newest publication in the log when it started.
    pub until: u64,
}

impl Gate {
    /// Nobody may ask yet.
    pub(crate) fn shut() -> Self {
        Self { behind: Arc::new(ArcSwapOption::from_pointee(Behind::default())) }
    }

    /// Whoever asks is told how far this replica is.
    pub(crate) fn stands(&self, behind: Behind) {
        self.behind.store(Some(Arc::new(behind)));
    }

    /// From now on everybody may ask.
    pub(crate) fn open(&self) {
        self.behind.store(None);
    }

    /// True when everybody may ask.
    pub(crate) fn is_open(&self) -> bool {
        self.behind.load().is_none()
    }
}

impl Interceptor for Gate {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        match self.behind.load().as_deref() {
            None => Ok(request),
            Some(behind) => Err(Status::from(*behind)),
        }
    }
}

impl From<Behind> for Status {
    fn from(behind: Behind) -> Self {
        ::metrics::counter!(metrics::LATER_TOTAL).increment(1);
        let Behind { publication, until } = behind;
        let how_far = [("publication".to_owned(), publication.to_string()), ("until".to_owned(), until.to_string())];
        let details =
            vec![ErrorInfo::new(REASON, ERROR_DOMAIN, how_far).into(), RetryInfo::new(Some(RETRY_AFTER)).into()];
        Self::with_error_details_vec(Code::Unavailable, behind.to_string(), details)
    }
}
