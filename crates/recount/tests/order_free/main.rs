//! The bytes of a result are a function of the set of valid submissions (promise P3): whatever the order of the log, within a
//! station too, however often a record is in it and whatever else is, however many owners fold it in whatever batches, fall
//! over each other on a shard and begin again. Random worlds, random logs, random owners, through the files of an export.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests: what is not as expected has to fail")]

#[path = "../common/mod.rs"]
mod common;
mod owners;
mod signed_world;
#[path = "../../../tally/tests/tally/common/mod.rs"]
#[expect(dead_code, reason = "the tests of the fold, whose worlds these are, use the rest")]
mod worlds;

use common::{Night, check, export_with, written::Written};
use hattama_election::definition::DefinitionFiles;
use hattama_recount::{Recounted, Verdict};
use owners::{MAX_OWNERS, Owners};
use proptest::prelude::*;
use signed_world::SignedWorld;
use worlds::random::Random;

/// Worlds in `cargo test`: some seconds.
const CASES: u32 = 24;
/// Worlds with `HATTAMA_LONG=1`: some minutes.
const LONG_CASES: u32 = 500;

fn cases() -> u32 {
    if std::env::var_os("HATTAMA_LONG").is_some() { LONG_CASES } else { CASES }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn the_same_submissions_have_the_same_result_bytes_whatever_the_order_the_repeats_and_the_owners(
        seed in any::<u64>(),
        stir in any::<u64>(),
    ) {
        let world = SignedWorld::of(seed);
        let expected = plain_result(&world);
        let mut random = Random::new(stir);
        for owners in 1..=MAX_OWNERS {
            let submissions = world.stirred(&mut random);
            let played = Owners::new(&world, submissions, owners, &mut random).play();
            prop_assert!(bytes(&played.result) == expected, "the folds of {owners} owners: {:?}", played.told);
            let recounted = recount(&world.files, &played.night);
            let found = bytes(recounted.result.as_ref().unwrap());
            prop_assert!(found == expected, "the recount of the night of {owners} owners");
            let report = &recounted.report;
            prop_assert_eq!(report.verdict, Verdict::Match, "{}", report);
            prop_assert_eq!(report.counts.not_compared, 0, "{}", report);
            prop_assert_eq!(report.counts.lost_races, played.told.lost_races, "{}", report);
            prop_assert!(report.last_publication.as_ref().unwrap().covers_everything, "{}", report);
        }
    }
}

#[test]
fn owners_do_fall_over_each_other_begin_again_and_write_late() {
    let mut told = owners::Told::default();
    for seed in 0..8 {
        let world = SignedWorld::of(seed);
        let mut random = Random::new(seed);
        let submissions = world.stirred(&mut random);
        told += Owners::new(&world, submissions, MAX_OWNERS, &mut random).play().told;
    }
    assert!(told.lost_races > 0 && told.restarts > 0 && told.late_tallies > 0 && told.handed_over > 0, "{told:?}");
}

/// What a log comes to that holds each submission once, in the order in which it was sent, and that nobody has served.
fn plain_result(world: &SignedWorld) -> Vec<u8> {
    let mut night = Written::new(&world.definition).night(world.plain());
    night.topics.retain(|topic, _| *topic == hattama_recount::export_format::Topic::Submissions);
    let recounted = recount(&world.files, &night);
    bytes(recounted.result.as_ref().unwrap())
}

fn recount(files: &DefinitionFiles, night: &Night) -> Recounted {
    let folder = tempfile::tempdir().unwrap();
    export_with(files, night, folder.path());
    check(folder.path()).unwrap()
}

fn bytes(result: &hattama_recount::ResultDocument) -> Vec<u8> {
    result.canonical_bytes().unwrap()
}
