//! Rules on the counted figures of several submissions of one station. They may only flag (design, D9).

use super::{Field, RuleCode, Violation};
use crate::{form::LineMeaning, protocol::ProtocolContent, turnout::TurnoutContent};

/// Two contests may differ by this many ballots: some voters take one ballot only. This project's line, assumed.
pub const FAR_APART_BALLOTS: u64 = 10;
/// Or by this share of the larger number. This project's line, assumed.
pub const FAR_APART_PERCENT: u64 = 2;

/// Whether ballots issued, as the list protocol has them, differ from the station's last turnout report. Does not fire
/// without a report or where issued ballots are not written.
#[must_use]
pub fn issued_differs_from_turnout(last_report: Option<&TurnoutContent>, list: &ProtocolContent) -> Option<Violation> {
    let received = u64::from(last_report?.received_a_ballot);
    let issued = u64::from(list.lines.get(LineMeaning::BallotsIssued)?);
    let field = Field::Line(LineMeaning::BallotsIssued);
    (issued != received).then(|| Violation::numbers(RuleCode::IssuedDiffersFromTurnout, field, issued, received))
}

/// Whether a turnout report is below one of an earlier slot.
#[must_use]
pub fn turnout_falls(previous: &TurnoutContent, this: &TurnoutContent) -> Option<Violation> {
    let (before, now) = (u64::from(previous.received_a_ballot), u64::from(this.received_a_ballot));
    let field = Field::Named("received_a_ballot");
    (now < before).then(|| Violation::numbers(RuleCode::TurnoutFalls, field, now, before))
}

/// Whether the ballots of two contests of one station differ by more than [`FAR_APART_BALLOTS`] and more than
/// [`FAR_APART_PERCENT`] of the larger number. Found ballots are compared, else issued ones; it does not fire where
/// neither is written in both. The violation says what `a` has and what `b` has.
#[must_use]
pub fn contests_far_apart(a: &ProtocolContent, b: &ProtocolContent) -> Option<Violation> {
    let both = |meaning| Some((meaning, u64::from(a.lines.get(meaning)?), u64::from(b.lines.get(meaning)?)));
    let (meaning, of_a, of_b) = both(LineMeaning::BallotsFound).or_else(|| both(LineMeaning::BallotsIssued))?;
    let difference = of_a.abs_diff(of_b);
    let far = difference > FAR_APART_BALLOTS && difference * 100 > of_a.max(of_b) * FAR_APART_PERCENT;
    far.then(|| Violation::numbers(RuleCode::ContestsFarApart, Field::Line(meaning), of_a, of_b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        form::Lines,
        ids::{ContestId, SlotId, StationId},
    };

    fn content(meaning: LineMeaning, count: u32) -> ProtocolContent {
        let mut lines = Lines::default();
        lines.set(meaning, count);
        ProtocolContent {
            station: StationId::new("s").unwrap(),
            contest: ContestId::new("c").unwrap(),
            revision: 1,
            lines,
            votes: Vec::new(),
            against_all: None,
        }
    }

    fn report(received_a_ballot: u32) -> TurnoutContent {
        let (station, slot) = (StationId::new("s").unwrap(), SlotId::new("20-00").unwrap());
        TurnoutContent { station, slot, revision: 1, received_a_ballot, register: 1_000 }
    }

    #[test]
    fn issued_ballots_are_compared_with_the_last_report_where_both_are_there() {
        let issued = content(LineMeaning::BallotsIssued, 500);
        assert_eq!(issued_differs_from_turnout(Some(&report(500)), &issued), None);
        assert_eq!(issued_differs_from_turnout(None, &issued), None);
        assert_eq!(
            issued_differs_from_turnout(Some(&report(500)), &content(LineMeaning::BallotsFound, 400)),
            None,
            "absent is not zero"
        );
        for received in [499, 501] {
            let violation = issued_differs_from_turnout(Some(&report(received)), &issued).unwrap();
            assert_eq!((violation.written, violation.expected), (Some(500), Some(u64::from(received))));
        }
    }

    #[test]
    fn turnout_may_stand_still_but_not_fall() {
        assert_eq!(turnout_falls(&report(500), &report(500)), None);
        assert_eq!(turnout_falls(&report(500), &report(501)), None);
        assert_eq!(turnout_falls(&report(500), &report(499)).unwrap().code, RuleCode::TurnoutFalls);
    }

    #[test]
    fn two_contests_are_far_apart_above_ten_ballots_and_two_percent() {
        let far = |a: u32, b: u32| {
            let ballots = |count| content(LineMeaning::BallotsFound, count);
            assert_eq!(
                contests_far_apart(&ballots(a), &ballots(b)).is_some(),
                contests_far_apart(&ballots(b), &ballots(a)).is_some(),
                "the order does not matter"
            );
            contests_far_apart(&ballots(a), &ballots(b)).is_some()
        };
        assert!(!far(100, 90), "10 of 100");
        assert!(far(100, 89), "11 of 100");
        assert!(!far(1_000, 980), "2 % of 1,000");
        assert!(far(1_000, 979), "more than 2 % of 1,000");
        assert!(!far(0, 10) && far(0, 11) && !far(0, 0));
        assert!(far(u32::MAX, 0));
    }

    #[test]
    fn two_contests_are_compared_on_a_line_that_both_have() {
        let (found, issued) = (content(LineMeaning::BallotsFound, 0), content(LineMeaning::BallotsIssued, 500));
        assert_eq!(contests_far_apart(&found, &issued), None);
        let violation = contests_far_apart(&issued, &content(LineMeaning::BallotsIssued, 400)).unwrap();
        assert_eq!(violation.field, Field::Line(LineMeaning::BallotsIssued));
    }
}
