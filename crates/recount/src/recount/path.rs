//! The pairs of positions that a fold has to stop at, as ways that only go forward.

use super::{claims::TallyClaim, outcomes::OutcomesClaim, source::Place};
use hattama_tally::PositionPair;
use std::collections::BTreeMap;

/// The most times that a shard is folded: two owners that wrote past each other make two ways, more of them are a war.
pub(crate) const MAX_PATHS: usize = 4;

/// What is claimed of a pair of positions.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    /// Outcomes that lead here.
    pub(crate) outcomes: Option<OutcomesClaim>,
    /// Tallies that say to stand here.
    pub(crate) tallies: Vec<TallyClaim>,
    /// The first publication that stands here.
    pub(crate) publication: Option<Place>,
}

/// A way: pairs of which each covers the one before.
#[derive(Debug, Default)]
pub(crate) struct Path(BTreeMap<(u64, u64), Stop>);

/// All ways of a shard; outcomes lie on the first.
#[derive(Debug)]
pub(crate) struct Paths(Vec<Path>);

impl Default for Paths {
    fn default() -> Self {
        Self(vec![Path::default()])
    }
}

impl Paths {
    /// The stop at a pair, on the first way that it fits on. None when it would need one way too many.
    pub(crate) fn stop(&mut self, pair: PositionPair) -> Option<&mut Stop> {
        let fitting = self.0.iter().position(|path| path.fits(pair));
        let place = fitting.unwrap_or(self.0.len());
        if place == MAX_PATHS {
            return None;
        }
        if place == self.0.len() {
            self.0.push(Path::default());
        }
        Some(self.0[place].0.entry(key(pair)).or_default())
    }

    /// True when a tally says to stand at this pair.
    pub(crate) fn have_tally(&self, pair: PositionPair) -> bool {
        self.0.iter().filter_map(|path| path.0.get(&key(pair))).any(|stop| !stop.tallies.is_empty())
    }

    pub(crate) fn into_inner(self) -> Vec<Path> {
        self.0
    }
}

impl Path {
    fn fits(&self, pair: PositionPair) -> bool {
        let before =
            self.0.range(..=key(pair)).next_back().is_none_or(|((_, control), _)| *control <= pair.control_next_offset);
        let behind =
            self.0.range(key(pair)..).next().is_none_or(|((_, control), _)| *control >= pair.control_next_offset);
        before && behind
    }

    /// Takes the first stop, when it is not beyond `limit`.
    pub(crate) fn next_up_to(&mut self, limit: Option<PositionPair>) -> Option<(PositionPair, Stop)> {
        let entry = self.0.first_entry()?;
        if limit.is_some_and(|limit| *entry.key() > key(limit)) {
            return None;
        }
        let ((next_offset, control_next_offset), stop) = entry.remove_entry();
        Some((PositionPair { next_offset, control_next_offset }, stop))
    }

    /// True when a publication stands at this pair of this way.
    pub(crate) fn has(&self, pair: PositionPair) -> bool {
        self.0.contains_key(&key(pair))
    }
}

fn key(pair: PositionPair) -> (u64, u64) {
    (pair.next_offset, pair.control_next_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(next_offset: u64, control_next_offset: u64) -> PositionPair {
        PositionPair { next_offset, control_next_offset }
    }

    #[test]
    fn pairs_that_no_fold_can_visit_in_one_go_lie_on_two_ways() {
        let mut paths = Paths::default();
        for (next, control) in [(1, 1), (8, 5), (10, 5), (10, 3), (4, 2), (12, 5)] {
            assert!(paths.stop(pair(next, control)).is_some());
        }
        let ways: Vec<Vec<_>> = paths.into_inner().into_iter().map(|path| path.0.into_keys().collect()).collect();
        assert_eq!(ways, [vec![(1, 1), (4, 2), (8, 5), (10, 5), (12, 5)], vec![(10, 3)]]);
    }

    #[test]
    fn a_pair_that_needs_one_way_too_many_has_no_stop() {
        let mut paths = Paths::default();
        for step in 0..MAX_PATHS as u64 {
            assert!(paths.stop(pair(10 + step, 10 - step)).is_some());
        }
        assert!(paths.stop(pair(100, 1)).is_none());
    }
}
