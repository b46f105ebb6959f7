//! What holds between processes: acknowledged records survive SIGKILL, and a directory has one owner.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a failure here is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use hattama_record_log::{LogError, NewRecord, RecordLog, TopicName};

/// Tells a child its directory; without it the children's entry points do nothing.
const DIRECTORY: &str = "HATTAMA_RECORD_LOG_TEST_DIRECTORY";
/// Tells a child that appends which round of the parent it belongs to.
const ROUND: &str = "HATTAMA_RECORD_LOG_TEST_ROUND";

/// What `Child::kill` sends.
const SIGKILL: i32 = 9;

const PARTITIONS: u32 = 3;
/// Appenders of one child; two share each partition, so that groups form.
const APPENDERS: u32 = 6;
/// A child whose parent does not kill it ends by itself.
const MAX_APPENDS: u64 = 200_000;

#[test]
fn acknowledged_records_survive_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    // Killed while the first topics are young, and later, with a filled file.
    for (round, kill_after) in [1_usize, 7, 60, 301, 900].into_iter().enumerate() {
        let before = acknowledged.len();
        let mut child = start_child("child_appends_for_ever", directory.path(), round);
        let mut lines = lines_of(&mut child);
        for acknowledgement in lines.by_ref().take(kill_after) {
            insert_new(&mut acknowledged, &acknowledgement);
        }
        child.kill().unwrap();
        // What it printed before it died counts as well.
        for acknowledgement in lines {
            insert_new(&mut acknowledged, &acknowledgement);
        }
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "it was to die while it appended");
        assert!(acknowledged.len() >= before + kill_after);
        assert_all_there(directory.path(), &acknowledged);
    }
}

#[test]
fn a_second_process_on_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = start_child("child_holds_the_directory", directory.path(), 0);
    let mut lines = lines_of(&mut child);
    assert_eq!(lines.next().as_deref(), Some("open"));

    let error = open_here(directory.path()).unwrap_err();
    assert!(matches!(error, LogError::Locked { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(directory.path().to_str().unwrap()), "{message}");
    assert!(message.contains("in use by another process"), "{message}");

    // The child closes the log when its input ends.
    drop(child.stdin.take());
    assert_eq!(lines.next(), None);
    assert!(child.wait().unwrap().success());
    open_here(directory.path()).unwrap();
}

#[test]
fn a_second_handle_in_the_same_process_is_refused_until_the_first_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    block_on(async {
        let first = RecordLog::open_embedded(directory.path()).await.unwrap();
        let second = RecordLog::open_embedded(directory.path()).await;
        assert!(matches!(second, Err(LogError::Locked { .. })));
        first.create_topic(&topic(), PARTITIONS).await.unwrap();
        first.close().await.unwrap();
        let third = RecordLog::open_embedded(directory.path()).await.unwrap();
        assert_eq!(third.partitions(&topic()).await, Ok(PARTITIONS));
    });
}

#[test]
fn a_path_that_is_no_directory_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a-file");
    std::fs::write(&file, "not a log").unwrap();
    let error = open_here(&file).unwrap_err();
    assert!(matches!(error, LogError::Storage { .. }), "{error}");
    assert!(error.to_string().contains("a-file"), "{error}");
}

#[test]
#[ignore = "not a test: the child of acknowledged_records_survive_sigkill"]
fn child_appends_for_ever() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    block_on(async {
        let log = RecordLog::open_embedded(Path::new(&directory)).await.unwrap();
        log.create_topic(&topic(), PARTITIONS).await.unwrap();
        let mut appenders = tokio::task::JoinSet::new();
        for appender in 0..APPENDERS {
            let log = log.clone();
            appenders.spawn(async move {
                let partition = appender % PARTITIONS;
                for number in 0..MAX_APPENDS / u64::from(APPENDERS) {
                    let name = format!("{round}-{appender}-{number}");
                    let offset = log.append(&topic(), partition, record(&name)).await.unwrap();
                    println!("{MARK}{partition} {offset} {name}");
                }
            });
        }
        appenders.join_all().await;
    });
}

#[test]
#[ignore = "not a test: the child of a_second_process_on_the_same_directory_is_refused"]
fn child_holds_the_directory() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    block_on(async {
        let log = RecordLog::open_embedded(Path::new(&directory)).await.unwrap();
        println!("{MARK}open");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        log.close().await.unwrap();
    });
}

/// Separates a child's lines from those of the test harness around it.
const MARK: &str = "log-child: ";

/// Runs an ignored entry point of this very binary in a process of its own.
fn start_child(entry: &str, directory: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", entry, "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The marked lines of a child. One that its death cut short is left out: it was not said.
fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut output: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
    std::iter::from_fn(move || {
        loop {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let whole = line.strip_suffix('\n')?;
            // The harness writes the name of the entry point before its first line, without a break.
            if let Some((_, said)) = whole.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
    })
}

fn insert_new(acknowledged: &mut BTreeMap<(u32, u64), String>, line: &str) {
    let [partition, offset, name] = line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("not an acknowledgement: {line}");
    };
    let place = (partition.parse().unwrap(), offset.parse().unwrap());
    let earlier = acknowledged.insert(place, name.to_owned());
    assert_eq!(earlier, None, "an offset was given out twice: {place:?}");
}

fn assert_all_there(directory: &Path, acknowledged: &BTreeMap<(u32, u64), String>) {
    block_on(async {
        let log = RecordLog::open_embedded(directory).await.unwrap();
        let mut found = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let mut reader = log.reader(&topic(), partition, 0);
            while reader.position() < log.end(&topic(), partition).await.unwrap() {
                for read in reader.next_batch(1000).await.unwrap() {
                    found.insert((partition, read.offset), read);
                }
            }
        }
        for (place, name) in acknowledged {
            let read = found.get(place).unwrap_or_else(|| panic!("lost: {place:?} {name}"));
            let expected = record(name);
            assert_eq!(read.key, expected.key, "{place:?}");
            assert_eq!(read.value, expected.value, "{place:?}");
            assert_eq!(read.headers, expected.headers, "{place:?}");
        }
        log.close().await.unwrap();
    });
}

/// About as large as a submission; every part follows from the name.
fn record(name: &str) -> NewRecord {
    NewRecord {
        key: Some(name.to_owned().into()),
        value: name.repeat(50).into(),
        headers: vec![("name".to_owned(), name.to_owned().into())],
    }
}

fn topic() -> TopicName {
    TopicName::new("test.g1.submissions").unwrap()
}

fn open_here(directory: &Path) -> Result<(), LogError> {
    block_on(async { RecordLog::open_embedded(directory).await?.close().await })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}
