//! How votes become seats, each legal rule with where it comes from.

use crate::form::Certainty;

/// A legal rule's source and how sure we are of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalSource {
    /// The article, or who says so, or that none was found.
    pub article: String,
    /// How sure we are.
    pub certainty: Certainty,
}

/// What a legal rule says, and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// What it says.
    pub value: T,
    /// Where it comes from.
    pub source: LegalSource,
}

/// How votes become seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Seats are allocated to lists.
    List(ListMethod),
    /// The option with the most votes wins the one seat.
    Plurality(PluralityMethod),
}

/// How a list contest allocates its seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMethod {
    /// Seats to allocate.
    pub seats: u32,
    /// How the lists share them.
    pub allocation: Sourced<ListAllocationRule>,
    /// The line to pass; none means no threshold.
    pub threshold: Option<Threshold>,
    /// When one list alone passes, the runner-up gets at least this many seats.
    pub sole_list_runner_up_minimum: Option<Sourced<u32>>,
    /// The law by which independents are elected with valid votes / seats, one seat each; none means that none stand.
    pub independents_by_quota: Option<LegalSource>,
    /// What the law says of equal claims to a seat: a commission decides them.
    pub ties: LegalSource,
    /// What the law says when no list passes: the seats stay open.
    pub no_list_over_threshold: LegalSource,
}

/// How a district contest fills its one seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluralityMethod {
    /// The law by which the most votes win.
    pub source: LegalSource,
    /// What happens when against all is ahead of every candidate.
    pub against_all_ahead: Sourced<AgainstAllAhead>,
    /// What the law says of equal votes: a commission decides.
    pub ties: LegalSource,
}

/// The rule of a list allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListAllocationRule {
    /// Hare quota with largest remainder.
    HareLargestRemainder,
    /// D'Hondt's highest averages.
    DHondt,
}

/// A threshold as a fraction of a named denominator; exactly on the line passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// Numerator, e.g. 5.
    pub numerator: u32,
    /// Denominator, e.g. 100.
    pub denominator: u32,
    /// The law behind the fraction.
    pub source: LegalSource,
    /// Of which number of votes: a question of its own, with its own answer.
    pub of: Sourced<VoteBase>,
}

/// A number of votes that percentages and thresholds may be taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteBase {
    /// Votes for all options and against all.
    ValidIncludingAgainstAll,
    /// Votes for all options.
    ValidWithoutAgainstAll,
    /// Ballots found in the boxes.
    TookPart,
}

/// What happens when against all is ahead of every candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgainstAllAhead {
    /// The seat stays open until a commission decides.
    SeatOpen,
    /// The candidate with the most votes wins all the same.
    Ignored,
}
