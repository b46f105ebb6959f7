//! Publications as they appear: a slow reader skips to the newest and is told how many it missed.

use super::{Api, reference_of};
use crate::{archive::Signal, metrics};
use hattama_proto::national::v1::{WatchPublicationsRequest, WatchPublicationsResponse};
use hattama_service_kit::streams::UntilShutdown;
use std::pin::Pin;
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::Status;

/// Open streams at a time: the board's processes and the CEC's systems, not the public.
pub(crate) const MAX_WATCHERS: usize = 256;

/// A stream of publications.
pub(crate) type Publications =
    UntilShutdown<Pin<Box<dyn Stream<Item = Result<WatchPublicationsResponse, Status>> + Send>>>;

/// Counts an open stream for as long as it lives.
struct Watcher;

impl Watcher {
    fn new() -> Self {
        ::metrics::gauge!(metrics::WATCHERS).increment(1);
        Self
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        ::metrics::gauge!(metrics::WATCHERS).decrement(1);
    }
}

/// Where a reader stands.
struct Place {
    /// The last number it has seen; none before its first publication.
    seen: Option<u64>,
    /// How many embargoes had ended when it was last told, or when it came.
    embargoes_ended: usize,
}

impl Api {
    /// The newest publication first, unless the reader has it; then each that appears, and the newest again when an
    /// embargo ends.
    pub(super) fn watch(&self, request: WatchPublicationsRequest) -> Result<Publications, Status> {
        let api = self.clone();
        let signals = self.archive.watch();
        let embargoes_ended = signals.borrow().embargoes_ended;
        let mut place = Place { seen: request.after_sequence, embargoes_ended };
        let watcher = Watcher::new();
        // The watch holds the newest only: what a slow reader has missed is not there any more when it asks.
        let publications = WatchStream::new(signals).filter_map(move |signal| {
            let _lives_as_long = &watcher;
            let skipped = place.advance(&signal)?;
            let snapshot = signal.newest?;
            let publication = Some(reference_of(&snapshot));
            Some(Ok(WatchPublicationsResponse { publication, result: Some(api.national_result(&snapshot)), skipped }))
        });
        let publications: Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(publications);
        Ok(self.watchers.open(publications, &self.shutdown)?)
    }
}

impl Place {
    /// How many publications were missed before the newest; none when the reader has it already, or a newer one from
    /// another replica.
    fn advance(&mut self, signal: &Signal) -> Option<u64> {
        let newest = signal.newest.as_ref()?.publication.body.sequence;
        if self.seen.is_some_and(|seen| newest < seen) {
            return None;
        }
        let says_more = self.embargoes_ended != signal.embargoes_ended;
        self.embargoes_ended = signal.embargoes_ended;
        let is_new = self.seen.is_none_or(|seen| newest > seen);
        if !is_new && !says_more {
            return None;
        }
        let skipped = self.seen.map_or(0, |seen| newest.saturating_sub(seen).saturating_sub(1));
        self.seen = Some(newest);
        Some(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{nation::Snapshot, records::LoggedPublication};
    use hattama_election::{definition::sample, digest::PublicationDigest};
    use hattama_tally::{ControlState, Generation, merge};
    use std::{collections::BTreeMap, sync::Arc};

    fn signal(sequence: u64, embargoes_ended: usize) -> Signal {
        let definition = Arc::new(sample::definition());
        let control = Arc::new(ControlState::initial(Arc::clone(&definition), b"genesis"));
        let nation = Arc::new(merge(&definition, &BTreeMap::new()).unwrap());
        let body = nation.publication(&definition, Generation(1), &control, sequence, None);
        let publication = LoggedPublication { body, digest: PublicationDigest([0; 32]), written_at_milliseconds: 0 };
        let newest = Some(Arc::new(Snapshot { publication: Arc::new(publication), nation, control }));
        Signal { newest, embargoes_ended }
    }

    #[test]
    fn a_slow_reader_skips_to_the_newest_and_hears_how_many_it_missed() {
        let mut place = Place { seen: None, embargoes_ended: 0 };
        assert_eq!(place.advance(&Signal::default()), None, "nothing is published yet");
        assert_eq!(place.advance(&signal(1_005, 0)), Some(0), "it begins with the newest");
        assert_eq!(place.advance(&signal(1_006, 0)), Some(0));
        assert_eq!(place.advance(&signal(1_010, 0)), Some(3));
        assert_eq!(place.advance(&signal(1_010, 0)), None);
        assert_eq!(place.advance(&signal(1_010, 1)), Some(0), "an embargo has ended: it says more");
    }

    #[test]
    fn a_reader_that_has_the_newest_already_waits_for_the_next() {
        let mut place = Place { seen: Some(1_005), embargoes_ended: 0 };
        assert_eq!(place.advance(&signal(1_005, 0)), None);
        assert_eq!(place.advance(&signal(1_008, 0)), Some(2));
    }

    #[test]
    fn a_reader_that_has_a_newer_one_from_elsewhere_is_given_nothing_older_when_an_embargo_ends_either() {
        let mut place = Place { seen: Some(1_005), embargoes_ended: 0 };
        assert_eq!(place.advance(&signal(1_003, 0)), None);
        assert_eq!(place.advance(&signal(1_004, 1)), None);
        assert_eq!(place.advance(&signal(1_005, 1)), Some(0), "now it says more");
        assert_eq!(place.advance(&signal(1_005, 1)), None);
        assert_eq!(place.advance(&signal(1_006, 1)), Some(0));
    }
}
