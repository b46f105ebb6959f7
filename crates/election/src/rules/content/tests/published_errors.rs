//! Errors that really were published about the elections of 2022 and 2023, and which of them the rules of a station catch.

use super::{check, codes, content, form};
use crate::{
    form::LineMeaning::{BallotsFound, BallotsInvalid, BallotsValid},
    ids::{OptionId, SlotId, StationId},
    protocol::ProtocolContent,
    rules::{Field, RuleCode, Violation, likely_transposition, station::turnout_falls},
    turnout::TurnoutContent,
};

/// The result of 19 March 2023 as one protocol: seven lists in the order of the notice.
fn majilis(amanat: u32) -> ProtocolContent {
    let votes = [
        ("amanat", amanat),
        ("auyl", 693_938),
        ("respublica", 547_154),
        ("aq-jol", 535_139),
        ("qhp", 432_920),
        ("ndsp", 331_058),
        ("baytaq", 146_431),
    ];
    content(&[(BallotsValid, 6_366_441)], &votes, Some(248_291))
}

#[test]
fn amanat_s_transposed_votes_as_an_agency_printed_them_are_caught_and_named() {
    let valid_only = form(&[BallotsValid]);
    assert_eq!(check(&valid_only, &majilis(3_431_510)), []);
    let violations = check(&valid_only, &majilis(3_341_510));
    let amanat = Field::Option(OptionId::new("amanat").unwrap());
    assert_eq!(
        violations,
        [
            Violation::numbers(RuleCode::SumOfVotesDiffers, Field::Line(BallotsValid), 6_366_441, 6_276_441),
            Violation::numbers(RuleCode::DigitsTransposed, amanat, 3_341_510, 3_431_510),
        ]
    );
}

#[test]
fn invalid_ballots_printed_as_a_party_s_votes_are_caught_by_the_sum() {
    let astana = |auyl| {
        let votes = [
            ("amanat", 227_307),
            ("auyl", auyl),
            ("respublica", 5_401),
            ("qhp", 18_174),
            ("baytaq", 18_154),
            ("aq-jol", 56_045),
        ];
        content(&[(BallotsFound, 332_694), (BallotsInvalid, 2_197), (BallotsValid, 330_497)], &votes, Some(3_269))
    };
    let counted = form(&[BallotsFound, BallotsInvalid, BallotsValid]);
    assert_eq!(codes(&counted, &astana(2_147)), []);
    assert_eq!(codes(&counted, &astana(2_197)), [RuleCode::SumOfVotesDiffers]);
}

#[test]
fn a_row_carried_into_the_next_line_is_caught_since_turnout_may_not_fall() {
    // Turkistan in hundredths of a percent: 49.14 at 16:10, then 41.07 printed for 51.07.
    let report = |received_a_ballot| TurnoutContent {
        station: StationId::new("s").unwrap(),
        slot: SlotId::new("18-00").unwrap(),
        revision: 1,
        received_a_ballot,
        register: 10_000,
    };
    assert!(turnout_falls(&report(4_914), &report(4_107)).is_some());
    assert!(turnout_falls(&report(4_914), &report(5_107)).is_none());
}

/// The other published errors, and how far the rules of a station reach: what is no figure of a station (percentages,
/// seats, numbers of stations and countries, rows of regions) they do not see.
#[test]
fn published_registers_with_more_than_two_digits_moved_are_no_likely_transpositions() {
    for (published, truth, off_by_a_multiple_of_nine) in [
        (12_350_004_u64, 12_035_004, true),
        (12_320_550, 12_032_550, true),
        (12_320_052, 12_032_550, false),
        (8_108_668_485, 8_108_668, false),
    ] {
        assert!(!likely_transposition(published, truth));
        assert_eq!(published.abs_diff(truth).is_multiple_of(9), off_by_a_multiple_of_nine, "{published}");
    }
    assert!(u32::try_from(8_108_668_485_u64).is_err(), "no line of a station can hold two numbers run together");
}
