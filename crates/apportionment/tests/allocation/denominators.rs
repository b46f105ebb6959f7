//! What a share is a share of, and rules that are refused.

use hattama_apportionment::*;

use crate::common::*;

/// Two lists far above a line of 5 %, and one with `votes` of the 2,000.
fn at_the_line(votes: u64) -> ListInput {
    let mut all = vec![(2_000 - votes) / 2, 2_000 - votes - (2_000 - votes) / 2];
    all.push(votes);
    lists(&all)
}

fn rules(of: Denominator) -> ListRules {
    ListRules { threshold: threshold(5, 100, of), ..plain(Method::HareLargestRemainder, 40) }
}

fn passes(rules: &ListRules, input: &ListInput) -> bool {
    allocate(rules, input).options.last().unwrap().hurdle.passed
}

#[test]
fn exactly_on_the_line_passes() {
    let rules = rules(Denominator::ValidWithoutAgainstAll);
    assert!(passes(&rules, &at_the_line(100)));
    assert!(!passes(&rules, &at_the_line(99)));
}

#[test]
fn each_denominator_moves_the_line() {
    let mut input = at_the_line(100);
    input.against_all = Some(1);
    input.took_part = Some(2_000);
    assert!(passes(&rules(Denominator::ValidWithoutAgainstAll), &input));
    assert!(!passes(&rules(Denominator::ValidIncludingAgainstAll), &input));
    assert!(passes(&rules(Denominator::TookPart), &input));
    input.took_part = Some(2_001);
    assert!(!passes(&rules(Denominator::TookPart), &input));
}

#[test]
fn the_sensitivity_names_who_would_pass_and_whose_seats_change() {
    let mut input = at_the_line(100);
    input.against_all = Some(1);
    input.took_part = Some(2_010);
    let allocation = allocate(&rules(Denominator::ValidWithoutAgainstAll), &input);
    assert_eq!(seats(&allocation), [19, 19, 2]);
    let others: Vec<Denominator> = allocation.sensitivity.iter().map(|one| one.denominator).collect();
    assert_eq!(others, [Denominator::ValidIncludingAgainstAll, Denominator::TookPart]);
    for one in &allocation.sensitivity {
        assert_eq!(one.passes_changed, ids("C"));
        let changes: Vec<(&str, u32, u32)> =
            one.seats_changed.iter().map(|change| (change.option.as_str(), change.from, change.to)).collect();
        assert_eq!(changes, [("A", 19, 20), ("B", 19, 20), ("C", 2, 0)]);
    }
}

#[test]
fn an_unknown_denominator_is_refused_by_name() {
    let mut input = at_the_line(100);
    input.against_all = None;
    for denominator in [Denominator::ValidIncludingAgainstAll, Denominator::TookPart] {
        let refused = allocate_lists(&rules(denominator), &input);
        assert_eq!(refused, Err(InputError::DenominatorUnknown { rule: "the threshold", denominator }));
    }
    let mut rules = rules(Denominator::ValidWithoutAgainstAll);
    let of = Sourced::new(Denominator::TookPart, assumed());
    rules.independents = Some(IndependentsByQuota { of, source: assumed() });
    let refused = allocate_lists(&rules, &input).unwrap_err();
    assert!(refused.to_string().starts_with("the quota for independents is a share of TookPart, which is unknown"));
}

#[test]
fn rules_that_fit_no_votes_are_refused() {
    let refused = |rules: ListRules| allocate_lists(&rules, &lists(&[1, 2])).unwrap_err();
    let base = || plain(Method::DHondt, 3);
    let of = Denominator::ValidWithoutAgainstAll;
    for (numerator, denominator) in [(5, 0), (0, 0), (101, 100)] {
        let rules = ListRules { threshold: threshold(numerator, denominator, of), ..base() };
        assert_eq!(refused(rules), InputError::ThresholdNotAShare { numerator, denominator });
    }
    assert_eq!(refused(plain(Method::DHondt, MAX_SEATS + 1)), InputError::TooManySeats { seats: MAX_SEATS + 1 });
    let sole_list_rule = Some(SoleListRule { minimum_for_runner_up: 4, source: assumed() });
    let rules = ListRules { sole_list_rule, ..base() };
    assert_eq!(refused(rules), InputError::RunnerUpMinimumOverSeats { minimum: 4, seats: 3 });
    let independents = Some(IndependentsByQuota { of: Sourced::new(of, assumed()), source: assumed() });
    let rules = ListRules { independents, ..kazakhstan() };
    assert_eq!(refused(rules), InputError::SoleListRuleWithIndependents);
}

#[test]
fn figures_that_fit_no_rules_are_refused() {
    let refused = |input: ListInput| allocate_lists(&plain(Method::DHondt, 3), &input).unwrap_err();
    let twice = ListInput { options: vec![ListOption::list("A", 1), ListOption::list("A", 2)], ..lists(&[]) };
    assert_eq!(refused(twice), InputError::DuplicateOption { id: "A".into() });
    assert_eq!(refused(lists(&[u64::MAX, 1])), InputError::VotesOverflow);
    let against = ListInput { against_all: Some(1), ..lists(&[u64::MAX]) };
    assert_eq!(refused(against), InputError::VotesOverflow);
    let many = (0..=MAX_OPTIONS).map(|number| ListOption::list(number.to_string(), 1)).collect();
    let many = ListInput { options: many, ..lists(&[]) };
    assert_eq!(refused(many), InputError::TooManyOptions { options: MAX_OPTIONS + 1 });
}

#[test]
fn no_seats_are_shared_completely() {
    for method in [Method::HareLargestRemainder, Method::DHondt] {
        assert_eq!(complete(&plain(method, 0), &lists(&[3, 3])), [0, 0]);
    }
}

#[test]
fn totals_above_32_and_near_64_bits_are_exact() {
    let huge = u64::MAX / 4;
    for method in [Method::HareLargestRemainder, Method::DHondt, Method::SainteLague] {
        let input = lists(&[huge, huge, huge, 3]);
        assert_eq!(complete(&plain(method, 9_999), &input), [3_333, 3_333, 3_333, 0]);
        let billions = lists(&[50_000_000_000, 30_000_000_000, 20_000_000_000]);
        assert_eq!(complete(&plain(method, 10), &billions), [5, 3, 2]);
    }
    // One vote in 2^63 decides.
    let half = 1 << 62;
    assert_eq!(complete(&plain(Method::HareLargestRemainder, 1), &lists(&[half, half + 1])), [0, 1]);
    assert_eq!(complete(&plain(Method::DHondt, 3), &lists(&[half, half + 1])), [1, 2]);
}
