//! Highest quotients (D'Hondt, Sainte-Laguë), on numbers alone.

use std::cmp::Ordering;

/// A divisor method: the divisor for the seat after `seats` won ones is `seats × step + 1`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Divisors {
    /// 1, 2, 3 …
    DHondt,
    /// 1, 3, 5 …
    SainteLague,
}

/// Votes over a divisor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotient {
    pub votes: u64,
    pub divisor: u64,
}

/// One seat: who won it, with what, and the highest quotient of another.
pub(crate) struct Round {
    pub winner: usize,
    pub quotient: Quotient,
    pub next: Option<(usize, Quotient)>,
}

/// How votes share seats by highest quotients.
pub(crate) struct QuotientSplit {
    /// Seats of each, without those tied for.
    pub seats: Vec<u32>,
    /// The rounds, in order.
    pub rounds: Vec<Round>,
    /// Those with equal quotients for the last seats.
    pub tied: Vec<usize>,
    /// Seats they are tied for.
    pub open: u32,
}

/// Shares `seats`, one a round. `votes` must not be empty, and not all 0.
pub(crate) fn split(votes: &[u64], seats: u32, divisors: Divisors) -> QuotientSplit {
    let mut split = QuotientSplit { seats: vec![0; votes.len()], rounds: Vec::new(), tied: Vec::new(), open: 0 };
    for round in 0..seats {
        let quotients: Vec<Quotient> =
            votes.iter().zip(&split.seats).map(|(&votes, &won)| divisors.quotient(votes, won)).collect();
        let equal = highest(&quotients);
        let left = seats - round;
        if equal.len() > usize::try_from(left).unwrap_or(usize::MAX) {
            split.tied = equal;
            split.open = left;
            break;
        }
        // All the equal ones win a seat in the rounds that follow: which comes first decides nothing.
        let Some(&winner) = equal.first() else { break };
        split.seats[winner] += 1;
        let next = highest_other(&quotients, winner).map(|index| (index, quotients[index]));
        split.rounds.push(Round { winner, quotient: quotients[winner], next });
    }
    split
}

impl Divisors {
    fn quotient(self, votes: u64, won: u32) -> Quotient {
        let step = match self {
            Self::DHondt => 1,
            Self::SainteLague => 2,
        };
        Quotient { votes, divisor: u64::from(won) * step + 1 }
    }
}

impl Quotient {
    fn compare(self, other: Self) -> Ordering {
        self.times(other.divisor).cmp(&other.times(self.divisor))
    }

    fn times(self, factor: u64) -> u128 {
        u128::from(self.votes) * u128::from(factor)
    }

    /// How much higher this one is, as numerator and denominator; 0 if it is not.
    pub(crate) fn lead_over(self, other: Self) -> (u128, u128) {
        let numerator = self.times(other.divisor).saturating_sub(other.times(self.divisor));
        (numerator, u128::from(self.divisor) * u128::from(other.divisor))
    }
}

/// Every index with the highest quotient.
fn highest(quotients: &[Quotient]) -> Vec<usize> {
    let Some(best) = quotients.iter().copied().max_by(|one, other| one.compare(*other)) else { return Vec::new() };
    (0..quotients.len()).filter(|&index| quotients[index].compare(best).is_eq()).collect()
}

/// The first index with the highest quotient among the others.
fn highest_other(quotients: &[Quotient], winner: usize) -> Option<usize> {
    let others = (0..quotients.len()).rev().filter(|&index| index != winner);
    others.max_by(|&one, &other| quotients[one].compare(quotients[other]))
}
