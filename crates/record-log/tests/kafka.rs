//! What only the log on Kafka has: gaps, settings of topics, membership, errors of the network.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests: a failure here is a failed test")]

mod cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hattama_record_log::kafka::{self, Membership, MembershipEvent, MembershipSettings};
use hattama_record_log::topics::TopicSet;
use hattama_record_log::{Created, KafkaSettings, LogError, NewRecord, ReadLimit, RecordLog, TopicName};
use metrics_exporter_prometheus::PrometheusBuilder;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::task::JoinHandle;

/// More than any of these waits takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_of_a_long_log_misses_nothing() {
    const RECORDS: u64 = 40_000;
    let Some((log, topic)) = log_with_topic("slow-reader", 1).await else { return };
    let record = |number: u64| NewRecord::of_value([number.to_be_bytes().as_slice(), &[b'x'; 600]].concat());
    // About 24 MB: a reader's buffer fills and is emptied many times.
    log.append_all(&topic, 0, (0..RECORDS).map(record).collect()).await.unwrap();
    let mut reader = log.reader(&topic, 0, 0);
    let mut next = 0;
    while next < RECORDS {
        for read in reader.next_batch(700).await.unwrap() {
            assert_eq!((read.offset, &read.value[..8]), (next, next.to_be_bytes().as_slice()));
            next += 1;
        }
        // Slower than the fetching: that is what is tested, not waited for.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_follow_all_partitions_and_each_other() {
    const PARTITIONS: u32 = 24;
    const RECORDS: u64 = 200;
    let Some((log, topic)) = log_with_topic("many-readers", PARTITIONS).await else { return };
    let mut readers = Vec::new();
    // Two at each partition, one from the start and one from the middle.
    for partition in 0..PARTITIONS {
        for from in [0, RECORDS / 2] {
            let mut reader = log.reader(&topic, partition, from);
            readers.push(tokio::spawn(async move {
                let mut seen = Vec::new();
                while reader.position() < RECORDS {
                    seen.extend(reader.next_batch(50).await.unwrap().into_iter().map(|record| record.offset));
                }
                assert_eq!(seen, (from..RECORDS).collect::<Vec<_>>());
            }));
        }
    }
    for _ in 0..RECORDS / 20 {
        for partition in 0..PARTITIONS {
            log.append_all(&topic, partition, vec![NewRecord::of_value("x"); 20]).await.unwrap();
        }
    }
    for reader in readers {
        tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
    }
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_without_a_record_is_an_error_not_a_jump() {
    let Some((log, topic)) = log_with_topic("gap", 1).await else { return };
    log.append(&topic, 0, NewRecord::of_value("ours")).await.unwrap();
    let name = topic.clone();
    tokio::task::spawn_blocking(move || append_in_a_transaction(&name)).await.unwrap();
    // The brokers write the marker a moment after they say that the transaction is done.
    let deadline = Instant::now() + PATIENCE;
    while log.end(&topic, 0).await.unwrap() < 3 {
        assert!(Instant::now() < deadline, "the marker takes no offset any more");
    }
    log.append(&topic, 0, NewRecord::of_value("ours again")).await.unwrap();
    // 0 ours, 1 the stranger's, 2 the marker of its transaction, 3 ours.
    assert_eq!(log.end(&topic, 0).await, Ok(4));
    let mut reader = log.reader(&topic, 0, 0);
    let mut read = Vec::new();
    let followed = loop {
        match reader.next_batch(10).await {
            Ok(batch) => read.extend(batch),
            Err(error) => break error,
        }
    };
    assert_eq!(read.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1]);
    let found = log.read(&topic, 0, 0, ReadLimit::default()).await.unwrap_err();
    for error in [followed, found] {
        assert!(matches!(error, LogError::Corrupt { offset: 2, .. }), "{error}");
    }
    assert_eq!(reader.position(), 2);
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_by_the_preset_and_what_was_changed_is_named() {
    let Some(settings) = cluster::settings("preset") else { return };
    let topics = TopicSet::new(&cluster::own_name("preset"), 1).unwrap();
    let nothing = kafka::check(&settings, &topics, 3).await.unwrap();
    assert_eq!(nothing.deviations.len(), 4, "all are missing: {nothing:?}");
    let made = kafka::apply(&settings, &topics, 3).await.unwrap();
    assert_eq!((made.created.len(), made.deviations), (4, Vec::new()));
    let again = kafka::apply(&settings, &topics, 3).await.unwrap();
    assert_eq!((again.created, again.deviations), (Vec::new(), Vec::new()));

    alter(&settings, &topics.tallies, "retention.ms", "60000").await;
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        let report = kafka::check(&settings, &topics, 4).await.unwrap();
        // The brokers learn of it a moment later.
        if report.deviations.iter().any(|found| found.setting == "retention.ms") || Instant::now() > deadline {
            break report.deviations;
        }
    };
    let named: Vec<(&TopicName, &str, &str, &str)> =
        found.iter().map(|d| (&d.topic, d.setting.as_str(), d.found.as_str(), d.wanted.as_str())).collect();
    assert!(named.contains(&(&topics.tallies, "retention.ms", "60000", "-1")), "{named:?}");
    let shards =
        named.iter().filter(|(_, setting, found, wanted)| (*setting, *found, *wanted) == ("partitions", "3", "4"));
    assert_eq!(shards.count(), 3);
    let mend = &found.iter().find(|d| d.setting == "retention.ms").unwrap().mend;
    assert!(mend.contains(topics.tallies.as_str()) && mend.contains("retention.ms=-1"), "{mend}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_has_one_owner_when_members_come_and_go() {
    const PARTITIONS: u32 = 8;
    let Some((log, topic)) = log_with_topic("members", PARTITIONS).await else { return };
    let settings = cluster::settings("members").unwrap();
    let membership = MembershipSettings {
        group: format!("{topic}.owners"),
        topic: topic.clone(),
        session_timeout: Duration::from_secs(6),
        let_go_timeout: Duration::from_secs(3),
    };
    let owners = Owners::default();
    let first = own(&settings, &membership, "first", &owners).await;
    owners.settle(PARTITIONS, &["first"]).await;
    let second = own(&settings, &membership, "second", &owners).await;
    let third = own(&settings, &membership, "third", &owners).await;
    owners.settle(PARTITIONS, &["first", "second", "third"]).await;
    second.stop().await;
    owners.settle(PARTITIONS, &["first", "third"]).await;
    first.stop().await;
    owners.settle(PARTITIONS, &["third"]).await;
    third.stop().await;
    log.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_only_read_refuses_appends_and_a_cluster_that_is_not_there_is_named() {
    let Some((log, topic)) = log_with_topic("read-only", 1).await else { return };
    log.append(&topic, 0, NewRecord::of_value("a")).await.unwrap();
    let mut settings = cluster::settings("read-only").unwrap();
    settings.read_only = true;
    let reading = RecordLog::connect_kafka(settings.clone()).await.unwrap();
    assert_eq!(reading.read(&topic, 0, 0, ReadLimit::default()).await.unwrap().len(), 1);
    let error = reading.append(&topic, 0, NewRecord::of_value("b")).await.unwrap_err();
    assert!(matches!(error, LogError::Refused { .. }) && !error.outcome_is_unknown(), "{error}");
    // Nobody listens at the port of `discard`.
    settings.brokers = "127.0.0.1:9".to_owned();
    settings.request_timeout = Duration::from_secs(1);
    let error = RecordLog::connect_kafka(settings).await.unwrap_err();
    assert!(matches!(error, LogError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:9"), "the client's own words are missing: {error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_of_the_clients_become_metrics() {
    let Some(mut settings) = cluster::settings("metrics") else { return };
    // The recorder is the whole program's: other tests' clients show too, which changes no name.
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    settings.statistics_interval = Duration::from_millis(100);
    let log = RecordLog::connect_kafka(settings).await.unwrap();
    let topic = TopicName::new(cluster::own_name("metrics")).unwrap();
    log.create_topic(&topic, 1).await.unwrap();
    let mut reader = log.reader(&topic, 0, 0);
    let wanted = [
        "hattama_log_kafka_round_trip_seconds{client=\"producer\",broker=\"".to_owned(),
        "hattama_log_kafka_connected_brokers{client=\"queries\"}".to_owned(),
        "hattama_log_kafka_queue_bytes{client=\"producer\"}".to_owned(),
        format!("hattama_log_kafka_lag_records{{client=\"follower\",topic=\"{topic}\"}} 0"),
    ];
    let deadline = Instant::now() + PATIENCE;
    loop {
        log.append(&topic, 0, NewRecord::of_value("x")).await.unwrap();
        reader.next_batch(10).await.unwrap();
        let shown = metrics.render();
        let missing: Vec<&String> = wanted.iter().filter(|wanted| !shown.contains(wanted.as_str())).collect();
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{missing:?} missing in {shown}");
    }
    log.close().await.unwrap();
}

async fn log_with_topic(test: &str, partitions: u32) -> Option<(RecordLog, TopicName)> {
    let settings = cluster::settings(test)?;
    let log = RecordLog::connect_kafka(settings).await.expect("the cluster of HATTAMA_KAFKA_BROKERS");
    let topic = TopicName::new(cluster::own_name(test)).unwrap();
    assert_eq!(log.create_topic(&topic, partitions).await, Ok(Created::New));
    Some((log, topic))
}

/// Writes as this project never does: the marker of the transaction takes an offset.
fn append_in_a_transaction(topic: &TopicName) {
    let brokers = std::env::var("HATTAMA_KAFKA_BROKERS").unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("transactional.id", topic.as_str());
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<str, str>::to(topic.as_str()).partition(0).payload("a stranger's")).unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
}

async fn alter(settings: &KafkaSettings, topic: &TopicName, setting: &str, value: &str) {
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> = config.set("bootstrap.servers", &settings.brokers).create().unwrap();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic.as_str())).set(setting, value);
    let answers = admin.alter_configs([&change], &AdminOptions::new()).await.unwrap();
    answers.into_iter().next().unwrap().unwrap();
}

/// Who owns what, as the owners themselves know it.
#[derive(Debug, Clone, Default)]
struct Owners(Arc<Mutex<BTreeMap<u32, &'static str>>>);

/// A member and the task that takes its events.
struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

impl Owners {
    fn take(&self, name: &'static str, partitions: &BTreeSet<u32>) {
        let mut owners = self.0.lock().unwrap();
        for partition in partitions {
            let before = owners.insert(*partition, name);
            assert_eq!(before, None, "{name} was given partition {partition} before its owner let go");
        }
    }

    fn give_up(&self, name: &'static str, partitions: &BTreeSet<u32>) {
        let mut owners = self.0.lock().unwrap();
        for partition in partitions {
            assert_eq!(owners.remove(partition), Some(name));
        }
    }

    fn give_up_all(&self, name: &'static str) {
        self.0.lock().unwrap().retain(|_, owner| *owner != name);
    }

    /// Waits until all partitions are owned, by all of these and nobody else.
    async fn settle(&self, partitions: u32, names: &[&'static str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let owners = self.0.lock().unwrap().clone();
            let who: BTreeSet<&str> = owners.values().copied().collect();
            if owners.len() as u32 == partitions && who == names.iter().copied().collect() {
                return;
            }
            assert!(Instant::now() < deadline, "wanted {names:?} to own all {partitions}: {owners:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn own(
    settings: &KafkaSettings,
    membership: &MembershipSettings,
    name: &'static str,
    owners: &Owners,
) -> Running {
    let mut member = Membership::join(settings, membership.clone()).await.unwrap();
    let owners = owners.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = member.next() => event.unwrap().unwrap(),
                _ = &mut stopped => break,
            };
            match event {
                MembershipEvent::Assigned { partitions } => owners.take(name, &partitions),
                MembershipEvent::Revoked { partitions, let_go } => {
                    // As an owner that has a write under way: the next one must not begin before.
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    owners.give_up(name, &partitions);
                    drop(let_go);
                }
                MembershipEvent::Lost { partitions } => owners.give_up(name, &partitions),
            }
        }
        owners.give_up_all(name);
        member.leave().await;
    });
    Running { stop, task }
}
