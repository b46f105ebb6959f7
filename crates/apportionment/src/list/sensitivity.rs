//! What would change if shares were shares of another number.

use super::allocate;
use super::output::{DenominatorSensitivity, ListAllocation, OptionResult, SeatChange};
use crate::input::{InputError, ListInput, OptionId};
use crate::rules::{Denominator, ListRules};

/// Allocates again under every other denominator whose number is known, and compares.
pub(super) fn compare(
    rules: &ListRules,
    input: &ListInput,
    allocation: &ListAllocation,
) -> Result<Vec<DenominatorSensitivity>, InputError> {
    let mut found = Vec::new();
    for denominator in Denominator::ALL {
        if in_force(rules, denominator) {
            continue;
        }
        let Some(number) = input.number_of(denominator) else { continue };
        let other = allocate(&with_denominator(rules, denominator), input)?;
        let pairs = || allocation.options.iter().zip(&other.options);
        found.push(DenominatorSensitivity {
            denominator,
            number,
            passes_changed: pairs().filter_map(pass_change).collect(),
            seats_changed: pairs().filter_map(seat_change).collect(),
            outcome: other.outcome,
        });
    }
    Ok(found)
}

/// Whether every share of these rules is a share of this one already.
fn in_force(rules: &ListRules, denominator: Denominator) -> bool {
    let quota_of = rules.independents.as_ref().map(|rule| rule.of.value);
    rules.threshold.of.value == denominator && quota_of.is_none_or(|of| of == denominator)
}

fn with_denominator(rules: &ListRules, denominator: Denominator) -> ListRules {
    let mut other = rules.clone();
    other.threshold.of.value = denominator;
    if let Some(rule) = &mut other.independents {
        rule.of.value = denominator;
    }
    other
}

fn pass_change((now, other): (&OptionResult, &OptionResult)) -> Option<OptionId> {
    (now.hurdle.passed != other.hurdle.passed).then(|| now.id.clone())
}

fn seat_change((now, other): (&OptionResult, &OptionResult)) -> Option<SeatChange> {
    let change = || SeatChange { option: now.id.clone(), from: now.seats, to: other.seats };
    (now.seats != other.seats).then(change)
}
