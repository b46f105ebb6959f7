//! After the log was lost: what stood published before, and whether all that it counted is counted again (design, D7).
//!
//! It is when one of two is true of a publication of this generation, and of all that follow it:
//! * Every record that the earlier publication stood on has been sent again, by the positions that gateways name, and the
//!   publication covers them all. What counts is a function of the set of submissions (design, D3).
//! * Its figures are the same, those of every region, territory and district included: for what was sent again by precincts
//!   whose gateway's journal is gone, and for records of an earlier log that no gateway had sent.

use crate::records::LoggedPublication;
use hattama_election::ids::ShardId;
use hattama_record_log::Record;
use hattama_tally::PublicationBody;
use hattama_wire::{EARLIER_POSITIONS_HEADER, KeptPublication, decode_earlier};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// No publication's figures were the same yet; numbers begin at 1.
const NONE: u64 = 0;

/// A publication of an earlier generation and how much of it is back.
#[derive(Debug)]
pub(crate) struct Restoration {
    before: LoggedPublication,
    back: Mutex<BTreeMap<ShardId, Back>>,
    same_figures_since: AtomicU64,
}

/// What of a shard's records has come again.
#[derive(Debug, Default)]
struct Back {
    /// Offsets in the earlier generation, below the publication's.
    offsets: HashSet<u64>,
    /// Behind the last record of this generation that brought a new one of them.
    until: u64,
}

/// How much is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Records that the earlier publication stood on.
    pub records: u64,
    /// Of these, those that have come again.
    pub records_back: u64,
}

impl Restoration {
    /// Nothing is back yet.
    pub(crate) fn new(before: KeptPublication) -> Self {
        let KeptPublication { body, digest, written_at_milliseconds, .. } = before;
        Self {
            before: LoggedPublication { body, digest, written_at_milliseconds },
            back: Mutex::default(),
            same_figures_since: AtomicU64::new(NONE),
        }
    }

    /// The publication that is being restored.
    pub(crate) fn before(&self) -> &LoggedPublication {
        &self.before
    }

    /// The next records of a shard's submissions.
    pub(crate) fn note(&self, shard: ShardId, records: &[Record]) {
        let generation = self.before.body.generation.0;
        let covered = self.covered(shard);
        let mut all = self.back();
        let back = all.entry(shard).or_default();
        for record in records {
            let headers = record.headers.iter().filter(|(name, _)| name == EARLIER_POSITIONS_HEADER);
            for offset in headers.flat_map(|(_, value)| decode_earlier(value, generation)) {
                if covered.contains(&offset) && back.offsets.insert(offset) {
                    back.until = back.until.max(record.offset + 1);
                }
            }
        }
    }

    /// A publication of this generation is valid.
    pub(crate) fn take(&self, body: &PublicationBody) {
        let before = &self.before.body;
        let same = body.contests == before.contests
            && body.turnout == before.turnout
            && body.units_digest == before.units_digest;
        if same {
            // Publications come in their order: the first one stands.
            let first =
                self.same_figures_since.compare_exchange(NONE, body.sequence, Ordering::AcqRel, Ordering::Acquire);
            if first.is_ok() {
                tracing::info!(sequence = body.sequence, "the figures from before the loss of the log are back");
            }
        }
    }

    /// True when all that the earlier publication counted is counted in this one, or was replaced by what was signed since.
    pub(crate) fn is_complete(&self, body: &PublicationBody) -> bool {
        let since = self.same_figures_since.load(Ordering::Acquire);
        if since != NONE && body.sequence >= since {
            return true;
        }
        let all = self.back();
        self.before.body.vector.iter().all(|entry| {
            let wanted = entry.position.next_offset.saturating_sub(1);
            let (found, until) = all.get(&entry.shard).map_or((0, 0), |back| (back.offsets.len() as u64, back.until));
            let reached = body.vector.iter().find(|now| now.shard == entry.shard);
            found == wanted && reached.is_some_and(|now| now.position.next_offset >= until)
        })
    }

    /// How much is back by now.
    pub(crate) fn progress(&self) -> Progress {
        let records = self.before.body.vector.iter().map(|entry| entry.position.next_offset.saturating_sub(1)).sum();
        let records_back = self.back().values().map(|back| back.offsets.len() as u64).sum();
        Progress { records, records_back }
    }

    /// The offsets of a shard that the earlier publication stood on; the genesis is none of them.
    fn covered(&self, shard: ShardId) -> std::ops::Range<u64> {
        let entry = self.before.body.vector.iter().find(|entry| entry.shard == shard);
        1..entry.map_or(1, |entry| entry.position.next_offset)
    }

    fn back(&self) -> MutexGuard<'_, BTreeMap<ShardId, Back>> {
        // What a panic left behind is whole: every change is one insertion or one assignment.
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hattama_election::{
        definition::sample,
        digest::{BodyDigest, PublicationDigest},
    };
    use hattama_tally::{ControlState, FIRST_POSITION, Generation, PositionPair, merge};
    use std::sync::Arc;

    const SHARD: ShardId = ShardId(1);

    fn body(generation: u32, sequence: u64, next_offset: u64, units: u8) -> PublicationBody {
        let definition = Arc::new(sample::definition());
        let control = ControlState::initial(Arc::clone(&definition), b"genesis");
        let nation = merge(&definition, &BTreeMap::new()).unwrap();
        let mut body = nation.publication(&definition, Generation(generation), &control, sequence, None);
        body.vector[1].position = PositionPair { next_offset, ..FIRST_POSITION };
        body.units_digest = BodyDigest([units; 32]);
        body
    }

    /// A publication that stood on the records at offsets 1 to 3.
    fn restoration() -> Restoration {
        let (digest, record) = (PublicationDigest([0; 32]), Bytes::new());
        Restoration::new(KeptPublication { body: body(1, 40, 4, 7), digest, written_at_milliseconds: 5, record })
    }

    fn record(offset: u64, earlier: &str) -> Record {
        let headers = vec![(EARLIER_POSITIONS_HEADER.to_owned(), Bytes::copy_from_slice(earlier.as_bytes()))];
        Record { offset, timestamp_milliseconds: 0, key: None, value: Bytes::new(), headers }
    }

    #[test]
    fn it_is_complete_when_every_record_has_come_again_and_is_covered() {
        let restoration = restoration();
        restoration.note(SHARD, &[record(1, "1:3"), record(2, "1:1"), record(3, "2:2"), record(4, "1:9,1:0")]);
        assert_eq!(restoration.progress(), Progress { records: 3, records_back: 2 });
        assert!(!restoration.is_complete(&body(2, 1_040, 5, 1)));
        restoration.note(SHARD, &[record(8, "1:2"), record(9, "1:2")]);
        assert_eq!(restoration.progress(), Progress { records: 3, records_back: 3 });
        assert!(!restoration.is_complete(&body(2, 1_041, 8, 1)), "the record at offset 8 is not covered");
        assert!(restoration.is_complete(&body(2, 1_042, 9, 1)));
    }

    #[test]
    fn it_is_complete_from_the_first_publication_on_that_has_the_same_figures() {
        let restoration = restoration();
        restoration.take(&body(2, 1_040, 2, 6));
        assert!(!restoration.is_complete(&body(2, 1_040, 2, 6)));
        restoration.take(&body(2, 1_041, 9, 7));
        restoration.take(&body(2, 1_042, 10, 7));
        assert!(!restoration.is_complete(&body(2, 1_040, 2, 6)));
        assert!(restoration.is_complete(&body(2, 1_041, 9, 7)));
        assert!(restoration.is_complete(&body(2, 1_050, 12, 8)), "and stays so");
    }
}
