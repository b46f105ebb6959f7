//! The checks of the conformance suite; each gets a fresh log, or names of its own in one that is shared.

mod reading;

pub use reading::*;

use bytes::Bytes;
use hattama_record_log::{
    Created, LogError, MAX_HEADER_NAME_BYTES, MAX_PARTITIONS, MAX_READ_BYTES, MAX_READ_RECORDS, MAX_RECORD_BYTES,
    MAX_RECORD_HEADERS, NewRecord, ReadLimit, Reader, Record, RecordLog, TopicName,
};
use tokio::task::JoinSet;

/// What a check works with.
pub struct Rig {
    pub log: RecordLog,
    pub names: Names,
}

/// Names of topics that no other check uses.
pub struct Names(pub String);

impl Names {
    fn topic(&self, rest: &str) -> TopicName {
        TopicName::new(format!("{}.{rest}", self.0)).unwrap()
    }

    /// Whether a topic is one of this check's.
    fn have(&self, topic: &TopicName) -> bool {
        topic.as_str().strip_prefix(self.0.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

pub async fn offsets_are_dense_from_zero_in_the_order_of_appending(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 2).await;
    for number in 0..20_u64 {
        assert_eq!(log.end(&topic, 1).await, Ok(number));
        let offset = log.append(&topic, 1, numbered(number)).await;
        assert_eq!(offset, Ok(number));
    }
    assert_eq!(numbers(&read_all(&log, &topic, 1).await), range(0, 20));
    assert_eq!(log.end(&topic, 0).await, Ok(0));
}

pub async fn a_record_comes_back_as_it_went_in(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    let full = NewRecord {
        key: Some(Bytes::from_static(b"station 17")),
        value: Bytes::from_static(b"\0\xff signed"),
        headers: vec![
            ("kind".to_owned(), Bytes::from_static(b"protocol")),
            ("kind".to_owned(), Bytes::new()),
            (String::new(), Bytes::from_static(b"\x01")),
        ],
    };
    let empty_key = NewRecord { key: Some(Bytes::new()), ..NewRecord::default() };
    let largest = NewRecord::of_value(vec![7_u8; MAX_RECORD_BYTES]);
    let sent = vec![full, empty_key, NewRecord::default(), largest];
    log.append_all(&topic, 0, sent.clone()).await.unwrap();
    let records = read_all(&log, &topic, 0).await;
    assert!(records.iter().all(|record| record.timestamp_milliseconds > 0));
    let received: Vec<NewRecord> = records
        .into_iter()
        .map(|record| NewRecord { key: record.key, value: record.value, headers: record.headers })
        .collect();
    // Not assert_eq: a failure would print a megabyte.
    assert!(received == sent);
}

pub async fn partitions_and_topics_do_not_mix(Rig { log, names }: Rig) {
    let first = create(&log, &names, 3).await;
    let second = names.topic("g2.submissions");
    log.create_topic(&second, 3).await.unwrap();
    for (topic, base) in [(&first, 0), (&second, 100)] {
        for partition in [2, 0, 1] {
            let number = base + u64::from(partition);
            let offset = log.append(topic, partition, numbered(number)).await;
            assert_eq!(offset, Ok(0));
        }
    }
    for (topic, base) in [(&first, 0), (&second, 100)] {
        for partition in 0..3 {
            let number = base + u64::from(partition);
            assert_eq!(numbers(&read_all(&log, topic, partition).await), [number]);
        }
    }
}

pub async fn a_long_list_is_appended_in_its_order(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    let count = 2 * u64::try_from(MAX_READ_RECORDS).unwrap() + 5;
    let records = (0..count).map(numbered).collect();
    let offsets = log.append_all(&topic, 0, records).await.unwrap();
    assert_eq!(offsets, range(0, count));
    assert_eq!(numbers(&read_all(&log, &topic, 0).await), range(0, count));
    assert_eq!(log.append_all(&topic, 0, Vec::new()).await, Ok(Vec::new()));
}

pub async fn concurrent_appends_get_an_offset_each(Rig { log, names }: Rig) {
    const APPENDERS: u64 = 600;
    let topic = create(&log, &names, 1).await;
    let mut appends = JoinSet::new();
    for appender in 0..APPENDERS {
        let (log, topic) = (log.clone(), topic.clone());
        appends.spawn(async move {
            let first = log.append(&topic, 0, numbered(2 * appender)).await.unwrap();
            let second = log.append(&topic, 0, numbered(2 * appender + 1)).await.unwrap();
            assert!(first < second, "one appender's records are in its order");
            [(first, 2 * appender), (second, 2 * appender + 1)]
        });
    }
    let mut acknowledged: Vec<(u64, u64)> = appends.join_all().await.into_iter().flatten().collect();
    acknowledged.sort_unstable();
    let records = read_all(&log, &topic, 0).await;
    let found: Vec<(u64, u64)> = records.iter().map(|r| r.offset).zip(numbers(&records)).collect();
    assert_eq!(found, acknowledged);
    let offsets: Vec<u64> = found.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, range(0, 2 * APPENDERS));
}

pub async fn an_acknowledged_record_is_seen_at_once(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    for number in 0..50 {
        let offset = log.append(&topic, 0, numbered(number)).await.unwrap();
        assert_eq!(log.end(&topic, 0).await, Ok(offset + 1));
        let seen = log.read(&topic, 0, offset, ReadLimit::default()).await.unwrap();
        assert_eq!(numbers(&seen), [number]);
    }
}

pub async fn a_genesis_record_is_appended_once(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 2).await;
    let mut attempts = JoinSet::new();
    for number in 0..20 {
        let (log, topic) = (log.clone(), topic.clone());
        attempts.spawn(async move { log.append_if_empty(&topic, 0, numbered(number)).await });
    }
    let answers: Vec<_> = attempts.join_all().await;
    let written = answers.iter().filter(|answer| **answer == Ok(Some(0))).count();
    let refused = answers.iter().filter(|answer| **answer == Ok(None)).count();
    assert_eq!((written, refused), (1, 19));
    assert_eq!(log.end(&topic, 0).await, Ok(1));
    assert_eq!(log.append_if_empty(&topic, 1, numbered(1)).await, Ok(Some(0)));
}

pub async fn what_is_too_large_is_refused_as_a_whole(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    let header = |name: usize, value: usize| ("n".repeat(name), Bytes::from(vec![0; value]));
    let too_large = [
        NewRecord::of_value(vec![0_u8; MAX_RECORD_BYTES + 1]),
        NewRecord {
            key: Some(Bytes::from_static(b"k")),
            value: Bytes::from(vec![0; MAX_RECORD_BYTES]),
            headers: Vec::new(),
        },
        NewRecord { headers: vec![header(1, MAX_RECORD_BYTES)], ..NewRecord::default() },
        NewRecord { headers: vec![header(1, 1); MAX_RECORD_HEADERS + 1], ..NewRecord::default() },
        NewRecord { headers: vec![header(MAX_HEADER_NAME_BYTES + 1, 1)], ..NewRecord::default() },
    ];
    for record in too_large {
        let list = vec![numbered(1), record.clone()];
        let refused = [
            log.append(&topic, 0, record.clone()).await.map(|_| ()),
            log.append_all(&topic, 0, list).await.map(|_| ()),
            log.append_if_empty(&topic, 0, record).await.map(|_| ()),
        ];
        for answer in refused {
            let error = answer.unwrap_err();
            assert!(matches!(error, LogError::TooLarge { .. }), "{error}");
            assert!(!error.outcome_is_unknown());
        }
    }
    assert_eq!(log.end(&topic, 0).await, Ok(0));
}

pub async fn an_unknown_topic_or_partition_is_refused(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 2).await;
    let unknown = names.topic("g9.submissions");
    let no_topic = LogError::UnknownTopic { topic: unknown.clone() };
    let no_partition = LogError::UnknownPartition { topic: topic.clone(), partition: 2, partitions: 2 };
    assert_eq!(log.partitions(&unknown).await, Err(no_topic.clone()));
    for (topic, partition, expected) in [(&unknown, 0, no_topic), (&topic, 2, no_partition)] {
        let limit = ReadLimit::default();
        let answers = [
            log.append(topic, partition, numbered(0)).await.map(|_| ()),
            log.append_all(topic, partition, Vec::new()).await.map(|_| ()),
            log.append_if_empty(topic, partition, numbered(0)).await.map(|_| ()),
            log.end(topic, partition).await.map(|_| ()),
            log.read(topic, partition, 0, limit).await.map(|_| ()),
            log.reader(topic, partition, 0).next_batch(1).await.map(|_| ()),
            log.reader(topic, partition, 0).next_batch_now(1).await.map(|_| ()),
        ];
        for answer in answers {
            assert_eq!(answer, Err(expected.clone()));
        }
    }
}

pub async fn a_topic_is_created_once_and_never_changes(Rig { log, names }: Rig) {
    let topic = names.topic("g1.submissions");
    assert_eq!(log.create_topic(&topic, 3).await, Ok(Created::New));
    log.append(&topic, 2, numbered(5)).await.unwrap();
    assert_eq!(log.create_topic(&topic, 3).await, Ok(Created::Existed));
    let differs = LogError::PartitionsDiffer { topic: topic.clone(), existing: 3, wanted: 4 };
    assert_eq!(log.create_topic(&topic, 4).await, Err(differs));
    assert_eq!(numbers(&read_all(&log, &topic, 2).await), [5]);

    let other = names.topic("g1.tallies");
    let none = LogError::NoPartitions { topic: other.clone() };
    assert_eq!(log.create_topic(&other, 0).await, Err(none));
    let too_many = u32::try_from(MAX_PARTITIONS).unwrap() + 1;
    let error = log.create_topic(&other, too_many).await.unwrap_err();
    assert!(matches!(error, LogError::TooLarge { .. }), "{error}");
    let topics = log.topics().await.unwrap();
    let ours: Vec<(TopicName, u32)> = topics.into_iter().filter(|(topic, _)| names.have(topic)).collect();
    assert_eq!(ours, [(topic, 3)]);
}

pub async fn a_topic_is_created_once_by_many_at_the_same_time(Rig { log, names }: Rig) {
    let topic = names.topic("g1.submissions");
    let mut attempts = JoinSet::new();
    for partitions in [2, 2, 2, 3, 3, 3] {
        let (log, topic) = (log.clone(), topic.clone());
        attempts.spawn(async move { log.create_topic(&topic, partitions).await });
    }
    let answers = attempts.join_all().await;
    let count = |wanted: fn(&Result<Created, LogError>) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
    assert_eq!(count(|answer| *answer == Ok(Created::New)), 1);
    assert_eq!(count(|answer| *answer == Ok(Created::Existed)), 2);
    assert_eq!(count(|answer| matches!(answer, Err(LogError::PartitionsDiffer { .. }))), 3);
}

pub async fn a_closed_log_refuses_and_wakes_its_readers(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    log.append(&topic, 0, numbered(0)).await.unwrap();
    let other_handle = log.clone();
    let mut reader = log.reader(&topic, 0, 1);
    // `join!` looks at the reader first: it waits when the log closes.
    let (woken, closed) = tokio::join!(reader.next_batch(1), log.close());
    assert_eq!(closed, Ok(()));
    let appended = other_handle.append(&topic, 0, numbered(1)).await;
    let read = other_handle.read(&topic, 0, 0, ReadLimit::default()).await;
    let answers = [
        woken.map(|_| ()),
        appended.map(|_| ()),
        read.map(|_| ()),
        other_handle.end(&topic, 0).await.map(|_| ()),
        other_handle.topics().await.map(|_| ()),
        other_handle.create_topic(&topic, 1).await.map(|_| ()),
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(error, LogError::Stopped { .. }), "{error}");
    }
    assert_eq!(other_handle.close().await, Ok(()));
}

async fn create(log: &RecordLog, names: &Names, partitions: u32) -> TopicName {
    let topic = names.topic("g1.submissions");
    assert_eq!(log.create_topic(&topic, partitions).await, Ok(Created::New));
    assert_eq!(log.partitions(&topic).await, Ok(partitions));
    topic
}

/// Waits for a batch for so many turns of the runtime, then drops the wait.
async fn look(reader: &mut Reader, turns: u32) -> Option<Vec<Record>> {
    let patience = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        batch = reader.next_batch(3) => Some(batch.unwrap()),
        () = patience => None,
    }
}

fn numbered(number: u64) -> NewRecord {
    NewRecord::of_value(Bytes::copy_from_slice(&number.to_be_bytes()))
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| u64::from_be_bytes(record.value.as_ref().try_into().unwrap())).collect()
}

fn range(from: u64, to: u64) -> Vec<u64> {
    (from..to).collect()
}

/// Everything in a partition; also checks that no offset comes twice or is left out.
async fn read_all(log: &RecordLog, topic: &TopicName, partition: u32) -> Vec<Record> {
    let end = log.end(topic, partition).await.unwrap();
    let mut reader = log.reader(topic, partition, 0);
    let mut records = Vec::new();
    while (records.len() as u64) < end {
        let batch = reader.next_batch_now(usize::MAX).await.unwrap();
        assert!(!batch.is_empty(), "nothing at {} of {end}", reader.position());
        records.extend(batch);
    }
    assert_eq!(reader.next_batch_now(1).await, Ok(Vec::new()));
    let offsets: Vec<u64> = records.iter().map(|record| record.offset).collect();
    assert_eq!(offsets, range(0, end));
    records
}
