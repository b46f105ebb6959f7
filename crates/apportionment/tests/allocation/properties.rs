//! What holds for any votes, and what does not.

use hattama_apportionment::*;
use proptest::prelude::*;

use crate::common::*;

const HARE: Method = Method::HareLargestRemainder;

fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![Just(HARE), Just(Method::DHondt), Just(Method::SainteLague)]
}

/// Small votes make ties, large ones are above 32 bits.
fn votes() -> impl Strategy<Value = Vec<u64>> {
    let size = prop_oneof![0..12_u64, 0..100_000_u64, 0..10_000_000_000_u64];
    prop::collection::vec(size, 1..9).prop_filter("somebody votes", |votes| votes.iter().any(|&count| count > 0))
}

/// Seats by option and who is tied, without regard to order.
fn by_option(allocation: &ListAllocation) -> (Vec<(OptionId, u32)>, Vec<OptionId>) {
    let mut seats: Vec<_> = allocation.options.iter().map(|option| (option.id.clone(), option.seats)).collect();
    seats.sort();
    let mut tied = match &allocation.outcome {
        Outcome::DecisionNeeded { tie } => tie.between.clone(),
        _ => Vec::new(),
    };
    tied.sort();
    (seats, tied)
}

proptest! {
    #[test]
    fn the_seats_add_up(method in methods(), votes in votes(), house in 0..120_u32) {
        let allocation = allocate(&plain(method, house), &lists(&votes));
        let open = match &allocation.outcome {
            Outcome::Complete { .. } => 0,
            Outcome::DecisionNeeded { tie } => {
                prop_assert!(tie.seats > 0 && (tie.seats as usize) < tie.between.len());
                tie.seats
            }
            Outcome::NoListOverThreshold { .. } => return Err(TestCaseError::fail("somebody voted")),
        };
        prop_assert_eq!(seats(&allocation).iter().sum::<u32>() + open, house);
    }

    #[test]
    fn by_remainders_nobody_is_a_seat_away_from_the_exact_share(votes in votes(), house in 0..120_u32) {
        let total: u128 = votes.iter().map(|&count| u128::from(count)).sum();
        let allocation = allocate(&plain(HARE, house), &lists(&votes));
        for option in &allocation.options {
            let exact = u128::from(option.votes) * u128::from(house);
            let (floor, ceiling) = (exact / total, exact.div_ceil(total));
            prop_assert!((floor..=ceiling).contains(&u128::from(option.seats)));
        }
    }

    #[test]
    fn by_dhondt_nobody_is_below_the_whole_quotas(votes in votes(), house in 0..120_u32) {
        let total: u128 = votes.iter().map(|&count| u128::from(count)).sum();
        let allocation = allocate(&plain(Method::DHondt, house), &lists(&votes));
        for option in &allocation.options {
            let tied = u32::from(by_option(&allocation).1.contains(&option.id));
            prop_assert!(u128::from(option.seats + tied) >= u128::from(option.votes) * u128::from(house) / total);
        }
    }

    #[test]
    fn the_order_on_the_ballot_decides_nothing(
        method in methods(), (votes, order) in votes().prop_flat_map(|votes| {
            let order: Vec<usize> = (0..votes.len()).collect();
            (Just(votes), Just(order).prop_shuffle())
        }), house in 0..60_u32,
    ) {
        let input = lists(&votes);
        let mut shuffled = input.clone();
        shuffled.options = order.iter().map(|&index| input.options[index].clone()).collect();
        let rules = ListRules { threshold: threshold(5, 100, Denominator::ValidIncludingAgainstAll), ..plain(method, house) };
        prop_assert_eq!(by_option(&allocate(&rules, &input)), by_option(&allocate(&rules, &shuffled)));
    }

    #[test]
    fn ten_times_the_votes_give_the_same_seats(
        method in methods(), votes in votes(), factor in 1..1_000_u64, house in 0..60_u32,
    ) {
        let rules = ListRules { threshold: threshold(5, 100, Denominator::ValidIncludingAgainstAll), ..plain(method, house) };
        let scaled: Vec<u64> = votes.iter().map(|&count| count * factor).collect();
        let (one, many) = (allocate(&rules, &lists(&votes)), allocate(&rules, &lists(&scaled)));
        prop_assert_eq!(by_option(&one), by_option(&many));
    }

    #[test]
    fn more_votes_never_have_fewer_seats(method in methods(), votes in votes(), house in 0..120_u32) {
        let allocation = allocate(&plain(method, house), &lists(&votes));
        let tied = by_option(&allocation).1;
        for (one, other) in allocation.options.iter().flat_map(|one| allocation.options.iter().map(move |other| (one, other))) {
            // A seat still open may go to the one with more votes.
            let open = u32::from(tied.contains(&one.id));
            prop_assert!(one.votes <= other.votes || one.seats + open >= other.seats);
            prop_assert!(one.votes != other.votes || one.seats == other.seats || !tied.is_empty());
        }
    }

    #[test]
    fn by_quotients_a_larger_house_takes_no_seat_away(
        method in prop_oneof![Just(Method::DHondt), Just(Method::SainteLague)], votes in votes(), house in 0..60_u32,
    ) {
        let smaller = allocate(&plain(method, house), &lists(&votes));
        let larger = allocate(&plain(method, house + 1), &lists(&votes));
        prop_assert!(seats(&smaller).iter().zip(seats(&larger)).all(|(&before, after)| before <= after));
    }
}

#[test]
fn by_remainders_a_larger_house_can_take_a_seat_away() {
    let input = lists(&[2691, 13, 1389, 107, 15]);
    assert_eq!(complete(&plain(HARE, 16), &input), [10, 0, 5, 1, 0]);
    assert_eq!(complete(&plain(HARE, 17), &input), [11, 0, 6, 0, 0], "the Alabama paradox is in the method");
}
