//! One list alone over the threshold, and none.

use hattama_apportionment::*;

use crate::common::*;

/// Lists A, B, C … of which one is far ahead.
fn alone(votes: &[u64]) -> ListInput {
    lists(votes)
}

#[test]
fn the_runner_up_gets_what_remainders_give_it_if_that_is_two() {
    assert_eq!(complete(&kazakhstan(), &alone(&[6_000_000, 200_000])), [67, 2]);
}

#[test]
fn the_runner_up_is_raised_to_two() {
    let allocation = allocate(&kazakhstan(), &alone(&[6_000_000, 100_000]));
    assert_eq!(seats(&allocation), [67, 2]);
    let moved: Vec<i64> = allocation.options.iter().map(|option| option.moved_by_minimum).collect();
    assert_eq!(moved, [-1, 1]);
    assert!(allocation.steps.iter().any(|step| matches!(step, Step::RaisedToMinimum { from: 1, to: 2, .. })));
}

#[test]
fn the_runner_up_may_get_more_than_two() {
    // 69 × 300,000 / 6,300,000 = 3.29, and 300,000 of 6,300,000 are 4.76 %.
    assert_eq!(complete(&kazakhstan(), &alone(&[6_000_000, 300_000, 0])), [66, 3, 0]);
}

#[test]
fn the_list_alone_need_not_come_first_on_the_ballot() {
    assert_eq!(complete(&kazakhstan(), &alone(&[50_000, 100_000, 6_000_000])), [0, 2, 67]);
}

#[test]
fn without_the_rule_the_list_alone_takes_every_seat() {
    let rules = ListRules { sole_list_rule: None, ..kazakhstan() };
    assert_eq!(complete(&rules, &alone(&[6_000_000, 100_000])), [69, 0]);
}

#[test]
fn without_another_list_it_takes_every_seat() {
    assert_eq!(complete(&kazakhstan(), &alone(&[6_000_000])), [69]);
}

#[test]
fn equal_runners_up_need_a_decision() {
    let mut input = alone(&[6_000_000, 100_000, 50_000, 100_000]);
    let open = allocate(&kazakhstan(), &input);
    assert_eq!(tied(&open), ("BD".to_string(), 2, TieStage::RunnerUp));
    assert_eq!(tie_of(&open).choose, 1);
    assert_eq!(seats(&open), [67, 0, 0, 0], "67 are certain whoever is chosen");
    input.resolved = vec![resolution("DB", 2, "D")];
    assert_eq!(complete(&kazakhstan(), &input), [67, 0, 0, 2]);
}

#[test]
fn two_ties_in_a_row_need_two_decisions() {
    let rules = ListRules {
        seats: 5,
        threshold: threshold(60, 100, Denominator::ValidWithoutAgainstAll),
        sole_list_rule: Some(SoleListRule { minimum_for_runner_up: 0, source: assumed() }),
        ..plain(Method::HareLargestRemainder, 5)
    };
    // A 9 and B 1 share 5 seats: 4.5 and 0.5.
    let mut input = lists(&[9, 1, 1]);
    let first = allocate(&rules, &input);
    assert_eq!(tied(&first), ("BC".to_string(), 0, TieStage::RunnerUp));
    assert_eq!(seats(&first), [4, 0, 0]);
    input.resolved.push(resolution("BC", 0, "C"));
    let second = allocate(&rules, &input);
    assert_eq!(tied(&second), ("AC".to_string(), 1, TieStage::Remainders));
    input.resolved.push(resolution("AC", 1, "C"));
    assert_eq!(complete(&rules, &input), [4, 0, 1]);
}

#[test]
fn a_tie_for_a_seat_that_the_minimum_gives_anyway_is_none() {
    let mut rules = kazakhstan();
    rules.threshold = threshold(60, 100, Denominator::ValidWithoutAgainstAll);
    rules.seats = 10;
    // 17 and 3 share 10 seats: 8.5 and 1.5; the runner-up has a right to 2.
    let allocation = allocate(&rules, &lists(&[17, 3]));
    assert_eq!(seats(&allocation), [8, 2]);
    assert!(matches!(allocation.outcome, Outcome::Complete { .. }));
    let verdict = allocation.options[1].share.clone().unwrap().verdict;
    assert_eq!(verdict, RemainderVerdict::SettledByMinimum);
}

#[test]
fn no_list_over_the_threshold_is_named_and_awards_nothing() {
    let mut input = lists(&[4, 4, 3]);
    input.against_all = Some(100);
    let allocation = allocate(&kazakhstan(), &input);
    assert!(matches!(allocation.outcome, Outcome::NoListOverThreshold { seats: 69, .. }));
    assert_eq!(seats(&allocation), [0, 0, 0]);
}

#[test]
fn an_election_without_a_vote_divides_by_nothing() {
    for method in [Method::HareLargestRemainder, Method::DHondt, Method::SainteLague] {
        for rules in [plain(method, 5), ListRules { method: Sourced::new(method, assumed()), ..kazakhstan() }] {
            let allocation = allocate(&rules, &lists(&[0, 0, 0]));
            assert!(matches!(allocation.outcome, Outcome::NoListOverThreshold { .. }));
            assert_eq!(seats(&allocation), [0, 0, 0]);
        }
    }
    assert!(matches!(allocate(&kazakhstan(), &lists(&[])).outcome, Outcome::NoListOverThreshold { .. }));
}

#[test]
fn a_list_without_a_vote_is_nobodys_runner_up() {
    for votes in [&[120, 0][..], &[0, 120, 0]] {
        let allocation = allocate(&kazakhstan(), &lists(votes));
        let expected: Vec<u32> = votes.iter().map(|&count| if count > 0 { 69 } else { 0 }).collect();
        assert_eq!(seats(&allocation), expected);
        assert!(matches!(allocation.outcome, Outcome::Complete { .. }), "nothing is left to decide");
    }
    assert_eq!(complete(&kazakhstan(), &lists(&[120, 0, 1])), [67, 0, 2], "one vote is enough");
}

#[test]
fn the_explanation_says_how_sure_the_runner_up_is() {
    let law = |votes: &[u64]| {
        let steps = allocate(&kazakhstan(), &lists(votes)).steps;
        steps.into_iter().find_map(|step| match step {
            Step::ListAlone { next, law, .. } => Some((next.len(), law.certainty)),
            _ => None,
        })
    };
    assert_eq!(law(&[6_000_000, 100_000]), Some((1, Certainty::Press)));
    assert_eq!(law(&[6_000_000, 0]), Some((0, Certainty::Assumed)), "no law was found for a next list without votes");
}

#[test]
fn equal_runners_up_that_get_no_seat_need_no_decision() {
    let sole_list_rule = Some(SoleListRule { minimum_for_runner_up: 0, source: assumed() });
    let rules = ListRules { sole_list_rule, ..kazakhstan() };
    assert_eq!(complete(&rules, &lists(&[6_000_000, 100, 100])), [69, 0, 0]);
}
