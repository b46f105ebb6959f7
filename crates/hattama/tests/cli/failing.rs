//! A night in which a check fails ends at once, says which, and not with 0.

use super::common::{Place, Running, SLOW, error, told, wait_for};
use hattama_election::definition::{Definition, ServiceRole, sample};
use hattama_election_log::rehearsal_service_key;
use hattama_night_play::records::Records;
use hattama_record_log::{NewRecord, RecordLog, topics::TopicSet};
use hattama_wire::{Envelope, ServiceContext, decode_tally, encode_tally, open_service, sign_service};

const SHARD: u32 = 1;

#[tokio::test]
async fn a_shard_that_is_frozen_ends_the_night_at_once_and_is_named() {
    let place = Place::new();
    let mut command = place.rehearse("log");
    command.args(["--speed", SLOW]);
    let running = Running::start(command);
    wait_for("a publication", || running.newest());
    running.kill();
    tell_another_tally(&place).await;

    let output = place.rehearse("log").args(["--speed", SLOW]).output().unwrap();
    let said = error(&output);
    assert_eq!(output.status.code(), Some(1), "{said}\n{}", told(&output));
    assert!(said.contains("failed: shard 1 is frozen: the error line of the national service says why"), "{said}");
    assert!(said.contains("two different tallies at offset "), "the national service's line: {said}");
    assert!(said.contains("docs/promises.md") && said.contains("stopped before the end"), "{said}");
    assert!(!told(&output).contains("MATCH"), "{}", told(&output));
}

/// Somebody with the aggregator's key says of the same positions that there was a vote more.
async fn tell_another_tally(place: &Place) {
    let definition: Definition = sample::definition();
    let log = RecordLog::open_embedded(&place.path("log").join("log")).await.unwrap();
    let topics = TopicSet::new(definition.id.as_str(), 1).unwrap();
    let mut records = Records::from(&log, &topics.tallies, SHARD, 1);
    let mut last = None;
    while let Some(record) = records.next().await.unwrap() {
        last = Some(record.value);
    }
    let context = ServiceContext::Tally;
    let opened = open_service(context, &last.expect("a tally"), |key| context.key(&definition, key)).unwrap();
    let mut tally = decode_tally(&definition, &opened.body).unwrap();
    tally.contests[0].units.iter_mut().for_each(|(_, totals)| totals.votes[0] += 1);
    let key = rehearsal_service_key(&definition, ServiceRole::Aggregator).unwrap();
    let value = sign_service(context, &key, encode_tally(&definition, &tally), &Envelope::default());
    log.append(&topics.tallies, SHARD, NewRecord::of_value(value)).await.unwrap();
    log.close().await.unwrap();
}
