//! Hare quota with largest remainders, on numbers alone.

use crate::cut::{Cut, cut_after};

/// How votes share seats by whole quotas and remainders.
pub(crate) struct QuotaSplit {
    /// Votes together.
    pub votes: u64,
    /// Whole quotas of each.
    pub whole: Vec<u32>,
    /// Remainder of each, as a numerator over `votes`.
    pub remainders: Vec<u64>,
    /// Seats left after the whole quotas.
    pub left: u32,
    /// Remainders in order, cut after the seats left.
    pub cut: Cut,
}

/// Shares `seats`. Votes must add up to a `u64` above 0.
///
/// A zero remainder never wins: the remainders add up to `left × votes` and each is below `votes`, so more than
/// `left` of them are above zero.
pub(crate) fn split(votes: &[u64], seats: u32) -> QuotaSplit {
    let sum: u64 = votes.iter().sum();
    let products: Vec<u128> = votes.iter().map(|&count| u128::from(count) * u128::from(seats)).collect();
    let divisor = u128::from(sum.max(1));
    // Both fit: a share of the seats is at most the seats, a remainder is below the sum.
    let whole: Vec<u32> = products.iter().map(|product| (product / divisor) as u32).collect();
    let remainders: Vec<u64> = products.iter().map(|product| (product % divisor) as u64).collect();
    let left = seats - whole.iter().sum::<u32>();
    let all: Vec<usize> = (0..votes.len()).collect();
    let cut = cut_after(&all, left, |index| remainders[index]);
    QuotaSplit { votes: sum, whole, remainders, left, cut }
}

impl QuotaSplit {
    /// Place of a remainder, 1 for the largest; equal ones share a place.
    pub(crate) fn rank(&self, index: usize) -> u32 {
        let ahead = self.remainders.iter().filter(|&&remainder| remainder > self.remainders[index]).count();
        u32::try_from(ahead + 1).unwrap_or(u32::MAX)
    }
}
