//! The fold against an oracle that was written without it (`tests/oracle/`): every station, total and seat of random worlds.

use crate::common::world::World;

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
