//! The rules of a list contest, each with the law behind it.

use serde::Serialize;

use crate::input::InputError;

/// Most seats in one contest. The largest chamber there is has about 3,000; the limit bounds the rounds of a
/// divisor method.
pub const MAX_SEATS: u32 = 10_000;

/// How sure it is that a rule is the law in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Read in a public page of the time.
    Found,
    /// Read in an older edition of the law, which may have been reworded since.
    Older,
    /// Stated by the press of the time.
    Press,
    /// From general knowledge, not confirmed.
    Assumed,
    /// Our arithmetic on published figures.
    Derived,
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Source {
    /// Law and article, or what stands for them ("no law found").
    pub article: String,
    /// How sure it is.
    pub certainty: Certainty,
}

impl Source {
    /// A source from an article and how sure it is.
    pub fn new(article: impl Into<String>, certainty: Certainty) -> Self {
        let article = article.into();
        Self { article, certainty }
    }
}

/// A legal value together with its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The law behind it.
    pub source: Source,
}

impl<T> Sourced<T> {
    /// A value with its source.
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }
}

/// How lists share the seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Whole Hare quotas (votes / seats), then the largest remainders.
    HareLargestRemainder,
    /// Highest quotients by 1, 2, 3 …
    DHondt,
    /// Highest quotients by 1, 3, 5 …
    SainteLague,
}

/// What a share of the vote is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denominator {
    /// Votes for all options and against all.
    ValidIncludingAgainstAll,
    /// Votes for all options.
    ValidWithoutAgainstAll,
    /// Ballots found in the boxes: valid and invalid.
    TookPart,
}

impl Denominator {
    /// Every denominator, in the order they are reported.
    pub const ALL: [Self; 3] = [Self::ValidIncludingAgainstAll, Self::ValidWithoutAgainstAll, Self::TookPart];
}

/// The share of the vote a list needs. Exactly on the line passes; a list without a single vote never does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Threshold {
    /// Numerator of the share: 5 of 5/100. 0 is no threshold.
    pub numerator: u32,
    /// Denominator of the share: 100 of 5/100. Not 0.
    pub denominator: u32,
    /// The law behind the share.
    pub source: Source,
    /// What it is a share of.
    pub of: Sourced<Denominator>,
}

/// When one list alone is over the threshold, it shares the seats with the next one.
///
/// No law was found for a next one that nobody voted for. Read here as everywhere: nobody wins a seat without a vote.
/// Such a list is no runner-up, and a list alone without a runner-up takes every seat; the explanation marks that as
/// assumed, whatever the rule itself is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SoleListRule {
    /// Seats the next list gets at least. Not more than the contest has.
    pub minimum_for_runner_up: u32,
    /// The law behind it.
    pub source: Source,
}

/// An independent is elected with at least `of / seats` votes, takes one seat, and no more. The lists share the
/// rest. Independents need no threshold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct IndependentsByQuota {
    /// What is divided by the contest's seats.
    pub of: Sourced<Denominator>,
    /// The law behind it.
    pub source: Source,
}

/// The rules of a list contest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ListRules {
    /// Seats of the contest, at most [`MAX_SEATS`].
    pub seats: u32,
    /// How lists share them.
    pub method: Sourced<Method>,
    /// Which lists take part in the sharing.
    pub threshold: Threshold,
    /// What happens when one list alone is over the threshold; without the rule it takes every seat.
    pub sole_list_rule: Option<SoleListRule>,
    /// How independents are elected; without the rule there may be none.
    pub independents: Option<IndependentsByQuota>,
    /// What the law says of equal claims to a seat.
    pub tie: Source,
    /// What the law says when no list is over the threshold.
    pub no_list_over_threshold: Source,
}

impl ListRules {
    /// Refuses rules that cannot be applied to any votes.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        if self.seats > MAX_SEATS {
            return Err(InputError::TooManySeats { seats: self.seats });
        }
        let Threshold { numerator, denominator, .. } = self.threshold;
        if denominator == 0 || numerator > denominator {
            return Err(InputError::ThresholdNotAShare { numerator, denominator });
        }
        let Some(rule) = &self.sole_list_rule else { return Ok(()) };
        if rule.minimum_for_runner_up > self.seats {
            let minimum = rule.minimum_for_runner_up;
            return Err(InputError::RunnerUpMinimumOverSeats { minimum, seats: self.seats });
        }
        // With both, the seats left might be fewer than the minimum. No known law has both.
        if self.independents.is_some() {
            return Err(InputError::SoleListRuleWithIndependents);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AgainstAllAhead;

    fn word(value: &impl Serialize) -> String {
        serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn the_explanation_has_the_words_of_the_definition() {
        let methods = [Method::HareLargestRemainder, Method::DHondt];
        let methods = methods.map(|method| word(&method).replace('_', "-"));
        assert_eq!(methods, ["hare-largest-remainder", "d-hondt"]);
        let denominators = Denominator::ALL.map(|of| word(&of));
        let expected = ["valid_including_against_all", "valid_without_against_all", "took_part"];
        assert_eq!(denominators, expected);
        let ahead = [AgainstAllAhead::SeatOpen, AgainstAllAhead::Ignored];
        let ahead = ahead.map(|rule| word(&rule).replace('_', "-"));
        assert_eq!(ahead, ["seat-open", "ignored"]);
    }
}
