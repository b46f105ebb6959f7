//! Votes to seats, exact and explained (design, D11).
//!
//! * [`allocate_lists`]: party lists by Hare quota with largest remainders, D'Hondt or Sainte-Laguë, with a
//!   threshold, the rule for a list alone over it, and independents elected by quota.
//! * [`plurality`]: one seat to the candidate with the most votes, with an "against all" line.
//!
//! Pure: no I/O, no clock, no memory between calls. Integers only: votes are `u64`, products `u128`, fractions are
//! compared by cross-multiplication. The output is its own explanation: it repeats the rules with the law behind
//! each and how sure that is ([`Source`]), and says in order why each seat went where it did ([`Step`]).
//!
//! **A tie is never broken here.** It comes out as [`Outcome::DecisionNeeded`]; the seats that do not depend on it
//! are awarded, no others. A recorded decision goes in as a [`TieResolution`]. It is void, and reported as void,
//! when the tie it was made for no longer exists.
//!
//! What no law was found for has a name as well and awards nothing: [`Outcome::NoListOverThreshold`],
//! [`PluralityOutcome::AgainstAllAhead`], [`PluralityOutcome::NoVotes`].

mod cut;
mod input;
mod list;
mod plurality;
mod rules;
mod tie;

pub use input::{InputError, ListInput, ListOption, MAX_OPTIONS, OptionId, OptionKind};
pub use list::allocate_lists;
pub use list::output::{
    DenominatorSensitivity, Fraction, Hurdle, ListAllocation, NextQuotient, NextRemainder, OptionResult, Outcome,
    Quota, QuotaShare, RemainderVerdict, SeatChange, SeatCount, Step,
};
pub use plurality::{
    AgainstAllAhead, Candidate, CandidateResult, PluralityInput, PluralityOutcome, PluralityResult, PluralityRules,
    plurality,
};
pub use rules::{
    Certainty, Denominator, IndependentsByQuota, ListRules, MAX_SEATS, Method, SoleListRule, Source, Sourced, Threshold,
};
pub use tie::{ResolutionReport, Standing, Tie, TieResolution, TieStage, VoidReason};
