//! Several that believe they own one shard; stopping; lost records.

use crate::rig::{LogLines, PATIENCE, Rig, eventually, pair};
use hattama_election::ids::ShardId;
use hattama_service_kit::shutdown::Cause;
use hattama_tally::FIRST_POSITION;
use hattama_wire::ServiceContext;
use std::{collections::BTreeSet, time::Duration};

const SHARD: ShardId = ShardId(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_owners_of_one_shard_lose_nothing_and_their_outcomes_are_one_chain() {
    const ROUNDS: u8 = 20;
    let rig = Rig::new().await;
    let first = rig.start("first", &[1]).await;
    let second = rig.start("second", &[1]).await;
    for round in 1..=ROUNDS {
        rig.protocol("north-001", round, 700 + u32::from(round)).await;
        rig.protocol("north-002", round, 300).await;
        tokio::task::yield_now().await;
        rig.protocol("north-002", round, 301).await;
        if round % 5 == 0 {
            rig.settled_and_right(SHARD).await;
        }
    }
    let chain = rig.settled_and_right(SHARD).await;
    assert_eq!(chain.head(), pair(1 + 3 * u64::from(ROUNDS), 1));
    assert!(chain.ignored > 0, "the two never met: this showed nothing");
    let instances: BTreeSet<String> =
        rig.tallies(SHARD).await.into_iter().map(|(_, envelope)| envelope.instance).collect();
    assert_eq!(instances.len(), 2);
    for (tally, _) in rig.tallies(SHARD).await {
        assert_eq!(tally, rig.fold_at(SHARD, tally.position).await.0);
    }
    first.stop().await;
    // What is left goes on alone.
    rig.protocol("north-001", 99, 500).await;
    rig.settled_and_right(SHARD).await;
    second.stop().await;
}

/// One thread, and nothing here yields between the appends: the owner sees the records and the rival's outcomes at once.
#[tokio::test]
async fn an_owner_that_was_outrun_goes_on_from_where_the_other_stands() {
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[1]).await;
    rig.settled(SHARD).await;
    rig.protocol("north-001", 1, 700).await;
    rig.protocol("north-001", 1, 701).await;
    let rival = rig.outcomes(SHARD, (FIRST_POSITION, pair(2, 1)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &rival).await;
    let chain = rig.settled_and_right(SHARD).await;
    assert_eq!(chain.valid.iter().map(|body| body.to).collect::<Vec<_>>(), [pair(2, 1), pair(3, 1)]);
    assert_eq!((&chain.valid[0], chain.ignored), (&rival, 1));
    aggregator.stop().await;
}

#[tokio::test]
async fn outcomes_beyond_the_end_of_a_partition_stop_the_service_and_the_error_says_what_to_do() {
    for (claimed, partition, missing) in [(pair(9, 1), 1, 9), (pair(1, 7), 0, 7)] {
        let lines = LogLines::capture();
        let rig = Rig::new().await;
        let body = rig.outcomes(SHARD, (FIRST_POSITION, claimed), vec![]);
        rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &body).await;
        let aggregator = rig.start("one", &[1]).await;
        let stopped = tokio::time::timeout(PATIENCE, aggregator.shutdown.requested()).await.unwrap();
        let Cause::TaskFailed { error, .. } = stopped else { panic!("{stopped:?}") };
        let lost =
            format!("partition {partition} were read up to offset {missing}, but it ends at 1: records were lost");
        for part in ["shard 1", &lost, "write nothing more to this log", "ask for help"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        assert!(lines.errors().iter().any(|line| line.contains("records were lost")), "{:?}", lines.errors());
        assert!(rig.tallies(SHARD).await.is_empty());
        assert_eq!(aggregator.shutdown.drain(PATIENCE).await.exit_code(), 1);
    }
}

#[tokio::test]
async fn a_stop_under_load_is_soon_done_without_an_error_and_the_next_owner_goes_on() {
    /// What an operator waits by default is longer.
    const DEADLINE: Duration = Duration::from_secs(5);
    let lines = LogLines::capture();
    let rig = Rig::new().await;
    let aggregator = rig.start("one", &[]).await;
    let load = async {
        for revision in (1..=99).cycle().take(20_000) {
            for station in ["north-001", "north-003", "south-001"] {
                rig.protocol(station, revision, 10 + u32::from(revision)).await;
            }
            tokio::task::yield_now().await;
        }
    };
    let stop = async {
        eventually("tallies under load", async || (rig.tallies(SHARD).await.len() > 20).then_some(())).await;
        aggregator.shutdown.drain(DEADLINE).await
    };
    let drain = tokio::select! {
        drain = stop => drain,
        () = load => panic!("the load ended before the stop"),
    };
    assert_eq!((drain.tasks_left, drain.exit_code()), (0, 0), "{drain}");
    assert_eq!(lines.errors(), Vec::<String>::new());
    let next = rig.start("next", &[]).await;
    for shard in 0..rig.definition.shards {
        rig.settled_and_right(ShardId(shard)).await;
    }
    next.stop().await;
}
