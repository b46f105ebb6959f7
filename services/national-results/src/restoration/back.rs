//! What of one shard's records has come again, and when.

use hattama_tally::OffsetSet;
use std::ops::Range;

/// Offsets in the earlier generation that the publication stood on, and that have come again.
#[derive(Debug, Default)]
pub(super) struct Back {
    offsets: OffsetSet,
    /// Each once, in the order in which they came: ascending by where they lie now.
    arrivals: Vec<Arrival>,
}

/// A record that has come again.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// Its offset in the earlier generation.
    earlier: u64,
    /// The offset in this generation of the first record that brought it.
    now: u64,
}

impl Back {
    /// Nothing has come again.
    pub(super) const NOTHING: &'static Self = &Self { offsets: OffsetSet::NONE, arrivals: Vec::new() };

    /// One has come again.
    pub(super) fn note(&mut self, earlier: u64, now: u64) {
        if !self.offsets.contains(earlier) {
            self.offsets.insert(earlier..=earlier);
            self.arrivals.push(Arrival { earlier, now });
        }
    }

    /// All that has come again.
    pub(super) fn offsets(&self) -> &OffsetSet {
        &self.offsets
    }

    /// True when each of these offsets is given up as lost, or has come again below `reached`.
    pub(super) fn is_settled(&self, covered: Range<u64>, lost: &OffsetSet, reached: u64) -> bool {
        let in_time = self.arrivals.partition_point(|arrival| arrival.now < reached);
        self.first_gap(covered, lost).is_none()
            && self.arrivals[in_time..].iter().all(|late| lost.contains(late.earlier))
    }

    /// The first of these offsets that are neither back nor lost, as far as they lie one behind the other.
    pub(super) fn first_gap(&self, covered: Range<u64>, lost: &OffsetSet) -> Option<Range<u64>> {
        let both = [&self.offsets, lost];
        let mut start = covered.start;
        while let Some(last) = both.iter().find_map(|set| set.last_from(start)) {
            start = last.checked_add(1)?;
        }
        if start >= covered.end {
            return None;
        }
        let next = both.iter().filter_map(|set| set.next_from(start)).min();
        Some(start..next.map_or(covered.end, |next| next.min(covered.end)))
    }

    /// How many of these offsets are lost and not back.
    pub(super) fn lost(&self, covered: Range<u64>, lost: &OffsetSet) -> u64 {
        let Some(top) = covered.end.checked_sub(1) else { return 0 };
        let within = lost.ranges().map(|range| (*range.start()).max(covered.start)..=(*range.end()).min(top));
        // A range that lies outside is empty now.
        within.map(|range| lost.count_in(range.clone()) - self.offsets.count_in(range)).sum()
    }

    /// How many are lost and back all the same.
    pub(super) fn back_all_the_same(&self, lost: &OffsetSet) -> u64 {
        lost.ranges().map(|range| self.offsets.count_in(range)).sum()
    }
}
