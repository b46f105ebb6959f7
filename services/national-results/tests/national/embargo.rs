//! Votes leave nowhere before their contest's instant.

use crate::rig::{PATIENCE, Replica, Rig};
use hattama_proto::{
    log::v1::{ContestFigures, UnitTotals},
    national::v1::{
        GetContestResultRequest, GetNationalResultResponse, GetSeatAllocationRequest, WatchPublicationsRequest,
    },
};

async fn with_votes() -> (Rig, hattama_tally::PositionPair) {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    rig.protocol("north-001", "council-d-1", 1, &[700, 500, 60]).await;
    rig.turnout("north-001", "20-00", 1_301).await;
    let position = rig.tell(1).await;
    (rig, position)
}

fn shows_votes(result: &GetNationalResultResponse) -> bool {
    result.contests.iter().any(|contest| {
        let figures = contest.figures.as_ref().unwrap();
        let only_stations =
            ContestFigures { contest: figures.contest.clone(), stations: figures.stations, ..Default::default() };
        let has_vote_ratio = contest.turnouts.iter().any(|ratio| ratio.name != "received_a_ballot");
        *figures != only_stations || has_vote_ratio
    }) || result.turnouts.len() > 1
}

/// What each method says of votes, lines and seats.
async fn everything(replica: &mut Replica) -> Vec<bool> {
    let result = replica.result().await.unwrap();
    let request = GetContestResultRequest { contest: "council-list".into(), sequence: None };
    let contest = replica.client.get_contest_result(request).await.unwrap().into_inner();
    let bare = |totals: &UnitTotals| {
        *totals == UnitTotals { unit: totals.unit.clone(), stations: totals.stations, ..UnitTotals::default() }
    };
    let request = GetSeatAllocationRequest { contest: "council-d-1".into(), sequence: None };
    let seats = replica.client.get_seat_allocation(request).await.unwrap().into_inner();
    let station = replica.station("north-001", None).await;
    let shows = |content: &hattama_proto::national::v1::StationContent| {
        !content.lines.is_empty() || !content.votes.is_empty() || content.against_all.is_some()
    };
    let request = WatchPublicationsRequest { after_sequence: None };
    let mut watch = replica.client.watch_publications(request).await.unwrap().into_inner();
    let watched = watch.message().await.unwrap().unwrap().result.unwrap();
    assert_eq!(station.turnout[0].received_a_ballot, 1_301, "turnout is never embargoed");
    assert_eq!(result.turnouts[0].numerator, 1_301);
    assert_eq!(result.contests[0].figures.as_ref().unwrap().stations.as_ref().unwrap().counted, 1);
    assert_eq!(contest.embargoed, bare(contest.nation.as_ref().unwrap()));
    vec![
        shows_votes(&result),
        !contest.nation.iter().chain(&contest.units).all(bare) || contest.turnouts.len() > 1,
        !seats.lines.is_empty() || !seats.explanation_json.is_empty() || !seats.steps.is_empty(),
        station.contents.iter().any(shows),
        shows_votes(&watched),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_method_shows_a_vote_before_the_embargo_ends_and_all_do_behind_it() {
    let (rig, position) = with_votes().await;
    // An hour before, since the clock runs on; the second on either side is the gate's own test.
    let mut before = rig.start_at("before", -3_600, 1).await;
    before.eventually_at(1, position).await;
    assert_eq!(everything(&mut before).await, [false; 5]);
    let mut after = rig.start_at("after", 0, 1).await;
    after.eventually_at(1, position).await;
    assert_eq!(everything(&mut after).await, [true; 5]);
    before.stop().await;
    after.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_is_told_the_newest_publication_again_when_the_embargo_ends() {
    let (rig, position) = with_votes().await;
    // An hour in twelve seconds: time enough to see the publication before, on a busy machine too.
    let mut replica = rig.start_at("one", -3_600, 300).await;
    replica.eventually_at(1, position).await;
    let request = WatchPublicationsRequest { after_sequence: None };
    let mut watch = replica.client.watch_publications(request).await.unwrap().into_inner();
    let before = watch.message().await.unwrap().unwrap();
    assert!(!shows_votes(before.result.as_ref().unwrap()));
    let again = tokio::time::timeout(PATIENCE, watch.message()).await.unwrap().unwrap().unwrap();
    assert_eq!((again.publication, again.skipped), (before.publication, 0));
    assert!(shows_votes(again.result.as_ref().unwrap()));
    replica.stop().await;
}
