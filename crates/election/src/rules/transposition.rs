//! Two adjacent digits in the wrong order: the slip behind many a sum that is off by a multiple of 9.

use super::{Field, RuleCode, Violation, content::Identity};

/// Whether swapping two adjacent digits of `written` gives `expected`: a likely slip, no proof of one.
#[must_use]
pub fn likely_transposition(written: u64, expected: u64) -> bool {
    adjacent_swaps(written).any(|swapped| swapped == expected)
}

/// The figures that, with two adjacent digits swapped, mend a failed identity and leave every other sum that they stand
/// in right. Where several figures would do, nothing is said: the rule names a figure or stays silent.
pub(super) fn transposed_figures(identities: &[Identity]) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for identity in identities.iter().filter(|identity| off_by_a_multiple_of_nine(identity)) {
        let mut likely = figures(identity).filter_map(|(field, written)| {
            let mended = mended_total_or_part(identity, field, *written)?;
            (likely_transposition(*written, mended) && fits_elsewhere(identities, identity, field, mended))
                .then(|| Violation::numbers(RuleCode::DigitsTransposed, field.clone(), *written, mended))
        });
        if let (Some(violation), None) = (likely.next(), likely.next())
            && !violations.contains(&violation)
        {
            violations.push(violation);
        }
    }
    violations
}

/// The numbers that swapping two adjacent, different digits gives. One that would begin with 0 is nothing that a person
/// meant to write.
fn adjacent_swaps(number: u64) -> impl Iterator<Item = u64> {
    let places = number.checked_ilog10().unwrap_or(0);
    (0..places).filter_map(move |place| {
        let unit = 10_u64.pow(place);
        let (low, high) = (number / unit % 10, number / unit / 10 % 10);
        if low == high || (low == 0 && place + 1 == places) {
            return None;
        }
        // A number near u64::MAX may have no swap that fits.
        (number - (low + 10 * high) * unit).checked_add((high + 10 * low).checked_mul(unit)?)
    })
}

/// A swap of two digits moves a number by a multiple of 9: other differences need no closer look.
fn off_by_a_multiple_of_nine(identity: &Identity) -> bool {
    !identity.holds() && identity.total.1.abs_diff(identity.sum()).is_multiple_of(9)
}

fn figures(identity: &Identity) -> impl Iterator<Item = &(Field, u64)> {
    std::iter::once(&identity.total).chain(&identity.parts)
}

/// What must stand in a field, all others being right; none when that would be below 0.
fn mended_total_or_part(identity: &Identity, field: &Field, written: u64) -> Option<u64> {
    if identity.total.0 == *field {
        return Some(identity.sum());
    }
    (identity.total.1 + written).checked_sub(identity.sum())
}

/// Whether the mended figure is also what every other sum with this field asks for.
fn fits_elsewhere(identities: &[Identity], mended_one: &Identity, field: &Field, mended: u64) -> bool {
    identities.iter().filter(|other| other.code != mended_one.code).all(|other| {
        match figures(other).find(|(other_field, _)| other_field == field) {
            Some((_, written)) => mended_total_or_part(other, field, *written) == Some(mended),
            None => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapping_two_adjacent_digits_is_likely_and_nothing_else_is() {
        let likely = [(12, 21), (3_341_510, 3_431_510), (120, 102), (203, 230)];
        for (written, expected) in likely {
            assert!(likely_transposition(written, expected), "{written} {expected}");
        }
        let unlikely = [(0, 0), (7, 7), (11, 11), (12, 12), (12, 13), (10, 1), (1, 10), (321, 123), (19, 28)];
        for (written, expected) in unlikely {
            assert!(!likely_transposition(written, expected), "{written} {expected}");
        }
    }

    #[test]
    fn no_number_is_too_large_to_be_looked_at() {
        for number in [u64::MAX, u64::MAX - 1, 10_u64.pow(19), 18_000_000_000_000_000_009] {
            assert!(adjacent_swaps(number).all(|swapped| swapped.abs_diff(number).is_multiple_of(9)));
        }
    }
}
