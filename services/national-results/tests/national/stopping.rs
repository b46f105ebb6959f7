//! Forged, wrong and broken tallies: what is ignored, what freezes a shard, what stops publishing.

use crate::rig::{Rig, at, sequence, with_other_votes, without_conservation};
use hattama_wire::ServiceContext;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_tally_is_ignored() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let forged = with_other_votes(&rig.fold(1).await);
    rig.tell_as("gateway", ServiceContext::Tally, &forged, None).await;
    rig.tell_as("aggregator", ServiceContext::Outcomes, &forged, None).await;
    let mut replica = rig.start("one").await;
    let position = rig.tell(1).await;
    let result = replica.eventually_at(1, position).await;
    assert_eq!(result.contests[0].figures.as_ref().unwrap().votes, [700, 500, 60, 40]);
    assert!(result.frozen_shards.is_empty());
    assert_eq!(rig.publications().await.len(), 1);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tally_that_is_not_what_was_submitted_freezes_its_shard_and_the_others_go_on() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let good = rig.tell(1).await;
    replica.eventually_at(1, good).await;
    replica.eventually("the good one confirmed", |result| result.shards_checked == 4).await;

    rig.protocol("north-002", "council-list", 1, &[7, 5, 6, 4]).await;
    let wrong = with_other_votes(&rig.fold(1).await);
    rig.tell_as("aggregator", ServiceContext::Tally, &wrong, None).await;
    let frozen = replica.eventually("shard 1 frozen", |result| result.frozen_shards == [1]).await;
    // It was published before the check came to it, or not; behind it nothing of this shard is.
    let stands_at = at(&frozen, 1);
    rig.protocol("north-001", "council-list", 2, &[701, 500, 60, 40]).await;
    let later = rig.tell(1).await;
    rig.protocol("south-001", "council-list", 1, &[1, 2, 3, 4]).await;
    let south = rig.tell(3).await;
    let result = replica.eventually_at(3, south).await;
    assert!(!at(&result, 1).covers(&later), "{result:?}");
    assert!(at(&result, 1).covers(&stands_at));
    assert_eq!(result.frozen_shards, [1]);
    replica
        .eventually("the others are confirmed", |result| {
            result.shards_checked == if at(result, 1) == good { 4 } else { 3 }
        })
        .await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tally_beyond_the_end_of_the_log_freezes_its_shard() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let mut beyond = rig.fold(1).await;
    beyond.position.next_offset += 5;
    beyond.records.records += 5;
    beyond.records.by_outcome[0] += 5;
    let mut replica = rig.start("one").await;
    rig.tell_as("aggregator", ServiceContext::Tally, &beyond, None).await;
    replica.eventually("shard 1 frozen", |result| result.frozen_shards == [1]).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_its_owner_froze_is_named_until_it_moves_again() {
    let mut rig = Rig::new().await;
    let tally = rig.fold(2).await;
    let mut replica = rig.start("one").await;
    rig.tell_as("aggregator", ServiceContext::Tally, &tally, Some("sums at 1")).await;
    replica.eventually("shard 2 frozen", |result| result.frozen_shards == [2]).await;
    rig.tell_as("aggregator", ServiceContext::Tally, &tally, None).await;
    replica.eventually("shard 2 moves", |result| result.frozen_shards.is_empty()).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tally_without_conservation_stops_publishing_while_answers_go_on() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let position = rig.tell(1).await;
    let before = replica.eventually_at(1, position).await;

    rig.protocol("north-002", "council-list", 1, &[7, 5, 6, 4]).await;
    let broken = without_conservation(&rig.fold(1).await);
    rig.tell_as("aggregator", ServiceContext::Tally, &broken, None).await;
    replica.eventually("shard 1 frozen by the check", |result| result.frozen_shards == [1]).await;
    // Two good tallies, each marked: once the second mark is seen, the first tally has been taken and passed over.
    for (shard, station) in [(2, "north-003"), (3, "south-001")] {
        rig.protocol(station, "council-list", 1, &[1, 2, 3, 4]).await;
        let tally = rig.fold(shard).await;
        rig.tell_as("aggregator", ServiceContext::Tally, &tally, Some("a mark")).await;
        replica.eventually("the mark is seen", |result| result.frozen_shards.contains(&shard)).await;
    }
    let after = replica.result().await.unwrap();
    assert_eq!(after.publication, before.publication);
    assert_eq!(rig.publications().await.len(), 1);
    assert_eq!(sequence(&after), sequence(&before));
    assert_eq!(replica.station("north-001", None).await.contents.len(), 1);
    replica.stop().await;
}
