//! How votes become seats, each legal rule with where it comes from.

use crate::form::Certainty;
use std::fmt;

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

/// One rule of a method, for people and for the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalRule<'a> {
    /// Its name, as in `[contests.method.sources]` of election.toml (docs/definition.md).
    pub rule: &'static str,
    /// What it is set to; empty where there is nothing to set.
    pub value: String,
    /// Where it comes from.
    pub source: &'a LegalSource,
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

impl Method {
    /// Its legal rules, in the order in which they are applied.
    #[must_use]
    pub fn legal_rules(&self) -> Vec<LegalRule<'_>> {
        match self {
            Self::List(method) => method.legal_rules(),
            Self::Plurality(method) => vec![
                rule("against_all_ahead", method.against_all_ahead.value.to_string(), &method.against_all_ahead.source),
                rule("plurality", "", &method.source),
                rule("ties", "", &method.ties),
            ],
        }
    }
}

impl ListMethod {
    fn legal_rules(&self) -> Vec<LegalRule<'_>> {
        let mut rules = Vec::new();
        rules.extend(self.independents_by_quota.as_ref().map(|source| rule("independents_by_quota", "", source)));
        if let Some(threshold) = &self.threshold {
            let share = format!("{}/{}", threshold.numerator, threshold.denominator);
            rules.push(rule("threshold", share, &threshold.source));
            rules.push(rule("threshold_of", threshold.of.value.to_string(), &threshold.of.source));
        }
        if let Some(minimum) = &self.sole_list_runner_up_minimum {
            rules.push(rule("sole_list_runner_up_minimum", minimum.value.to_string(), &minimum.source));
        }
        rules.push(rule("no_list_over_threshold", "", &self.no_list_over_threshold));
        rules.push(rule("allocation", self.allocation.value.to_string(), &self.allocation.source));
        rules.push(rule("ties", "", &self.ties));
        rules
    }
}

fn rule<'a>(rule: &'static str, value: impl Into<String>, source: &'a LegalSource) -> LegalRule<'a> {
    LegalRule { rule, value: value.into(), source }
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

impl fmt::Display for ListAllocationRule {
    /// As `election.toml` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HareLargestRemainder => "hare-largest-remainder",
            Self::DHondt => "d-hondt",
        })
    }
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

impl fmt::Display for VoteBase {
    /// As `election.toml` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValidIncludingAgainstAll => "valid_including_against_all",
            Self::ValidWithoutAgainstAll => "valid_without_against_all",
            Self::TookPart => "took_part",
        })
    }
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

impl fmt::Display for AgainstAllAhead {
    /// As `election.toml` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeatOpen => "seat-open",
            Self::Ignored => "ignored",
        })
    }
}
