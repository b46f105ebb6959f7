//! Whether a service should be given work: one state behind `/readyz` and the gRPC health service.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// The named reasons why a service is not ready; ready when there is none. Clones share the reasons.
#[derive(Debug, Clone)]
pub struct Readiness {
    reasons: Arc<watch::Sender<BTreeMap<&'static str, String>>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Ready: nothing holds it back. A service that must catch up first calls [`hold`](Self::hold) before it listens.
    pub fn new() -> Self {
        Self { reasons: Arc::new(watch::Sender::new(BTreeMap::new())) }
    }

    /// Not ready because of `part` (`log`), for `reason` (`not read to its end yet`); replaces the part's last reason.
    pub fn hold(&self, part: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        self.reasons.send_if_modified(|reasons| reasons.insert(part, reason.clone()) != Some(reason));
    }

    /// `part` holds readiness back no longer.
    pub fn release(&self, part: &'static str) {
        self.reasons.send_if_modified(|reasons| reasons.remove(part).is_some());
    }

    /// True when no part holds it back.
    pub fn is_ready(&self) -> bool {
        self.reasons.borrow().is_empty()
    }

    /// The reasons by part; empty when ready.
    pub fn reasons(&self) -> BTreeMap<&'static str, String> {
        self.reasons.borrow().clone()
    }

    /// The reasons and their changes from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<BTreeMap<&'static str, String>> {
        self.reasons.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_every_part_has_let_go() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());

        readiness.hold("log", "not read to its end yet");
        readiness.hold("definition", "loading");
        readiness.release("definition");
        assert!(!readiness.is_ready());
        assert_eq!(readiness.reasons()["log"], "not read to its end yet");

        readiness.clone().release("log");
        assert!(readiness.is_ready());
    }
}
