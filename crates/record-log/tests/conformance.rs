//! One set of checks, run over every implementation of the log.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests: a failure here is a failed test")]

mod cluster;
mod suite;

use std::time::Duration;

use hattama_record_log::RecordLog;
use suite::{Names, Rig};

/// A check that takes longer hangs: the slowest takes seconds on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// Makes one test per check; `$open` gives a fresh log and whatever has to live as long as it, or None where the log
/// is not at hand.
macro_rules! conformance {
    ($backend:ident, $open:expr; $($check:ident,)+) => {
        mod $backend {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    let Some((rig, _guard)) = $open(stringify!($check)).await else { return };
                    let check = suite::$check(rig);
                    tokio::time::timeout(DEADLINE, check).await.expect("the check hangs");
                }
            )+
        }
    };
}

macro_rules! every_backend {
    ($($check:ident,)+) => {
        conformance! { memory, super::in_memory; $($check,)+ }
        conformance! { embedded, super::in_a_directory; $($check,)+ }
        conformance! { kafka, super::on_kafka; $($check,)+ }
    };
}

every_backend! {
    offsets_are_dense_from_zero_in_the_order_of_appending,
    a_record_comes_back_as_it_went_in,
    partitions_and_topics_do_not_mix,
    a_long_list_is_appended_in_its_order,
    concurrent_appends_get_an_offset_each,
    an_acknowledged_record_is_seen_at_once,
    a_genesis_record_is_appended_once,
    a_read_stops_at_its_limits_but_always_advances,
    a_read_at_or_beyond_the_end_is_empty,
    a_reader_starts_in_the_middle,
    a_waiting_reader_is_woken_by_an_append,
    a_reader_beyond_the_end_waits_until_the_log_gets_there,
    a_reader_follows_a_writer_to_the_last_record,
    a_dropped_wait_skips_nothing,
    what_is_too_large_is_refused_as_a_whole,
    an_unknown_topic_or_partition_is_refused,
    a_topic_is_created_once_and_never_changes,
    a_topic_is_created_once_by_many_at_the_same_time,
    a_closed_log_refuses_and_wakes_its_readers,
}

async fn in_memory(_: &str) -> Option<(Rig, ())> {
    Some((Rig { log: RecordLog::memory(), names: Names("test".to_owned()) }, ()))
}

async fn in_a_directory(_: &str) -> Option<(Rig, tempfile::TempDir)> {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let log = RecordLog::open_embedded(&directory.path().join("a/new/one")).await.expect("a new log");
    Some((Rig { log, names: Names("test".to_owned()) }, directory))
}

async fn on_kafka(check: &str) -> Option<(Rig, ())> {
    let settings = cluster::settings(check)?;
    let log = RecordLog::connect_kafka(settings).await.expect("the cluster of HATTAMA_KAFKA_BROKERS");
    Some((Rig { log, names: Names(cluster::own_name(check)) }, ()))
}
