//! The way of a submission: checked, journalled, and waited for until the log has it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hattama_election::definition::{AuthorityRole, Definition, Holder};
use hattama_election::digest::SubmissionDigest;
use hattama_election::key::KeyId;
use hattama_proto::gateway::v1;
use hattama_proto::submission::v1::SignedSubmission;
use hattama_service_kit::clock::Clock;
use hattama_tally::ControlState;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::admission::{self, Admitted, Candidate};
use crate::answers::{self, Limit, NoReceipt};
use crate::book::Book;
use crate::follow::Source;
use crate::journal::{Journal, Kept};
use crate::limits::{MAX_IN_FLIGHT_IMPORTER, MAX_IN_FLIGHT_PER_KEY};
use crate::metrics;

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) source: Arc<Source>,
    pub(crate) instance: String,
    pub(crate) clock: Clock,
    pub(crate) book: Arc<Book>,
    pub(crate) journal: Journal,
    pub(crate) control: watch::Receiver<Arc<ControlState>>,
    pub(crate) in_flight: InFlight,
    pub(crate) logged_wait: Duration,
}

impl Gateway {
    /// Takes a submission, waits at most for `wait` until it is logged, and answers with its receipt.
    ///
    /// May be dropped at any time: what was queued for the journal is journalled and sent all the same.
    pub(crate) async fn submit(
        &self,
        sent: Option<&SignedSubmission>,
        wait: Duration,
    ) -> Result<v1::Receipt, NoReceipt> {
        let started = Instant::now();
        let receipt = self.take(sent, started + wait).await;
        let answer = match &receipt {
            Ok(receipt) if receipt.position.is_some() => "logged",
            Ok(_) => "received",
            Err(NoReceipt::Refused(_)) => "refused",
            Err(NoReceipt::Later(_)) => "later",
            Err(NoReceipt::Failed(_)) => "failed",
        };
        metrics::submission(answer, started.elapsed());
        receipt
    }

    /// What `submit` would refuse, hold or flag.
    pub(crate) fn validate(&self, sent: Option<&SignedSubmission>) -> Vec<v1::Violation> {
        let control = self.control_state();
        let definition = &self.source.definition;
        let admitted = Candidate::new(sent).and_then(|candidate| admission::admit(definition, &control, &candidate));
        match admitted {
            Err(refused) => answers::violations(&refused.faults),
            Ok(Admitted { submission, .. }) => {
                answers::violations(&admission::held_or_flagged(definition, &control, &submission))
            }
        }
    }

    /// The receipt of a submission that is kept here.
    pub(crate) fn receipt(&self, digest: &SubmissionDigest) -> Option<v1::Receipt> {
        let receipt = self.book.receipt(digest)?;
        Some(answers::receipt(&receipt, self.source.generation.0, &self.instance))
    }

    /// True while the votes of any contest may not leave a service.
    pub(crate) fn is_any_contest_embargoed(&self) -> bool {
        let now = hattama_election::instant::Instant(self.clock.now().as_second());
        self.source.definition.contests.iter().any(|contest| contest.is_embargoed(now))
    }

    async fn take(&self, sent: Option<&SignedSubmission>, deadline: Instant) -> Result<v1::Receipt, NoReceipt> {
        let candidate = Candidate::new(sent).map_err(NoReceipt::Refused)?;
        let digest = candidate.digest;
        // Held until the answer. Who sends what is kept already takes none: anybody could.
        let _place = match self.book.holds_record(&digest, &candidate.value) {
            true => None,
            false => Some(self.keep(candidate).await?),
        };
        self.wait_until_logged(&digest, deadline).await;
        self.receipt(&digest).ok_or_else(|| NoReceipt::Failed("the journal has no such submission".to_owned()))
    }

    /// Returns when it is journalled, with the key's place among those that are being worked on.
    async fn keep(&self, candidate: Candidate) -> Result<Place, NoReceipt> {
        let admitted = admission::admit(&self.source.definition, &self.control_state(), &candidate);
        let Admitted { submission, shard } = admitted.map_err(NoReceipt::Refused)?;
        // After the signature was verified: nobody takes up the places of another's key.
        let limit = in_flight_limit(&self.source.definition, &submission.key);
        let place = self.in_flight.enter(submission.key, limit).ok_or(NoReceipt::Later(Limit::InFlightPerKey))?;
        let reservation = self.book.reserve().map_err(|_| NoReceipt::Later(Limit::Outbox))?;
        let kept = Kept {
            digest: candidate.digest,
            content: submission.body.content_digest(),
            shard,
            received_at_milliseconds: self.clock.now_utc_milliseconds(),
            value: candidate.value,
        };
        self.journal.accept(kept, reservation).await.map_err(|error| NoReceipt::Failed(error.to_string()))?;
        Ok(place)
    }

    async fn wait_until_logged(&self, digest: &SubmissionDigest, deadline: Instant) {
        let is_logged = || self.book.receipt(digest).is_none_or(|receipt| receipt.offset.is_some());
        if is_logged() {
            return;
        }
        let Some(mut changes) = self.book.subscribe(digest) else { return };
        while !is_logged() {
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    fn control_state(&self) -> Arc<ControlState> {
        Arc::clone(&self.control.borrow())
    }
}

/// How many submissions of each key are being worked on.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<KeyId, usize>>>);

/// A key's place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    in_flight: InFlight,
    key: KeyId,
}

/// How much of one key may be worked on at a time. The importer of a recorded rehearsal signs for every station.
fn in_flight_limit(definition: &Definition, key: &KeyId) -> usize {
    let importer = match definition.key(key) {
        Some((_, Holder::Authority(place))) => {
            definition.authorities.get(usize::from(place)).is_some_and(|holder| holder.role == AuthorityRole::Importer)
        }
        _ => false,
    };
    if importer { MAX_IN_FLIGHT_IMPORTER } else { MAX_IN_FLIGHT_PER_KEY }
}

impl InFlight {
    fn enter(&self, key: KeyId, limit: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { in_flight: self.clone(), key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_limit_and_leaves_others_theirs() {
        let in_flight = InFlight::default();
        let (one, other) = (KeyId([1; 16]), KeyId([2; 16]));
        let mut places: Vec<_> =
            (0..MAX_IN_FLIGHT_PER_KEY).map(|_| in_flight.enter(one, MAX_IN_FLIGHT_PER_KEY).unwrap()).collect();
        assert!(in_flight.enter(one, MAX_IN_FLIGHT_PER_KEY).is_none());
        assert!(in_flight.enter(other, MAX_IN_FLIGHT_PER_KEY).is_some());
        places.pop();
        assert!(in_flight.enter(one, MAX_IN_FLIGHT_PER_KEY).is_some());
        drop(places);
        assert!(in_flight.0.lock().unwrap().is_empty(), "keys that are done take no memory");
    }
}
