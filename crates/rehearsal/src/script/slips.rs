//! Wrong protocols: what a tired commission writes instead of the truth. The catalogue's own rules say what each slip is.

use super::dice::Dice;
use hattama_election::{
    definition::{Definition, Station},
    form::{Form, LineMeaning},
    protocol::{MAX_COUNT, ProtocolContent},
    rules::{RuleCode, Severity, content},
};
use std::collections::BTreeSet;

/// A miscount is off by so many: below 9, so that nobody takes it for transposed digits.
const MISCOUNTED_BY: std::ops::RangeInclusive<u32> = 1..=8;
/// The largest pile that lands under another option.
const LARGEST_PILE: u32 = 200;
/// The lines in which digits are transposed: those that a sum checks on both sides.
const TRANSPOSED_LINES: [LineMeaning; 2] = [LineMeaning::BallotsValid, LineMeaning::BallotsFound];

/// A figure of a protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    Line(LineMeaning),
    Option(usize),
    AgainstAll,
}

/// The truth with one figure miscounted, so that it is held; `None` when no miscount is.
pub(super) fn sum_wrong(
    definition: &Definition,
    station: &Station,
    truth: &ProtocolContent,
    dice: &mut Dice,
) -> Option<ProtocolContent> {
    let form = form_of(definition, station, truth)?;
    let by = dice.within(&MISCOUNTED_BY);
    rotated(figures(truth), dice).into_iter().find_map(|figure| {
        let wrong = with(truth, figure, get(truth, figure)? + by)?;
        is_held(definition, form, &wrong).then_some(wrong)
    })
}

/// The truth with two adjacent digits of one figure transposed, so that it is held and the rule names the slip.
pub(super) fn digits_transposed(
    definition: &Definition,
    station: &Station,
    truth: &ProtocolContent,
    dice: &mut Dice,
) -> Option<ProtocolContent> {
    let form = form_of(definition, station, truth)?;
    rotated(figures(truth), dice).into_iter().find_map(|figure| {
        swaps(get(truth, figure)?).into_iter().find_map(|swapped| {
            let wrong = with(truth, figure, swapped)?;
            let named = codes(form, &wrong).contains(&RuleCode::DigitsTransposed);
            (named && is_held(definition, form, &wrong)).then_some(wrong)
        })
    })
}

/// The truth with a pile of votes under another option and every sum right; `None` where there is no pile to move.
pub(super) fn pile_moved(truth: &ProtocolContent, dice: &mut Dice) -> Option<ProtocolContent> {
    let lines: Vec<Figure> = votes(truth).collect();
    let from = rotated(lines.clone(), dice).into_iter().find(|figure| get(truth, *figure).unwrap_or(0) > 0)?;
    let left = get(truth, from)?;
    let pile = dice.within(&(1..=left.min(LARGEST_PILE)));
    let to = rotated(lines, dice).into_iter().find(|figure| *figure != from)?;
    with(&with(truth, from, left - pile)?, to, get(truth, to)? + pile)
}

fn form_of<'a>(definition: &'a Definition, station: &Station, content: &ProtocolContent) -> Option<&'a Form> {
    let (_, contest) = definition.contest(&content.contest)?;
    Some(definition.form_of(station, contest))
}

fn votes(content: &ProtocolContent) -> impl Iterator<Item = Figure> {
    (0..content.votes.len()).map(Figure::Option).chain(content.against_all.map(|_| Figure::AgainstAll))
}

fn figures(content: &ProtocolContent) -> Vec<Figure> {
    let lines = TRANSPOSED_LINES.into_iter().filter(|line| content.lines.get(*line).is_some());
    votes(content).chain(lines.map(Figure::Line)).collect()
}

/// The figures from a random one on.
fn rotated(mut figures: Vec<Figure>, dice: &mut Dice) -> Vec<Figure> {
    let start = dice.below(u32::try_from(figures.len()).unwrap_or(0)) as usize;
    figures.rotate_left(start);
    figures
}

fn get(content: &ProtocolContent, figure: Figure) -> Option<u32> {
    match figure {
        Figure::Line(meaning) => content.lines.get(meaning),
        Figure::Option(place) => content.votes.get(place).map(|(_, votes)| *votes),
        Figure::AgainstAll => content.against_all,
    }
}

/// The content with another number in one place; `None` when no protocol may have it.
fn with(content: &ProtocolContent, figure: Figure, count: u32) -> Option<ProtocolContent> {
    let mut changed = content.clone();
    match figure {
        Figure::Line(meaning) => changed.lines.set(meaning, count),
        Figure::Option(place) => changed.votes.get_mut(place)?.1 = count,
        Figure::AgainstAll => changed.against_all = Some(count),
    }
    (count <= MAX_COUNT).then_some(changed)
}

fn swaps(number: u32) -> Vec<u32> {
    let digits = number.to_string().into_bytes();
    let swap = |place: usize| {
        let mut swapped = digits.clone();
        swapped.swap(place, place + 1);
        String::from_utf8(swapped).ok()?.parse().ok()
    };
    (0..digits.len().saturating_sub(1)).filter_map(swap).filter(|swapped| *swapped != number).collect()
}

fn codes(form: &Form, wrong: &ProtocolContent) -> BTreeSet<RuleCode> {
    content::protocol(form, wrong, &BTreeSet::new()).into_iter().map(|violation| violation.code).collect()
}

fn is_held(definition: &Definition, form: &Form, wrong: &ProtocolContent) -> bool {
    let severity = |code: &RuleCode| definition.severities.get(code).copied().unwrap_or(Severity::Off);
    codes(form, wrong).iter().any(|code| severity(code) >= Severity::Hold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_swapped_with_their_neighbours_only() {
        assert_eq!(swaps(123), [213, 132]);
        assert_eq!(swaps(100), [10]);
        assert!(swaps(7).is_empty() && swaps(77).is_empty());
    }
}
