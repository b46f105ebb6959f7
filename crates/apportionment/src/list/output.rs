//! What comes out of a list allocation: seats, and why each went where it did.

use serde::Serialize;

use crate::input::{OptionId, OptionKind};
use crate::rules::{Denominator, ListRules, Method, Source};
use crate::tie::{ResolutionReport, Tie};

/// The whole result of a list contest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListAllocation {
    /// The rules applied, each with its source.
    pub rules: ListRules,
    /// The number that the threshold is a share of.
    pub threshold_number: u64,
    /// Votes against all, as given.
    pub against_all: Option<u64>,
    /// Ballots found, as given.
    pub took_part: Option<u64>,
    /// Seats for the lists: all but those independents won.
    pub list_seats: u32,
    /// The Hare quota, where one was used.
    pub quota: Option<Quota>,
    /// Every option, in ballot order.
    pub options: Vec<OptionResult>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Complete, or what is missing.
    pub outcome: Outcome,
    /// What became of each decision, in the order given.
    pub resolutions: Vec<ResolutionReport>,
    /// What would change under the other denominators whose number is known.
    pub sensitivity: Vec<DenominatorSensitivity>,
}

/// Whether the seats are all awarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every seat is awarded.
    Complete {
        /// Seats of every option, in ballot order.
        seats: Vec<SeatCount>,
    },
    /// A tie. What does not depend on it is awarded ([`OptionResult::seats`]), the rest waits for a decision.
    DecisionNeeded {
        /// The tie.
        tie: Tie,
    },
    /// No list is over the threshold (or has a vote). Seats of independents are awarded, the rest is not.
    NoListOverThreshold {
        /// Seats not awarded.
        seats: u32,
        /// What the law says of it.
        law: Source,
    },
}

/// Seats of one option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatCount {
    /// Which option.
    pub option: OptionId,
    /// Its seats.
    pub seats: u32,
}

/// Votes of the lists that share, divided by the seats they share. Never divided out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Votes of the lists that share.
    pub votes: u64,
    /// Seats they share.
    pub seats: u32,
}

/// A comparison without division: `have / whole >= share` written as two products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hurdle {
    /// A list: votes × the threshold's denominator. An independent: votes × seats.
    pub have: u128,
    /// A list: the threshold's number × its numerator. An independent: the quota's number.
    pub need: u128,
    /// `have >= need`, and at least one vote.
    pub passed: bool,
}

/// One option and its seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionResult {
    /// Which option.
    pub id: OptionId,
    /// List or independent.
    pub kind: OptionKind,
    /// Its votes.
    pub votes: u64,
    /// Whether it is over the threshold (list) or the quota (independent).
    pub hurdle: Hurdle,
    /// Its share by quota and remainder, where that was computed for it.
    pub share: Option<QuotaShare>,
    /// Seats won by quotients; 0 under the Hare quota.
    pub quotient_seats: u32,
    /// Seats moved by the runner-up's minimum: to it (positive), from the list alone over the threshold (negative).
    pub moved_by_minimum: i64,
    /// The seats awarded so far, all of them when the outcome is complete. For a list: whole, remainder and quotient
    /// seats and those moved by the minimum; while a tie of runners-up is open, what it gets whoever is chosen.
    pub seats: u32,
}

/// A list's share by quota and remainder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaShare {
    /// Whole quotas in its votes.
    pub whole_seats: u32,
    /// The remainder as a numerator: it is `remainder / quota.votes` of a quota (votes × seats modulo quota votes).
    pub remainder: u64,
    /// Place of the remainder, 1 for the largest; equal remainders have the same.
    pub rank: u32,
    /// Seats by remainder, 0 or 1.
    pub remainder_seats: u32,
    /// Why.
    pub verdict: RemainderVerdict,
}

/// Why a remainder won a seat or did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum RemainderVerdict {
    /// The whole quotas used up every seat.
    NoSeatLeft,
    /// Among the largest.
    Won,
    /// Smaller than those that took the last seats.
    Lost {
        /// The smallest remainder it needed to beat: the last one with a seat, or one of those still tied for it.
        to: OptionId,
        /// By how much, in `1 / quota.votes` of a quota.
        by: u64,
    },
    /// Equal at the line: waits for a decision.
    Tied,
    /// Equal at the line, chosen by a decision.
    WonByDecision,
    /// Equal at the line, not chosen by the decision.
    LostByDecision,
    /// Equal at the line, but the runner-up's minimum settles who has the seat.
    SettledByMinimum,
}

/// A fraction, not divided out and not reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fraction {
    /// Numerator.
    pub numerator: u128,
    /// Denominator, never 0.
    pub denominator: u128,
}

/// The remainder that a winning one is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextRemainder {
    /// Whose it is.
    pub option: OptionId,
    /// The remainder.
    pub remainder: u64,
    /// How much smaller; 0 where both win a seat, so that nothing hangs on it.
    pub by: u64,
}

/// The quotient that a winning one is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextQuotient {
    /// Whose it is.
    pub option: OptionId,
    /// The quotient: votes / divisor.
    pub quotient: Fraction,
    /// How much smaller; 0 where both win a seat, so that nothing hangs on it.
    pub by: Fraction,
}

/// One step of the allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// An independent reached the quota and takes a seat off those of the lists.
    IndependentElected {
        /// Who.
        option: OptionId,
        /// Votes × seats against the quota's number.
        hurdle: Hurdle,
        /// Seats left after it.
        seats_left: u32,
        /// The law behind it.
        law: Source,
    },
    /// The threshold was applied; numbers per list are in [`OptionResult::hurdle`].
    Threshold {
        /// Numerator of the share.
        numerator: u32,
        /// Denominator of the share.
        denominator: u32,
        /// What it is a share of.
        of: Denominator,
        /// The number of that.
        number: u64,
        /// Lists over it, in ballot order.
        passed: Vec<OptionId>,
        /// The law behind the share.
        law: Source,
        /// The law behind what it is a share of.
        of_law: Source,
    },
    /// No list is over the threshold.
    NoListOverThreshold {
        /// Seats not awarded.
        seats: u32,
        /// What the law says of it.
        law: Source,
    },
    /// One list alone is over the threshold and shares with the next one.
    ListAlone {
        /// The list.
        list: OptionId,
        /// The next one; several if they have equal votes, none if no other list has a vote.
        next: Vec<OptionId>,
        /// Seats the next one gets at least.
        minimum: u32,
        /// The law behind it; assumed where there is no next one.
        law: Source,
    },
    /// The lists that share, and how.
    Sharing {
        /// By which method.
        method: Method,
        /// The lists, in ballot order.
        lists: Vec<OptionId>,
        /// Their votes together.
        votes: u64,
        /// Seats they share.
        seats: u32,
        /// The law behind the method.
        law: Source,
    },
    /// Seats by whole quotas were awarded; numbers per list are in [`OptionResult::share`].
    WholeQuotas {
        /// Seats awarded.
        awarded: u32,
        /// Seats left for the remainders.
        left: u32,
    },
    /// A remainder won a seat.
    RemainderSeat {
        /// Whose.
        option: OptionId,
        /// Place of the remainder, 1 for the largest.
        rank: u32,
        /// The remainder (numerator over `of`).
        remainder: u64,
        /// Quota votes, the denominator of the remainder.
        of: u64,
        /// The next smaller (or equal) one; none for the last.
        ahead_of: Option<NextRemainder>,
    },
    /// A quotient won a seat.
    QuotientSeat {
        /// Number of the seat, from 1.
        seat: u32,
        /// Whose.
        option: OptionId,
        /// The quotient: votes / divisor.
        quotient: Fraction,
        /// The highest quotient of another list at that moment; none if there is no other.
        ahead_of: Option<NextQuotient>,
    },
    /// The runner-up was raised to its minimum.
    RaisedToMinimum {
        /// The runner-up.
        option: OptionId,
        /// Seats it had.
        from: u32,
        /// Seats it has.
        to: u32,
        /// The list that makes up for it.
        at_expense_of: OptionId,
        /// The law behind it.
        law: Source,
    },
    /// Equal claims: a decision is needed.
    Tied {
        /// The tie.
        tie: Tie,
    },
    /// A recorded decision resolved equal claims.
    Decided {
        /// The tie.
        tie: Tie,
        /// Those chosen, in ballot order.
        winners: Vec<OptionId>,
    },
}

/// What would change if threshold and quota for independents were shares of another number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DenominatorSensitivity {
    /// The other denominator.
    pub denominator: Denominator,
    /// Its number.
    pub number: u64,
    /// Options that would pass and do not, or do and would not, in ballot order.
    pub passes_changed: Vec<OptionId>,
    /// Options with another number of seats, in ballot order.
    pub seats_changed: Vec<SeatChange>,
    /// What the outcome would be.
    pub outcome: Outcome,
}

/// A different number of seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatChange {
    /// Which option.
    pub option: OptionId,
    /// Seats awarded under the rules in force.
    pub from: u32,
    /// Seats awarded under the other denominator.
    pub to: u32,
}
