//! The chain of valid publications: a compare-and-set in the log (design, D5). Pure.

use crate::records::LoggedPublication;
use hattama_election::digest::PublicationDigest;
use hattama_wire::Genesis;
use std::sync::Arc;

/// Where the chain ends: what the next publication must follow.
#[derive(Debug)]
pub(crate) struct Chain {
    next_sequence: u64,
    previous: Option<PublicationDigest>,
    tip: Option<Arc<LoggedPublication>>,
}

/// Why a publication that a national service signed is not the next one. None of these is an error: of two replicas that
/// publish at once, one loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNext {
    /// The very publication that is last already, appended twice.
    Same,
    /// Its number is not the next.
    Sequence,
    /// It follows another one than the last.
    Previous,
    /// Its vector is lower somewhere, or higher nowhere.
    Vector,
}

impl NotNext {
    /// The word for it in metrics and log lines.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Sequence => "sequence",
            Self::Previous => "previous",
            Self::Vector => "vector",
        }
    }
}

impl Chain {
    /// The chain of a generation before its first publication.
    pub(crate) fn new(genesis: &Genesis) -> Self {
        Self { next_sequence: genesis.first_sequence, previous: genesis.last_publication, tip: None }
    }

    /// The number of the next publication.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The digest that the next publication must name.
    pub(crate) fn previous(&self) -> Option<PublicationDigest> {
        self.previous
    }

    /// The last valid publication of this generation.
    pub(crate) fn tip(&self) -> Option<&Arc<LoggedPublication>> {
        self.tip.as_ref()
    }

    /// Puts the next record of the log at the end of the chain, when it is valid.
    ///
    /// # Errors
    /// When it is not the next one.
    pub(crate) fn take(&mut self, publication: LoggedPublication) -> Result<Arc<LoggedPublication>, NotNext> {
        let body = &publication.body;
        if Some(publication.digest) == self.previous && self.tip.is_some() {
            return Err(NotNext::Same);
        }
        if body.sequence != self.next_sequence {
            return Err(NotNext::Sequence);
        }
        if body.previous != self.previous {
            return Err(NotNext::Previous);
        }
        if self.tip.as_ref().is_some_and(|tip| !body.is_beyond(&tip.body)) {
            return Err(NotNext::Vector);
        }
        let publication = Arc::new(publication);
        self.next_sequence += 1;
        self.previous = Some(publication.digest);
        self.tip = Some(Arc::clone(&publication));
        Ok(publication)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{
        definition::{Definition, sample},
        digest::ChainDigest,
        ids::ShardId,
    };
    use hattama_tally::{ControlState, FIRST_POSITION, Generation, PositionPair, merge};
    use hattama_wire::{encode_publication, publication_digest};
    use std::collections::BTreeMap;

    fn genesis(definition: &Definition) -> Genesis {
        Genesis { first_sequence: 1_001, ..Genesis::first(definition, Generation(1)) }
    }

    fn publication(definition: &Arc<Definition>, chain: &Chain, next_offset: u64) -> LoggedPublication {
        let control = ControlState::initial(Arc::clone(definition), b"genesis");
        let nation = merge(definition, &BTreeMap::new()).unwrap();
        let mut body = nation.publication(definition, Generation(1), &control, chain.next_sequence(), chain.previous());
        body.vector[1].position = PositionPair { next_offset, ..FIRST_POSITION };
        assert_eq!(body.vector[1].shard, ShardId(1));
        assert_eq!(control.chain(), ChainDigest::genesis(b"genesis"));
        let digest = publication_digest(&encode_publication(definition, &body));
        LoggedPublication { body, digest, written_at_milliseconds: 0 }
    }

    #[test]
    fn a_publication_is_valid_only_behind_the_last_valid_one() {
        let definition = Arc::new(sample::definition());
        let mut chain = Chain::new(&genesis(&definition));
        let first = publication(&definition, &chain, 5);
        assert_eq!(first.body.sequence, 1_001);
        let rival = publication(&definition, &chain, 6);
        chain.take(first.clone()).unwrap();

        assert_eq!(chain.take(first.clone()), Err(NotNext::Same));
        assert_eq!(chain.take(rival), Err(NotNext::Sequence));
        assert_eq!(chain.take(publication(&definition, &chain, 5)), Err(NotNext::Vector));
        assert_eq!(chain.take(publication(&definition, &chain, 4)), Err(NotNext::Vector));
        let mut other_history = publication(&definition, &chain, 6);
        other_history.body.previous = None;
        assert_eq!(chain.take(other_history), Err(NotNext::Previous));

        let second = chain.take(publication(&definition, &chain, 6)).unwrap();
        assert_eq!((second.body.sequence, second.body.previous), (1_002, Some(first.digest)));
    }
}
