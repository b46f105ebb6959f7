//! What has a receipt survives: the log's absence, a restart, a kill, the loss of the log.

mod common;

use std::time::Duration;

use common::*;
use hattama_precinct_gateway::Config;
use hattama_proto::gateway::v1::ReceiptState;
use tonic::Code;

#[tokio::test]
async fn what_came_in_while_the_log_was_away_is_logged_after_a_restart() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let submissions: Vec<_> = (1..=5).map(|revision| signed(&definition, "north-001", revision)).collect();

    let without_log = Config { logged_wait: SHORT_WAIT, ..config(&definition, &dead_log().await, directory.path()) };
    let gateway = Gateway::start(without_log).await;
    let mut client = gateway.client().await;
    for submission in &submissions {
        let receipt = submit(&mut client, submission).await.unwrap();
        assert_eq!((receipt.state(), receipt.position), (ReceiptState::Received, None));
    }
    drop(client);
    gateway.stop().await;

    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    for submission in &submissions {
        let mut stream = watch(&mut client, submission).await;
        watch_until(&mut stream, |receipt| receipt.state() == ReceiptState::Logged).await;
    }
    let mut logged = logged_values(&log).await;
    logged.sort();
    let mut expected: Vec<_> = submissions.iter().map(|one| one.record_value()).collect();
    expected.sort();
    assert_eq!(logged, expected, "each once");
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_topic_that_is_created_later_is_used_without_a_restart() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = hattama_record_log::RecordLog::memory();
    let gateway =
        Gateway::start(Config { logged_wait: SHORT_WAIT, ..config(&definition, &log, directory.path()) }).await;
    let mut client = gateway.client().await;
    let submission = signed(&definition, "north-001", 1);
    assert_eq!(submit(&mut client, &submission).await.unwrap().state(), ReceiptState::Received);
    let mut stream = watch(&mut client, &submission).await;
    write_generation(&log, &definition, 1).await;
    let receipt = watch_until(&mut stream, |receipt| receipt.state() == ReceiptState::Logged).await;
    assert_eq!(receipt.position.unwrap().offset, 1);
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn a_journal_as_a_kill_leaves_it_has_every_receipt() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let after_the_kill = tempfile::tempdir().unwrap();
    let submissions: Vec<_> = (1..=20).map(|revision| signed(&definition, "north-001", revision)).collect();
    let without_log = Config { logged_wait: SHORT_WAIT, ..config(&definition, &dead_log().await, directory.path()) };
    let gateway = Gateway::start(without_log).await;
    let mut client = gateway.client().await;
    let mut receipts = Vec::new();
    for submission in &submissions {
        receipts.push(submit(&mut client, submission).await.unwrap());
    }
    // The file as it lies there while the gateway still has it open: nothing was closed in order.
    let file = "journal.redb";
    std::fs::copy(directory.path().join(file), after_the_kill.path().join(file)).unwrap();
    drop(client);
    gateway.stop().await;

    let without_log =
        Config { logged_wait: SHORT_WAIT, ..config(&definition, &dead_log().await, after_the_kill.path()) };
    let gateway = Gateway::start(without_log).await;
    let mut client = gateway.client().await;
    for (submission, before) in submissions.iter().zip(&receipts) {
        assert_eq!(receipt(&mut client, submission).await.unwrap(), *before);
    }
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_in_the_log_already_is_not_sent_again_after_a_restart() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let submission = signed(&definition, "north-001", 1);
    let without_log = Config { logged_wait: SHORT_WAIT, ..config(&definition, &dead_log().await, directory.path()) };
    let gateway = Gateway::start(without_log).await;
    submit(&mut gateway.client().await, &submission).await.unwrap();
    gateway.stop().await;

    // The append had been acknowledged by the log, but not to the gateway.
    let record = hattama_record_log::NewRecord::of_value(submission.record_value());
    log.append(&topics().submissions, SHARD.0, record).await.unwrap();
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let receipt = submit(&mut client, &submission).await.unwrap();
    assert_eq!(receipt.position.unwrap().offset, 1);
    // A later one goes through the same queue: whatever stood before it has been sent.
    submit(&mut client, &signed(&definition, "north-001", 2)).await.unwrap();
    assert_eq!(logged_values(&log).await.len(), 2);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_generation_is_filled_from_the_journal_and_each_record_names_its_place_in_the_old_one() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let submissions = logged_by_a_log_that_is_gone(&definition, directory.path()).await;
    let log = hattama_record_log::RecordLog::memory();
    write_generation(&log, &definition, 2).await;
    let gateway = Gateway::start(Config { generation: 2, ..config(&definition, &log, directory.path()) }).await;
    let mut client = gateway.client().await;
    for submission in &submissions {
        let mut stream = watch(&mut client, submission).await;
        let found = |receipt: &hattama_proto::gateway::v1::Receipt| {
            receipt.position.is_some_and(|position| position.generation == 2)
        };
        watch_until(&mut stream, found).await;
    }
    let topics = hattama_record_log::topics::TopicSet::new("sample", 2).unwrap();
    // Through the same queue: when this one is logged, those that were lost are.
    submit(&mut client, &signed(&definition, "north-001", 9)).await.unwrap();
    let all = hattama_record_log::ReadLimit::default();
    let records = log.read(&topics.submissions, SHARD.0, 1, all).await.unwrap();
    assert_eq!(records.len(), 4, "each once");
    for (submission, offset) in submissions.iter().zip(1..) {
        let record = records.iter().find(|record| record.value == submission.record_value()).unwrap();
        let earlier = record.headers.iter().find(|(name, _)| name == hattama_wire::EARLIER_POSITIONS_HEADER);
        assert_eq!(hattama_wire::decode_earlier(&earlier.unwrap().1, 1), [offset]);
    }
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_log_that_lost_what_it_had_acknowledged_is_an_alarm_and_gets_nothing_more_but_receiving_goes_on() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let submissions = logged_by_a_log_that_is_gone(&definition, directory.path()).await;
    // The same generation, made again behind our back, with the first of the three records.
    let log = log_with_genesis(&definition).await;
    let first = hattama_record_log::NewRecord::of_value(submissions[0].record_value());
    log.append(&topics().submissions, SHARD.0, first).await.unwrap();
    let config = Config { logged_wait: SHORT_WAIT, ..config(&definition, &log, directory.path()) };
    let readiness = config.readiness.clone();
    let gateway = Gateway::start(config).await;
    let mut client = gateway.client().await;
    alarm_about_the_log(&readiness).await;
    let receipt = submit(&mut client, &signed(&definition, "north-001", 9)).await.unwrap();
    assert_eq!(receipt.state(), ReceiptState::Received);
    assert_eq!(logged_values(&log).await.len(), 1, "nothing is sent to a shard that lost records");
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn comparing_journal_and_log_all_the_time_finds_no_loss_where_none_is() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let config = Config {
        logged_wait: SHORT_WAIT,
        reconcile_interval: SHORT_WAIT,
        ..config(&definition, &log, directory.path())
    };
    let readiness = config.readiness.clone();
    let gateway = Gateway::start(config).await;
    let mut client = gateway.client().await;
    let submission = signed(&definition, "north-001", 1);
    let stranger = hattama_record_log::NewRecord::of_value(vec![7]);
    let offset = log.append(&topics().submissions, SHARD.0, stranger).await.unwrap();
    submit(&mut client, &submission).await.unwrap();
    let mut stream = watch(&mut client, &submission).await;
    watch_until(&mut stream, |receipt| receipt.position.is_some_and(|position| position.offset == offset + 1)).await;
    assert!(readiness.is_ready(), "nothing is lost: {:?}", readiness.reasons());
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_that_is_given_up_does_not_lose_what_was_queued() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let submissions: Vec<_> = (1..=50).map(|revision| signed(&definition, "north-001", revision)).collect();
    for (place, submission) in submissions.iter().enumerate() {
        let given_up = Duration::from_micros(100 * u64::try_from(place).unwrap());
        let _ = tokio::time::timeout(given_up, submit(&mut client, submission)).await;
    }
    // Whatever has a receipt gets into the log; whatever has none was not kept.
    for submission in &submissions {
        match receipt(&mut client, submission).await {
            Ok(_) => {
                let mut stream = watch(&mut client, submission).await;
                watch_until(&mut stream, |receipt| receipt.state() == ReceiptState::Logged).await;
                assert!(logged_values(&log).await.contains(&submission.record_value()));
            }
            Err(status) => assert_eq!(status.code(), Code::NotFound),
        }
    }
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_journal_belongs_to_one_election_and_one_gateway() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = dead_log().await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let Err(second) = Gateway::try_start(config(&definition, &log, directory.path())).await else {
        panic!("two gateways share a journal");
    };
    assert!(second.to_string().contains("in use by another gateway"), "{second}");
    gateway.stop().await;

    let mut other = hattama_election::definition::sample::definition();
    other.core_digest.0[0] ^= 1;
    let Err(foreign) = Gateway::try_start(config(&std::sync::Arc::new(other), &log, directory.path())).await else {
        panic!("a journal serves two elections");
    };
    assert!(foreign.to_string().contains("belongs to election sample"), "{foreign}");
}
