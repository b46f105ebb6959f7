//! Sets of offsets that mostly lie one behind the other.

use std::{collections::BTreeMap, ops::RangeInclusive};

/// A set of offsets, kept as ranges that neither overlap nor touch: as many as it has gaps, however many offsets it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetSet {
    /// From the first offset of a range to its last.
    ranges: BTreeMap<u64, u64>,
    count: u64,
}

impl OffsetSet {
    /// Nothing.
    pub const NONE: Self = Self { ranges: BTreeMap::new(), count: 0 };
    /// A place where nothing lies.
    pub const EMPTY: &'static Self = &Self::NONE;

    /// How many offsets there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        self.ranges.iter().map(|(first, last)| *first..=*last)
    }

    /// Adds a range; one that ends before it begins is empty.
    pub fn insert(&mut self, range: RangeInclusive<u64>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        while let Some((from, to)) = self.overlapping_or_touching(first, last) {
            self.ranges.remove(&from);
            self.count -= length(from, to);
            (first, last) = (first.min(from), last.max(to));
        }
        self.ranges.insert(first, last);
        self.count = self.count.saturating_add(length(first, last));
    }

    /// True when it has the offset.
    #[must_use]
    pub fn contains(&self, offset: u64) -> bool {
        self.last_from(offset).is_some()
    }

    /// The last of the offsets that lie one behind the other from this one on; none when it is not in the set.
    #[must_use]
    pub fn last_from(&self, offset: u64) -> Option<u64> {
        self.ranges.range(..=offset).next_back().map(|(_, last)| *last).filter(|last| *last >= offset)
    }

    /// The lowest that is this one or above.
    #[must_use]
    pub fn next_from(&self, offset: u64) -> Option<u64> {
        if self.contains(offset) {
            return Some(offset);
        }
        self.ranges.range(offset..).next().map(|(first, _)| *first)
    }

    /// How many of a range's offsets it has.
    #[must_use]
    pub fn count_in(&self, range: RangeInclusive<u64>) -> u64 {
        let (first, last) = range.into_inner();
        if first > last {
            return 0;
        }
        let before = self.last_from(first).map_or(0, |to| length(first, to.min(last)));
        let begin_inside = first.checked_add(1).filter(|next| *next <= last).map(|next| self.ranges.range(next..=last));
        let inside: u64 = begin_inside.into_iter().flatten().map(|(from, to)| length(*from, (*to).min(last))).sum();
        before + inside
    }

    fn overlapping_or_touching(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let (from, to) = self.ranges.range(..=last.saturating_add(1)).next_back()?;
        (*to >= first.saturating_sub(1)).then_some((*from, *to))
    }
}

/// All 2⁶⁴ offsets at once count as one less: no log has the last one.
fn length(first: u64, last: u64) -> u64 {
    (last - first).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const TOP: u64 = 40;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn it_answers_as_a_set_of_single_offsets_would(
            inserted in prop::collection::vec((0..TOP, 0..TOP), 0..12),
            (first, last) in (0..TOP, 0..TOP),
        ) {
            let mut set = OffsetSet::default();
            let mut plain = BTreeSet::new();
            for (first, last) in inserted {
                set.insert(first..=last);
                plain.extend(first..=last);
                prop_assert_eq!(set.count(), plain.len() as u64);
            }
            prop_assert_eq!(set.ranges().flatten().collect::<Vec<_>>(), plain.iter().copied().collect::<Vec<_>>());
            let ranges: Vec<_> = set.ranges().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()), "{:?}", ranges);
            prop_assert_eq!(set.count_in(first..=last), (first..=last).filter(|one| plain.contains(one)).count() as u64);
            for offset in 0..TOP + 2 {
                prop_assert_eq!(set.contains(offset), plain.contains(&offset));
                prop_assert_eq!(set.next_from(offset), plain.range(offset..).next().copied());
                let run = (offset..).take_while(|one| plain.contains(one)).last();
                prop_assert_eq!(set.last_from(offset), run);
            }
        }
    }

    #[test]
    fn the_highest_offsets_are_no_exception() {
        let mut set = OffsetSet::default();
        set.insert(u64::MAX..=u64::MAX);
        set.insert(1..=u64::MAX - 1);
        assert_eq!((set.count(), set.ranges().collect::<Vec<_>>()), (u64::MAX, vec![1..=u64::MAX]));
        assert_eq!(set.count_in(u64::MAX..=u64::MAX), 1);
        set.insert(0..=0);
        assert_eq!((set.count(), set.next_from(u64::MAX)), (u64::MAX, Some(u64::MAX)));
        set.insert(0..=u64::MAX);
        assert_eq!(set.count(), u64::MAX);
    }
}
