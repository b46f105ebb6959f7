//! Appends whose outcome nobody knows: no submission is refused for it, none is lost, none is counted twice.

mod common;

use common::*;
use hattama_precinct_gateway::Config;
use hattama_proto::gateway::v1::ReceiptState;
use hattama_record_log::{AppendFault, RecordLog};
use hattama_wire::SignedSubmission;
use std::collections::BTreeMap;

const FAULTS: [AppendFault; 4] =
    [AppendFault::Unreachable, AppendFault::LostOnTheWay, AppendFault::HalfWritten, AppendFault::AnswerLost];

fn fail(log: &RecordLog, faults: impl IntoIterator<Item = AppendFault>) {
    assert!(matches!(log, RecordLog::Memory(_)), "only a log in memory fails as it is told");
    if let RecordLog::Memory(memory) = log {
        memory.fail_next_appends(&topics().submissions, faults);
    }
}

/// How often each of the submissions lies in the log.
async fn copies(log: &RecordLog, submissions: &[SignedSubmission]) -> BTreeMap<usize, usize> {
    let logged = logged_values(log).await;
    let times = |one: &SignedSubmission| logged.iter().filter(|value| **value == one.record_value()).count();
    submissions.iter().map(times).enumerate().collect()
}

#[tokio::test]
async fn while_nobody_knows_what_the_log_has_the_answer_is_received_and_in_the_end_each_is_logged_once() {
    let definition = definition();
    // Each fault alone, one after the other, and again in the other order.
    let one_after_the_other = FAULTS.to_vec();
    let back: Vec<_> = FAULTS.into_iter().rev().chain(FAULTS).collect();
    for faults in FAULTS.map(|fault| vec![fault]).into_iter().chain([one_after_the_other, back]) {
        let directory = tempfile::tempdir().unwrap();
        let log = log_with_genesis(&definition).await;
        let config = Config { logged_wait: SHORT_WAIT, ..config(&definition, &log, directory.path()) };
        let gateway = Gateway::start(config).await;
        let client = gateway.client().await;
        fail(&log, faults.clone());
        let submissions: Vec<_> = (1..=20).map(|revision| signed(&definition, "north-001", revision)).collect();
        let mut sending = tokio::task::JoinSet::new();
        for submission in submissions.clone() {
            let mut client = client.clone();
            sending.spawn(async move { submit(&mut client, &submission).await });
        }
        for answer in sending.join_all().await {
            let state = answer.unwrap_or_else(|refused| panic!("{faults:?}: {refused}")).state();
            assert!([ReceiptState::Received, ReceiptState::Logged].contains(&state), "{faults:?}: {state:?}");
        }
        let mut client = client;
        for submission in &submissions {
            let mut stream = watch(&mut client, submission).await;
            watch_until(&mut stream, |receipt| receipt.state() == ReceiptState::Logged).await;
            // Sent again by the precinct: answered with the same receipt.
            assert_eq!(submit(&mut client, submission).await.unwrap().state(), ReceiptState::Logged);
        }
        let copies = copies(&log, &submissions).await;
        assert!(copies.values().all(|times| *times == 1), "{faults:?}: {copies:?}");
        drop(client);
        gateway.stop().await;
    }
}

/// Another gateway's copy was passed by before this gateway knew the submission; then its own append is lost on the way.
#[tokio::test]
async fn a_copy_that_is_found_after_an_unknown_outcome_has_its_standing_although_it_was_read_before() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition()).await;
    let definition = definition();
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let (own, shared) = (signed(&definition, "north-001", 1), signed(&definition, "north-002", 1));
    submit(&mut client, &own).await.unwrap();
    let value = hattama_record_log::NewRecord::of_value(shared.record_value());
    log.append(&topics().submissions, SHARD.0, value).await.unwrap();
    let pair = |next_offset| hattama_tally::PositionPair { next_offset, control_next_offset: 1 };
    write_outcomes(&log, &definition, "aggregator", (pair(1), pair(3)), vec![]).await;
    let mut stream = watch(&mut client, &own).await;
    watch_until(&mut stream, |receipt| receipt.standing.is_some()).await;

    fail(&log, [AppendFault::LostOnTheWay]);
    let receipt = submit(&mut client, &shared).await.unwrap();
    assert_eq!(receipt.position.unwrap().offset, 2, "found, not sent again");
    let mut stream = watch(&mut client, &shared).await;
    watch_until(&mut stream, |receipt| receipt.standing.is_some()).await;
    assert_eq!(logged_values(&log).await.len(), 2);
    drop((client, stream));
    gateway.stop().await;
}
