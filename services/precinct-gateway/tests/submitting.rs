//! Submissions come in: receipts, "later", streams, and what is only validated.

mod common;

use common::*;
use hattama_election::form::LineMeaning;
use hattama_election::ids::ShardId;
use hattama_proto::gateway::v1::{self, ReceiptState};
use hattama_record_log::NewRecord;
use std::time::Duration;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn a_good_submission_is_logged_as_it_was_signed() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let submission = signed(&definition, "north-001", 1);

    let receipt = submit(&mut client, &submission).await.unwrap();
    assert_eq!(receipt.state(), ReceiptState::Logged);
    assert_eq!(receipt.digest, submission.digest().0.as_slice());
    assert_eq!(receipt.content, protocol("north-001", 1).content.digest().0.as_slice());
    assert_eq!(receipt.position, Some(v1::LogPosition { generation: 1, partition: SHARD.0, offset: 1 }));
    assert_eq!((receipt.gateway.as_str(), receipt.standing.is_none()), ("gateway-test", true));
    assert_eq!(logged_values(&log).await, [submission.record_value()]);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_bytes_any_number_of_times_have_one_receipt_and_one_record() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let client = gateway.client().await;
    let submission = signed(&definition, "north-001", 1);

    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut client, submission) = (client.clone(), submission.clone());
        calls.spawn(async move { submit(&mut client, &submission).await.unwrap() });
    }
    let receipts = calls.join_all().await;
    let again = submit(&mut client.clone(), &submission).await.unwrap();
    assert!(receipts.iter().all(|receipt| *receipt == again), "{receipts:?}");
    assert_eq!(logged_values(&log).await.len(), 1);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_full_outbox_answers_later_and_still_knows_what_it_has() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(hattama_precinct_gateway::Config {
        outbox_submissions: 2,
        logged_wait: Duration::from_millis(10),
        ..config(&definition, &dead_log().await, directory.path())
    })
    .await;
    let mut client = gateway.client().await;
    for revision in [1, 2] {
        let receipt = submit(&mut client, &signed(&definition, "north-001", revision)).await.unwrap();
        assert_eq!(receipt.state(), ReceiptState::Received);
    }
    let status = submit(&mut client, &signed(&definition, "north-001", 3)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    assert_eq!(status.get_details_error_info().unwrap().metadata["limit"], "outbox_submissions");

    let again = submit(&mut client, &signed(&definition, "north-001", 2)).await.unwrap();
    assert_eq!(again.state(), ReceiptState::Received);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn one_key_has_its_limit_and_leaves_others_theirs() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(hattama_precinct_gateway::Config {
        logged_wait: PATIENCE,
        ..config(&definition, &dead_log().await, directory.path())
    })
    .await;
    let mut client = gateway.client().await;
    let limit = u8::try_from(hattama_precinct_gateway::limits::MAX_IN_FLIGHT_PER_KEY).unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for revision in 1..=limit {
        let (mut client, submission) = (client.clone(), signed(&definition, "north-001", revision));
        waiting.spawn(async move { submit(&mut client, &submission).await });
    }
    for revision in 1..=limit {
        // All are journalled and wait for the log.
        while receipt(&mut client, &signed(&definition, "north-001", revision)).await.is_err() {}
    }
    let status = submit(&mut client, &signed(&definition, "north-001", limit + 1)).await.unwrap_err();
    assert_eq!(status.get_details_error_info().unwrap().metadata["limit"], "in_flight_per_key");
    let brief = |submission| {
        let mut request = tonic::Request::new(request(&submission));
        request.set_timeout(Duration::from_secs(1));
        request
    };
    let other = client.submit(brief(signed(&definition, "north-002", 1))).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(other.state(), ReceiptState::Received, "answered before its caller's deadline");

    // Calls that are given up free their places.
    waiting.shutdown().await;
    let accepted = async {
        loop {
            match client.submit(brief(signed(&definition, "north-001", limit + 1))).await {
                Ok(_) => return,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
            }
        }
    };
    tokio::time::timeout(PATIENCE, accepted).await.unwrap();
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_an_amendment_brings_is_good_as_soon_as_control_is_read() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let new_key = hattama_wire::SigningKey::from_seed([7; 32]).unwrap();
    let submission = sign(&definition, &new_key, protocol("north-001", 1));
    assert_eq!(submit(&mut client, &submission).await.unwrap_err().code(), Code::InvalidArgument);

    let amendment = key_replaced(&definition, 1, "north-001", new_key.public_key());
    let receipt = submit(&mut client, &amendment).await.unwrap();
    assert_eq!(receipt.position, Some(v1::LogPosition { generation: 1, partition: 0, offset: 1 }));
    let accepted = async {
        loop {
            match submit(&mut client, &submission).await {
                Ok(receipt) => return receipt,
                Err(status) => assert_eq!(rules(&refusal_of(&status)), [("UNKNOWN_KEY", "signed.key")]),
            }
        }
    };
    let receipt = tokio::time::timeout(PATIENCE, accepted).await.unwrap();
    assert_eq!(receipt.state(), ReceiptState::Logged);
    drop(client);
    gateway.stop().await;

    // A restart reads control before it opens its door.
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let second = sign(&definition, &new_key, protocol("north-001", 2));
    assert_eq!(submit(&mut client, &second).await.unwrap().state(), ReceiptState::Logged);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_is_answered_one_by_one_in_the_order_of_sending() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    // More than a window.
    let good: Vec<_> = (1..=90).map(|revision| signed(&definition, "north-001", revision)).collect();
    let foreign = sign(&definition, &station_key("north-002"), protocol("north-001", 1));
    let mut sent: Vec<_> = good.iter().map(|one| one.to_proto()).collect();
    sent.insert(45, foreign.to_proto());
    let requests = sent.into_iter().map(|one| v1::SubmitStreamRequest { submission: Some(one) });
    let answers = client.submit_stream(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().answer.unwrap()).collect().await;

    assert_eq!(answers.len(), 91);
    let mut expected = good.iter();
    for (place, answer) in answers.iter().enumerate() {
        match answer {
            v1::submit_stream_response::Answer::Receipt(receipt) => {
                assert_eq!(receipt.digest, expected.next().unwrap().digest().0.as_slice(), "{place}");
                assert_eq!(receipt.state(), ReceiptState::Logged);
            }
            v1::submit_stream_response::Answer::Refusal(refusal) => {
                assert_eq!((place, refusal.digest.as_ref()), (45, foreign.digest().0.as_slice()));
            }
            v1::submit_stream_response::Answer::Later(later) => panic!("{place}: {later:?}"),
        }
    }
    assert_eq!(logged_values(&log).await.len(), 90);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn validating_says_what_would_hold_or_flag_and_keeps_nothing() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;

    let mut wrong = protocol("north-001", 1);
    wrong.content.lines.set(LineMeaning::BallotsValid, 991);
    wrong.signed_at = hattama_election::instant::Instant::parse("2030-06-02T12:00:00+05:00").unwrap();
    wrong.complaints = Some(1);
    for (protocol, expected) in [
        (protocol("north-001", 1), vec![]),
        (
            wrong,
            vec![
                ("SUM_OF_VOTES_DIFFERS", "hold", "lines.ballots_valid"),
                ("FOUND_DIFFERS_FROM_COUNTED", "hold", "lines.ballots_found"),
                ("SIGNED_BEFORE_CLOSE", "hold", "signed_at_seconds"),
                ("COMPLAINTS_LODGED", "flag", "complaints"),
            ],
        ),
    ] {
        let submission = sign(&definition, &station_key("north-001"), protocol);
        let request = v1::ValidateProtocolRequest { submission: Some(submission.to_proto()) };
        let violations = client.validate_protocol(request).await.unwrap().into_inner().violations;
        let found: Vec<_> = violations
            .iter()
            .map(|violation| (violation.rule.as_str(), violation.severity.as_str(), violation.field.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(receipt(&mut client, &submission).await.unwrap_err().code(), Code::NotFound);
    }
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_copy_in_another_shard_does_not_pass_for_the_submission_that_its_own_shard_lacks() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let submission = signed(&definition, "north-001", 1);
    let cut_off = Gateway::start(hattama_precinct_gateway::Config {
        logged_wait: Duration::from_millis(1),
        ..config(&definition, &dead_log().await, directory.path())
    })
    .await;
    let mut client = cut_off.client().await;
    assert_eq!(submit(&mut client, &submission).await.unwrap().state(), ReceiptState::Received);
    drop(client);
    cut_off.stop().await;

    let log = log_with_genesis(&definition).await;
    let other = (1..definition.shards).map(ShardId).find(|shard| *shard != SHARD).unwrap();
    let copy = NewRecord::of_value(submission.record_value());
    log.append(&topics().submissions, other.0, copy).await.unwrap();
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let receipt = submit(&mut client, &submission).await.unwrap();
    assert_eq!(receipt.state(), ReceiptState::Logged);
    assert_eq!(receipt.position.unwrap().partition, SHARD.0);
    assert_eq!(log.end(&topics().submissions, SHARD.0).await.unwrap(), 2);
    drop(client);
    gateway.stop().await;
}
