//! The end of an embargo: whoever watches is told.

use crate::rig::{PATIENCE, Rig};
use hattama_proto::{
    log::v1::ContestFigures,
    national::v1::{GetNationalResultResponse, WatchPublicationsRequest},
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
