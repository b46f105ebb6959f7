//! Shards that a group shares out: owned while they are assigned, not a moment longer, and never a reason to stop.

use crate::rig::{Aggregator, LogLines, PATIENCE, Rig, eventually, pair};
use hattama_election::{
    definition::{Definition, sample},
    ids::ShardId,
};
use hattama_record_log::{
    KafkaSettings, LogError, RecordLog,
    kafka::{LetGo, Membership, MembershipEvent, MembershipSettings},
};
use hattama_service_kit::shutdown::Cause;
use hattama_tally::FIRST_POSITION;
use hattama_territorial_aggregator::{Config, Ownership};
use hattama_wire::ServiceContext;
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

const SHARD: ShardId = ShardId(1);
/// Brokers for the last test; without them it is skipped.
const BROKERS: &str = "HATTAMA_KAFKA_BROKERS";

/// What the group says to one member.
struct Group(mpsc::Sender<Result<MembershipEvent, LogError>>);

impl Group {
    async fn assigns(&self, partitions: &[u32]) {
        self.0.send(Ok(MembershipEvent::Assigned { partitions: set(partitions) })).await.unwrap();
    }

    async fn loses(&self, partitions: &[u32]) {
        self.0.send(Ok(MembershipEvent::Lost { partitions: set(partitions) })).await.unwrap();
    }

    /// Returns when the member has let go.
    async fn revokes(&self, partitions: &[u32]) {
        let (let_go, dropped) = LetGo::new();
        self.0.send(Ok(MembershipEvent::Revoked { partitions: set(partitions), let_go })).await.unwrap();
        assert!(tokio::time::timeout(PATIENCE, dropped).await.unwrap().is_err(), "it carries no value");
    }
}

fn set(partitions: &[u32]) -> BTreeSet<u32> {
    partitions.iter().copied().collect()
}

/// An aggregator that is a member of a group of which the test decides.
async fn member(rig: &Rig, instance: &str) -> (Aggregator, Group) {
    let (sender, events) = mpsc::channel(8);
    let config = Config { ownership: Ownership::Shared(Membership::scripted(events)), ..rig.config(instance, &[]) };
    (Aggregator::start(config).await, Group(sender))
}

async fn owned(aggregator: &mut Aggregator, wanted: &[u32]) {
    aggregator.shards_until("owns these", |shards| shards.iter().map(|one| one.shard).eq(wanted.iter().copied())).await;
}

#[tokio::test]
async fn a_member_that_is_asked_to_stop_says_nothing_of_shards_that_stand_still() {
    let rig = Rig::new().await;
    let lines = LogLines::capture();
    let (mut member, group) = member(&rig, "stopped").await;
    group.assigns(&[0, 1, 2]).await;
    owned(&mut member, &[0, 1, 2]).await;
    member.stop().await;
    assert_eq!(lines.errors(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shard_that_moves_from_member_to_member_is_one_chain_and_only_its_owner_writes() {
    let rig = Rig::new().await;
    let (mut first, group_of_first) = member(&rig, "first").await;
    let (mut second, group_of_second) = member(&rig, "second").await;
    owned(&mut first, &[]).await;
    group_of_first.assigns(&[0, 1, 2]).await;
    owned(&mut first, &[0, 1, 2]).await;
    for round in 1..=10 {
        rig.protocol("north-001", round, 700 + u32::from(round)).await;
        rig.settled_and_right(SHARD).await;
        let (from, from_group, to, to_group) = match round % 2 {
            1 => (&mut first, &group_of_first, &mut second, &group_of_second),
            _ => (&mut second, &group_of_second, &mut first, &group_of_first),
        };
        from_group.revokes(&[1]).await;
        // It has let go: nothing more comes from it, whatever happens.
        assert!(from.shards().await.iter().all(|shard| shard.shard != 1));
        let written = rig.tallies(SHARD).await.len();
        rig.protocol("north-002", round, 300 + u32::from(round)).await;
        assert_eq!(rig.tallies(SHARD).await.len(), written);
        to_group.assigns(&[1]).await;
        owned(to, if round % 2 == 1 { &[1] } else { &[0, 1, 2] }).await;
        rig.settled_and_right(SHARD).await;
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn what_is_lost_goes_on_until_the_group_says_whose_it_is() {
    let rig = Rig::new().await;
    let (mut aggregator, group) = member(&rig, "one").await;
    group.assigns(&[1, 2]).await;
    group.loses(&[1, 2]).await;
    rig.protocol("north-001", 1, 700).await;
    rig.settled_and_right(SHARD).await;
    // What lies in the channel is taken in its order: these are owned in doubt.
    group.assigns(&[2]).await;
    owned(&mut aggregator, &[2]).await;
    group.loses(&[2]).await;
    group.assigns(&[]).await;
    owned(&mut aggregator, &[]).await;
    group.assigns(&[1]).await;
    owned(&mut aggregator, &[1]).await;
    rig.protocol("north-001", 2, 300).await;
    rig.settled_and_right(SHARD).await;
    aggregator.stop().await;
}

#[tokio::test]
async fn a_shard_that_has_lost_records_stands_still_and_the_others_go_on() {
    let rig = Rig::new().await;
    let body = rig.outcomes(SHARD, (FIRST_POSITION, pair(9, 1)), vec![]);
    rig.tell_as(SHARD, "aggregator", ServiceContext::Outcomes, &body).await;
    let (mut aggregator, group) = member(&rig, "one").await;
    group.assigns(&[0, 1, 2]).await;
    let is_told = |shards: &[hattama_proto::aggregator::v1::ShardStatus]| {
        shards.iter().any(|shard| shard.shard == 1 && shard.frozen_reason.contains("records were lost"))
    };
    aggregator.shards_until("shard 1 stands still", is_told).await;
    rig.settled_and_right(ShardId(2)).await;
    assert!(rig.tallies(SHARD).await.is_empty() && !aggregator.shutdown.is_requested());
    aggregator.stop().await;
}

#[tokio::test]
async fn a_member_that_is_none_any_more_stops_and_says_so() {
    let rig = Rig::new().await;
    let (aggregator, group) = member(&rig, "one").await;
    group.assigns(&[1]).await;
    let reason = "the group has another member of this name".to_owned();
    group.0.send(Err(LogError::Stopped { reason })).await.unwrap();
    let stopped = tokio::time::timeout(PATIENCE, aggregator.shutdown.requested()).await.unwrap();
    let Cause::TaskFailed { error, .. } = stopped else { panic!("{stopped:?}") };
    assert!(error.contains("another member"), "{error}");
    let drain = aggregator.shutdown.drain(PATIENCE).await;
    assert_eq!((drain.tasks_left, drain.exit_code()), (0, 1));
}

/// A definition under a name that no run before had: topics are never made again under one name.
fn fresh() -> Definition {
    let mut files = sample::definition_files();
    let election = String::from_utf8(files.get("election.toml").unwrap().to_vec()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let renamed = election.replacen("id = \"sample\"", &format!("id = \"sample-{now}\""), 1);
    files.set("election.toml", renamed.into_bytes());
    Definition::load(&files).unwrap()
}

async fn joined(rig: &Rig, kafka: &KafkaSettings, instance: &str) -> Aggregator {
    let membership = MembershipSettings {
        group: format!("{}.g1.aggregators", rig.definition.id),
        topic: rig.topics.submissions.clone(),
        session_timeout: Duration::from_secs(6),
        let_go_timeout: Duration::from_secs(3),
    };
    let membership = Membership::join(kafka, membership).await.unwrap();
    Aggregator::start(Config { ownership: Ownership::Shared(membership), ..rig.config(instance, &[]) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_members_of_a_real_group_share_all_shards_and_the_one_that_stays_takes_all() {
    let Ok(brokers) = std::env::var(BROKERS) else {
        eprintln!("SKIPPED: {BROKERS} is not set (docs/kafka.md)");
        return;
    };
    let kafka = KafkaSettings { dev: true, ..KafkaSettings::new(brokers, "aggregator-test") };
    let log = RecordLog::connect_kafka(kafka.clone()).await.unwrap();
    let rig = Rig::on(log, fresh()).await;
    let mut first = joined(&rig, &kafka, "first").await;
    owned(&mut first, &[0, 1, 2, 3, 4]).await;
    let mut second = joined(&rig, &kafka, "second").await;
    eventually("both own some, together all", async || {
        let shares = [first.shards().await, second.shards().await];
        let all: BTreeSet<u32> = shares.iter().flatten().map(|shard| shard.shard).collect();
        let apart = shares[0].len() + shares[1].len() == all.len();
        (apart && all.len() == 5 && shares.iter().all(|share| !share.is_empty())).then_some(())
    })
    .await;
    for round in 1..=5 {
        for station in ["north-001", "north-003", "south-001"] {
            rig.protocol(station, round, 100 + u32::from(round)).await;
        }
    }
    for shard in 0..rig.definition.shards {
        rig.settled_and_right(ShardId(shard)).await;
    }
    second.stop().await;
    owned(&mut first, &[0, 1, 2, 3, 4]).await;
    rig.protocol("north-001", 99, 500).await;
    rig.protocol("south-001", 99, 500).await;
    for shard in 0..rig.definition.shards {
        rig.settled_and_right(ShardId(shard)).await;
    }
    first.stop().await;
}
