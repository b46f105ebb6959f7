//! Figures of publications that are not at hand any more.

use crate::rig::{FIRST_SEQUENCE, PATIENCE, Replica, Rig, at, sequence, with_other_votes};
use hattama_proto::{
    log::v1::{Unit, unit},
    national::v1::{
        GetContestResultRequest, GetNationalResultRequest, GetNationalResultResponse, GetSeatAllocationRequest,
        GetStationRequest, GetTurnoutRequest, ListStationsRequest,
    },
};
use hattama_wire::ServiceContext;
use prost::Message;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Figures at hand in these tests.
const AT_HAND: usize = 3;
/// Records of one shard: enough that a refolding is still under way when the next request comes.
const MANY_RECORDS: u8 = 99;

async fn start(rig: &Rig, instance: &str) -> Replica {
    rig.start_with(instance, rig.clock_at(36_000, 1), AT_HAND).await
}

/// The nation as of a publication.
async fn nation(replica: &Replica, sequence: u64) -> Result<GetNationalResultResponse, Status> {
    let request = GetNationalResultRequest { sequence: Some(sequence) };
    replica.client.clone().get_national_result(request).await.map(tonic::Response::into_inner)
}

/// The same, asked again while the answer is "later".
async fn nation_in_the_end(replica: &Replica, sequence: u64) -> GetNationalResultResponse {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match nation(replica, sequence).await {
            Ok(result) => return result,
            Err(status) => assert!(is_later(&status) && tokio::time::Instant::now() < deadline, "{status}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_later(status: &Status) -> bool {
    matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) && status.get_details_retry_info().is_some()
}

/// The bytes of every answer that takes a number.
async fn answers(replica: &Replica, sequence: u64) -> Vec<Vec<u8>> {
    let mut client = replica.client.clone();
    let sequence = Some(sequence);
    let mut answers = Vec::new();
    let request = GetNationalResultRequest { sequence };
    answers.push(client.get_national_result(request).await.unwrap().into_inner().encode_to_vec());
    for unit in [None, Some(unit::Unit::Region("north".into())), Some(unit::Unit::Territory("north-a".into()))] {
        let request = GetTurnoutRequest { sequence, unit: unit.map(|unit| Unit { unit: Some(unit) }) };
        answers.push(client.get_turnout(request).await.unwrap().into_inner().encode_to_vec());
    }
    for contest in ["council-list", "council-d-1", "council-d-2"] {
        let request = GetContestResultRequest { contest: contest.into(), sequence };
        answers.push(client.get_contest_result(request).await.unwrap().into_inner().encode_to_vec());
        let request = GetSeatAllocationRequest { contest: contest.into(), sequence };
        answers.push(client.get_seat_allocation(request).await.unwrap().into_inner().encode_to_vec());
    }
    for station in ["north-001", "south-003"] {
        let request = GetStationRequest { station: station.into(), sequence };
        answers.push(client.get_station(request).await.unwrap().into_inner().encode_to_vec());
    }
    let request = ListStationsRequest { sequence, ..Default::default() };
    answers.push(client.list_stations(request).await.unwrap().into_inner().encode_to_vec());
    answers
}

/// What is answered as of the newest publication, once everything in it is checked.
async fn told(replica: &mut Replica, what: &str, is_so: impl Fn(&GetNationalResultResponse) -> bool) -> Told {
    let newest = replica.eventually(what, |result| is_so(result) && result.shards_checked == 4).await;
    let sequence = sequence(&newest);
    Told { sequence, answers: answers(replica, sequence).await }
}

struct Told {
    sequence: u64,
    answers: Vec<Vec<u8>>,
}

/// Revisions of one protocol, a publication each; returns the last number.
async fn publish_revisions(rig: &mut Rig, replica: &mut Replica, revisions: std::ops::RangeInclusive<u8>) -> u64 {
    let mut newest = 0;
    for revision in revisions {
        rig.protocol("south-001", "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
        let position = rig.tell(3).await;
        newest = sequence(&replica.eventually_at(3, position).await);
    }
    newest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_publication_is_answered_with_the_bytes_that_it_had_while_it_was_new() {
    let mut rig = Rig::new().await;
    let mut replica = start(&rig, "one").await;
    let mut all = Vec::new();
    rig.turnout("north-001", "10-00", 800).await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    rig.protocol("south-003", "council-list", 1, &[1, 2, 3, 4]).await;
    for shard in [1, 3] {
        let position = rig.tell(shard).await;
        all.push(told(&mut replica, "a first protocol", |result| at(result, shard).covers(&position)).await);
    }
    // Before the shards stand at the amendment, in between, and behind it.
    rig.close_station(1, "south-003").await;
    all.push(told(&mut replica, "control alone", |result| result.shards_at_other_control.len() == 5).await);
    rig.tell(3).await;
    all.push(told(&mut replica, "one shard behind it", |result| result.shards_at_other_control.len() == 4).await);
    rig.tell_all().await;
    all.push(told(&mut replica, "all behind it", |result| result.shards_at_other_control.is_empty()).await);
    rig.protocol("north-003", "council-d-1", 1, &[150, 250, 100]).await;
    let position = rig.tell(2).await;
    all.push(told(&mut replica, "a district", |result| at(result, 2).covers(&position)).await);
    let newest = publish_revisions(&mut rig, &mut replica, 1..=AT_HAND as u8).await;
    replica.eventually("all is checked again", |result| result.shards_checked == 4).await;

    assert_eq!(all[0].sequence, FIRST_SEQUENCE);
    // The newest of all is asked last: what was refolded first must not stand in its way.
    for told in &all {
        assert!(told.sequence + AT_HAND as u64 <= newest, "{} is an older one", told.sequence);
        assert_eq!(answers(&replica, told.sequence).await, told.answers, "publication {}", told.sequence);
    }
    replica.stop().await;

    // A replica that never saw them while they were new answers the same.
    let mut late = start(&rig, "late").await;
    late.eventually("as new", |result| sequence(result) == newest && result.shards_checked == 4).await;
    for told in all.iter().rev() {
        assert_eq!(answers(&late, told.sequence).await, told.answers, "publication {}", told.sequence);
    }
    late.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_ask_for_different_older_publications_at_once_one_is_told_later() {
    let mut rig = Rig::new().await;
    let mut replica = start(&rig, "one").await;
    let newest = publish_revisions(&mut rig, &mut replica, 1..=MANY_RECORDS).await;
    let (mut told_later, mut sequence) = (0, newest - AT_HAND as u64);
    while told_later == 0 && sequence > FIRST_SEQUENCE {
        let both = tokio::join!(nation(&replica, sequence), nation(&replica, sequence - 1));
        let later: Vec<&Status> = [&both.0, &both.1].into_iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert!(later.len() < 2, "{later:?}");
        for status in later {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert_eq!(status.get_details_error_info().unwrap().reason, "LATER");
            assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(5)));
            told_later += 1;
        }
        // Both are answered in the end, and the one with what it was.
        for number in [sequence - 1, sequence] {
            let result = nation_in_the_end(&replica, number).await;
            let votes = &result.contests[0].figures.as_ref().unwrap().votes;
            assert_eq!(votes[0], number - FIRST_SEQUENCE + 1);
        }
        sequence -= 2;
    }
    assert_eq!(told_later, 1, "no two ever met");
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_no_publication_has_is_not_found_however_few_are_at_hand() {
    let mut rig = Rig::new().await;
    let mut replica = start(&rig, "one").await;
    let newest = publish_revisions(&mut rig, &mut replica, 1..=6).await;
    for unknown in [0, FIRST_SEQUENCE - 1, newest + 1, u64::MAX] {
        assert_eq!(nation(&replica, unknown).await.unwrap_err().code(), Code::NotFound, "{unknown}");
    }
    let request = GetContestResultRequest { contest: "nothing".into(), sequence: Some(FIRST_SEQUENCE) };
    assert_eq!(replica.client.get_contest_result(request).await.unwrap_err().code(), Code::NotFound);
    let listed = ListStationsRequest { sequence: Some(newest + 1), ..Default::default() };
    assert_eq!(replica.client.list_stations(listed).await.unwrap_err().code(), Code::NotFound);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_leaves_no_refolding_in_the_way_and_a_stop_ends_one() {
    let mut rig = Rig::new().await;
    let mut replica = start(&rig, "one").await;
    let newest = publish_revisions(&mut rig, &mut replica, 1..=MANY_RECORDS).await;
    let older: Vec<u64> = (FIRST_SEQUENCE..=newest - AT_HAND as u64).rev().take(8).collect();
    for sequence in &older {
        // The call is dropped here, wherever it is by then.
        let _ = tokio::time::timeout(Duration::from_millis(2), nation(&replica, *sequence)).await;
    }
    for sequence in older {
        let result = nation_in_the_end(&replica, sequence).await;
        assert_eq!(result.publication.unwrap().sequence, sequence);
    }
    let _ = tokio::time::timeout(Duration::from_millis(2), nation(&replica, FIRST_SEQUENCE)).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_publication_that_is_not_what_was_submitted_is_not_shown() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let wrong = with_other_votes(&rig.fold(1).await);
    rig.tell_as("aggregator", ServiceContext::Tally, &wrong, None).await;
    rig.publish_first(vec![wrong]).await;
    rig.protocol("north-001", "council-list", 2, &[701, 500, 60, 40]).await;
    rig.tell(1).await;
    let mut replica = start(&rig, "one").await;
    let newest = publish_revisions(&mut rig, &mut replica, 1..=4).await;
    assert!(newest > FIRST_SEQUENCE + AT_HAND as u64);
    for _ in 0..2 {
        let status = nation(&replica, FIRST_SEQUENCE).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status}");
        assert!(status.message().contains("come to other figures"), "{status}");
        assert!(!status.message().contains("701"), "{status}");
    }
    replica.stop().await;
}
