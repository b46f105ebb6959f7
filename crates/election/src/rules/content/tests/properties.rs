//! What holds for every protocol, whatever its figures.

use super::*;
use crate::rules::{Severity, likely_transposition};
use proptest::prelude::*;

/// Figures of a night: which turn-out, how many spoiled, invalid, carried away, and how the valid ones divide.
fn consistent() -> impl Strategy<Value = ProtocolContent> {
    (1_u32..5_000, 0_u32..50, 0_u32..=100, 0_u32..50, 0_u32..500, 0_u32..100, prop::collection::vec(0_u32..1_000, 1..9))
        .prop_map(|(listed, added, turnout, spoiled, unused, away, weights)| {
            let issued = u32::try_from(u64::from(listed + added) * u64::from(turnout) / 100).unwrap();
            let found = issued - issued.min(away);
            let invalid = found.min(spoiled);
            let valid = found - invalid;
            let all: u32 = weights.iter().sum();
            let mut votes: Vec<u32> = weights.iter().map(|weight| valid * weight / all.max(1)).collect();
            let against_all = valid - votes.iter().sum::<u32>();
            let lines = [
                (VotersListed, listed),
                (VotersAdded, added),
                (BallotsReceived, issued + unused + spoiled),
                (BallotsIssued, issued),
                (IssuedOutside, issued / 7),
                (IssuedAbsentee, issued),
                (BallotsUnused, unused),
                (BallotsSpoiled, spoiled),
                (BallotsFound, found),
                (FoundPortable, found / 9),
                (BallotsInvalid, invalid),
                (BallotsValid, valid),
            ];
            let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
            let votes: Vec<_> = names.into_iter().zip(votes.drain(..)).collect();
            content(&lines, &votes, Some(against_all))
        })
}

/// The places of a full form that stand in an identity: seven lines, then the options, then against all.
const IN_IDENTITIES: [LineMeaning; 7] =
    [BallotsReceived, BallotsIssued, BallotsUnused, BallotsSpoiled, BallotsFound, BallotsInvalid, BallotsValid];

fn figure(content: &ProtocolContent, place: prop::sample::Index) -> (Field, u32) {
    let place = place.index(IN_IDENTITIES.len() + content.votes.len() + 1);
    if let Some(meaning) = IN_IDENTITIES.get(place) {
        return (Field::Line(*meaning), content.lines.get(*meaning).unwrap());
    }
    match content.votes.get(place - IN_IDENTITIES.len()) {
        Some((option, votes)) => (Field::Option(option.clone()), *votes),
        None => (Field::AgainstAll, content.against_all.unwrap()),
    }
}

fn set(content: &mut ProtocolContent, field: &Field, count: u32) {
    match field {
        Field::Line(meaning) => content.lines.set(*meaning, count),
        Field::Option(option) => {
            content.votes.iter_mut().filter(|(id, _)| id == option).for_each(|(_, votes)| *votes = count);
        }
        Field::AgainstAll => content.against_all = Some(count),
        Field::Named(name) => panic!("{name} is no figure of a content"),
    }
}

proptest! {
    #[test]
    fn a_consistent_protocol_is_never_held(content in consistent()) {
        let held = |code: &RuleCode| code.default_severity() >= Severity::Hold;
        let full = codes(&form(&LineMeaning::ALL), &content);
        prop_assert!(!full.iter().any(held), "{full:?}");
        prop_assert!(!full.contains(&RuleCode::DigitsTransposed));
    }

    #[test]
    fn changing_one_figure_of_a_full_form_breaks_a_sum(
        content in consistent(), place: prop::sample::Index, other in 0_u32..=9_999_999
    ) {
        let (field, written) = figure(&content, place);
        prop_assume!(written != other);
        let mut changed = content.clone();
        set(&mut changed, &field, other);
        let fired = codes(&form(&LineMeaning::ALL), &changed);
        prop_assert!(fired.iter().any(|code| (100..=103).contains(&code.number())), "{field}: {fired:?}");
    }

    #[test]
    fn a_transposition_is_named_rightly_or_not_at_all(content in consistent(), place: prop::sample::Index, at in 0_u32..4) {
        let (field, written) = figure(&content, place);
        let unit = 10_u32.pow(at);
        let (low, high) = (written / unit % 10, written / unit / 10 % 10);
        let slip = written - (low + 10 * high) * unit + (high + 10 * low) * unit;
        prop_assume!(likely_transposition(u64::from(slip), u64::from(written)));
        let mut changed = content.clone();
        set(&mut changed, &field, slip);
        let named = check(&form(&LineMeaning::ALL), &changed);
        for violation in named.into_iter().filter(|violation| violation.code == RuleCode::DigitsTransposed) {
            prop_assert_eq!(&violation.field, &field);
            prop_assert_eq!(violation.expected, Some(u64::from(written)));
        }
    }

    #[test]
    fn no_figures_make_the_rules_panic(
        on_form in prop::sample::subsequence(LineMeaning::ALL.to_vec(), 0..=12),
        lines in prop::collection::vec(prop::option::of(prop_oneof![0_u32..200, any::<u32>(), Just(u32::MAX)]), 12),
        votes in prop::collection::vec(("[ab]", any::<u32>()), 0..6),
        against_all: Option<u32>,
    ) {
        let lines: Vec<_> = LineMeaning::ALL.into_iter().zip(lines).filter_map(|(line, count)| Some((line, count?))).collect();
        let votes: Vec<_> = votes.iter().map(|(option, votes)| (option.as_str(), *votes)).collect();
        let content = content(&lines, &votes, against_all);
        let violations = protocol(&form(&on_form), &content, &BTreeSet::from([OptionId::new("a").unwrap()]));
        prop_assert!(violations.is_sorted_by_key(|violation| violation.code));
    }
}
