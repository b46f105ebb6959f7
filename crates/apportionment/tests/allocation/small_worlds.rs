//! Every small election against an oracle that knows no quotas and no rounds: it lists all ways to seat, and keeps
//! those that satisfy what characterises the method. One way is a result; several are a tie.

use std::collections::BTreeSet;

use hattama_apportionment::*;

use crate::common::*;

const METHODS: [Method; 3] = [Method::HareLargestRemainder, Method::DHondt, Method::SainteLague];

/// What is certain, and who shares the rest.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    certain: Vec<u32>,
    tied: BTreeSet<usize>,
}

fn oracle(method: Method, votes: &[u64], seats: u32) -> Verdict {
    let every = all_ways(votes.len(), seats);
    let ways: Vec<Vec<u32>> = match method {
        // Largest remainders minimise the squared distance to the exact shares.
        Method::HareLargestRemainder => {
            let nearest = every.iter().map(|way| distance(votes, seats, way)).min().unwrap();
            every.into_iter().filter(|way| distance(votes, seats, way) == nearest).collect()
        }
        // No seat could go from one list to another that has a higher quotient for it.
        Method::DHondt => every.into_iter().filter(|way| stable(votes, way, |seats| seats)).collect(),
        Method::SainteLague => every.into_iter().filter(|way| stable(votes, way, |seats| 2 * seats - 1)).collect(),
    };
    let least = |index: usize| ways.iter().map(|way| way[index]).min().unwrap();
    let most = |index: usize| ways.iter().map(|way| way[index]).max().unwrap();
    let all = 0..votes.len();
    Verdict { certain: all.clone().map(least).collect(), tied: all.filter(|&i| least(i) != most(i)).collect() }
}

fn all_ways(lists: usize, seats: u32) -> Vec<Vec<u32>> {
    if lists == 1 {
        return vec![vec![seats]];
    }
    let with_first =
        |first: u32| all_ways(lists - 1, seats - first).into_iter().map(move |rest| [vec![first], rest].concat());
    (0..=seats).flat_map(with_first).collect()
}

fn distance(votes: &[u64], seats: u32, way: &[u32]) -> i64 {
    let total: i64 = votes.iter().map(|&count| count as i64).sum();
    votes.iter().zip(way).map(|(&count, &won)| (i64::from(won) * total - count as i64 * i64::from(seats)).pow(2)).sum()
}

fn stable(votes: &[u64], way: &[u32], divisor: impl Fn(u64) -> u64) -> bool {
    let won = |i: usize| u64::from(way[i]);
    let prefers = |from: usize, to: usize| votes[to] * divisor(won(from)) > votes[from] * divisor(won(to) + 1);
    let lists = 0..votes.len();
    lists.clone().filter(|&from| way[from] > 0).all(|from| lists.clone().all(|to| from == to || !prefers(from, to)))
}

fn check(rules: &ListRules, votes: &[u64]) {
    let allocation = allocate(rules, &lists(votes));
    let Threshold { numerator, denominator, .. } = rules.threshold;
    let total: u64 = votes.iter().sum();
    let line = |count: u64| count * u64::from(denominator) >= total * u64::from(numerator);
    let over: Vec<usize> = (0..votes.len()).filter(|&i| votes[i] > 0 && line(votes[i])).collect();
    let context = || format!("{:?} {votes:?} {} seats", rules.method.value, rules.seats);
    if rules.seats > 0 && over.is_empty() {
        assert!(matches!(allocation.outcome, Outcome::NoListOverThreshold { .. }), "{}", context());
        return;
    }
    let mut certain = vec![0; votes.len()];
    let mut tied = BTreeSet::new();
    if rules.seats > 0 {
        let sharing: Vec<u64> = over.iter().map(|&i| votes[i]).collect();
        let verdict = oracle(rules.method.value, &sharing, rules.seats);
        over.iter().zip(&verdict.certain).for_each(|(&i, &seats)| certain[i] = seats);
        tied = verdict.tied.iter().map(|&place| allocation.options[over[place]].id.clone()).collect();
    }
    assert_eq!(seats(&allocation), certain, "{}", context());
    match &allocation.outcome {
        Outcome::Complete { .. } => assert!(tied.is_empty(), "{}", context()),
        Outcome::DecisionNeeded { tie } => {
            assert_eq!(tie.between.iter().cloned().collect::<BTreeSet<_>>(), tied, "{}", context());
            assert_eq!(tie.seats, rules.seats - certain.iter().sum::<u32>(), "{}", context());
        }
        other => panic!("{} {other:?}", context()),
    }
}

fn every_vote(lists: u32, most: u64, mut visit: impl FnMut(&[u64])) {
    let base = most + 1;
    for code in 0..base.pow(lists) {
        let votes: Vec<u64> = (0..lists).map(|place| code / base.pow(place) % base).collect();
        visit(&votes);
    }
}

#[test]
fn three_lists_agree_with_the_oracle() {
    for method in METHODS {
        for seats in 0..=5 {
            every_vote(3, 6, |votes| check(&plain(method, seats), votes));
        }
    }
}

#[test]
fn four_lists_agree_with_the_oracle() {
    for method in METHODS {
        for seats in 0..=5 {
            every_vote(4, 6, |votes| check(&plain(method, seats), votes));
        }
    }
}

#[test]
fn lists_below_a_threshold_do_not_share() {
    let of = Denominator::ValidIncludingAgainstAll;
    for method in METHODS {
        for (numerator, denominator) in [(1, 4), (1, 3), (1, 1)] {
            let threshold = threshold(numerator, denominator, of);
            every_vote(3, 6, |votes| check(&ListRules { threshold: threshold.clone(), ..plain(method, 4) }, votes));
        }
    }
}

#[test]
fn a_list_alone_and_its_runner_up_agree_with_the_oracle() {
    let mut compared = 0;
    for (method, house) in METHODS.into_iter().flat_map(|method| (2..=6).map(move |house| (method, house))) {
        for minimum in 1..=2 {
            let sole_list_rule = Some(SoleListRule { minimum_for_runner_up: minimum, source: assumed() });
            let threshold = threshold(1, 2, Denominator::ValidWithoutAgainstAll);
            let rules = ListRules { threshold, sole_list_rule, ..plain(method, house) };
            every_vote(2, 9, |votes| {
                let [alone, next] = [votes[0] + 9, votes[1]];
                let verdict = oracle(method, &[alone, next], house);
                if alone == next
                    || verdict.certain[1] + u32::from(!verdict.tied.is_empty()) > minimum && !verdict.tied.is_empty()
                {
                    return; // both pass, or a tie that stays
                }
                let expected = match () {
                    () if next == 0 => 0, // nobody's runner-up
                    () if verdict.tied.is_empty() => verdict.certain[1].max(minimum),
                    () => minimum,
                };
                assert_eq!(complete(&rules, &lists(&[alone, next])), [house - expected, expected], "{rules:?}");
                compared += 1;
            });
        }
    }
    assert!(compared > 2_000, "only {compared} were compared");
}

/// Lists and an independent, a threshold, and a runner-up's minimum where nobody is independent.
fn worlds(mut visit: impl FnMut(ListRules, ListInput)) {
    let of = Denominator::ValidWithoutAgainstAll;
    for method in METHODS {
        for seats in 0..=5 {
            every_vote(3, 5, |votes| {
                let threshold = threshold(1, 3, of);
                let rules = ListRules { threshold, ..plain(method, seats) };
                let sole_list_rule = Some(SoleListRule { minimum_for_runner_up: seats.min(2), source: assumed() });
                visit(ListRules { sole_list_rule, ..rules.clone() }, lists(votes));
                let independents = Some(IndependentsByQuota { of: Sourced::new(of, assumed()), source: assumed() });
                let mut input = lists(votes);
                input.options[2].kind = OptionKind::Independent;
                visit(ListRules { independents, ..rules }, input);
            });
        }
    }
}

#[test]
fn the_parts_add_up_to_the_seats_and_no_seat_is_lost() {
    worlds(|rules, input| {
        let allocation = allocate(&rules, &input);
        let awarded: u32 = seats(&allocation).iter().sum();
        let open = match &allocation.outcome {
            Outcome::Complete { .. } => 0,
            Outcome::NoListOverThreshold { seats, .. } => *seats,
            Outcome::DecisionNeeded { tie } => tie.seats,
        };
        let unsettled =
            matches!(&allocation.outcome, Outcome::DecisionNeeded { tie } if tie.stage == TieStage::RunnerUp);
        assert!(awarded + open <= rules.seats);
        assert!(awarded + open == rules.seats || unsettled, "{rules:?} {input:?} {allocation:?}");
        if !unsettled {
            check_parts(&allocation);
        }
    });
}

fn check_parts(allocation: &ListAllocation) {
    for option in &allocation.options {
        let by_quota = option.share.as_ref().map_or(0, |share| share.whole_seats + share.remainder_seats);
        let parts = i64::from(by_quota + option.quotient_seats) + option.moved_by_minimum;
        let independent = option.kind == OptionKind::Independent && option.hurdle.passed;
        assert_eq!(i64::from(option.seats), parts + i64::from(independent), "{allocation:?}");
    }
}

#[test]
fn every_decision_completes_the_seats_and_takes_none_away() {
    let mut ties = 0;
    worlds(|rules, input| ties += decide_every_way(&rules, input, 2));
    assert!(ties > 1_000, "only {ties} ties were tried");
}

/// Resolves an open tie in every possible way, and what opens then; at most `depth` ties can follow each other.
fn decide_every_way(rules: &ListRules, input: ListInput, depth: u32) -> u32 {
    let before = allocate(rules, &input);
    let Outcome::DecisionNeeded { tie } = &before.outcome else {
        check_parts(&before);
        return 0;
    };
    assert!(depth > 0, "ties without end: {rules:?} {input:?}");
    let mut ties = 1;
    for winners in choices(&tie.between, tie.choose as usize) {
        let mut decided = input.clone();
        decided.resolved.push(TieResolution { between: tie.between.clone(), seats: tie.seats, winners });
        let after = allocate(rules, &decided);
        assert!(after.resolutions.iter().all(|report| report.standing == Standing::Applied));
        assert!(
            seats(&before).iter().zip(seats(&after)).all(|(&before, after)| before <= after),
            "{before:?} {after:?}"
        );
        ties += decide_every_way(rules, decided, depth - 1);
    }
    ties
}

fn choices(from: &[OptionId], count: usize) -> Vec<Vec<OptionId>> {
    let Some((first, rest)) = from.split_first() else {
        return if count == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let mut found = choices(rest, count);
    if count > 0 {
        found.extend(choices(rest, count - 1).into_iter().map(|others| [vec![first.clone()], others].concat()));
    }
    found
}
