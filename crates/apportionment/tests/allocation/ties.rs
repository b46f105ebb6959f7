//! Ties, decisions, and decisions that are void.

use hattama_apportionment::*;

use crate::common::*;

const HARE: Method = Method::HareLargestRemainder;

#[test]
fn equal_remainders_for_the_last_seat_are_left_open() {
    let allocation = allocate(&plain(HARE, 3), &lists(&[4, 2, 3, 3]));
    // Shares of 3 seats: 1, 0.5, 0.75, 0.75.
    assert_eq!(seats(&allocation), [1, 0, 1, 1]);
    let open = allocate(&plain(HARE, 2), &lists(&[2, 1, 1]));
    assert_eq!(tied(&open), ("BC".to_string(), 1, TieStage::Remainders));
    assert_eq!(seats(&open), [1, 0, 0]);
    assert_eq!(open.options[1].share.clone().unwrap().verdict, RemainderVerdict::Tied);
    assert!(matches!(open.steps.last(), Some(Step::Tied { .. })));
}

#[test]
fn equal_remainders_that_all_win_are_no_tie() {
    assert_eq!(complete(&plain(HARE, 3), &lists(&[2, 2, 1])), [1, 1, 1]);
}

#[test]
fn a_larger_remainder_wins_before_equal_ones_are_tied() {
    // Shares of 3 seats: 1.5, 0.9, 0.3, 0.3: B wins one, A the next; the small ones lose to A.
    let allocation = allocate(&plain(HARE, 3), &lists(&[5, 3, 1, 1]));
    assert_eq!(seats(&allocation), [2, 1, 0, 0]);
    let lost = RemainderVerdict::Lost { to: "A".into(), by: 2 };
    assert_eq!(allocation.options[2].share.clone().unwrap().verdict, lost);
}

#[test]
fn all_equal_lists_are_tied_for_every_seat_that_is_left() {
    for (method, stage) in [(HARE, TieStage::Remainders), (Method::DHondt, TieStage::Quotients)] {
        let allocation = allocate(&plain(method, 5), &lists(&[7, 7, 7]));
        assert_eq!(tied(&allocation), ("ABC".to_string(), 2, stage));
        assert_eq!(seats(&allocation), [1, 1, 1]);
    }
}

#[test]
fn equal_last_quotients_are_left_open() {
    // Quotients: A 4, 2; B 2; C 1: the second seat is between A and B.
    let open = allocate(&plain(Method::DHondt, 2), &lists(&[4, 2, 1]));
    assert_eq!(tied(&open), ("AB".to_string(), 1, TieStage::Quotients));
    assert_eq!(seats(&open), [1, 0, 0]);
    assert_eq!(complete(&plain(Method::DHondt, 3), &lists(&[4, 2, 1])), [2, 1, 0]);
}

#[test]
fn a_decision_gives_the_seat_and_is_reported_as_applied() {
    for (method, rest) in [(HARE, [1, 0, 1]), (Method::SainteLague, [1, 0, 1])] {
        let mut input = lists(&[2, 1, 1]);
        input.resolved = vec![resolution("CB", 1, "C")];
        let allocation = allocate(&plain(method, 2), &input);
        assert_eq!(seats(&allocation), rest);
        assert!(matches!(allocation.outcome, Outcome::Complete { .. }));
        assert_eq!(standings(&allocation), [Standing::Applied]);
        let Some(Step::Decided { tie, winners }) = allocation.steps.last() else { panic!("no decision shown") };
        assert_eq!((tie.between.clone(), winners.clone()), (ids("BC"), ids("C")));
    }
}

#[test]
fn a_decision_on_two_seats_names_two() {
    let mut input = lists(&[7, 7, 7]);
    input.resolved = vec![resolution("ABC", 2, "CA")];
    assert_eq!(complete(&plain(Method::DHondt, 5), &input), [2, 1, 2]);
    assert_eq!(complete(&plain(HARE, 5), &input), [2, 1, 2]);
}

#[test]
fn a_decision_is_void_once_the_votes_changed() {
    let mut input = lists(&[20, 11, 10]);
    input.resolved = vec![resolution("BC", 1, "C")];
    let allocation = allocate(&plain(HARE, 2), &input);
    assert_eq!(seats(&allocation), [1, 1, 0], "B has a larger remainder now");
    assert_eq!(standings(&allocation), [void(VoidReason::NoSuchTie)]);
}

#[test]
fn a_decision_between_others_does_not_resolve_a_tie() {
    let mut input = lists(&[2, 1, 1]);
    input.resolved = vec![resolution("AB", 1, "A"), resolution("ABC", 1, "C")];
    let allocation = allocate(&plain(HARE, 2), &input);
    assert_eq!(tied(&allocation).0, "BC");
    assert_eq!(standings(&allocation), [void(VoidReason::NoSuchTie), void(VoidReason::NoSuchTie)]);
}

#[test]
fn a_decision_on_another_number_of_seats_is_void() {
    let mut input = lists(&[7, 7, 7]);
    input.resolved = vec![resolution("ABC", 1, "A")];
    let allocation = allocate(&plain(HARE, 5), &input);
    assert_eq!(standings(&allocation), [void(VoidReason::OtherSeats { now: 2 })]);
    assert_eq!(seats(&allocation), [1, 1, 1]);
}

#[test]
fn winners_that_do_not_fit_are_void() {
    for winners in ["", "A", "AA", "ABC", "AX"] {
        let mut input = lists(&[7, 7, 7]);
        input.resolved = vec![resolution("ABC", 2, winners)];
        let allocation = allocate(&plain(HARE, 5), &input);
        assert_eq!(standings(&allocation), [void(VoidReason::WinnersDoNotFit { choose: 2 })], "{winners}");
        assert_eq!(seats(&allocation), [1, 1, 1]);
    }
}

#[test]
fn contradicting_decisions_are_all_void_and_equal_ones_all_apply() {
    let mut input = lists(&[2, 1, 1]);
    input.resolved = vec![resolution("BC", 1, "C"), resolution("BC", 1, "B")];
    let allocation = allocate(&plain(HARE, 2), &input);
    assert_eq!(standings(&allocation), [void(VoidReason::Contradicted), void(VoidReason::Contradicted)]);
    assert_eq!(seats(&allocation), [1, 0, 0]);
    input.resolved[1] = resolution("CB", 1, "C");
    let allocation = allocate(&plain(HARE, 2), &input);
    assert_eq!(standings(&allocation), [Standing::Applied, Standing::Applied]);
    assert_eq!(seats(&allocation), [1, 0, 1]);
}

#[test]
fn a_tie_carries_what_the_law_says_of_it() {
    let mut rules = kazakhstan();
    rules.seats = 3;
    let allocation = allocate(&rules, &lists(&[5, 5]));
    assert_eq!(tie_of(&allocation).law, Source::new("no law found", Certainty::Assumed));
    let json = serde_json::to_value(&allocation.outcome).unwrap();
    let tie = serde_json::json!({
        "stage": "remainders", "between": ["A", "B"], "seats": 1, "choose": 1,
        "law": {"article": "no law found", "certainty": "assumed"},
    });
    assert_eq!(json, serde_json::json!({"outcome": "decision_needed", "tie": tie}));
}

#[test]
fn a_winner_named_twice_for_one_seat_does_not_fit() {
    let mut input = lists(&[2, 1, 1]);
    input.resolved = vec![resolution("BC", 1, "CC")];
    let allocation = allocate(&plain(HARE, 2), &input);
    assert_eq!(standings(&allocation), [void(VoidReason::WinnersDoNotFit { choose: 1 })]);
}

#[test]
fn a_remainder_behind_tied_ones_lost_to_them() {
    // Shares of 3 seats, in elevenths: A 15 = 1 and 4, B and C 8, D 2: B and C first.
    let served = allocate(&plain(HARE, 3), &lists(&[15, 8, 8, 2]));
    assert_eq!(seats(&served), [1, 1, 1, 0]);
    // Of 2 seats, in 33rds: A 30, B and C 16, D 4: A has one, B and C are tied for the other, D is behind.
    let open = allocate(&plain(HARE, 2), &lists(&[15, 8, 8, 2]));
    assert_eq!(tied(&open).0, "BC");
    let lost = RemainderVerdict::Lost { to: "C".into(), by: 12 };
    assert_eq!(open.options[3].share.clone().unwrap().verdict, lost);
}

#[test]
fn equal_rivals_of_a_quotient_are_named_in_ballot_order() {
    let allocation = allocate(&plain(Method::DHondt, 1), &lists(&[5, 9, 5]));
    let Some(Step::QuotientSeat { ahead_of: Some(next), .. }) = allocation.steps.last() else { panic!("no round") };
    assert_eq!((next.option.as_str(), next.by), ("A", Fraction { numerator: 4, denominator: 1 }));
}
