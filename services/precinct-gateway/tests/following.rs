//! Receipts follow outcomes and publications.

mod common;

use common::*;
use hattama_election::rules::RuleCode;
use hattama_precinct_gateway::{Config, read_newest_publications};
use hattama_proto::gateway::v1::{Receipt, ReceiptState};
use hattama_proto::log::v1::Outcome as WireOutcome;
use hattama_tally::{Outcome, PositionPair, SubmissionOutcome};
use hattama_wire::SignedSubmission;

fn pair(next_offset: u64) -> PositionPair {
    PositionPair { next_offset, control_next_offset: 1 }
}

fn outcome(offset: u64, submission: &SignedSubmission, outcome: Outcome, rules: &[RuleCode]) -> SubmissionOutcome {
    SubmissionOutcome { offset, digest: submission.digest(), outcome, rules: rules.to_vec(), duplicate_of: None }
}

fn outcome_of(receipt: &Receipt) -> Option<WireOutcome> {
    receipt.standing.as_ref().map(|standing| standing.outcome())
}

#[tokio::test]
async fn a_watcher_sees_a_submission_logged_given_its_outcome_counted_and_superseded() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let submission = signed(&definition, "north-001", 1);
    submit(&mut client, &submission).await.unwrap();
    let mut stream = watch(&mut client, &submission).await;
    let first = stream.message().await.unwrap().unwrap().receipt.unwrap();
    assert_eq!(first.state(), ReceiptState::Logged);

    // Neither a foreign signature nor a record that does not follow from the last one moves anything.
    let annulled = vec![outcome(1, &submission, Outcome::Annulled, &[])];
    write_outcomes(&log, &definition, "national", (pair(1), pair(2)), annulled.clone()).await;
    write_outcomes(&log, &definition, "aggregator", (pair(2), pair(3)), annulled).await;
    write_outcomes(&log, &definition, "aggregator", (pair(1), pair(2)), vec![]).await;
    let counted = watch_until(&mut stream, |receipt| receipt.standing.is_some()).await;
    assert_eq!((outcome_of(&counted), counted.state()), (Some(WireOutcome::Counted), ReceiptState::Outcome));
    assert_eq!(counted.standing.as_ref().unwrap().at.unwrap().next_offset, 2);

    let digest = write_publication(&log, &definition, (1, None), pair(2)).await;
    let published = watch_until(&mut stream, |receipt| receipt.counted_in.is_some()).await;
    assert_eq!((published.state(), published.counted_in), (ReceiptState::Counted, Some(1)));

    let flags = [RuleCode::SupersededByRevision];
    submit(&mut client, &signed(&definition, "north-001", 2)).await.unwrap();
    let superseded = vec![outcome(1, &submission, Outcome::Superseded, &flags)];
    write_outcomes(&log, &definition, "aggregator", (pair(2), pair(3)), superseded).await;
    write_publication(&log, &definition, (2, Some(digest)), pair(3)).await;
    let later = watch_until(&mut stream, |receipt| outcome_of(receipt) == Some(WireOutcome::Superseded)).await;
    assert_eq!(later.standing.as_ref().unwrap().rules, ["SUPERSEDED_BY_REVISION"]);
    assert_eq!((later.state(), later.counted_in), (ReceiptState::Counted, Some(1)), "a fact about publication 1");

    let mut second = watch(&mut client, &signed(&definition, "north-001", 2)).await;
    let second = watch_until(&mut second, |receipt| receipt.counted_in.is_some()).await;
    assert_eq!(second.counted_in, Some(2));
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn a_held_submission_is_counted_in_no_publication_until_it_counts() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let (held, good) = (signed(&definition, "north-001", 1), signed(&definition, "north-002", 1));
    submit(&mut client, &held).await.unwrap();
    submit(&mut client, &good).await.unwrap();
    let rules = [RuleCode::SumOfVotesDiffers];
    let outcomes = vec![outcome(1, &held, Outcome::Held, &rules)];
    write_outcomes(&log, &definition, "aggregator", (pair(1), pair(3)), outcomes).await;
    let digest = write_publication(&log, &definition, (1, None), pair(3)).await;
    let mut stream = watch(&mut client, &good).await;
    watch_until(&mut stream, |receipt| receipt.counted_in == Some(1)).await;
    let held_receipt = receipt(&mut client, &held).await.unwrap();
    assert_eq!((outcome_of(&held_receipt), held_receipt.counted_in), (Some(WireOutcome::Held), None));
    assert_eq!(held_receipt.standing.unwrap().rules, ["SUM_OF_VOTES_DIFFERS"]);

    let to = PositionPair { next_offset: 4, control_next_offset: 1 };
    submit(&mut client, &signed(&definition, "north-002", 2)).await.unwrap();
    let confirmed = vec![outcome(1, &held, Outcome::Counted, &[RuleCode::ConfirmedByDecision])];
    write_outcomes(&log, &definition, "aggregator", (pair(3), to), confirmed).await;
    write_publication(&log, &definition, (2, Some(digest)), to).await;
    let mut stream = watch(&mut client, &held).await;
    watch_until(&mut stream, |receipt| receipt.counted_in == Some(2)).await;
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn bytes_that_another_gateway_had_sent_before_stand_as_they_stand_there() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition()).await;
    let (submission, definition) = with_a_counted_submission(&log).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;

    let logged = submit(&mut client, &submission).await.unwrap();
    assert_eq!(logged.position.unwrap().offset, 2);
    let duplicate = SubmissionOutcome {
        duplicate_of: Some(1),
        ..outcome(2, &submission, Outcome::Duplicate, &[RuleCode::SameContent])
    };
    write_outcomes(&log, &definition, "aggregator", (pair(2), pair(3)), vec![duplicate]).await;
    let mut stream = watch(&mut client, &submission).await;
    let receipt = watch_until(&mut stream, |receipt| receipt.counted_in.is_some()).await;
    assert_eq!((receipt.position.unwrap().offset, receipt.counted_in), (1, Some(1)));
    assert_eq!(outcome_of(&receipt), Some(WireOutcome::Counted));
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn a_duplicate_points_to_the_first_submission_with_its_content() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition()).await;
    let (first, definition) = with_a_counted_submission(&log).await;
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;

    let mut same_figures = protocol("north-001", 1);
    same_figures.signed_at.0 += 60;
    let again = sign(&definition, &station_key("north-001"), same_figures);
    submit(&mut client, &again).await.unwrap();
    let duplicate =
        SubmissionOutcome { duplicate_of: Some(1), ..outcome(2, &again, Outcome::Duplicate, &[RuleCode::SameContent]) };
    write_outcomes(&log, &definition, "aggregator", (pair(2), pair(3)), vec![duplicate]).await;
    let mut stream = watch(&mut client, &again).await;
    let receipt = watch_until(&mut stream, |receipt| receipt.standing.is_some()).await;
    assert_eq!(outcome_of(&receipt), Some(WireOutcome::Duplicate));
    assert_eq!(receipt.standing.unwrap().duplicate_of, first.digest().0.as_slice());
    assert_eq!(receipt.counted_in, None);
    drop((client, stream));
    gateway.stop().await;
}

#[tokio::test]
async fn after_a_restart_a_receipt_is_read_from_the_log_again() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    let log = log_with_genesis(&definition).await;
    let submission = signed(&definition, "north-001", 1);
    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    submit(&mut gateway.client().await, &submission).await.unwrap();
    gateway.stop().await;
    write_outcomes(&log, &definition, "aggregator", (pair(1), pair(2)), vec![]).await;
    let digest = write_publication(&log, &definition, (1, None), pair(2)).await;
    // Not the next one: its predecessor is not the last valid one.
    write_publication(&log, &definition, (2, None), pair(3)).await;

    let gateway = Gateway::start(config(&definition, &log, directory.path())).await;
    let mut client = gateway.client().await;
    let mut stream = watch(&mut client, &submission).await;
    watch_until(&mut stream, |receipt| receipt.counted_in == Some(1)).await;
    drop((client, stream));
    gateway.stop().await;
    let newest = read_newest_publications(directory.path()).unwrap().pop().unwrap();
    assert_eq!((newest.generation, newest.sequence, newest.digest), (1, 1, digest));
}

#[tokio::test]
async fn what_is_kept_for_a_new_generation_gives_no_votes_away_before_the_embargo_ends() {
    let definition = definition();
    let log = log_with_genesis(&definition).await;
    let digest = write_publication(&log, &definition, (1, None), pair(1)).await;
    let embargo = definition.contests.iter().map(|contest| contest.embargo_until.0).max().unwrap();
    for (seconds, is_given) in [(-60, false), (60, true)] {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { clock: clock_at(embargo + seconds), ..config(&definition, &log, directory.path()) };
        let gateway = Gateway::start(config).await;
        let mut client = gateway.client().await;
        let kept = kept_publications(&mut client).await.pop().unwrap();
        assert_eq!((kept.generation, kept.sequence, kept.digest.as_ref()), (1, 1, digest.0.as_slice()));
        assert_eq!(!kept.record.is_empty(), is_given);
        drop(client);
        gateway.stop().await;
    }
}
