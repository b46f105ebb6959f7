//! A fold that this binary does not know: nothing is told that may be wrong, and that nothing is told is told.

use crate::rig::{LogLines, Rig, pair};
use hattama_election::{amendment::Change, definition::sample, ids::ShardId};
use hattama_tally::{FIRST_POSITION, PositionPair};
use hattama_wire::ServiceContext;
use tonic::Code;

const SHARD: ShardId = ShardId(1);
const UNKNOWN: Change = Change::FoldVersion { version: 2 };

fn wire(at: PositionPair) -> Option<hattama_proto::log::v1::PositionPair> {
    Some(hattama_wire::position_to_proto(at))
}

fn is_fold_version(why: &str, control: u64) -> bool {
    why.starts_with(&format!("fold version 2 is in force at control {control}, this binary knows 1"))
}

#[tokio::test]
async fn an_unknown_fold_version_freezes_shards_at_their_last_good_tally_and_all_can_see_it() {
    let lines = LogLines::capture();
    let rig = Rig::new().await;
    let mut aggregator = rig.start("one", &[]).await;
    rig.protocol("north-001", 1, 700).await;
    let (before, good) = rig.settled(SHARD).await;
    rig.settled(ShardId::CONTROL).await;
    rig.amend(1, UNKNOWN).await;
    let shards = aggregator.shards_until("frozen", |shards| shards.iter().all(|shard| shard.frozen)).await;
    assert_eq!(shards.iter().map(|shard| shard.shard).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(shards.iter().all(|shard| is_fold_version(&shard.frozen_reason, 2)), "{shards:?}");
    assert_eq!((shards[1].position, shards[0].position), (wire(pair(2, 1)), wire(pair(1, 1))));

    // Receiving goes on, and so does the service; the shard stands.
    rig.protocol("north-002", 1, 300).await;
    let answer = aggregator.tally(1).await.unwrap().tally.unwrap();
    assert_eq!(answer, hattama_wire::tally_to_proto(&rig.definition, &good));
    assert_eq!(rig.chain(SHARD).await.valid, before.valid);
    let tallies = rig.tallies(SHARD).await;
    let (last, envelope) = tallies.last().unwrap();
    assert_eq!(*last, good);
    assert!(is_fold_version(envelope.frozen.as_ref().unwrap(), 2));
    assert!(tallies[..tallies.len() - 1].iter().all(|(_, envelope)| envelope.frozen.is_none()));
    assert!(rig.chain(ShardId::CONTROL).await.valid.is_empty());
    assert!(lines.errors().iter().any(|line| line.contains("is frozen at its last good tally")));
    assert!(!aggregator.shutdown.is_requested());
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_an_unknown_fold_version_tells_the_freeze_with_the_tally_at_the_outcomes_head() {
    let rig = Rig::new().await;
    let first = rig.start("first", &[1]).await;
    rig.protocol("north-001", 1, 700).await;
    let (before, good) = rig.settled(SHARD).await;
    first.stop().await;
    rig.protocol("north-001", 2, 701).await;
    rig.amend(1, UNKNOWN).await;

    let mut second = rig.start("second", &[1]).await;
    let shards = second.shards_until("frozen", |shards| shards[0].frozen).await;
    assert_eq!((shards[0].position, shards[0].end_offset), (wire(good.position), 3));
    assert!(is_fold_version(&shards[0].frozen_reason, 2));
    let by_second: Vec<_> =
        rig.tallies(SHARD).await.into_iter().filter(|(_, envelope)| envelope.instance == "second").collect();
    assert_eq!(by_second.len(), 1, "it says nothing but that it is frozen");
    assert_eq!(by_second[0].0, good);
    assert!(is_fold_version(by_second[0].1.frozen.as_ref().unwrap(), 2));
    assert_eq!(rig.chain(SHARD).await.valid, before.valid);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_outcomes_of_an_unknown_fold_no_tally_is_made_up_and_the_freeze_is_listed() {
    let rig = Rig::new().await;
    rig.amend(1, UNKNOWN).await;
    rig.protocol("north-001", 1, 700).await;
    let body = rig.outcomes(SHARD, (FIRST_POSITION, pair(2, 2)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &body).await;
    let mut aggregator = rig.start("old", &[1]).await;
    let shards = aggregator.shards_until("frozen", |shards| shards[0].frozen).await;
    assert_eq!(shards[0].position, wire(pair(2, 2)));
    assert!(is_fold_version(&shards[0].frozen_reason, 2));
    let refused = aggregator.tally(1).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("fold version 2"), "{refused}");
    assert!(rig.tallies(SHARD).await.is_empty());
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_of_an_unknown_fold_version_is_frozen_from_its_start() {
    let mut definition = sample::definition();
    definition.fold_version = 2;
    let rig = Rig::of(definition).await;
    let mut aggregator = rig.start("old", &[1]).await;
    let shards = aggregator.shards_until("frozen", |shards| shards[0].frozen).await;
    assert_eq!(shards[0].position, wire(FIRST_POSITION));
    assert!(is_fold_version(&shards[0].frozen_reason, 1));
    assert!(rig.tallies(SHARD).await.is_empty());
    aggregator.stop().await;
}

/// An election in which the fold panics on any protocol of north-001: its form is none.
async fn rig_that_panics() -> Rig {
    let mut definition = sample::definition();
    let station = definition.stations.iter_mut().find(|station| station.id.as_str() == "north-001").unwrap();
    station.form = Some(99);
    Rig::of(definition).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_that_panics_freezes_its_shard_alone() {
    let rig = rig_that_panics().await;
    let mut first = rig.start("first", &[]).await;
    rig.append(SHARD, "refused, and counted as a record").await;
    let (chain, good) = rig.settled(SHARD).await;
    rig.protocol("north-001", 1, 700).await;
    let shards = first.shards_until("shard 1 frozen", |shards| shards[1].frozen).await;
    assert_eq!(shards.iter().filter(|shard| shard.frozen).count(), 1);
    let why = "the fold panicked on a record at offset 2 (control 1) or behind it";
    assert_eq!((shards[1].frozen_reason.as_str(), shards[1].position), (why, wire(pair(2, 1))));
    let (last, envelope) = rig.tallies(SHARD).await.pop().unwrap();
    assert_eq!((last, envelope.frozen.as_deref()), (good.clone(), Some(why)));
    assert_eq!(rig.chain(SHARD).await.valid, chain.valid);
    rig.protocol("south-001", 1, 500).await;
    rig.settled_and_right(ShardId(3)).await;
    first.stop().await;

    // A restart comes to the same.
    let mut second = rig.start("second", &[1]).await;
    let shards = second.shards_until("shard 1 frozen", |shards| shards[0].frozen).await;
    assert_eq!((shards[0].frozen_reason.as_str(), shards[0].position), (why, wire(good.position)));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_before_the_outcomes_head_is_listed_without_a_tally() {
    let rig = rig_that_panics().await;
    rig.protocol("north-001", 1, 700).await;
    let body = rig.outcomes(SHARD, (FIRST_POSITION, pair(2, 1)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &body).await;
    let mut aggregator = rig.start("one", &[1]).await;
    let shards = aggregator.shards_until("frozen", |shards| shards[0].frozen).await;
    assert_eq!(shards[0].frozen_reason, "the fold panicked on a record before offset 2 (control 1)");
    assert_eq!(aggregator.tally(1).await.unwrap_err().code(), Code::Unavailable);
    assert!(rig.tallies(SHARD).await.is_empty());
    assert!(!aggregator.shutdown.is_requested());
    aggregator.stop().await;
}
