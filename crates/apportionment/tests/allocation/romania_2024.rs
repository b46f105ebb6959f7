//! Romania, European Parliament, 9 June 2024: D'Hondt, 5 % for lists, independents by quota.

use hattama_apportionment::*;

use crate::common::{allocate, assumed, complete, plain, seats, threshold};

const VALID: u64 = 8_942_629;
const NULL: u64 = 488_551;

fn rules() -> ListRules {
    let of = Denominator::ValidWithoutAgainstAll;
    ListRules {
        threshold: threshold(5, 100, of),
        independents: Some(IndependentsByQuota { of: Sourced::new(of, assumed()), source: assumed() }),
        ..plain(Method::DHondt, 33)
    }
}

fn figures() -> ListInput {
    let mut options = vec![
        ListOption::list("psd_pnl", 4_341_686),
        ListOption::list("aur", 1_334_905),
        ListOption::list("usr", 778_901),
        ListOption::list("udmr", 579_180),
        ListOption::list("sos", 450_040),
        ListOption::independent("stefanuta", 275_796),
    ];
    // What is left of the valid votes, as four lists far below the threshold.
    let rest = VALID - options.iter().map(|option| option.votes).sum::<u64>();
    let quarter = rest / 4;
    options.extend((1..=3).map(|number| ListOption::list(format!("small_{number}"), quarter)));
    options.push(ListOption::list("small_4", rest - 3 * quarter));
    ListInput { options, took_part: Some(VALID + NULL), ..ListInput::default() }
}

#[test]
fn the_official_seats_come_out() {
    assert_eq!(complete(&rules(), &figures()), [19, 6, 3, 2, 2, 1, 0, 0, 0, 0]);
}

#[test]
fn the_independent_takes_one_seat_off_the_lists() {
    let allocation = allocate(&rules(), &figures());
    assert_eq!(allocation.list_seats, 32);
    let hurdle = allocation.options[5].hurdle;
    assert_eq!(hurdle, Hurdle { have: 275_796 * 33, need: u128::from(VALID), passed: true });
    assert!(matches!(&allocation.steps[0], Step::IndependentElected { seats_left: 32, .. }));
}

#[test]
fn every_round_shows_a_quotient_at_least_as_high_as_the_next() {
    let allocation = allocate(&rules(), &figures());
    let rounds: Vec<_> = allocation
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::QuotientSeat { seat, option, quotient, ahead_of } => Some((*seat, option, quotient, ahead_of)),
            _ => None,
        })
        .collect();
    assert_eq!(rounds.len(), 32);
    let first = (1, &OptionId::new("psd_pnl"), &Fraction { numerator: 4_341_686, denominator: 1 });
    assert_eq!((rounds[0].0, rounds[0].1, rounds[0].2), first);
    let second = Fraction { numerator: 4_341_686, denominator: 2 };
    assert_eq!(*rounds[1].2, second);
    let next = rounds[1].3.clone().unwrap();
    assert_eq!(next.option, "aur".into());
    assert_eq!(next.by, Fraction { numerator: 4_341_686 - 2 * 1_334_905, denominator: 2 });
    for pair in rounds.windows(2) {
        let (higher, lower) = (pair[0].2, pair[1].2);
        assert!(higher.numerator * lower.denominator >= lower.numerator * higher.denominator);
    }
}

#[test]
fn a_vote_fewer_than_the_quota_elects_no_independent() {
    // 8,942,629 / 33 is between 270,988 and 270,989.
    let with = |independent: u64| {
        let mut input = figures();
        input.options[6].votes += 275_796 - independent;
        input.options[5].votes = independent;
        complete(&rules(), &input)[5]
    };
    assert_eq!((with(270_989), with(270_988)), (1, 0));
}

#[test]
fn counting_invalid_ballots_would_cost_a_list_and_the_independent_their_seats() {
    let sensitivity = allocate(&rules(), &figures()).sensitivity;
    assert_eq!(sensitivity.len(), 1);
    assert_eq!((sensitivity[0].denominator, sensitivity[0].number), (Denominator::TookPart, VALID + NULL));
    assert_eq!(sensitivity[0].passes_changed, ["sos".into(), "stefanuta".into()]);
    let lost: Vec<_> = sensitivity[0].seats_changed.iter().filter(|change| change.to < change.from).collect();
    assert_eq!(lost.len(), 2);
    let gained: u32 = sensitivity[0].seats_changed.iter().map(|change| change.to.saturating_sub(change.from)).sum();
    assert_eq!(gained, 3);
}

#[test]
fn an_independent_wins_one_seat_however_many_votes() {
    let mut input = figures();
    input.options[5].votes = 3_000_000;
    input.options[0].votes = 4_341_686 - (3_000_000 - 275_796);
    let allocation = allocate(&rules(), &input);
    assert_eq!((allocation.options[5].seats, allocation.list_seats), (1, 32));
    assert_eq!(seats(&allocation).iter().sum::<u32>(), 33);
}

#[test]
fn an_independent_without_the_rule_is_refused() {
    let refused = allocate_lists(&ListRules { independents: None, ..rules() }, &figures());
    assert_eq!(refused, Err(InputError::IndependentWithoutRule { id: "stefanuta".into() }));
}

/// Independents over the quota can outnumber the seats only where the quota is of fewer than the valid votes, which
/// written totals that a commission confirmed may well say.
fn crowd(votes: [u64; 3]) -> (ListRules, ListInput) {
    let of = Sourced::new(Denominator::TookPart, assumed());
    let independents = Some(IndependentsByQuota { of, source: assumed() });
    let options = ["A", "B", "C"].into_iter().zip(votes).map(|(id, votes)| ListOption::independent(id, votes));
    let input = ListInput { options: options.collect(), took_part: Some(4), ..ListInput::default() };
    (ListRules { independents, ..plain(Method::DHondt, 2) }, input)
}

#[test]
fn more_independents_over_the_quota_than_seats_are_taken_by_votes() {
    let (rules, input) = crowd([5, 3, 4]);
    assert_eq!(complete(&rules, &input), [1, 0, 1]);
}

#[test]
fn equal_independents_at_the_line_need_a_decision() {
    let (rules, mut input) = crowd([5, 3, 3]);
    let open = allocate(&rules, &input);
    assert_eq!(crate::common::tied(&open), ("BC".to_string(), 1, TieStage::Independents));
    assert_eq!(seats(&open), [1, 0, 0]);
    input.resolved = vec![crate::common::resolution("CB", 1, "C")];
    assert_eq!(complete(&rules, &input), [1, 0, 1]);
}

#[test]
fn two_denominators_in_force_are_each_tried_for_both() {
    let mut rules = rules();
    rules.independents.as_mut().unwrap().of.value = Denominator::TookPart;
    let allocation = allocate(&rules, &figures());
    assert_eq!(allocation.options[5].seats, 0, "275,796 of 9,431,180 is below a 33rd");
    let others: Vec<Denominator> = allocation.sensitivity.iter().map(|one| one.denominator).collect();
    assert_eq!(others, [Denominator::ValidWithoutAgainstAll, Denominator::TookPart]);
    assert_eq!(allocation.sensitivity[0].passes_changed, ["stefanuta".into()]);
    assert_eq!(allocation.sensitivity[1].passes_changed, ["sos".into()]);
}
