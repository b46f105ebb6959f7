//! What is impossible is refused: every reason named, nothing kept, nothing logged.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is a failed test")]

mod common;

use common::*;
use hattama_election::form::LineMeaning;
use hattama_election::ids::{ElectionId, OptionId};
use hattama_election::submission::SubmissionBody;
use hattama_proto::gateway::v1;
use hattama_record_log::RecordLog;
use hattama_wire::sign_submission;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn refused(change: impl FnOnce(&mut hattama_election::protocol::Protocol)) -> (Status, v1::Refusal) {
    let definition = definition();
    let mut protocol = protocol("north-001", 1);
    change(&mut protocol);
    let submission = sign(&definition, &station_key("north-001"), protocol);
    refused_as_sent(submission).await
}

async fn refused_as_sent(submission: hattama_wire::SignedSubmission) -> (Status, v1::Refusal) {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let status = submit(&mut client, &submission).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let none = receipt(&mut client, &submission).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound, "nothing is kept");
    assert_eq!(logged_values(&log).await.len(), 0, "nothing is logged");
    drop(client);
    gateway.stop().await;
    let refusal = refusal_of(&status);
    (status, refusal)
}

#[tokio::test]
async fn impossible_figures_are_refused_with_every_field_named() {
    let (status, refusal) = refused(|protocol| {
        protocol.content.lines =
            protocol.content.lines.written().filter(|(line, _)| *line != LineMeaning::BallotsFound).fold(
                hattama_election::form::Lines::default(),
                |mut lines, (line, count)| {
                    lines.set(line, count);
                    lines
                },
            );
        protocol.content.votes[0].0 = OptionId::new("cloud").unwrap();
    })
    .await;
    let named = rules(&refusal);
    assert!(named.contains(&("REQUIRED_LINE_MISSING", "lines.ballots_found")), "{named:?}");
    assert!(named.contains(&("OPTIONS_MISMATCH", "votes[cloud]")), "{named:?}");
    assert!(named.contains(&("OPTIONS_MISMATCH", "votes[lake]")), "{named:?}");
    assert!(refusal.violations.iter().all(|violation| violation.severity == "refuse"));
    assert!(refusal.violations.iter().all(|violation| !violation.text.as_ref().unwrap().kk.is_empty()));
    assert_eq!(refusal.digest.len(), 32);

    let customary = status.get_error_details();
    let fields = &customary.bad_request().unwrap().field_violations;
    assert_eq!(fields.len(), refusal.violations.len());
    assert!(fields.iter().any(|violation| violation.field == "lines.ballots_found"));
    let info = customary.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (named[0].0, "hattama"));
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let mut submission = signed(&definition(), "north-001", 1);
    submission.signature[5] ^= 1;
    let (_, refusal) = refused_as_sent(submission).await;
    assert_eq!(rules(&refusal), [("BAD_SIGNATURE", "signature")]);
}

#[tokio::test]
async fn a_forged_signature_is_refused_even_when_the_signed_bytes_are_known() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let mut submission = signed(&definition, "north-001", 1);
    submit(&mut client, &submission).await.unwrap();
    submission.signature[5] ^= 1;
    let status = submit(&mut client, &submission).await.unwrap_err();
    assert_eq!(rules(&refusal_of(&status)), [("BAD_SIGNATURE", "signature")]);
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn another_stations_protocol_is_refused() {
    let definition = definition();
    let (_, refusal) = refused_as_sent(sign(&definition, &station_key("north-002"), protocol("north-001", 1))).await;
    assert_eq!(rules(&refusal), [("NOT_ENTITLED", "signed.key")]);
}

#[tokio::test]
async fn a_submission_of_another_election_is_refused() {
    let definition = definition();
    let foreign = ElectionId::new("other").unwrap();
    let body = SubmissionBody::Protocol(protocol("north-001", 1));
    let submission = sign_submission(&station_key("north-001"), &foreign, &definition.core_digest, &body);
    let (_, refusal) = refused_as_sent(submission).await;
    assert_eq!(rules(&refusal), [("FOREIGN_ELECTION", "signed.election")]);
}

#[tokio::test]
async fn an_unknown_key_is_refused_with_a_hint_to_come_again() {
    let key = hattama_wire::SigningKey::from_seed([7; 32]).unwrap();
    let submission = sign(&definition(), &key, protocol("north-001", 1));
    let (status, refusal) = refused_as_sent(submission).await;
    assert_eq!(rules(&refusal), [("UNKNOWN_KEY", "signed.key")]);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn what_is_too_large_or_empty_is_no_submission() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let large = hattama_proto::submission::v1::SignedSubmission {
        signed: vec![1; 64 << 10].into(),
        signature: vec![0; 64].into(),
    };
    for (sent, rule) in [(Some(large), "TOO_LONG"), (None, "MALFORMED")] {
        let status = client.submit(v1::SubmitRequest { submission: sent }).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let refusal = refusal_of(&status);
        assert_eq!((rules(&refusal), refusal.digest.len()), (vec![(rule, "submission")], 0));
    }
    drop(client);
    gateway.stop().await;
}

#[tokio::test]
async fn a_log_of_another_definition_is_refused_at_the_start() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = RecordLog::memory();
    let mut other = hattama_election::definition::sample::definition();
    other.core_digest.0[0] ^= 1;
    write_generation(&log, &other, 1).await;
    let Err(error) = Gateway::try_start(config(&definition, &log, directory.path())).await else {
        panic!("it started on another election's log");
    };
    assert!(error.to_string().contains("--definition"), "{error}");
}
