//! Stations as of a publication.

use crate::rig::{FIRST_SEQUENCE, Rig, sequence};
use hattama_election::{definition::KeyRole, form::LineMeaning, submission::SubmissionBody};
use hattama_proto::{
    log::v1::Outcome,
    national::v1::{GetStationRequest, ListStationsRequest, list_stations_request::State},
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_as_of_an_older_publication_shows_the_older_state() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    let first = rig.tell(1).await;
    let first = sequence(&replica.eventually_at(1, first).await);
    rig.protocol("north-001", "council-list", 2, &[600, 500, 60, 40]).await;
    rig.turnout("north-001", "20-00", 1_301).await;
    let second = rig.tell(1).await;
    let second = sequence(&replica.eventually_at(1, second).await);

    let old = replica.station("north-001", Some(first)).await;
    assert_eq!(old.publication.as_ref().unwrap().sequence, FIRST_SEQUENCE);
    let [only] = old.contents.as_slice() else { panic!("{old:?}") };
    assert_eq!((only.revision, only.standing()), (1, Outcome::Counted));
    assert_eq!(only.votes.iter().map(|votes| votes.votes).collect::<Vec<_>>(), [700, 500, 60, 40]);
    assert_eq!(only.votes[0].option, "river", "in ballot order");
    assert!(old.turnout.is_empty());

    let new = replica.station("north-001", Some(second)).await;
    let [before, now] = new.contents.as_slice() else { panic!("{new:?}") };
    assert_eq!((before.standing(), now.standing()), (Outcome::Superseded, Outcome::Counted));
    assert_eq!((now.revision, now.reason.as_str(), now.against_all), (2, "counted again", Some(1)));
    assert_eq!(now.submissions[0].offset, 2);
    let rules: Vec<_> = now.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert!(rules.contains(&"HISTORY_INCOMPLETE"), "{rules:?}");
    assert!(now.rules.iter().all(|rule| !rule.text.as_ref().unwrap().kk.is_empty()));
    assert_eq!(new.turnout[0].received_a_ballot, 1_301);
    assert_eq!((new.region.as_str(), new.territory.as_str(), new.district.as_str()), ("north", "north-a", "d-1"));
    assert_eq!((new.shard, new.register), (1, 2_400));

    let silent = replica.station("south-003", None).await;
    assert!(silent.contents.is_empty() && silent.polls_close_seconds > 0);
    for (station, sequence) in [("nobody", None), ("north-001", Some(second + 1))] {
        let request = GetStationRequest { station: station.into(), sequence };
        assert_eq!(replica.client.get_station(request).await.unwrap_err().code(), Code::NotFound);
    }
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_holds_a_protocol_says_field_and_numbers() {
    let mut rig = Rig::new().await;
    let mut protocol = rig.protocol_of("north-001", "council-list", 1, &[700, 500, 60, 40]);
    protocol.content.lines.set(LineMeaning::BallotsValid, 1_300);
    rig.submit(KeyRole::Station, "north-001", &SubmissionBody::Protocol(protocol)).await;
    let position = rig.tell(1).await;
    let mut replica = rig.start("one").await;
    replica.eventually_at(1, position).await;
    let station = replica.station("north-001", None).await;
    assert_eq!(station.contents[0].standing(), Outcome::Held);
    let sum = station.contents[0].rules.iter().find(|rule| rule.rule == "SUM_OF_VOTES_DIFFERS").unwrap();
    assert_eq!((sum.field.as_str(), sum.written, sum.expected), ("lines.ballots_valid", Some(1_300), Some(1_301)));
    assert_eq!(sum.severity, "hold");
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stations_are_listed_by_state_in_pages_of_one_publication() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    rig.protocol("north-002", "council-list", 1, &[70, 50, 6, 4]).await;
    rig.protocol("north-002", "council-list", 2, &[71, 50, 6, 4]).await;
    let position = rig.tell(1).await;
    replica.eventually_at(1, position).await;
    let client = replica.client.clone();
    let list = async |request: ListStationsRequest| {
        client.clone().list_stations(request).await.map(tonic::Response::into_inner)
    };
    let of_state = |state: State| ListStationsRequest {
        contest: "council-list".into(),
        state: state.into(),
        ..ListStationsRequest::default()
    };
    let all = list(ListStationsRequest::default()).await.unwrap();
    assert_eq!(all.total, 15, "eight stations, seven of them in a district");
    let counted = list(of_state(State::Counted)).await.unwrap();
    let rows: Vec<_> = counted.rows.iter().map(|row| (row.station.as_str(), row.counted_revision)).collect();
    assert_eq!(rows, [("north-001", 1), ("north-002", 2)]);
    assert_eq!(list(of_state(State::Corrected)).await.unwrap().rows[0].station, "north-002");
    assert_eq!(list(of_state(State::Missing)).await.unwrap().total, 6);
    assert_eq!(list(of_state(State::Held)).await.unwrap().total, 0);

    let first = ListStationsRequest { region: "south".into(), page_size: 2, ..of_state(State::Missing) };
    let page = list(first.clone()).await.unwrap();
    assert_eq!((page.rows.len(), page.total), (2, 3));
    // What appears meanwhile is not of this listing.
    rig.protocol("south-003", "council-list", 1, &[1, 2, 3, 4]).await;
    let position = rig.tell(3).await;
    replica.eventually_at(3, position).await;
    let next = ListStationsRequest { page_token: page.next_page_token, ..first.clone() };
    let second = list(next.clone()).await.unwrap();
    assert_eq!(second.publication, page.publication);
    assert_eq!((second.rows.len(), second.rows[0].station.as_str(), second.total), (1, "south-003", 3));
    assert!(second.next_page_token.is_empty());
    assert_eq!(list(first).await.unwrap().total, 2, "asked anew, it is as of the newest publication");
    let other = ListStationsRequest { region: "north".into(), ..next };
    assert_eq!(list(other).await.unwrap_err().code(), Code::InvalidArgument);
    replica.stop().await;
}
