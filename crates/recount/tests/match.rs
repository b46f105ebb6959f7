//! An honest export is recounted to MATCH, whatever the services' batches were.

mod common;

use common::{Chance, check, export, serve, serve_in_batches, submissions::submissions};
use hattama_recount::{Options, Verdict, export_format::Topic, recount};

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
    // north-001 corrected, north-002, north-003, north-004 confirmed, south-001 chosen, south-002, south-003, abroad-001.
    let river = 501 + 200 + 300 + 80 + 700 + 300 + 20 + 30;
    let votes = |option: &str| list.options.iter().find(|of| of.option.as_str() == option).unwrap().votes;
    assert_eq!(votes("river"), river);
    assert_eq!((list.stations.counted, list.stations.expected, list.stations.corrected), (8, 8, 1));
    assert_eq!(list.options.iter().map(|option| option.seats).sum::<u32>(), 10);
    assert_eq!(list.against_all, Some(10 + 30 + 25 + 4 + 50 + 40 + 1 + 2));
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
