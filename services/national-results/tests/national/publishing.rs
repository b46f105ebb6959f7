//! From tallies to publications and their figures.

use crate::rig::{FIRST_SEQUENCE, PATIENCE, Rig, sequence};
use hattama_election::ids::{ContestIndex, ShardId};
use hattama_election_log::GenesisError;
use hattama_national_results::{Config, MAX_SNAPSHOTS, StartError, start};
use hattama_proto::{
    log::v1::{Unit, unit},
    national::v1::{
        GetContestResultRequest, GetElectionRequest, GetNationalResultRequest, GetSeatAllocationRequest,
        GetTurnoutRequest, LegalRule, WatchPublicationsRequest,
    },
};
use hattama_service_kit::{clock::Clock, listen, readiness::Readiness, shutdown::Shutdown};
use hattama_tally::{PositionPair, TallyBody, merge};
use hattama_wire::{SigningKey, unit_totals_to_proto};
use std::{collections::BTreeMap, sync::Arc};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_published_before_anything_was_told() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start_at("one", -7_200, 1).await;
    let status = replica.result().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    rig.tell(1).await;
    let result = replica.eventually("the first publication", |_| true).await;
    assert_eq!(sequence(&result), FIRST_SEQUENCE);
    assert_eq!(result.status, "polls_open");
    assert!(replica.readiness.is_ready());
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publications_figures_are_the_merge_of_the_tallies() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 60, 40]).await;
    rig.protocol("north-003", "council-list", 1, &[300, 200, 10, 5]).await;
    rig.protocol("north-003", "council-d-1", 1, &[150, 250, 100]).await;
    rig.turnout("north-001", "10-00", 800).await;
    let mut tallies: BTreeMap<ShardId, TallyBody> = BTreeMap::new();
    for shard in 0..rig.definition.shards {
        tallies.insert(ShardId(shard), rig.fold(shard).await);
    }
    rig.tell_all().await;
    let nation = merge(&rig.definition, &tallies).unwrap();
    let mut replica = rig.start("one").await;
    replica.eventually_at(1, tallies[&ShardId(1)].position).await;
    let result = replica.eventually_at(2, tallies[&ShardId(2)].position).await;
    assert_eq!(result.status, "counting");

    let request = GetContestResultRequest { contest: "council-list".into(), sequence: None };
    let contest = replica.client.get_contest_result(request).await.unwrap().into_inner();
    let merged = nation.contest(ContestIndex(0)).unwrap();
    assert_eq!(contest.nation, Some(unit_totals_to_proto(&rig.definition, None, &merged.nation)));
    assert_eq!(contest.nation.as_ref().unwrap().votes, [1_000, 700, 70, 45]);
    let units: Vec<_> =
        merged.units.iter().map(|(unit, totals)| unit_totals_to_proto(&rig.definition, Some(*unit), totals)).collect();
    assert_eq!(contest.units, units);
    // The newest slot with a report is the first: 800 of all 10,075 voters, one station of eight.
    let received = &contest.turnouts[0];
    assert_eq!((received.numerator, received.denominator, received.known), (800, 10_075, true));
    let valid = &contest.turnouts[2];
    assert_eq!((valid.name.as_str(), valid.numerator), ("valid_including_against_all", 1_817));

    let published = rig.valid_publications().await;
    assert_eq!(published.last().unwrap().units_digest, nation.units_digest(&rig.definition));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_grow_by_one_and_each_publication_names_the_one_before() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    for revision in 1..=5 {
        rig.protocol("south-001", "council-list", revision, &[u32::from(revision), 2, 3, 4]).await;
        let position = rig.tell(3).await;
        replica.eventually_at(3, position).await;
    }
    let all = rig.publications().await;
    assert_eq!(all.len(), 5, "one for each tally: nothing else has moved");
    let valid = rig.valid_publications().await;
    assert_eq!(valid.len(), 5, "none was lost without a rival");
    let sequences: Vec<u64> = valid.iter().map(|body| body.sequence).collect();
    assert_eq!(sequences, [1_001, 1_002, 1_003, 1_004, 1_005]);

    let old = GetNationalResultRequest { sequence: Some(1_002) };
    let old = replica.client.get_national_result(old).await.unwrap().into_inner();
    assert_eq!(old.contests[0].figures.as_ref().unwrap().votes, [2, 2, 3, 4]);
    for unknown in [1_000, 1_006] {
        let request = GetNationalResultRequest { sequence: Some(unknown) };
        assert_eq!(replica.client.get_national_result(request).await.unwrap_err().code(), Code::NotFound);
    }
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_continues_the_sequence() {
    let mut rig = Rig::new().await;
    let mut first = rig.start("one").await;
    rig.protocol("south-001", "council-list", 1, &[10, 2, 3, 4]).await;
    let position = rig.tell(3).await;
    let before = first.eventually_at(3, position).await;
    first.stop().await;

    let mut again = rig.start("two").await;
    let after = again.eventually_at(3, position).await;
    assert_eq!(after.publication, before.publication, "the same publication, not another one");
    rig.protocol("south-002", "council-list", 1, &[1, 2, 3, 4]).await;
    let position = rig.tell(3).await;
    let next = again.eventually_at(3, position).await;
    assert_eq!(sequence(&next), sequence(&before) + 1);
    assert_eq!(rig.valid_publications().await.len(), 2);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_moves_a_publication_and_shards_behind_it_are_named() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.tell_all().await;
    replica.eventually("all checked", |result| result.shards_checked == 4).await;
    rig.close_station(1, "south-003").await;
    let moved = replica.eventually("control has moved", |result| !result.shards_at_other_control.is_empty()).await;
    assert_eq!(moved.shards_at_other_control, [0, 1, 2, 3, 4]);
    assert_eq!(moved.shards, 4);
    rig.tell_all().await;
    let level = replica.eventually("all level", |result| result.shards_at_other_control.is_empty()).await;
    assert_eq!(level.contests[0].figures.as_ref().unwrap().stations.as_ref().unwrap().expected, 7);
    replica.eventually("all checked again", |result| result.shards_checked == 4).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_every_station_is_counted_votes_are_a_share_of_the_protocols_registers() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    for station in &rig.definition.stations {
        rig.protocol(station.id.as_str(), "council-list", 1, &[20, 10, 5, 1]).await;
        let (contest, votes): (_, &[u32]) = match station.district.map(|district| district.0) {
            Some(0) => ("council-d-1", &[3, 2, 1]),
            Some(_) => ("council-d-2", &[3, 2]),
            None => continue,
        };
        rig.protocol(station.id.as_str(), contest, 1, votes).await;
    }
    rig.tell_all().await;
    let result = replica.eventually("all is counted", |result| result.status == "all_counted").await;
    let ratios: Vec<_> = result
        .turnouts
        .iter()
        .map(|ratio| (ratio.name.as_str(), ratio.numerator, ratio.denominator, ratio.known))
        .collect();
    let expected = [
        ("received_a_ballot", 0, 10_075, false),
        ("took_part", 296, 10_075, true),
        ("valid_including_against_all", 296, 10_075, true),
    ];
    assert_eq!(ratios, expected);
    let district = &result.contests[1];
    assert_eq!(district.figures.as_ref().unwrap().leader, Some(0));
    assert_eq!(district.turnouts[0].denominator, 2_400 + 1_850 + 900 + 229);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_come_with_every_step_to_them() {
    let mut rig = Rig::new().await;
    rig.protocol("north-001", "council-list", 1, &[700, 500, 300, 40]).await;
    rig.protocol("north-001", "council-d-1", 1, &[700, 700, 1]).await;
    rig.protocol("south-001", "council-d-2", 1, &[700, 7]).await;
    let north = rig.tell(1).await;
    let south = rig.tell(3).await;
    let mut replica = rig.start("one").await;
    replica.eventually_at(1, north).await;
    replica.eventually_at(3, south).await;
    let allocation = async |contest: &str| {
        let request = GetSeatAllocationRequest { contest: contest.into(), sequence: None };
        replica.client.clone().get_seat_allocation(request).await.unwrap().into_inner()
    };

    // 1,541 votes with against all: 5 % are 77.05, so 78 pass. 700 + 500 + 300 share ten seats at 150 a seat.
    let list = allocation("council-list").await;
    let threshold = list.threshold.unwrap();
    assert_eq!((threshold.base, threshold.fewest_passing_votes), (1_541, 78));
    assert_eq!((threshold.of.as_str(), threshold.certainty.as_str()), ("valid_including_against_all", "found"));
    assert_eq!(
        rules(&list.rules),
        [
            "threshold 5/100: sample, art. 2 (found)",
            "threshold_of valid_including_against_all: sample, art. 2, by arithmetic (derived)",
            "sole_list_runner_up_minimum 2: sample, art. 3 (older)",
            "no_list_over_threshold : no law found for no list over the threshold (assumed)",
            "allocation hare-largest-remainder: sample, art. 1 (press)",
            "ties : no law found for equal claims (assumed)",
        ]
    );
    let quota = list.quota.unwrap();
    assert_eq!((quota.numerator, quota.denominator), (1_500, 10));
    let lines: Vec<_> = list
        .lines
        .iter()
        .map(|line| (line.option.as_str(), line.passed, line.whole_quota_seats, line.remainder_seats, line.seats))
        .collect();
    let expected =
        [("river", true, 4, 1, 5), ("mountain", true, 3, 0, 3), ("steppe", true, 2, 0, 2), ("lake", false, 0, 0, 0)];
    assert_eq!(lines, expected);
    assert_eq!(list.steps.last().unwrap().option, "river");
    assert_eq!(list.seats, 10);
    let explanation: serde_json::Value = serde_json::from_str(&list.explanation_json).unwrap();
    assert_eq!(explanation["method"], "list");
    assert_eq!(explanation["allocation"]["options"][0]["seats"], 5);

    let tied = allocation("council-d-1").await;
    assert_eq!((tied.ties.len(), tied.ties[0].between.as_slice()), (1, &["c-1".to_owned(), "c-2".to_owned()][..]));
    assert!(tied.lines.iter().all(|line| line.seats == 0));
    let won = allocation("council-d-2").await;
    assert_eq!((won.lines[0].seats, won.lines[1].seats, won.steps[0].option.as_str()), (1, 0, "c-1"));
    assert_eq!(
        rules(&won.rules),
        [
            "against_all_ahead seat-open: no law found for against all ahead (assumed)",
            "plurality : sample, art. 4 (press)",
            "ties : no law found for equal votes (assumed)",
        ]
    );
    replica.stop().await;
}

fn rules(rules: &[LegalRule]) -> Vec<String> {
    rules.iter().map(|rule| format!("{} {}: {} ({})", rule.rule, rule.value, rule.article, rule.certainty)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turnout_is_given_by_slot_for_the_nation_its_regions_and_any_territory() {
    let mut rig = Rig::new().await;
    rig.turnout("north-001", "10-00", 800).await;
    rig.turnout("north-003", "14-00", 400).await;
    let one = rig.tell(1).await;
    let two = rig.tell(2).await;
    let mut replica = rig.start("one").await;
    replica.eventually_at(1, one).await;
    replica.eventually_at(2, two).await;
    let ask = async |unit: Option<unit::Unit>| {
        let unit = unit.map(|unit| Unit { unit: Some(unit) });
        replica.client.clone().get_turnout(GetTurnoutRequest { sequence: None, unit }).await
    };
    let nation = ask(None).await.unwrap().into_inner();
    let received: Vec<_> = nation.slots.iter().map(|slot| (slot.received_a_ballot, slot.reported)).collect();
    assert_eq!(received, [(800, 1), (1_200, 1), (1_200, 0)]);
    assert!(nation.slots.iter().all(|slot| slot.unit.is_none() && slot.stations == 8));
    assert_eq!(nation.regions.len(), 9);
    let territory = ask(Some(unit::Unit::Territory("north-b".into()))).await.unwrap().into_inner();
    let received: Vec<_> = territory.slots.iter().map(|slot| slot.received_a_ballot).collect();
    assert_eq!((received, territory.regions.len()), (vec![0, 400, 400], 0));
    assert_eq!(ask(Some(unit::Unit::District("d-1".into()))).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(ask(Some(unit::Unit::Region("nowhere".into()))).await.unwrap_err().code(), Code::NotFound);

    let election = replica.client.get_election(GetElectionRequest {}).await.unwrap().into_inner();
    assert_eq!((election.stations, election.register, election.purpose.as_str()), (8, 10_075, "rehearsal"));
    assert_eq!(election.contests[1].district, "d-1");
    assert_eq!(election.districts[1].stations, 3);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_gets_the_newest_first_and_is_told_what_it_missed() {
    let mut rig = Rig::new().await;
    let mut replica = rig.start("one").await;
    rig.tell(1).await;
    let first = replica.eventually("the first publication", |_| true).await;
    let request = WatchPublicationsRequest { after_sequence: None };
    let mut watch = replica.client.watch_publications(request).await.unwrap().into_inner();
    let message = watch.message().await.unwrap().unwrap();
    assert_eq!((message.publication, message.skipped), (first.publication.clone(), 0));

    // Not read while they appear: whatever is left out must be told.
    let mut position = PositionPair { next_offset: 1, control_next_offset: 1 };
    for revision in 1..=40 {
        rig.protocol("south-001", "council-list", revision, &[1, 2, 3, u32::from(revision)]).await;
        position = rig.tell(3).await;
    }
    let newest = sequence(&replica.eventually_at(3, position).await);
    let mut seen = sequence(&first);
    while seen < newest {
        let message = tokio::time::timeout(PATIENCE, watch.message()).await.unwrap().unwrap().unwrap();
        let result = message.result.unwrap();
        assert_eq!(result.publication, message.publication);
        assert_eq!(sequence(&result), seen + 1 + message.skipped);
        seen = sequence(&result);
    }
    assert_eq!(seen, newest);

    let request = WatchPublicationsRequest { after_sequence: Some(newest) };
    let mut behind = replica.client.watch_publications(request).await.unwrap().into_inner();
    rig.protocol("south-002", "council-list", 1, &[1, 2, 3, 4]).await;
    rig.tell(3).await;
    let message = behind.message().await.unwrap().unwrap();
    assert_eq!((message.publication.unwrap().sequence, message.skipped), (newest + 1, 0));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_another_generation_and_a_foreign_key_are_refused() {
    let rig = Rig::new().await;
    let config = |generation, service: &str| Config {
        definition: Arc::clone(&rig.definition),
        log: rig.log.clone(),
        generation,
        listen: listen::local(0),
        instance: "one".into(),
        key: SigningKey::rehearsal(
            &hattama_election::definition::sample::keys(),
            hattama_election::definition::KeyRole::Service,
            service,
        )
        .unwrap(),
        clock: Clock::system(),
        readiness: Readiness::new(),
        publications_at_hand: MAX_SNAPSHOTS,
    };
    let error = start(config(2, "national"), Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Genesis(GenesisError::Log { .. })), "{error}");
    let error = start(config(1, "gateway"), Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Key(_)), "{error}");

    // Generation 2 whose records say that they are of generation 1.
    let topics = hattama_record_log::topics::TopicSet::new("sample", 2).unwrap();
    topics.create_all(&rig.log, rig.definition.shards).await.unwrap();
    let error = start(config(2, "national"), Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Genesis(GenesisError::Missing { .. })), "{error}");
    let genesis = rig.log.read(&rig.topics.publications, 0, 0, Default::default()).await.unwrap().remove(0);
    let record = hattama_record_log::NewRecord::of_value(genesis.value);
    rig.log.append(&topics.publications, 0, record).await.unwrap();
    let error = start(config(2, "national"), Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Genesis(GenesisError::Foreign { .. })), "{error}");
    assert!(error.to_string().contains("it is of generation 1, not 2"), "{error}");
}
