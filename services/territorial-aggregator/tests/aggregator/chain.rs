//! From submissions to outcomes and tallies, by one owner after another; what is not an owner's is ignored.

use crate::rig::{GENERATION, LogLines, Rig, pair};
use hattama_election::{
    amendment::{Change, KeyHolder},
    definition::sample,
    ids::{ShardId, StationId},
};
use hattama_record_log::NewRecord;
use hattama_tally::{FIRST_POSITION, Generation, Outcome};
use hattama_wire::{ServiceContext, SigningKey};

const SHARD: ShardId = ShardId(1);

fn station(id: &str) -> StationId {
    StationId::new(id).unwrap()
}

/// A key that only an amendment knows.
fn new_key() -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), hattama_election::definition::KeyRole::Station, "another-device").unwrap()
}

/// Records of many outcomes in the shard, and an amendment that changes one of them.
pub async fn busy_hour(rig: &Rig) {
    rig.protocol("north-001", 1, 700).await;
    rig.protocol("north-001", 1, 700).await;
    rig.protocol("north-002", 1, 300).await;
    rig.append(SHARD, "no submission at all").await;
    rig.submit_with(&new_key(), &rig.protocol_of("north-002", 2, 310)).await;
}

pub async fn busy_second_hour(rig: &Rig) {
    let holder = KeyHolder::Station(station("north-002"));
    rig.amend(1, Change::KeyReplaced { holder, key: new_key().public_key() }).await;
    rig.protocol("north-001", 1, 701).await;
    rig.protocol("north-001", 2, 702).await;
    rig.protocol("north-001", 2, 703).await;
    rig.amend(2, Change::StationClosed { station: station("north-003") }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_gets_its_outcome_and_a_tally_that_is_the_folds_at_the_same_pair() {
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[1]).await;
    rig.settled(SHARD).await;
    rig.protocol("north-001", 1, 700).await;
    let chain = rig.settled_and_right(SHARD).await;
    assert_eq!(chain.valid.iter().map(|body| (body.from, body.to)).collect::<Vec<_>>(), [(FIRST_POSITION, pair(2, 1))]);
    let tally = rig.winning_tally(SHARD).await.unwrap();
    assert_eq!(tally.contests[0].units[0].1.votes.iter().sum::<u64>(), 703);

    busy_hour(&rig).await;
    busy_second_hour(&rig).await;
    let chain = rig.settled_and_right(SHARD).await;
    let outcomes: Vec<Outcome> = chain.words().into_values().map(|word| word.outcome).collect();
    for outcome in [Outcome::Duplicate, Outcome::Refused, Outcome::Superseded, Outcome::Contested] {
        assert!(outcomes.contains(&outcome), "{outcome:?} is not among {outcomes:?}");
    }
    for (tally, envelope) in rig.tallies(SHARD).await {
        assert_eq!(tally, rig.fold_at(SHARD, tally.position).await.0, "every tally, not only the last");
        assert_eq!((envelope.instance.as_str(), envelope.frozen), ("one", None));
    }
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_owner_announces_itself_with_a_tally_although_nothing_changed() {
    let rig = Rig::new().await;
    let first = rig.start("first", &[1]).await;
    busy_hour(&rig).await;
    rig.settled(SHARD).await;
    first.stop().await;
    let (chain, tallies) = (rig.chain(SHARD).await, rig.tallies(SHARD).await);

    let mut second = rig.start("second", &[1]).await;
    second
        .shards_until("announced", |shards| shards[0].position == Some(hattama_wire::position_to_proto(pair(6, 1))))
        .await;
    let now = rig.tallies(SHARD).await;
    assert_eq!(now.len(), tallies.len() + 1);
    let (announced, envelope) = now.last().unwrap();
    assert_eq!(envelope.instance, "second");
    assert_eq!(*announced, tallies.last().unwrap().0);
    assert_eq!(rig.chain(SHARD).await.valid, chain.valid);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_from_the_last_outcomes_and_tells_nothing_twice() {
    let rig = Rig::new().await;
    let first = rig.start("first", &[1]).await;
    busy_hour(&rig).await;
    let before = rig.settled_and_right(SHARD).await;
    first.stop().await;

    busy_second_hour(&rig).await;
    let second = rig.start("second", &[1]).await;
    let chain = rig.settled_and_right(SHARD).await;
    assert_eq!(chain.valid[..before.valid.len()], before.valid);
    assert_eq!(chain.valid[before.valid.len()].from, before.head());
    assert_eq!(chain.ignored, 0);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_whose_owner_died_before_its_tally_get_their_tally_from_the_next_owner() {
    let rig = Rig::new().await;
    rig.protocol("north-001", 1, 700).await;
    rig.protocol("north-002", 1, 300).await;
    let body = rig.outcomes(SHARD, (FIRST_POSITION, pair(2, 1)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &body).await;
    let aggregator = rig.start("next", &[1]).await;
    rig.settled_and_right(SHARD).await;
    let positions: Vec<_> = rig.tallies(SHARD).await.into_iter().map(|(tally, _)| tally.position).collect();
    assert_eq!(positions, [pair(2, 1), pair(3, 1)]);
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_and_foreign_outcomes_are_ignored() {
    let rig = Rig::new().await;
    busy_hour(&rig).await;
    let leap = (FIRST_POSITION, pair(4, 1));
    let forged = rig.outcomes(SHARD, leap, vec![]);
    let mut other_generation = forged.clone();
    other_generation.generation = Generation(GENERATION.0 + 1);
    let other_shard = rig.outcomes(ShardId(2), leap, vec![]);
    let spoil = async || {
        rig.tell_as(SHARD, "gateway", ServiceContext::Outcomes, &forged).await;
        rig.tell_as(SHARD, "national", ServiceContext::Outcomes, &forged).await;
        rig.tell_as(SHARD, "aggregator", ServiceContext::Tally, &forged).await;
        rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &other_generation).await;
        rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &other_shard).await;
        rig.log.append(&rig.topics.outcomes, SHARD.0, NewRecord::of_value("nothing")).await.unwrap();
    };
    spoil().await;
    let first = rig.start("first", &[1]).await;
    rig.settled_and_right(SHARD).await;
    // While it runs: its next record does not lie where it expected.
    spoil().await;
    busy_second_hour(&rig).await;
    assert_eq!(rig.settled_and_right(SHARD).await.ignored, 12);
    first.stop().await;

    let second = rig.start("second", &[1]).await;
    rig.protocol("north-002", 3, 350).await;
    rig.settled_and_right(SHARD).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controls_owner_tells_what_became_of_amendments_in_a_tally_without_figures() {
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[]).await;
    let close = |id| Change::StationClosed { station: station(id) };
    rig.amend(1, close("north-003")).await;
    rig.amend(3, close("south-001")).await;
    let chain = rig.settled_and_right(ShardId::CONTROL).await;
    let words: Vec<_> = chain.words().into_values().map(|word| (word.offset, word.outcome)).collect();
    assert_eq!(words, [(2, Outcome::Held)], "a number is missing before it");

    rig.amend(2, close("south-003")).await;
    let chain = rig.settled_and_right(ShardId::CONTROL).await;
    assert!(chain.words().is_empty(), "now all three apply");
    assert!(chain.valid.last().unwrap().outcomes.iter().any(|outcome| outcome.offset == 2 && outcome.is_plain()));
    let tally = rig.winning_tally(ShardId::CONTROL).await.unwrap();
    assert_eq!(tally.position, pair(4, 4));
    assert!(tally.contests.is_empty() && tally.turnout.is_empty());
    for shard in 1..rig.definition.shards {
        rig.settled_and_right(ShardId(shard)).await;
    }
    aggregator.stop().await;
}

#[tokio::test]
async fn why_amendments_stop_is_told_once_and_not_with_every_record_of_control() {
    let lines = LogLines::capture();
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[]).await;
    let close = |id| Change::StationClosed { station: station(id) };
    for number in [2, 5, 4] {
        rig.amend(number, close("north-003")).await;
        rig.settled(ShardId::CONTROL).await;
    }
    let stops = || lines.errors().into_iter().filter(|line| line.contains("amendments stop here")).count();
    assert_eq!(stops(), 1, "{:?}", lines.errors());
    rig.amend(1, close("south-001")).await;
    rig.settled(ShardId::CONTROL).await;
    assert_eq!(stops(), 2, "now number 3 is missing: {:?}", lines.errors());
    aggregator.stop().await;
}
