//! The fold against an oracle that was written without it (`tests/oracle/`): every station, total and seat of random worlds.

use crate::common::{folding::Folds, random::Random, world::World};
use hattama_apportionment::{PluralityOutcome, Step};
use hattama_election::rules::RuleCode;
use hattama_tally::{ContestSeats, Outcome, StationState, seats_of};
use std::collections::{BTreeMap, BTreeSet};

mod ask;
mod ours;
mod world_json;

/// Worlds of a plain `cargo test`: some seconds.
const WORLDS: u64 = 300;
/// Worlds with `HATTAMA_LONG=1`: some minutes.
const LONG_WORLDS: u64 = 20_000;
/// Worlds that one process is asked about: what a pipe and a few hundred megabytes take with ease.
const WORLDS_AT_ONCE: u64 = 1_000;

#[test]
fn the_fold_and_the_oracle_agree_on_random_worlds() {
    if !ask::is_there() {
        return;
    }
    let worlds = if std::env::var_os("HATTAMA_LONG").is_some() { LONG_WORLDS } else { WORLDS };
    let mut seeds = 0..worlds;
    loop {
        let chunk: Vec<u64> = seeds.by_ref().take(usize::try_from(WORLDS_AT_ONCE).unwrap()).collect();
        if chunk.is_empty() {
            return;
        }
        let worlds: Vec<World> = chunk.iter().map(|seed| World::random(*seed)).collect();
        if let Some((place, _)) = ask::first_difference(&worlds) {
            let smallest = shrunk(worlds[place].clone());
            let (_, difference) = ask::first_difference(std::slice::from_ref(&smallest)).unwrap();
            panic!(
                "the world of seed {} shrunk to {} submissions\n{difference}\n{:#}",
                chunk[place],
                smallest.sent.len(),
                world_json::world(&smallest)
            );
        }
    }
}

/// Drops one submission after another as long as a difference remains.
fn shrunk(mut world: World) -> World {
    loop {
        let without = |place: usize| {
            let mut smaller = world.clone();
            smaller.sent.remove(place);
            smaller
        };
        let smaller: Vec<World> = (0..world.sent.len()).map(without).collect();
        match ask::first_difference(&smaller) {
            Some((place, _)) => world = smaller[place].clone(),
            None => return world,
        }
    }
}

/// An agreement over worlds in which nothing happens would say nothing.
#[test]
fn the_random_worlds_show_every_outcome_every_state_and_every_rule_that_the_fold_applies() {
    let (mut outcomes, mut states, mut rules) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..WORLDS {
        let world = World::random(seed);
        let folds = Folds::of_world(&world, &world.logs(&mut Random::new(seed)));
        let cells = folds.shards.values().flat_map(|fold| {
            fold.stations().iter().flat_map(|station| fold.evaluation(*station).unwrap().contests.iter())
        });
        states.extend(cells.map(|(_, cell)| cell.state));
        for outcome in folds.control.outcomes().chain(folds.shards.values().flat_map(|fold| fold.outcomes())) {
            outcomes.insert(outcome.outcome);
            rules.extend(outcome.rules.iter().copied());
        }
    }
    let notable: BTreeSet<Outcome> = Outcome::ALL.into_iter().collect();
    assert_eq!(outcomes, notable);
    use StationState::{Annulled, Closed, Contested, Counted, Held, Missing};
    assert_eq!(states, BTreeSet::from([Counted, Held, Contested, Annulled, Missing, Closed]));
    // Impossible in itself is not in these worlds; that a tie's premises are gone is for who shows the seats.
    let possible = |code: &&RuleCode| code.number() >= 100 && **code != RuleCode::PremisesGone;
    let silent: Vec<&RuleCode> = RuleCode::ALL.iter().filter(possible).filter(|code| !rules.contains(code)).collect();
    assert_eq!(silent, Vec::<&RuleCode>::new());
    assert!(rules.contains(&RuleCode::UnknownKey) && rules.contains(&RuleCode::NotEntitled));
}

/// What no law was found for is read one way, here and in the oracle (its readings 43 and 46): the worlds have to ask it.
#[test]
fn the_random_worlds_show_what_no_law_was_found_for() {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..WORLDS {
        let world = World::random(seed);
        let folds = Folds::of_world(&world, &world.logs(&mut Random::new(seed)));
        for contest in folds.nation().contests {
            let seats = seats_of(&world.definition, contest.contest, &contest.nation, folds.control.state());
            if let Some(question) = unanswered(&seats) {
                *shown.entry(question).or_default() += 1;
            }
        }
    }
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown.values().all(|contests| *contests >= 3), "{shown:?}");
}

/// The question without a law that these seats depend on.
fn unanswered(seats: &ContestSeats) -> Option<&'static str> {
    match seats {
        ContestSeats::Plurality { result } => match &result.outcome {
            PluralityOutcome::AgainstAllAhead { lead: 0, .. } => Some("against all is level with the strongest"),
            _ => None,
        },
        ContestSeats::List { allocation } => {
            let alone = |step: &Step| matches!(step, Step::ListAlone { next, .. } if next.is_empty());
            let voteless = allocation.steps.iter().any(alone) && allocation.options.len() > 1;
            voteless.then_some("no other list has a vote")
        }
        ContestSeats::Impossible { .. } => None,
    }
}
