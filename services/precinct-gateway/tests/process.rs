//! The binary: its settings, what it serves on a log in a folder, SIGTERM and SIGKILL while submissions come in.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is a failed test")]

mod common;
mod exits;

use std::path::Path;
use std::time::Duration;

use common::*;
use hattama_election::definition::sample;
use hattama_proto::gateway::v1::precinct_gateway_client::PrecinctGatewayClient;
use hattama_proto::gateway::v1::precinct_gateway_server::SERVICE_NAME as PRECINCT_GATEWAY;
use hattama_proto::gateway::v1::{ReceiptState, SubmitResponse};
use hattama_record_log::RecordLog;
use hattama_service_kit::testing::{
    Binary, GRPC_LISTENS, Running, assert_health_and_reflection, assert_sigterm_answers_calls_in_flight, connect,
};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_hattama-precinct-gateway"))
}

/// The binary with everything in one directory.
fn binary_on(directory: &Path) -> Binary {
    binary()
        .with(["--definition".as_ref(), directory.join("definition").as_os_str()])
        .with(["--log-dir".as_ref(), directory.join("log").as_os_str()])
        .with(["--journal-dir".as_ref(), directory.join("journal").as_os_str()])
        .with(["--instance", "gateway-test"])
}

async fn client(gateway: &Running) -> Client {
    PrecinctGatewayClient::new(connect(&gateway.address).await)
}

#[test]
fn help_names_every_setting_with_its_variable() {
    binary().assert_help_names_every_setting(&[
        "config",
        "definition",
        "log-dir",
        "brokers",
        "generation",
        "instance",
        "rehearsal-time",
        "journal-dir",
        "listen",
        "admin-listen",
        "log",
        "log-format",
        "drain-seconds",
    ]);
}

#[test]
fn an_unknown_key_is_refused_and_a_flag_beats_the_environment_which_beats_the_file() {
    binary().assert_an_unknown_key_is_refused();
    binary().assert_a_flag_beats_the_environment_which_beats_the_file();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_its_health_its_interface_and_its_metrics_and_at_sigterm_answers_the_calls_under_way() {
    let directory = tempfile::tempdir().unwrap();
    sample::definition_files().write(&directory.path().join("definition")).unwrap();
    let log = RecordLog::open_embedded(&directory.path().join("log")).await.unwrap();
    write_generation(&log, &definition(), 1).await;
    log.close().await.unwrap();
    let gateway = binary_on(directory.path()).start(GRPC_LISTENS);
    assert_health_and_reflection(&gateway, PRECINCT_GATEWAY).await;
    gateway.assert_alive_with_metrics("hattama_gateway_");
    let submission = signed(&definition(), "north-001", 1);
    let path = "/hattama.gateway.v1.PrecinctGateway/Submit";
    let (answers, _) =
        assert_sigterm_answers_calls_in_flight::<_, SubmitResponse>(gateway, path, request(&submission)).await;
    for answer in answers {
        let receipt = answer.receipt.unwrap();
        assert!(matches!(receipt.state(), ReceiptState::Received | ReceiptState::Logged), "{receipt:?}");
        assert_eq!(receipt.digest.as_ref(), submission.digest().0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submissions_that_wait_for_the_log_at_sigterm_are_answered_and_kept() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    sample::definition_files().write(&directory.path().join("definition")).unwrap();
    // The log has no topics: receiving does not depend on them.
    let gateway = binary_on(directory.path()).start(GRPC_LISTENS);
    let one = client(&gateway).await;
    let submissions: Vec<_> = (1..=20).map(|revision| signed(&definition, "north-001", revision)).collect();
    let waiting: Vec<_> = submissions
        .iter()
        .map(|submission| {
            let (mut client, request) = (one.clone(), request(submission));
            tokio::spawn(async move { client.submit(request).await })
        })
        .collect();
    // All are in the journal, and none has a place in the log.
    let _page = gateway.metrics_with(&["hattama_gateway_journal_accepted_total 20"]);
    assert!(waiting.iter().all(|call| !call.is_finished()), "answered before the log was waited for");
    gateway.terminate();
    for call in waiting {
        let answer = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap().unwrap().into_inner();
        assert_eq!(answer.receipt.unwrap().state(), ReceiptState::Received);
    }
    let _said = gateway.ended();
    let gateway = binary_on(directory.path()).start(GRPC_LISTENS);
    let mut client = client(&gateway).await;
    for submission in &submissions {
        receipt(&mut client, submission).await.unwrap();
    }
    let _said = gateway.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_has_every_submission_that_it_gave_a_receipt_for() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    sample::definition_files().write(&directory.path().join("definition")).unwrap();
    let gateway = binary_on(directory.path()).start(GRPC_LISTENS);
    let client_of_first = client(&gateway).await;
    let (received, mut receipts) = tokio::sync::mpsc::unbounded_channel();
    let mut senders = tokio::task::JoinSet::new();
    for station in ["north-001", "north-002", "north-003", "south-001"] {
        let (mut client, definition, received) = (client_of_first.clone(), definition.clone(), received.clone());
        senders.spawn(async move {
            for revision in 1..=99 {
                let submission = signed(&definition, station, revision);
                let mut request = tonic::Request::new(request(&submission));
                // The log has no topics: the answer is RECEIVED, when most of this has passed.
                request.set_timeout(Duration::from_millis(50));
                if client.submit(request).await.is_ok() {
                    received.send(submission).unwrap();
                }
            }
        });
    }
    drop(received);
    // In the middle: others are under way.
    let mut kept = Vec::new();
    while kept.len() < 20 {
        kept.push(tokio::time::timeout(PATIENCE, receipts.recv()).await.unwrap().unwrap());
    }
    gateway.kill();
    while let Some(submission) = receipts.recv().await {
        kept.push(submission);
    }

    let gateway = binary_on(directory.path()).start(GRPC_LISTENS);
    let mut client = client(&gateway).await;
    for submission in &kept {
        let receipt = receipt(&mut client, submission).await.unwrap();
        assert_eq!((receipt.gateway.as_str(), receipt.position), ("gateway-test", None));
    }
    gateway.kill();
}
