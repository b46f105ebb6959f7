//! A log that was lost, and of which some records never come again: an amendment gives them up, and every result says so.

use crate::rig::{Replica, Rig, sequence};
use hattama_election::{
    amendment::{Change, RecordRange},
    definition::sample,
    ids::ShardId,
};
use hattama_proto::national::v1::{
    GetElectionRequest, GetNationalResultRequest, GetNationalResultResponse, ListMissingRecordsRequest,
    ListMissingRecordsResponse, LostRecords,
};
use hattama_record_log::{NewRecord, ReadLimit, Record, RecordLog};
use hattama_wire::EARLIER_POSITIONS_HEADER;
use tonic::Code;

const SHARD: u32 = 1;

/// A log after the loss of one whose last publication stood on so many records of a shard; and these records.
async fn after_a_loss(records: u8) -> (Rig, Vec<Record>) {
    let mut lost = Rig::new().await;
    for revision in 1..=records {
        lost.protocol("north-001", "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
    }
    let tally = lost.fold(SHARD).await;
    lost.publish_first(vec![tally]).await;
    let read = async |topic, shard| lost.log.read(topic, shard, 1, ReadLimit::default()).await.unwrap();
    let before = read(&lost.topics.publications, 0).await.remove(0).value;
    let records = read(&lost.topics.submissions, SHARD).await;
    (Rig::after(Some(before), RecordLog::memory(), sample::definition()).await, records)
}

/// A gateway sends them again.
async fn send_again(rig: &Rig, records: &[Record]) {
    for record in records {
        let earlier = (EARLIER_POSITIONS_HEADER.to_owned(), format!("1:{}", record.offset).into());
        let again = NewRecord { headers: vec![earlier], ..NewRecord::of_value(record.value.clone()) };
        rig.log.append(&rig.topics.submissions, SHARD, again).await.unwrap();
    }
}

fn lost(ranges: &[(u64, u64)]) -> Change {
    let range = |(first, last): &(u64, u64)| RecordRange { shard: ShardId(SHARD), first: *first, last: *last };
    Change::RecordsLost { generation: 1, ranges: ranges.iter().map(range).collect() }
}

async fn page(replica: &Replica, page_size: u32, page_token: &str) -> ListMissingRecordsResponse {
    let request = ListMissingRecordsRequest { page_size, page_token: page_token.to_owned() };
    replica.client.clone().list_missing_records(request).await.unwrap().into_inner()
}

fn ranges(answer: &ListMissingRecordsResponse) -> Vec<(u32, u64, u64)> {
    answer.ranges.iter().map(|range| (range.shard, range.first, range.last)).collect()
}

/// Records, those back, those lost, and by which amendments.
fn progress(result: &GetNationalResultResponse) -> Option<(u64, u64, u64, Vec<u32>)> {
    let restoring = result.restoring.clone()?;
    Some((restoring.records, restoring.records_back, restoring.records_lost, restoring.lost_by_amendments))
}

async fn as_of(replica: &Replica, sequence: u64) -> GetNationalResultResponse {
    let request = GetNationalResultRequest { sequence: Some(sequence) };
    replica.client.clone().get_national_result(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_comes_again_is_given_up_and_every_result_from_then_on_says_so() {
    let (mut rig, records) = after_a_loss(6).await;
    send_again(&rig, &[&records[..1], &records[3..4]].concat()).await;
    let mut replica = rig.start("one").await;
    let position = rig.tell(SHARD).await;
    let first = replica.eventually_at(SHARD, position).await;
    assert_eq!((first.status.as_str(), progress(&first)), ("restoring", Some((6, 2, 0, vec![]))));
    let all = page(&replica, 0, "").await;
    assert_eq!(ranges(&all), [(SHARD, 2, 3), (SHARD, 5, 6)]);
    assert_eq!((all.records, all.records_back, all.records_lost, all.amendments_applied), (6, 2, 0, 0));
    assert_eq!(all.restoring.unwrap().sequence, sequence(&first), "the earlier one had the first number too");
    let one = page(&replica, 1, "").await;
    assert_eq!((ranges(&one), one.next_page_token.as_str()), (vec![(SHARD, 2, 3)], "1.5"));
    let rest = page(&replica, 1, &one.next_page_token).await;
    assert_eq!((ranges(&rest), rest.next_page_token.as_str()), (vec![(SHARD, 5, 6)], ""));
    let request = ListMissingRecordsRequest { page_size: 0, page_token: "one".to_owned() };
    let refused = replica.client.clone().list_missing_records(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    rig.amend(1, lost(&[(2, 3), (5, 5)])).await;
    rig.tell_all().await;
    let second = replica.eventually("the first list", |result| !result.lost_records.is_empty()).await;
    assert_eq!(progress(&second), Some((6, 2, 3, vec![1])));
    let open = page(&replica, 0, "").await;
    assert_eq!((ranges(&open), open.amendments_applied), (vec![(SHARD, 6, 6)], 1));
    rig.amend(2, lost(&[(6, 6)])).await;
    rig.tell_all().await;
    let third = replica.eventually("all given up", |result| result.restoring.is_none()).await;
    assert_eq!(third.status, "counting");
    let said = LostRecords {
        generation: 1,
        records: 4,
        records_back: 0,
        amendments: vec![1, 2],
        authors: vec!["operator".into()],
    };
    assert_eq!(third.lost_records, std::slice::from_ref(&said));
    assert_eq!(replica.client.get_election(GetElectionRequest {}).await.unwrap().into_inner().restoring, None);
    let none = page(&replica, 0, "").await;
    assert_eq!((none.restoring.clone(), ranges(&none), none.amendments_applied), (None, vec![], 2));
    // What was said of earlier publications stays.
    for (then, given_up) in [(&first, 0), (&second, 3)] {
        let now = as_of(&replica, sequence(then)).await;
        assert_eq!((now.status.as_str(), progress(&now).unwrap().2), ("restoring", given_up));
    }

    // A journal turns up after all: what it holds counts.
    send_again(&rig, &records[5..]).await;
    let position = rig.tell(SHARD).await;
    let fourth = replica.eventually_at(SHARD, position).await;
    assert_eq!(fourth.contests[0].figures.as_ref().unwrap().stations.as_ref().unwrap().counted, 1);
    assert_eq!((fourth.restoring, fourth.lost_records), (None, vec![LostRecords { records_back: 1, ..said.clone() }]));
    assert_eq!(as_of(&replica, sequence(&third)).await.restoring, None, "it was complete without that record");
    replica.stop().await;

    // It comes from the log alone.
    let mut again = rig.start("again").await;
    let result = again.eventually_at(SHARD, position).await;
    assert_eq!((result.restoring, result.lost_records), (None, vec![LostRecords { records_back: 1, ..said }]));
    assert_eq!(as_of(&again, sequence(&third)).await.restoring, None);
    assert!(as_of(&again, sequence(&second)).await.restoring.is_some());
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_was_lost_nothing_is_missing() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[1, 2, 3, 4]).await;
    let mut replica = rig.start("one").await;
    let position = rig.tell(SHARD).await;
    let result = replica.eventually_at(SHARD, position).await;
    assert_eq!(result.lost_records, []);
    assert_eq!(page(&replica, 0, "").await, ListMissingRecordsResponse::default());
    replica.stop().await;
}
