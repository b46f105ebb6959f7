//! After the log was lost: what stood published before, and whether all that it counted is counted again (design, D7).
//!
//! It is when one of two is true of a publication of this generation, and of all that follow it:
//! * Every record that the earlier publication stood on has been sent again, by the positions that gateways name, and the
//!   publication covers it; or an amendment that is in force in the publication gives it up as lost. What counts is a function
//!   of the set of submissions (design, D3).
//! * Its figures are the same, those of every region, territory and district included: for what was sent again by precincts
//!   whose gateway's journal is gone, and for records of an earlier log that no gateway had sent.

mod back;
#[cfg(test)]
mod tests;

use crate::records::LoggedPublication;
use back::Back;
use hattama_election::{amendment::RecordRange, ids::ShardId};
use hattama_record_log::Record;
use hattama_tally::{ControlState, Generation, LostRecords, OffsetSet, PublicationBody};
use hattama_wire::{EARLIER_POSITIONS_HEADER, KeptPublication, decode_earlier};
use std::{
    collections::BTreeMap,
    ops::Range,
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

/// How much is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Records that the earlier publication stood on.
    pub records: u64,
    /// Of these, those that have come again.
    pub records_back: u64,
    /// Of the others, those that are given up as lost.
    pub records_lost: u64,
}

/// Some of what is neither back nor given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Ascending by shard and offset.
    pub ranges: Vec<RecordRange>,
    /// Where the next one begins; none when these are all.
    pub next: Option<(ShardId, u64)>,
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

    /// What amendments in force give up of the generation that is being restored.
    pub(crate) fn given_up<'a>(&self, control: &'a ControlState) -> Option<&'a LostRecords> {
        control.lost_records_of(self.before.body.generation)
    }

    /// The next records of a shard's submissions.
    pub(crate) fn note(&self, shard: ShardId, records: &[Record]) {
        let Generation(generation) = self.before.body.generation;
        let covered = self.covered(shard);
        let mut all = self.back();
        let back = all.entry(shard).or_default();
        for record in records {
            let headers = record.headers.iter().filter(|(name, _)| name == EARLIER_POSITIONS_HEADER);
            for offset in headers.flat_map(|(_, value)| decode_earlier(value, generation)) {
                if covered.contains(&offset) {
                    back.note(offset, record.offset);
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

    /// True when all that the earlier publication counted is counted in this one, was replaced by what was signed since, or
    /// is given up by the amendments in force at its control position. What comes later changes no answer about it.
    pub(crate) fn is_complete(&self, body: &PublicationBody, control: &ControlState) -> bool {
        let since = self.same_figures_since.load(Ordering::Acquire);
        if since != NONE && body.sequence >= since {
            return true;
        }
        let (all, given_up) = (self.back(), self.given_up(control));
        self.before.body.vector.iter().all(|entry| {
            let now = body.vector.iter().find(|now| now.shard == entry.shard);
            let reached = now.map_or(0, |now| now.position.next_offset);
            let back = all.get(&entry.shard).unwrap_or(Back::NOTHING);
            back.is_settled(self.covered(entry.shard), lost_of(given_up, entry.shard), reached)
        })
    }

    /// How much is back by now, and what of the rest these amendments give up.
    pub(crate) fn progress(&self, control: Option<&ControlState>) -> Progress {
        let given_up = control.and_then(|control| self.given_up(control));
        let all = self.back();
        let mut progress = Progress { records: 0, records_back: 0, records_lost: 0 };
        for entry in &self.before.body.vector {
            let covered = self.covered(entry.shard);
            let back = all.get(&entry.shard).unwrap_or(Back::NOTHING);
            progress.records += covered.end - covered.start;
            progress.records_back += back.offsets().count();
            progress.records_lost += back.lost(covered, lost_of(given_up, entry.shard));
        }
        progress
    }

    /// Of what these amendments give up, how many records have come again all the same.
    pub(crate) fn back_all_the_same(&self, given_up: &LostRecords) -> u64 {
        let all = self.back();
        all.iter().map(|(shard, back)| back.back_all_the_same(given_up.of(*shard))).sum()
    }

    /// What is neither back nor given up by now, from an offset of a shard on; at most so many ranges.
    pub(crate) fn missing(&self, control: &ControlState, from: (ShardId, u64), limit: usize) -> Missing {
        let (all, given_up) = (self.back(), self.given_up(control));
        let mut ranges = Vec::new();
        for shard in self.before.body.vector.iter().map(|entry| entry.shard).filter(|shard| *shard >= from.0) {
            let back = all.get(&shard).unwrap_or(Back::NOTHING);
            let mut covered = self.covered(shard);
            if shard == from.0 {
                covered.start = covered.start.max(from.1);
            }
            while let Some(gap) = back.first_gap(covered.clone(), lost_of(given_up, shard)) {
                if ranges.len() == limit {
                    return Missing { ranges, next: Some((shard, gap.start)) };
                }
                ranges.push(RecordRange { shard, first: gap.start, last: gap.end - 1 });
                covered.start = gap.end;
            }
        }
        Missing { ranges, next: None }
    }

    /// The offsets of a shard that the earlier publication stood on; the genesis is none of them.
    fn covered(&self, shard: ShardId) -> Range<u64> {
        let entry = self.before.body.vector.iter().find(|entry| entry.shard == shard);
        1..entry.map_or(1, |entry| entry.position.next_offset.max(1))
    }

    fn back(&self) -> MutexGuard<'_, BTreeMap<ShardId, Back>> {
        // What a panic left behind is whole: every change is one insertion, and one push that follows it.
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost_of(given_up: Option<&LostRecords>, shard: ShardId) -> &OffsetSet {
    given_up.map_or(OffsetSet::EMPTY, |lost| lost.of(shard))
}
