//! How long after a gateway acknowledged a submission a publication covers it.

use hattama_election::ids::ShardId;
use hattama_proto::log::v1::VectorEntry;
use hdrhistogram::Histogram;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

/// Latencies up to an hour, with three digits.
const LONGEST_MICROSECONDS: u64 = 3_600_000_000;

/// Submissions that are logged and not covered yet, and how long the covered ones took.
#[derive(Debug)]
pub struct Freshness(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: BTreeMap<(u32, u64), Instant>,
    /// How far the newest publication goes, by shard.
    covered: BTreeMap<u32, u64>,
    took: Histogram<u64>,
}

impl Freshness {
    /// Nothing yet.
    pub fn new() -> Result<Self, hdrhistogram::CreationError> {
        let took = Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, 3)?;
        Ok(Self(Mutex::new(Inner { waiting: BTreeMap::new(), covered: BTreeMap::new(), took })))
    }

    /// A submission was acknowledged at this position. A publication may have been quicker than the acknowledgement.
    pub fn logged(&self, shard: ShardId, offset: u64, at: Instant) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.covered.get(&shard.0).is_some_and(|next| offset < *next) {
            inner.took.saturating_record(1);
            return;
        }
        inner.waiting.insert((shard.0, offset), at);
    }

    /// A publication goes this far.
    pub fn published(&self, vector: &[VectorEntry], at: Instant) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in vector {
            let Some(position) = &entry.position else { continue };
            inner.covered.insert(entry.shard, position.next_offset);
            let still = inner.waiting.split_off(&(entry.shard, position.next_offset));
            let below = inner.waiting.split_off(&(entry.shard, 0));
            for since in below.into_values() {
                let took = u64::try_from(at.duration_since(since).as_micros()).unwrap_or(u64::MAX);
                inner.took.saturating_record(took.max(1));
            }
            inner.waiting.extend(still);
        }
    }

    /// How long the covered ones took, in microseconds.
    pub fn took(&self) -> Histogram<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).took.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_proto::log::v1::PositionPair;
    use std::time::Duration;

    #[test]
    fn a_submission_is_fresh_when_a_publication_goes_beyond_its_offset() {
        let freshness = Freshness::new().unwrap();
        let start = Instant::now();
        freshness.logged(ShardId(1), 5, start);
        freshness.logged(ShardId(1), 6, start);
        freshness.logged(ShardId(2), 1, start);
        let entry = |shard, next_offset| VectorEntry {
            shard,
            position: Some(PositionPair { next_offset, control_next_offset: 1 }),
        };
        freshness.published(&[entry(1, 6), entry(2, 1)], start + Duration::from_millis(30));
        assert_eq!(freshness.took().len(), 1);
        freshness.published(&[entry(1, 7), entry(2, 2)], start + Duration::from_millis(50));
        assert_eq!(freshness.took().len(), 3);
        assert!(freshness.took().max() >= 50_000);
        freshness.logged(ShardId(2), 1, start);
        assert_eq!(freshness.took().len(), 4);
    }
}
