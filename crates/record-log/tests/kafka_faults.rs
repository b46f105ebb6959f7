//! Brokers die: what was acknowledged stays, in its order, once; what was not is never called written.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests: a failure here is a failed test")]

mod cluster;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::OwnCluster;
use hattama_record_log::kafka::{Membership, MembershipEvent, MembershipSettings};
use hattama_record_log::{KafkaSettings, LogError, NewRecord, Record, RecordLog, TopicName};
use tokio::task::JoinHandle;

/// More than any of these waits takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

const PARTITIONS: u32 = 4;

/// What one sender was told: numbers and the offsets that they were acknowledged at.
type Acknowledged = BTreeMap<u64, u64>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_while_a_broker_was_killed_is_there_in_order_and_once() {
    const RECORDS: u64 = 30_000;
    let Some(cluster) = OwnCluster::start(39_092) else { return };
    let (log, topic) = log_with_topic(&cluster, Duration::from_secs(30)).await;
    let sent = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..PARTITIONS).map(|p| send(&log, &topic, p, RECORDS, &sent)).collect();
    let readers: Vec<_> = (0..PARTITIONS).map(|partition| follow(&log, &topic, partition)).collect();
    let all = RECORDS * u64::from(PARTITIONS);
    until(&sent, all / 4).await;
    cluster.run(&["kill", "2"]);
    until(&sent, all / 2).await;
    cluster.run(&["start", "2"]);
    until(&sent, all * 3 / 4).await;
    cluster.run(&["pause", "3"]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    cluster.run(&["resume", "3"]);
    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.push(tokio::time::timeout(PATIENCE, sender).await.unwrap().unwrap());
    }
    for (partition, (acknowledged, reader)) in (0_u32..).zip(acknowledged.into_iter().zip(readers)) {
        // The last one of all tells the readers to stop.
        log.append(&topic, partition, numbered(u64::MAX)).await.unwrap();
        let followed = tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
        let kept = read_all(&log, &topic, partition).await;
        assert!(followed == kept, "a reader that followed saw something else than the log holds");
        println!("partition {partition}: {} of {RECORDS} acknowledged, {} kept", acknowledged.len(), kept.len() - 1);
        check(&acknowledged, &kept);
        assert!(acknowledged.len() as u64 > RECORDS / 2, "hardly anything was acknowledged");
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_of_three_brokers_down_nothing_is_acknowledged_and_later_it_goes_on() {
    let Some(cluster) = OwnCluster::start(49_092) else { return };
    let (log, topic) = log_with_topic(&cluster, Duration::from_secs(5)).await;
    let mut acknowledged = vec![Acknowledged::new(); PARTITIONS as usize];
    for partition in 0..PARTITIONS {
        let offset = log.append(&topic, partition, numbered(0)).await.unwrap();
        acknowledged[partition as usize].insert(0, offset);
    }
    cluster.run(&["kill", "2"]);
    cluster.run(&["kill", "3"]);
    let appends = (0..PARTITIONS).map(|partition| {
        let (log, topic) = (log.clone(), topic.clone());
        tokio::spawn(async move { log.append(&topic, partition, numbered(1)).await })
    });
    for append in appends.collect::<Vec<_>>() {
        let error = append.await.unwrap().unwrap_err();
        assert!(matches!(error, LogError::Unknown { .. }), "{error}");
    }
    cluster.run(&["start", "2"]);
    cluster.run(&["start", "3"]);
    for partition in 0..PARTITIONS {
        let deadline = Instant::now() + PATIENCE;
        let mut number = 2;
        let offset = loop {
            match log.append(&topic, partition, numbered(number)).await {
                Ok(offset) => break offset,
                Err(error) => assert!(error.outcome_is_unknown() && Instant::now() < deadline, "{error}"),
            }
            number += 1;
        };
        acknowledged[partition as usize].insert(number, offset);
        log.append(&topic, partition, numbered(u64::MAX)).await.unwrap();
        check(&acknowledged[partition as usize], &read_all(&log, &topic, partition).await);
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_known_soon_after_a_leader_has_died_and_stays_dead() {
    let Some(cluster) = OwnCluster::start(44_092) else { return };
    let (log, topic) = log_with_topic(&cluster, Duration::from_secs(30)).await;
    // From now on the client remembers who leads; one broker of three leads one of four partitions at least.
    for partition in 0..PARTITIONS {
        assert_eq!(log.end(&topic, partition).await, Ok(0));
    }
    cluster.run(&["kill", "2"]);
    for partition in 0..PARTITIONS {
        assert_eq!(log.end(&topic, partition).await, Ok(0), "partition {partition}");
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_hangs_loses_its_partitions_and_is_told_so() {
    let Some(cluster) = OwnCluster::start(59_092) else { return };
    let (log, topic) = log_with_topic(&cluster, Duration::from_secs(30)).await;
    let membership = MembershipSettings {
        group: "owners".to_owned(),
        topic: topic.clone(),
        session_timeout: Duration::from_secs(6),
        let_go_timeout: Duration::from_secs(3),
    };
    let settings = KafkaSettings::new(cluster.brokers.as_str(), "member");
    let mut member = Membership::join(&settings, membership).await.unwrap();
    let assigned = tokio::time::timeout(PATIENCE, member.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(&assigned, MembershipEvent::Assigned { partitions } if partitions.len() == 4), "{assigned:?}");
    // It cannot reach anybody for longer than its session: as if it hung.
    for broker in ["1", "2", "3"] {
        cluster.run(&["pause", broker]);
    }
    tokio::time::sleep(Duration::from_secs(9)).await;
    for broker in ["1", "2", "3"] {
        cluster.run(&["resume", broker]);
    }
    let next = tokio::time::timeout(PATIENCE, member.next()).await.unwrap().unwrap().unwrap();
    println!("after the silence: {next:?}");
    assert!(matches!(&next, MembershipEvent::Lost { partitions } if partitions.len() == 4), "{next:?}");
    let again = tokio::time::timeout(PATIENCE, member.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(&again, MembershipEvent::Assigned { partitions } if partitions.len() == 4), "{again:?}");
    member.leave().await;
    log.close().await.unwrap();
}

async fn log_with_topic(cluster: &OwnCluster, message_timeout: Duration) -> (RecordLog, TopicName) {
    let mut settings = KafkaSettings::new(cluster.brokers.as_str(), "faults");
    settings.message_timeout = message_timeout;
    let log = RecordLog::connect_kafka(settings).await.unwrap();
    let topic = TopicName::new(cluster::own_name("faults")).unwrap();
    log.create_topic(&topic, PARTITIONS).await.unwrap();
    (log, topic)
}

/// Appends lists of numbers, one after the other, and gives up those whose outcome is unknown.
fn send(
    log: &RecordLog,
    topic: &TopicName,
    partition: u32,
    records: u64,
    sent: &Arc<AtomicU64>,
) -> JoinHandle<Acknowledged> {
    const LIST: u64 = 50;
    let (log, topic, sent) = (log.clone(), topic.clone(), Arc::clone(sent));
    tokio::spawn(async move {
        let mut acknowledged = Acknowledged::new();
        for first in (0..records).step_by(LIST as usize) {
            let numbers = first..first + LIST;
            match log.append_all(&topic, partition, numbers.clone().map(numbered).collect()).await {
                Ok(offsets) => acknowledged.extend(numbers.zip(offsets)),
                Err(error) => assert!(error.outcome_is_unknown(), "{error}"),
            }
            sent.fetch_add(LIST, Ordering::Relaxed);
        }
        acknowledged
    })
}

fn follow(log: &RecordLog, topic: &TopicName, partition: u32) -> JoinHandle<Vec<Record>> {
    let mut reader = log.reader(topic, partition, 0);
    tokio::spawn(async move {
        let mut seen: Vec<Record> = Vec::new();
        while seen.last().is_none_or(|record| number(record) != u64::MAX) {
            seen.extend(reader.next_batch(500).await.unwrap());
        }
        seen
    })
}

async fn until(sent: &AtomicU64, count: u64) {
    let deadline = Instant::now() + PATIENCE;
    while sent.load(Ordering::Relaxed) < count {
        assert!(Instant::now() < deadline, "the senders hang at {}", sent.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn read_all(log: &RecordLog, topic: &TopicName, partition: u32) -> Vec<Record> {
    let end = log.end(topic, partition).await.unwrap();
    let mut reader = log.reader(topic, partition, 0);
    let mut records = Vec::new();
    while reader.position() < end {
        records.extend(reader.next_batch(4_096).await.unwrap());
    }
    records
}

/// Each acknowledged number lies where it was said to; no number comes twice, and all are in order.
fn check(acknowledged: &Acknowledged, kept: &[Record]) {
    assert!(kept.iter().map(|record| record.offset).eq(0..kept.len() as u64), "offsets have gaps");
    for (sent, offset) in acknowledged {
        assert_eq!(number(&kept[*offset as usize]), *sent, "at offset {offset}");
    }
    for pair in kept.windows(2) {
        assert!(number(&pair[0]) < number(&pair[1]), "{} before {}", number(&pair[0]), number(&pair[1]));
    }
}

fn numbered(number: u64) -> NewRecord {
    NewRecord::of_value([number.to_be_bytes().as_slice(), &[b'x'; 200]].concat())
}

fn number(record: &Record) -> u64 {
    u64::from_be_bytes(record.value[..8].try_into().expect("eight bytes"))
}
