//! What a check finds: the rule that fires, the field, and what stands there.

use super::RuleCode;
use crate::{form::LineMeaning, ids::OptionId};
use std::fmt;

/// One rule that fires on one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The rule.
    pub code: RuleCode,
    /// Where.
    pub field: Field,
    /// The number written there, where it is a number.
    pub written: Option<u64>,
    /// The number that should stand there, or the limit that it breaks.
    pub expected: Option<u64>,
}

/// A field of a submission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A line of the form.
    Line(LineMeaning),
    /// The votes for an option.
    Option(OptionId),
    /// The votes against all.
    AgainstAll,
    /// Any other field, by its name in the submission.
    Named(&'static str),
}

impl Violation {
    /// A rule that fires on a field without numbers.
    pub(super) fn new(code: RuleCode, field: Field) -> Self {
        Self { code, field, written: None, expected: None }
    }

    /// A rule that fires on a field named.
    pub(super) fn named(code: RuleCode, field: &'static str) -> Self {
        Self::new(code, Field::Named(field))
    }

    /// A rule that fires on a number.
    pub(super) fn numbers(code: RuleCode, field: Field, written: u64, expected: u64) -> Self {
        Self { code, field, written: Some(written), expected: Some(expected) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(meaning) => meaning.fmt(f),
            Self::Option(option) => write!(f, "votes[{option}]"),
            Self::AgainstAll => f.write_str("against_all"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.code, self.field)?;
        match (self.written, self.expected) {
            (Some(written), Some(expected)) => write!(f, ": {written} is written, expected {expected}"),
            (Some(written), None) => write!(f, ": {written} is written"),
            (None, Some(expected)) => write!(f, ": nothing is written, expected {expected}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_code_field_and_numbers() {
        let sum = Violation::numbers(RuleCode::SumOfVotesDiffers, Field::Line(LineMeaning::BallotsValid), 10, 9);
        assert_eq!(sum.to_string(), "SUM_OF_VOTES_DIFFERS at ballots_valid: 10 is written, expected 9");
        let option = Field::Option(OptionId::new("amanat").unwrap());
        assert_eq!(Violation::new(RuleCode::OptionsMismatch, option).to_string(), "OPTIONS_MISMATCH at votes[amanat]");
        assert_eq!(Violation::named(RuleCode::TooLong, "reason").to_string(), "TOO_LONG at reason");
        assert_eq!(Field::AgainstAll.to_string(), "against_all");
    }
}
