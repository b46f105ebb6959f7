//! Random appends and reads against the simplest model of a log: a list per partition.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;

use hattama_record_log::{NewRecord, ReadLimit, RecordLog, TopicName};
use proptest::prelude::*;

const TOPICS: [(&str, u32); 2] = [("test.g1.submissions", 3), ("test.g1.publications", 1)];

#[derive(Debug, Clone)]
enum Step {
    Append(Place, Vec<Vec<u8>>),
    AppendIfEmpty(Place, Vec<u8>),
    Read {
        place: Place,
        from: u64,
        limit: ReadLimit,
    },
    ReadOn {
        place: Place,
        records: usize,
    },
    /// Closes the log and opens it again, where it has a directory.
    Reopen,
}

/// Topic and partition.
type Place = (usize, u32);

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_log_is_a_list_per_partition(steps in prop::collection::vec(any_step(), 1..60)) {
        check(None, steps);
    }

    #[test]
    fn the_embedded_log_is_a_list_per_partition(steps in prop::collection::vec(any_step(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        check(Some(directory.path()), steps);
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let value = || prop::collection::vec(any::<u8>(), 0..50);
    let place = || prop::sample::select(vec![(0, 0), (0, 1), (0, 2), (1, 0)]);
    let limit = (0_usize..20, 0_usize..200).prop_map(|(records, bytes)| ReadLimit { records, bytes });
    prop_oneof![
        4 => (place(), prop::collection::vec(value(), 0..8)).prop_map(|(place, values)| Step::Append(place, values)),
        1 => (place(), value()).prop_map(|(place, value)| Step::AppendIfEmpty(place, value)),
        3 => (place(), 0_u64..40, limit).prop_map(|(place, from, limit)| Step::Read { place, from, limit }),
        2 => (place(), 0_usize..6).prop_map(|(place, records)| Step::ReadOn { place, records }),
        1 => Just(Step::Reopen),
    ]
}

fn check(directory: Option<&Path>, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut log = open(directory).await;
        let mut model: BTreeMap<Place, Vec<Vec<u8>>> = BTreeMap::new();
        // Where the readers that go on from step to step stand.
        let mut positions: BTreeMap<Place, u64> = BTreeMap::new();
        for step in steps {
            if let (Step::Reopen, Some(_)) = (&step, directory) {
                log.close().await.unwrap();
                log = open(directory).await;
            }
            take(&log, &mut model, &mut positions, step).await;
        }
        for (place, list) in &model {
            let end = log.end(&topic(place.0), place.1).await.unwrap();
            assert_eq!(end, list.len() as u64);
        }
    });
}

async fn open(directory: Option<&Path>) -> RecordLog {
    let log = match directory {
        None => RecordLog::memory(),
        Some(directory) => RecordLog::open_embedded(directory).await.unwrap(),
    };
    for (index, (_, partitions)) in TOPICS.into_iter().enumerate() {
        log.create_topic(&topic(index), partitions).await.unwrap();
    }
    log
}

async fn take(
    log: &RecordLog,
    model: &mut BTreeMap<Place, Vec<Vec<u8>>>,
    positions: &mut BTreeMap<Place, u64>,
    step: Step,
) {
    match step {
        Step::Append(place, values) => {
            let list = model.entry(place).or_default();
            let first = list.len() as u64;
            let expected: Vec<u64> = (first..first + values.len() as u64).collect();
            let records = values.iter().cloned().map(NewRecord::of_value).collect();
            let offsets = log.append_all(&topic(place.0), place.1, records).await;
            assert_eq!(offsets, Ok(expected));
            list.extend(values);
        }
        Step::AppendIfEmpty(place, value) => {
            let list = model.entry(place).or_default();
            let record = NewRecord::of_value(value.clone());
            let offset = log.append_if_empty(&topic(place.0), place.1, record).await;
            assert_eq!(offset, Ok(list.is_empty().then_some(0)));
            if list.is_empty() {
                list.push(value);
            }
        }
        Step::Read { place, from, limit } => {
            let records = log.read(&topic(place.0), place.1, from, limit).await.unwrap();
            let found: Vec<(u64, Vec<u8>)> = records.into_iter().map(|r| (r.offset, r.value.to_vec())).collect();
            let list = model.entry(place).or_default();
            assert_eq!(found, expected_read(list, from, limit));
        }
        Step::ReadOn { place, records } => {
            let position = positions.entry(place).or_default();
            let mut reader = log.reader(&topic(place.0), place.1, *position);
            let batch = reader.next_batch_now(records).await.unwrap();
            let found: Vec<(u64, Vec<u8>)> = batch.into_iter().map(|r| (r.offset, r.value.to_vec())).collect();
            let limit = ReadLimit { records, bytes: usize::MAX };
            let list = model.entry(place).or_default();
            assert_eq!(found, expected_read(list, *position, limit));
            *position += found.len() as u64;
            assert_eq!(reader.position(), *position);
        }
        Step::Reopen => {}
    }
}

fn expected_read(list: &[Vec<u8>], from: u64, limit: ReadLimit) -> Vec<(u64, Vec<u8>)> {
    let mut left = limit.bytes;
    let mut expected = Vec::new();
    for (offset, value) in (0_u64..).zip(list).skip(from as usize) {
        let fits = expected.len() < limit.records && value.len() <= left;
        if !fits && !expected.is_empty() {
            break;
        }
        left = left.saturating_sub(value.len());
        expected.push((offset, value.clone()));
        if !fits {
            break;
        }
    }
    expected
}

fn topic(index: usize) -> TopicName {
    TopicName::new(TOPICS[index].0).unwrap()
}
