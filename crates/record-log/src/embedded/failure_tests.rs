//! What the embedded log does when its disk fails and when its handles go away.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};

use super::*;
use crate::RecordLog;

/// A disk whose syncs fail from a moment on.
#[derive(Debug)]
struct BreakableDisk {
    inner: InMemoryBackend,
    broken: Arc<AtomicBool>,
}

impl StorageBackend for BreakableDisk {
    fn len(&self) -> Result<u64, io::Error> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.inner.write(offset, data)
    }
}

fn breakable_log() -> (RecordLog, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let disk = BreakableDisk { inner: InMemoryBackend::new(), broken: Arc::clone(&broken) };
    let database = Database::builder().create_with_backend(disk).unwrap();
    let store = Store::with_database(PathBuf::from("a-broken-disk"), database).unwrap();
    let log = RecordLog::Embedded(EmbeddedLog::start(store).unwrap());
    (log, broken)
}

fn topic() -> TopicName {
    TopicName::new("test.g1.submissions").unwrap()
}

fn record(text: &str) -> NewRecord {
    NewRecord::of_value(text.to_owned())
}

#[tokio::test]
async fn a_failed_commit_is_unknown_and_stops_the_log() {
    let (log, broken) = breakable_log();
    log.create_topic(&topic(), 1).await.unwrap();
    assert_eq!(log.append(&topic(), 0, record("kept")).await, Ok(0));

    broken.store(true, Ordering::SeqCst);
    let mut reader = log.reader(&topic(), 0, 1);
    let topic = topic();
    let (woken, appended) = tokio::join!(reader.next_batch(1), log.append(&topic, 0, record("in doubt")));
    let error = appended.unwrap_err();
    assert!(error.outcome_is_unknown(), "{error}");
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    // A reader that waits is not left waiting.
    assert!(matches!(woken, Err(LogError::Stopped { .. })));

    // The disk is well again, but what the file holds is still in doubt.
    broken.store(false, Ordering::SeqCst);
    let refused = log.append(&topic, 0, record("later")).await.unwrap_err();
    assert!(matches!(refused, LogError::Stopped { .. }), "{refused}");
    assert!(refused.to_string().contains("the disk is gone"));
    let closed = log.close().await.unwrap_err();
    assert!(matches!(closed, LogError::Stopped { .. }), "{closed}");
}

#[tokio::test]
async fn every_append_of_a_failed_group_hears_of_it() {
    let (log, broken) = breakable_log();
    log.create_topic(&topic(), 2).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..500_u32 {
        let log = log.clone();
        appends.spawn(async move { log.append(&topic(), number % 2, record("x")).await });
    }
    let errors: Vec<LogError> = appends.join_all().await.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(errors.len(), 500);
    // The first group fails before or in its commit, as the file had to grow or not; the others
    // find the log stopped.
    let stopped = |error: &&LogError| matches!(error, LogError::Stopped { .. });
    let failed = |error: &&LogError| error.outcome_is_unknown() || matches!(error, LogError::Storage { .. });
    assert!(errors.iter().filter(failed).count() > 0);
    let told = errors.iter().filter(failed).count() + errors.iter().filter(stopped).count();
    assert_eq!(told, 500, "{errors:?}");
}

#[tokio::test]
async fn a_write_that_fails_before_its_commit_is_certainly_not_in_the_log() {
    let (log, broken) = breakable_log();
    log.create_topic(&topic(), 1).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    // So large that the file has to grow, which fails, before anything can be committed.
    let large = NewRecord::of_value(vec![0_u8; MAX_RECORD_BYTES]);
    let error = log.append(&topic(), 0, large).await.unwrap_err();
    assert!(matches!(error, LogError::Storage { .. }), "{error}");
    let error = log.append(&topic(), 0, record("later")).await.unwrap_err();
    assert!(matches!(error, LogError::Stopped { .. }), "{error}");
}

#[tokio::test]
async fn a_topic_whose_creation_failed_in_its_commit_is_in_doubt() {
    let (log, broken) = breakable_log();
    broken.store(true, Ordering::SeqCst);
    let error = log.create_topic(&topic(), 1).await.unwrap_err();
    assert!(error.outcome_is_unknown(), "{error}");
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_is_queued_and_frees_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(directory.path()).await.unwrap();
    log.create_topic(&topic(), 1).await.unwrap();
    let queued = MAX_QUEUED_COMMANDS;
    let name = topic();
    for number in 0..queued {
        // One look queues it (without the runtime's budget, which would make some looks fail); the
        // future is dropped before the answer.
        let append = log.append_all(&name, 0, vec![record(&number.to_string())]);
        tokio::select! {
            biased;
            _ = tokio::task::unconstrained(append) => {}
            () = std::future::ready(()) => {}
        }
    }
    let mut writer_gone = log.0.writer_gone.clone();
    drop(log);
    while writer_gone.changed().await.is_ok() {}

    let log = RecordLog::open_embedded(directory.path()).await.unwrap();
    let mut reader = log.reader(&topic(), 0, 0);
    let mut values = Vec::new();
    while values.len() < queued {
        let batch = reader.next_batch_now(queued).await.unwrap();
        assert!(!batch.is_empty(), "only {} of {queued}", values.len());
        values.extend(batch.into_iter().map(|record| record.value));
    }
    let expected: Vec<String> = (0..queued).map(|number| number.to_string()).collect();
    assert_eq!(values, expected);
}

#[tokio::test]
async fn a_damaged_record_is_reported_with_its_place() {
    let disk = InMemoryBackend::new();
    let database = Database::builder().create_with_backend(disk).unwrap();
    let store = Store::with_database(PathBuf::from("a-damaged-file"), database).unwrap();
    store
        .write(|database| {
            let transaction = store::begin_write(database)?;
            transaction.open_table(store::TOPICS)?.insert(topic().as_str(), (7, 2))?;
            let newer: &[u8] = b"\x02newer";
            transaction.open_table(store::RECORDS)?.insert((7, 1, 0), newer)?;
            transaction.open_table(store::RECORDS)?.insert((7, 0, 1), newer)?;
            transaction.commit()?;
            Ok(())
        })
        .unwrap();
    let log = RecordLog::Embedded(EmbeddedLog::start(store).unwrap());
    for (partition, reason) in [(0, "it is missing"), (1, "it has an unknown version")] {
        let error = log.read(&topic(), partition, 0, crate::ReadLimit::default()).await.unwrap_err();
        let expected = LogError::Corrupt { topic: topic(), partition, offset: 0, reason };
        assert_eq!(error, expected);
    }
}
