//! Several replicas on one log: no leader, one chain.

use crate::rig::{FIRST_SEQUENCE, Rig, sequence};
use hattama_proto::national::v1::GetNationalResultRequest;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_that_publish_at_once_give_out_one_chain() {
    let mut rig = Rig::new().await;
    let mut one = rig.start("one").await;
    let mut two = rig.start("two").await;
    let mut three = rig.start("three").await;
    let mut positions = [None; 4];
    for revision in 1..=20 {
        let votes = [u32::from(revision), 2, 3, 4];
        for (shard, station) in [(1, "north-001"), (2, "north-003"), (3, "south-001")] {
            rig.protocol(station, "council-list", revision, &votes).await;
            positions[shard as usize] = Some(rig.tell(shard).await);
        }
    }
    for shard in 1..=3 {
        one.eventually_at(shard, positions[shard as usize].unwrap()).await;
        two.eventually_at(shard, positions[shard as usize].unwrap()).await;
        three.eventually_at(shard, positions[shard as usize].unwrap()).await;
    }

    // Whoever won each number: a reader of the log finds one chain without a gap, and all replicas give out exactly it.
    let valid = rig.valid_publications().await;
    let newest = sequence(&one.result().await.unwrap());
    assert_eq!(newest, FIRST_SEQUENCE + valid.len() as u64 - 1);
    for body in &valid {
        let request = GetNationalResultRequest { sequence: Some(body.sequence) };
        let ask = async |mut client: hattama_proto::national::v1::national_results_client::NationalResultsClient<_>| {
            client.get_national_result(request).await.unwrap().into_inner()
        };
        let first = ask(one.client.clone()).await;
        for other in [ask(two.client.clone()).await, ask(three.client.clone()).await] {
            assert_eq!(first.publication, other.publication);
            assert_eq!(first.contests, other.contests);
        }
        assert_eq!(first.records.unwrap().records, body.records.records);
    }
    one.stop().await;
    two.stop().await;
    three.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_starts_later_shows_every_earlier_publication() {
    let mut rig = Rig::new().await;
    let mut one = rig.start("one").await;
    for revision in 1..=6 {
        rig.protocol("north-001", "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
        let position = rig.tell(1).await;
        one.eventually_at(1, position).await;
    }
    let mut late = rig.start("late").await;
    late.eventually("as new as the other", |result| sequence(result) == FIRST_SEQUENCE + 5).await;
    for number in FIRST_SEQUENCE..FIRST_SEQUENCE + 6 {
        let request = GetNationalResultRequest { sequence: Some(number) };
        let shown = late.client.get_national_result(request).await.unwrap().into_inner();
        let votes = &shown.contests[0].figures.as_ref().unwrap().votes;
        assert_eq!(votes[0], number - FIRST_SEQUENCE + 1);
    }
    assert_eq!(rig.publications().await.len(), 6, "it had nothing to add");
    one.stop().await;
    late.stop().await;
}
