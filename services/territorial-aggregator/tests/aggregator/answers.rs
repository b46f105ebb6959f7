//! What commissions are answered.

use crate::rig::{Aggregator, Rig};
use hattama_election::ids::ShardId;
use hattama_service_kit::clock::Clock;
use jiff::Timestamp;
use tonic::Code;

const SHARD: ShardId = ShardId(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_are_answered_from_the_second_of_the_embargo_on_and_not_before() {
    /// Rehearsal seconds before the embargo at which the aggregator starts: enough for one answer on a slow machine.
    const SECONDS_BEFORE: i64 = 3;
    let rig = Rig::new().await;
    rig.protocol("north-001", 1, 700).await;
    let clock: Clock = rig.clock(-SECONDS_BEFORE);
    let mut config = rig.config("one", &[1]);
    config.clock = clock;
    let mut aggregator = Aggregator::start(config).await;
    rig.settled(SHARD).await;
    let embargo = Timestamp::from_second(rig.definition.contests[0].embargo_until.0).unwrap();

    let mut answered_before = 0;
    loop {
        let answer = aggregator.tally(1).await;
        if clock.now() >= embargo {
            break;
        }
        // A tally is in the log a moment before it is answered.
        let Ok(answer) = answer else { continue };
        assert_eq!(answer.embargoed_contests, ["council-list", "council-d-1"]);
        let units = answer.tally.unwrap().contests.into_iter().flat_map(|contest| contest.units);
        for unit in units {
            assert!(unit.votes.is_empty() && unit.lines.is_empty() && unit.against_all == 0, "{unit:?}");
            assert!(unit.stations.is_some(), "counts of stations are no secret");
        }
        answered_before += 1;
    }
    assert!(answered_before > 0, "the machine was too slow: nothing was asked before the embargo");

    let answer = aggregator.tally(1).await.unwrap();
    assert!(answer.embargoed_contests.is_empty());
    let (tally, _) = rig.fold_at(SHARD, rig.ends(SHARD).await).await;
    assert_eq!(answer.tally.unwrap(), hattama_wire::tally_to_proto(&rig.definition, &tally));
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_lists_the_shards_that_it_owns_and_knows_no_other() {
    let rig = Rig::new().await;
    rig.protocol("south-001", 1, 700).await;
    let mut aggregator = rig.start("one", &[3, 1]).await;
    let shards = aggregator
        .shards_until("shard 3 folded", |shards| {
            shards[1].position.as_ref().is_some_and(|position| position.next_offset == 2)
        })
        .await;
    let listed: Vec<_> = shards.iter().map(|shard| (shard.shard, shard.end_offset, shard.frozen)).collect();
    assert_eq!(listed, [(1, 1, false), (3, 2, false)]);
    assert!(shards.iter().all(|shard| shard.frozen_reason.is_empty()));
    for shard in [0, 2, 77] {
        let refused = aggregator.tally(shard).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert!(refused.message().contains(&format!("shard {shard} is not owned here")), "{refused}");
    }
    aggregator.stop().await;
}
