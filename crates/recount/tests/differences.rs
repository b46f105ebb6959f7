//! Whatever is changed in an export is found and named; nothing that is changed passes, nothing panics.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

mod common;

use bytes::Bytes;
use common::{
    Chance, Night, check, export, record_starts, remake_manifest, serve, serve_in_batches,
    submissions::{by_station, protocol, submissions},
    with_wrong_publication, with_wrong_tally, write_manifest,
};
use hattama_election::definition::sample;
use hattama_recount::{Difference, RecountError, RecountReport, Subject, Verdict, export_format::Topic};
use std::{fs, path::Path};

/// Whether the manifest still names the file as it was, or was made again by whoever changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ManifestIs {
    AsItWas,
    MadeAgain,
}

fn exported(night: &Night) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    export(night, folder.path());
    folder
}

/// A night of few records of services, so that a recount of it takes milliseconds.
fn short_night() -> Night {
    serve_in_batches(submissions(), &mut Chance::new(5), 6)
}

fn mismatch(folder: &Path) -> RecountReport {
    let report = check(folder).unwrap().report;
    assert_eq!(report.verdict, Verdict::Mismatch, "{report}");
    assert!(!report.differences.is_empty());
    report
}

fn names(difference: &Difference, file: &str, record: u64) -> bool {
    let itself = difference.file == file && difference.record == Some(record);
    let about = difference.about.as_ref();
    itself || about.is_some_and(|about| about.file == file && (about.first..=about.last).contains(&record))
}

/// Changes every byte of one record in turn, its length included, and asks of each change that it is named.
fn flip_each_byte(night: &Night, topic: Topic, partition: u32, record: usize, manifest: ManifestIs, step: usize) {
    let folder = exported(night);
    let file = topic.file(partition);
    let path = folder.path().join(&file);
    let (whole, manifest_was) = (fs::read(&path).unwrap(), fs::read(folder.path().join("manifest.json")).unwrap());
    let digest_was = fs::read(folder.path().join("manifest.sha256")).unwrap();
    let starts = record_starts(&whole);
    for at in (starts[record]..starts[record + 1]).step_by(step) {
        let mut changed = whole.clone();
        changed[at] ^= [0x01, 0x80, 0x10, 0xff][at % 4];
        fs::write(&path, changed).unwrap();
        if manifest == ManifestIs::MadeAgain {
            remake_manifest(folder.path());
        }
        let report = mismatch(folder.path());
        let is_named = match manifest {
            ManifestIs::MadeAgain => report.differences.iter().any(|of| names(of, &file, record as u64)),
            ManifestIs::AsItWas => report.differences.iter().any(|of| of.file == file),
        };
        // A length that was changed moves every record behind it: then the place is at or right behind the change.
        let is_length = at < starts[record] + 4;
        let is_near =
            report.differences.iter().any(|of| of.file == file || of.about.as_ref().is_some_and(|of| of.file == file));
        assert!(
            is_named || (is_length && is_near),
            "{file}, byte {at}, {manifest:?}:\n{report}\n{:#?}",
            report.differences
        );
        fs::write(folder.path().join("manifest.json"), &manifest_was).unwrap();
        fs::write(folder.path().join("manifest.sha256"), &digest_was).unwrap();
    }
}

fn flip_both(topic: Topic, partition: u32, record: usize, step: usize) {
    let night = short_night();
    flip_each_byte(&night, topic, partition, record, ManifestIs::MadeAgain, step);
    // What the manifest catches does not depend on which byte it is.
    flip_each_byte(&night, topic, partition, record, ManifestIs::AsItWas, step * 11);
}

#[test]
fn every_changed_byte_of_a_submission_is_named() {
    flip_both(Topic::Submissions, 1, 3, 1);
}

#[test]
fn every_changed_byte_of_an_amendment_is_named() {
    flip_both(Topic::Submissions, 0, 1, 2);
}

#[test]
fn every_changed_byte_of_a_genesis_is_named() {
    for topic in Topic::ALL {
        flip_both(topic, 0, 0, 3);
    }
}

#[test]
fn every_changed_byte_of_outcomes_is_named() {
    flip_both(Topic::Outcomes, 1, 1, 1);
}

#[test]
fn every_changed_byte_of_a_tally_is_named() {
    flip_both(Topic::Tallies, 0, 1, 1);
    flip_both(Topic::Tallies, 1, 2, 7);
}

#[test]
fn every_changed_byte_of_a_publication_is_named() {
    flip_both(Topic::Publications, 0, 2, 1);
}

#[test]
fn every_changed_byte_of_the_manifest_is_refused() {
    let folder = exported(&short_night());
    for name in ["manifest.json", "manifest.sha256"] {
        let path = folder.path().join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(3) {
            let mut changed = whole.clone();
            changed[at] ^= 0x07;
            fs::write(&path, &changed).unwrap();
            let error = check(folder.path()).unwrap_err();
            assert!(matches!(error, RecountError::Read(_)), "{error}");
            assert!(error.to_string().contains("manifest"), "{error}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(check(folder.path()).unwrap().report.verdict, Verdict::Match);
}

#[test]
fn a_changed_definition_is_named_or_does_not_load() {
    let folder = exported(&short_night());
    for name in hattama_election::definition::DefinitionFiles::NAMES {
        let file = format!("definition/{name}");
        let path = folder.path().join(&file);
        let whole = fs::read(&path).unwrap();
        let manifest = ["manifest.json", "manifest.sha256"].map(|of| (of, fs::read(folder.path().join(of)).unwrap()));
        for at in (0..whole.len()).step_by(whole.len() / 20 + 1) {
            let mut changed = whole.clone();
            changed[at] ^= 0x01;
            fs::write(&path, &changed).unwrap();
            let report = mismatch(folder.path());
            assert_eq!(
                (report.differences[0].subject, report.differences[0].file.as_str()),
                (Subject::Definition, &*file)
            );
            remake_manifest(folder.path());
            match check(folder.path()) {
                Err(error) => assert!(matches!(error, RecountError::Definition(_)), "{error}"),
                Ok(recounted) => {
                    let report = recounted.report;
                    assert_eq!(report.verdict, Verdict::Mismatch);
                    // Whoever makes the manifest anew cannot make the log anew: each genesis has the old core.
                    assert!(report.differences.iter().all(|of| of.subject <= Subject::Genesis), "{report}");
                }
            }
            for (of, bytes) in &manifest {
                fs::write(folder.path().join(of), bytes).unwrap();
            }
        }
        fs::write(&path, &whole).unwrap();
    }
}

/// Exports a night whose records someone rearranged before exporting: signatures and chains alone can tell.
fn rearranged(topic: Topic, partition: usize, rearrange: impl FnOnce(&mut Vec<Bytes>)) -> RecountReport {
    let mut night = serve(submissions(), 2);
    rearrange(&mut night.topics.get_mut(&topic).unwrap()[partition]);
    mismatch(exported(&night).path())
}

#[test]
fn a_removed_record_is_named() {
    let report = rearranged(Topic::Submissions, 1, |records| drop(records.remove(4)));
    assert!(names(&report.differences[0], "records/submissions-1.records", 4), "{report}");
    let report = rearranged(Topic::Outcomes, 1, |records| drop(records.remove(2)));
    assert!(names(&report.differences[0], "records/outcomes-1.records", 2), "{report}");
    assert!(report.differences[0].what.contains("missing"), "{report}");
    let report = rearranged(Topic::Publications, 0, |records| drop(records.remove(3)));
    assert!(names(&report.differences[0], "records/publications-0.records", 3), "{report}");
    let report = rearranged(Topic::Submissions, 0, |records| drop(records.remove(1)));
    assert!(names(&report.differences[0], "records/submissions-0.records", 1), "{report}");
}

#[test]
fn two_swapped_records_are_named() {
    let report = rearranged(Topic::Submissions, 1, |records| records.swap(4, 5));
    let found = &report.differences[0];
    let file = "records/submissions-1.records";
    assert!(names(found, file, 4) || names(found, file, 5), "{report}");
    let report = rearranged(Topic::Outcomes, 1, |records| records.swap(1, 2));
    assert!(names(&report.differences[0], "records/outcomes-1.records", 1), "{report}");
    let report = rearranged(Topic::Publications, 0, |records| records.swap(1, 2));
    assert!(names(&report.differences[0], "records/publications-0.records", 1), "{report}");
}

#[test]
fn an_appended_or_removed_record_behind_the_manifests_back_is_named_in_every_topic() {
    let night = short_night();
    for topic in Topic::ALL {
        let folder = exported(&night);
        let file = topic.file(0);
        let path = folder.path().join(&file);
        let whole = fs::read(&path).unwrap();
        let starts = record_starts(&whole);
        let last = &whole[starts[starts.len() - 2]..];
        for changed in [[&whole[..], last].concat(), whole[..whole.len() - last.len()].to_vec()] {
            fs::write(&path, changed).unwrap();
            let report = mismatch(folder.path());
            let of_file = report.differences.iter().find(|of| of.file == file && of.subject == Subject::Manifest);
            assert!(
                of_file.is_some_and(|of| of.expected.contains(&format!("{} records", starts.len() - 1))),
                "{report}"
            );
        }
    }
}

#[test]
fn a_truncated_file_is_named_with_the_place() {
    let night = short_night();
    for (topic, manifest) in Topic::ALL.into_iter().flat_map(|topic| [(topic, false), (topic, true)]) {
        let folder = exported(&night);
        let partition = u32::from(topic != Topic::Publications);
        let path = folder.path().join(topic.file(partition));
        let whole = fs::read(&path).unwrap();
        let starts = record_starts(&whole);
        let last = starts.len() - 2;
        for cut in [2, 5] {
            fs::write(&path, &whole[..starts[last] + cut]).unwrap();
            if manifest {
                remake_manifest(folder.path());
            }
            let report = mismatch(folder.path());
            let found = report.differences.iter().find(|of| of.subject == Subject::Unreadable).unwrap();
            assert_eq!((found.file.clone(), found.record), (topic.file(partition), Some(last as u64)), "{report}");
            assert_eq!(found.byte, Some(starts[last] as u64));
        }
    }
}

#[test]
fn an_impossible_length_is_named() {
    let folder = exported(&short_night());
    let path = folder.path().join("records/tallies-1.records");
    let mut bytes = fs::read(&path).unwrap();
    let start = record_starts(&bytes)[1];
    bytes[start..start + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let report = mismatch(folder.path());
    assert_eq!((report.differences[0].subject, report.differences[0].record), (Subject::Unreadable, Some(1)));
    assert!(report.differences[0].what.contains("announces 4294967295 bytes"), "{report}");
}

/// A night whose station signed another protocol after services had worked on the first.
fn changed_vote(mut night: Night, shard: usize, record: usize, station: &str, votes: &[u32]) -> RecountReport {
    let records = &mut night.topics.get_mut(&Topic::Submissions).unwrap()[shard];
    records[record] = by_station(&sample::definition(), protocol(station, "council-list", 1, votes));
    mismatch(exported(&night).path())
}

#[test]
fn a_flagged_vote_that_its_station_changed_and_signed_again_is_named_by_its_outcome() {
    let report = changed_vote(serve(submissions(), 1), 1, 7, "north-002", &[201, 349, 100, 50, 30]);
    let first = &report.differences[0];
    assert_eq!(first.subject, Subject::Outcomes, "{report}");
    assert_eq!(first.station.as_ref().map(|station| station.as_str()), Some("north-002"), "{report}");
    assert!(names(first, "records/submissions-1.records", 7), "{report}");
}

#[test]
fn a_plain_vote_that_its_station_changed_and_signed_again_is_named_with_the_station() {
    for seed in 0..4 {
        let night = serve_in_batches(submissions(), &mut Chance::new(seed), 1);
        let report = changed_vote(night, 2, 2, "north-003", &[301, 199, 100, 50, 25]);
        let first = &report.differences[0];
        assert_eq!(first.subject, Subject::Tally, "{report}");
        assert_eq!(first.station.as_ref().map(|station| station.as_str()), Some("north-003"), "{report}");
        assert!(names(first, "records/submissions-2.records", 2), "{report}");
        assert!(first.what.contains("votes for river in council-list"), "{report}");
        assert!(report.figures.is_some(), "what the export comes to is said all the same");
    }
}

#[test]
fn of_a_batch_with_several_stations_those_that_it_may_be_are_named() {
    let night = serve_in_batches(submissions(), &mut Chance::new(1), 1_000);
    let report = changed_vote(night, 2, 2, "north-003", &[301, 199, 100, 50, 25]);
    let first = &report.differences[0];
    let candidates: Vec<_> = first.candidates.iter().map(|station| station.as_str()).collect();
    assert_eq!((first.subject, candidates), (Subject::Tally, vec!["north-003", "north-004"]), "{report}");
}

#[test]
fn a_tally_that_an_aggregator_signed_wrong_is_named_with_the_figure() {
    let night = with_wrong_tally(serve(submissions(), 4), 3);
    let report = mismatch(exported(&night).path());
    let first = &report.differences[0];
    assert_eq!((first.subject, first.file.as_str()), (Subject::Tally, "records/tallies-3.records"), "{report}");
    assert!(first.what.contains("votes for river in council-list over region south"), "{report}");
    assert_eq!(report.differences.len(), 1, "{report}");
}

#[test]
fn a_publication_that_the_nation_signed_wrong_is_named_with_the_contest() {
    let night = with_wrong_publication(serve(submissions(), 4));
    let report = mismatch(exported(&night).path());
    let first = &report.differences[0];
    assert_eq!(first.subject, Subject::Publication, "{report}");
    assert!(first.what.contains("the nation's figures of council-list differ"), "{report}");
}

#[test]
fn a_record_that_no_service_signed_is_named() {
    let mut night = serve(submissions(), 4);
    let stray = night.topics[&Topic::Tallies][1][1].clone();
    let place = publications_push(&mut night, stray);
    let report = mismatch(exported(&night).path());
    assert!(names(&report.differences[0], "records/publications-0.records", place), "{report}");
    assert_eq!(report.differences[0].subject, Subject::Signature);
}

fn publications_push(night: &mut Night, value: Bytes) -> u64 {
    let publications = &mut night.topics.get_mut(&Topic::Publications).unwrap()[0];
    publications.push(value);
    publications.len() as u64 - 1
}

#[test]
fn a_second_owner_that_lost_its_race_is_no_difference() {
    let mut night = serve(submissions(), 6);
    let outcomes = &mut night.topics.get_mut(&Topic::Outcomes).unwrap()[1];
    let late = outcomes[1].clone();
    outcomes.insert(3, late);
    let tallies = &mut night.topics.get_mut(&Topic::Tallies).unwrap()[1];
    let old = tallies[2].clone();
    tallies.push(old);
    let late = night.topics[&Topic::Publications][0][1].clone();
    publications_push(&mut night, late);
    let report = check(exported(&night).path()).unwrap().report;
    assert_eq!((report.verdict, report.counts.lost_races), (Verdict::Match, 2), "{report}");
}

#[test]
fn a_missing_or_unknown_file_is_named() {
    let night = short_night();
    let folder = exported(&night);
    fs::remove_file(folder.path().join("records/tallies-2.records")).unwrap();
    assert_eq!(mismatch(folder.path()).differences[0].file, "records/tallies-2.records");
    let folder = exported(&night);
    fs::write(folder.path().join("records/tallies-9.records"), b"").unwrap();
    assert_eq!(mismatch(folder.path()).differences[0].file, "records/tallies-9.records");
}

#[test]
fn an_edited_manifest_with_its_digest_made_again_is_still_compared_with_the_files() {
    let folder = exported(&short_night());
    let bytes = fs::read(folder.path().join("manifest.json")).unwrap();
    let manifest: hattama_recount::export_format::Manifest = serde_json::from_slice(&bytes).unwrap();
    let mut other = manifest.clone();
    other.generation = 2;
    write_manifest(folder.path(), &other);
    assert_eq!(mismatch(folder.path()).differences[0].subject, Subject::Genesis);
    let mut other = manifest.clone();
    other.election = "another".into();
    write_manifest(folder.path(), &other);
    assert_eq!(mismatch(folder.path()).differences[0].subject, Subject::Definition);
    let mut other = manifest;
    other.records[2].records += 1;
    write_manifest(folder.path(), &other);
    assert_eq!(mismatch(folder.path()).differences[0].subject, Subject::Manifest);
}
