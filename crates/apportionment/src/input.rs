//! What goes into a list allocation, and what is refused.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::rules::{Denominator, ListRules, MAX_SEATS};
use crate::tie::TieResolution;

/// Most options on one ballot; bounds the work of a call, far above any ballot known.
pub const MAX_OPTIONS: usize = 1_000;

/// Identifies an option of a contest: a list, an independent, a candidate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OptionId(String);

impl OptionId {
    /// An id from its text, as the definition writes it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for OptionId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl fmt::Display for OptionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What an option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// A list: needs the threshold, may win many seats.
    List,
    /// An independent: needs the quota, may win one seat.
    Independent,
}

/// One option of the ballot and its votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOption {
    /// Which option.
    pub id: OptionId,
    /// List or independent.
    pub kind: OptionKind,
    /// Votes.
    pub votes: u64,
}

impl ListOption {
    /// A list with its votes.
    pub fn list(id: impl Into<String>, votes: u64) -> Self {
        Self { id: OptionId::new(id), kind: OptionKind::List, votes }
    }

    /// An independent with their votes.
    pub fn independent(id: impl Into<String>, votes: u64) -> Self {
        Self { id: OptionId::new(id), kind: OptionKind::Independent, votes }
    }
}

/// The figures of a list contest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListInput {
    /// Options in ballot order, which is the order of the output; it never decides a seat.
    pub options: Vec<ListOption>,
    /// Votes against all; `None` where the ballot has no such line or the number is unknown.
    pub against_all: Option<u64>,
    /// Ballots found; `None` where unknown.
    pub took_part: Option<u64>,
    /// Decisions on ties, in any order.
    pub resolved: Vec<TieResolution>,
}

/// Why figures or rules cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Two options have one id.
    #[error("option {id} is there twice; give every option an id of its own")]
    DuplicateOption {
        /// The id.
        id: OptionId,
    },
    /// More options than a call takes.
    #[error("{options} options, at most {MAX_OPTIONS} are possible; split the contest")]
    TooManyOptions {
        /// How many there are.
        options: usize,
    },
    /// More seats than a call takes.
    #[error("{seats} seats, at most {MAX_SEATS} are possible; correct the contest's seats")]
    TooManySeats {
        /// How many there are.
        seats: u32,
    },
    /// The votes do not fit into 64 bits together.
    #[error("the votes add up to more than 2^64 - 1; a figure must be wrong")]
    VotesOverflow,
    /// A rule needs a number that the input does not have.
    #[error(
        "{rule} is a share of {denominator:?}, which is unknown here; give its number or choose another denominator"
    )]
    DenominatorUnknown {
        /// Which rule.
        rule: &'static str,
        /// Which denominator.
        denominator: Denominator,
    },
    /// The threshold is no share between 0 and 1.
    #[error("a threshold of {numerator}/{denominator} is no share between 0 and 1; correct the rule")]
    ThresholdNotAShare {
        /// Its numerator.
        numerator: u32,
        /// Its denominator.
        denominator: u32,
    },
    /// The runner-up's minimum exceeds the seats.
    #[error("the runner-up's minimum of {minimum} is more than the {seats} seats; correct the rule")]
    RunnerUpMinimumOverSeats {
        /// The minimum.
        minimum: u32,
        /// Seats of the contest.
        seats: u32,
    },
    /// Two rules that contradict each other when few seats are left.
    #[error("a sole-list rule beside independents by quota is not supported; drop one of the rules")]
    SoleListRuleWithIndependents,
    /// An independent stands, but no rule says how one is elected.
    #[error(
        "option {id} is an independent, but the rules have no quota for independents; add the rule or make it a list"
    )]
    IndependentWithoutRule {
        /// The independent.
        id: OptionId,
    },
}

impl ListInput {
    /// Refuses figures that these rules cannot be applied to.
    pub(crate) fn check(&self, rules: &ListRules) -> Result<(), InputError> {
        check_ids(self.options.iter().map(|option| &option.id))?;
        let all = self.options.iter().map(|option| option.votes).chain(self.against_all);
        sum(all)?;
        let stray = self.options.iter().find(|option| option.kind == OptionKind::Independent);
        match stray {
            Some(option) if rules.independents.is_none() => {
                Err(InputError::IndependentWithoutRule { id: option.id.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The number behind a denominator; `None` where it is unknown. Call after `check`.
    pub(crate) fn number_of(&self, denominator: Denominator) -> Option<u64> {
        let options = sum(self.options.iter().map(|option| option.votes)).ok()?;
        match denominator {
            Denominator::ValidIncludingAgainstAll => options.checked_add(self.against_all?),
            Denominator::ValidWithoutAgainstAll => Some(options),
            Denominator::TookPart => self.took_part,
        }
    }
}

/// Refuses too many options and repeated ids.
pub(crate) fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a OptionId>) -> Result<(), InputError> {
    if ids.len() > MAX_OPTIONS {
        return Err(InputError::TooManyOptions { options: ids.len() });
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(InputError::DuplicateOption { id: id.clone() });
        }
    }
    Ok(())
}

fn sum(votes: impl Iterator<Item = u64>) -> Result<u64, InputError> {
    let mut total: u64 = 0;
    for count in votes {
        total = total.checked_add(count).ok_or(InputError::VotesOverflow)?;
    }
    Ok(total)
}
