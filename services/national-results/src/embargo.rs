//! The one gate where vote figures leave: votes, lines and seats of a contest are absent before its embargo instant
//! (design, section 4). Folds and publications know nothing of it. Turnout is not embargoed. Pure: the caller's clock says
//! what time it is.

use bytes::Bytes;
use hattama_election::{
    definition::{Contest, Definition},
    instant::Instant,
};
use hattama_proto::{
    log::v1 as log,
    national::v1::{GetSeatAllocationResponse, StationContent},
};
use hattama_tally::{ContestFigures, Unit, UnitTotals};
use hattama_wire::{contest_figures_to_proto, unit_totals_to_proto};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// True before the contest's embargo instant: its votes leave nowhere.
#[must_use]
pub fn is_embargoed(contest: &Contest, now: Timestamp) -> bool {
    contest.is_embargoed(Instant(now.as_second()))
}

/// The instants at which an embargo will end, ascending, each once.
#[must_use]
pub fn ends(definition: &Definition, now: Timestamp) -> Vec<Instant> {
    let waiting = definition.contests.iter().filter(|contest| is_embargoed(contest, now));
    let instants: BTreeSet<Instant> = waiting.map(|contest| contest.embargo_until).collect();
    instants.into_iter().collect()
}

/// A contest's figures as they may be shown: under embargo only how many stations have told what.
pub(crate) fn figures(definition: &Definition, figures: &ContestFigures, embargoed: bool) -> log::ContestFigures {
    let shown = contest_figures_to_proto(definition, figures);
    if !embargoed {
        return shown;
    }
    log::ContestFigures { contest: shown.contest, stations: shown.stations, ..log::ContestFigures::default() }
}

/// A unit's totals as they may be shown: under embargo only how many stations have told what.
pub(crate) fn totals(
    definition: &Definition,
    unit: Option<Unit>,
    totals: &UnitTotals,
    embargoed: bool,
) -> log::UnitTotals {
    let shown = unit_totals_to_proto(definition, unit, totals);
    if !embargoed {
        return shown;
    }
    log::UnitTotals { unit: shown.unit, stations: shown.stations, ..log::UnitTotals::default() }
}

/// Seats as they may be shown: under embargo nothing, computed for nobody.
pub(crate) fn seats(
    embargoed: bool,
    allocation: impl FnOnce() -> GetSeatAllocationResponse,
) -> GetSeatAllocationResponse {
    if embargoed {
        return GetSeatAllocationResponse { embargoed, ..GetSeatAllocationResponse::default() };
    }
    allocation()
}

/// A station's content as it may be shown: under embargo which rules fired, but none of the figures, theirs neither. The
/// author's reason is free text that may name figures, so it waits too; and so do the digests: those of a station with
/// few voters tell its figures to whoever tries all that are possible.
pub(crate) fn station_content(mut content: StationContent, embargoed: bool) -> StationContent {
    content.embargoed = embargoed;
    if !embargoed {
        return content;
    }
    for rule in &mut content.rules {
        rule.written = None;
        rule.expected = None;
    }
    StationContent {
        content: Bytes::new(),
        submissions: Vec::new(),
        lines: Vec::new(),
        votes: Vec::new(),
        against_all: None,
        reason: String::new(),
        ..content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{definition::sample, ids::ContestIndex};
    use hattama_proto::{gateway::v1::Violation, national::v1::SubmissionSeen, submission::v1 as submission};
    use hattama_tally::{FiguresDetail, LineTotal, StationCounts};

    fn at(contest: &Contest, seconds_after: i64) -> Timestamp {
        Timestamp::from_second(contest.embargo_until.0 + seconds_after).unwrap()
    }

    fn counted() -> UnitTotals {
        let mut totals = UnitTotals { votes: vec![7, 8], against_all: 9, ..UnitTotals::default() };
        totals.stations = StationCounts { expected: 2, counted: 1, missing: 1, ..StationCounts::default() };
        totals.lines[0] = LineTotal { sum: 24, written: 1 };
        totals
    }

    #[test]
    fn an_embargo_holds_one_second_before_its_instant_and_not_at_it() {
        let contest = &sample::definition().contests[0];
        assert!(is_embargoed(contest, at(contest, -1)));
        assert!(!is_embargoed(contest, at(contest, 0)));
        assert!(!is_embargoed(contest, at(contest, 1)));
    }

    #[test]
    fn the_ends_of_embargoes_come_in_order_and_each_once() {
        let mut definition = sample::definition();
        definition.contests[1].embargo_until.0 += 60;
        let [first, later] = [0, 1].map(|place| definition.contests[place].embargo_until);
        assert_eq!(ends(&definition, Timestamp::from_second(first.0 - 1).unwrap()), [first, later]);
        assert_eq!(ends(&definition, Timestamp::from_second(first.0).unwrap()), [later]);
        assert!(ends(&definition, Timestamp::from_second(later.0).unwrap()).is_empty());
    }

    #[test]
    fn under_embargo_only_the_counts_of_stations_are_left() {
        let definition = sample::definition();
        let before = totals(&definition, None, &counted(), true);
        let expected = log::UnitTotals { stations: before.stations, ..log::UnitTotals::default() };
        assert_eq!(before, expected);
        assert_eq!(before.stations.unwrap().counted, 1);
        let after = totals(&definition, None, &counted(), false);
        assert_eq!((after.votes, after.against_all, after.lines.len()), (vec![7, 8], 9, 1));

        let detail = FiguresDetail::Plurality { leader: Some(1), leader_votes: 8, runner_up_votes: 7 };
        let plurality = ContestFigures {
            contest: ContestIndex(1),
            stations: counted().stations,
            votes_sum: 24,
            against_all: 9,
            decision_needed: true,
            detail,
        };
        let hidden = figures(&definition, &plurality, true);
        let expected = log::ContestFigures {
            contest: "council-d-1".into(),
            stations: hidden.stations,
            ..log::ContestFigures::default()
        };
        assert_eq!(hidden, expected);
        assert_eq!(figures(&definition, &plurality, false).leader_votes, 8);
    }

    #[test]
    fn under_embargo_seats_are_not_even_computed() {
        let hidden = seats(true, || panic!("computed"));
        assert_eq!(hidden, GetSeatAllocationResponse { embargoed: true, ..Default::default() });
        let shown = seats(false, || GetSeatAllocationResponse { seats: 10, ..Default::default() });
        assert_eq!(shown.seats, 10);
    }

    #[test]
    fn under_embargo_a_stations_content_has_rules_without_numbers() {
        let content = StationContent {
            lines: vec![submission::Line { meaning: 1, count: 5 }],
            votes: vec![submission::OptionVotes { option: "a".into(), votes: 5 }],
            against_all: Some(1),
            reason: "we wrote 5 for 6".into(),
            content: Bytes::from_static(&[1; 32]),
            submissions: vec![SubmissionSeen { digest: Bytes::from_static(&[2; 32]), ..SubmissionSeen::default() }],
            rules: vec![Violation { rule: "X".into(), written: Some(5), expected: Some(6), ..Violation::default() }],
            ..StationContent::default()
        };
        let hidden = station_content(content.clone(), true);
        let rules = vec![Violation { rule: "X".into(), ..Violation::default() }];
        assert_eq!(hidden, StationContent { rules, embargoed: true, ..StationContent::default() });
        assert_eq!(station_content(content.clone(), false), content);
    }
}
