//! An honest export is recounted to MATCH, whatever the services' batches were.

mod common;

use common::{
    Chance, GENERATION, check, envelope, export, serve, serve_in_batches, serve_unannounced, service_key,
    submissions::{amendment, submissions},
};
use hattama_election::{
    amendment::{Change, RecordRange},
    definition::sample,
    ids::ShardId,
};
use hattama_recount::{Options, Verdict, export_format::Topic, recount};
use hattama_tally::{ControlFold, ShardFold};
use hattama_wire::{RecordOpener, ServiceContext, encode_tally, sign_service};
use std::sync::Arc;

#[test]
fn an_honest_night_matches_whatever_the_batches_were() {
    let mut digests = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let night = serve(submissions(), seed);
        let folder = tempfile::tempdir().unwrap();
        export(&night, folder.path());
        let recounted = check(folder.path()).unwrap();
        let report = &recounted.report;
        assert_eq!(report.verdict, Verdict::Match, "seed {seed}:\n{report}");
        let records = |topic| night.topics[&topic].iter().map(|values| values.len() as u64).sum::<u64>();
        assert_eq!(report.counts.records, Topic::ALL.into_iter().map(records).sum::<u64>());
        assert_eq!(report.counts.submissions, records(Topic::Submissions) - 5);
        assert_eq!(report.counts.outcomes_compared, records(Topic::Outcomes) - 5);
        assert_eq!(report.counts.tallies_compared, records(Topic::Tallies) - 5);
        assert_eq!(report.counts.publications_compared, records(Topic::Publications) - 1);
        assert_eq!((report.counts.not_compared, report.counts.submissions_refused), (0, 4));
        assert!(report.remarks.is_empty(), "{report}");
        let last = report.last_publication.unwrap();
        assert_eq!((last.sequence, last.covers_everything), (report.counts.publications_compared, true));
        digests.insert(report.result_digest);
    }
    assert_eq!(digests.len(), 1, "the same submissions have the same result");
}

#[test]
fn the_figures_are_those_that_a_person_would_add_up() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions(), 1), folder.path());
    let report = check(folder.path()).unwrap().report;
    let figures = report.figures.unwrap();
    let list = &figures.contests[0];
    // north-001 corrected, north-002, north-003, north-004 confirmed, south-001 chosen, south-002, abroad-001; south-003 has
    // invalid ballots above the limit, which amendment 2 holds.
    let river = 501 + 200 + 300 + 80 + 700 + 300 + 30;
    let votes = |option: &str| list.options.iter().find(|of| of.option.as_str() == option).unwrap().votes;
    assert_eq!(votes("river"), river);
    let stations = list.stations;
    assert_eq!((stations.counted, stations.held, stations.expected, stations.corrected), (7, 1, 8, 1));
    assert_eq!(list.options.iter().map(|option| option.seats).sum::<u32>(), 10);
    assert_eq!(list.against_all, Some(10 + 30 + 25 + 4 + 50 + 40 + 2));
}

#[test]
fn records_that_were_given_up_are_named_beside_the_result_and_change_no_figure() {
    let (folder, plain) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    export(&serve(submissions(), 1), plain.path());
    let mut submissions = submissions();
    let ranges = vec![RecordRange { shard: ShardId(2), first: 4, last: 9 }];
    let change = Change::RecordsLost { generation: 1, ranges };
    submissions[0].push(amendment(&sample::definition(), 3, change));
    export(&serve(submissions, 1), folder.path());
    let report = check(folder.path()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Match, "{report}");
    assert_eq!(report.remarks, ["6 records of generation 1 are given up as lost by amendment 3"]);
    assert_eq!(report.figures, check(plain.path()).unwrap().report.figures);
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions(), 3), folder.path());
    let one = check(folder.path()).unwrap();
    let several = recount(folder.path(), Options { threads: 3, ..Options::default() }).unwrap();
    assert_eq!(one, several);
}

#[test]
fn one_batch_for_everything_matches_too() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve_in_batches(submissions(), &mut Chance::new(1), 1_000), folder.path());
    let report = check(folder.path()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Match, "{report}");
}

#[test]
fn a_tally_beside_the_way_of_the_outcomes_is_compared_by_folding_again() {
    let mut night = serve(submissions(), 1);
    let records = night.topics[&Topic::Submissions].clone();
    // An owner that never heard of control read the whole shard: no fold that knows control comes by there.
    let control = ControlFold::new(Arc::clone(&night.definition), GENERATION, &records[0][0]);
    let mut fold = ShardFold::new(
        Arc::clone(&night.definition),
        GENERATION,
        ShardId(3),
        &records[3][0],
        Arc::clone(control.state()),
    );
    let values: Vec<&[u8]> = records[3][1..].iter().map(AsRef::as_ref).collect();
    let opener = RecordOpener { election: night.definition.id.clone(), core_digest: night.definition.core_digest };
    fold.apply(&values, &opener);
    let body = encode_tally(&night.definition, &fold.tally());
    let value = sign_service(ServiceContext::Tally, &service_key("aggregator"), body, &envelope());
    night.topics.get_mut(&Topic::Tallies).unwrap()[3].push(value);
    let folder = tempfile::tempdir().unwrap();
    export(&night, folder.path());
    let report = check(folder.path()).unwrap().report;
    let tallies: usize = night.topics[&Topic::Tallies].iter().map(|values| values.len() - 1).sum();
    assert_eq!((report.verdict, report.counts.not_compared), (Verdict::Match, 0), "{report}");
    assert_eq!(report.counts.tallies_compared, tallies as u64, "{report}");
}

#[test]
fn publications_that_leave_out_shards_that_had_told_nothing_match_and_are_said() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve_unannounced(submissions(), &mut Chance::new(2)), folder.path());
    let report = check(folder.path()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Match, "{report}");
    assert!(report.remarks[0].contains("publications leave out shards that had told nothing yet"), "{report}");
}

#[test]
fn without_records_of_services_the_figures_are_there_and_the_report_says_that_nothing_was_compared() {
    let mut night = serve(submissions(), 1);
    for topic in [Topic::Outcomes, Topic::Tallies, Topic::Publications] {
        night.topics.remove(&topic);
    }
    let folder = tempfile::tempdir().unwrap();
    export(&night, folder.path());
    let report = check(folder.path()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Match);
    assert_eq!(report.remarks.len(), 3, "{report}");
    assert!(report.remarks[0].contains("no outcomes are exported"), "{report}");
    assert!(report.figures.is_some() && report.last_publication.is_none());
}

#[test]
fn records_behind_the_last_tally_are_said() {
    let mut night = serve(submissions(), 1);
    let shard = &mut night.topics.get_mut(&Topic::Submissions).unwrap()[1];
    shard.push(shard[1].clone());
    let folder = tempfile::tempdir().unwrap();
    export(&night, folder.path());
    let report = check(folder.path()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Match, "{report}");
    assert!(report.remarks[0].starts_with("shard 1: 1 records lie behind its last tally"), "{report}");
    assert!(!report.last_publication.unwrap().covers_everything);
}
