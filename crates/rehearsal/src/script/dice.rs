//! Seeded choice. Each subject has dice of its own, so that what befalls one station does not depend on any other, and
//! integers only, so that every machine throws the same.

use hattama_election::digest::CanonicalHasher;
use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use std::ops::RangeInclusive;

/// Keeps these throws apart from everything else that is made from the seed.
const CONTEXT: &str = "hattama/rehearsal-script/1";
/// What rates are parts of.
pub(super) const WHOLE: u32 = 10_000;

/// A stream of seeded numbers for one purpose and subject.
pub(super) struct Dice(ChaCha12Rng);

impl Dice {
    pub(super) fn new(seed: u64, purpose: &str, subject: &[&str]) -> Self {
        Self(ChaCha12Rng::from_seed(hash(seed, purpose, subject)))
    }

    /// Uniform below `limit` (the bias is below 2⁻³²); 0 when the limit is 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let draw = self.0.next_u64() >> 32;
        ((draw * u64::from(limit)) >> 32) as u32
    }

    /// Uniform within the range.
    pub(super) fn within(&mut self, range: &RangeInclusive<u32>) -> u32 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// Uniform within a range of minutes, to the second.
    pub(super) fn seconds_within(&mut self, minutes: &RangeInclusive<u32>) -> i64 {
        i64::from(self.within(&(minutes.start() * 60..=minutes.end() * 60)))
    }

    /// One of `items`; `None` when there are none.
    pub(super) fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(u32::try_from(items.len()).unwrap_or(u32::MAX)) as usize)
    }
}

/// The subjects in the order in which the seed deals them; `name` must tell them apart.
pub(super) fn dealt<T>(seed: u64, purpose: &str, mut subjects: Vec<T>, name: impl Fn(&T) -> Vec<String>) -> Vec<T> {
    subjects.sort_by_cached_key(|subject| {
        let name = name(subject);
        hash(seed, purpose, &name.iter().map(String::as_str).collect::<Vec<_>>())
    });
    subjects
}

/// How many of `subjects` a rate asks for: at least one, unless the rate is 0.
pub(super) fn share(rate: u32, subjects: usize) -> usize {
    match rate {
        0 => 0,
        _ => (subjects * rate as usize / WHOLE as usize).max(1),
    }
}

fn hash(seed: u64, purpose: &str, subject: &[&str]) -> [u8; 32] {
    let hasher = CanonicalHasher::new(CONTEXT).number(seed).text(purpose).number(subject.len() as u64);
    subject.iter().fold(hasher, |hasher, part| hasher.text(part)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_stay_within_their_range_and_reach_its_ends() {
        let mut dice = Dice::new(1, "test", &[]);
        let throws: Vec<u32> = (0..1_000).map(|_| dice.within(&(3..=5))).collect();
        assert!(throws.iter().all(|throw| (3..=5).contains(throw)));
        assert!((3..=5).all(|end| throws.contains(&end)));
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.one_of::<u8>(&[]), None);
    }

    #[test]
    fn a_rate_gives_at_least_one_unless_it_is_nought() {
        assert_eq!([share(0, 500), share(1, 500), share(100, 500)], [0, 1, 5]);
    }
}
