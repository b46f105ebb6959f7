//! Writing and reading an export.

mod common;

use common::{count_records, export, reader, serve, submissions::submissions};
use hattama_election::definition::sample;
use hattama_recount::export_format::{
    Export, ExportError, ExportMeta, ExportWriter, MAX_RECORD_BYTES, Manifest, Topic,
};
use std::{collections::BTreeMap, fs};

fn meta() -> ExportMeta {
    let definition = sample::definition();
    ExportMeta { election: definition.id, core_digest: definition.core_digest, generation: 1, build: BTreeMap::new() }
}

#[test]
fn what_is_written_is_read_back_record_by_record() {
    let night = serve(submissions(), 1);
    let folder = tempfile::tempdir().unwrap();
    export(&night, folder.path());
    let manifest = Export::open(folder.path()).unwrap().manifest;
    for (topic, partitions) in &night.topics {
        for (partition, values) in partitions.iter().enumerate() {
            let mut reader = reader(folder.path(), *topic, partition as u32);
            let mut value = Vec::new();
            for expected in values {
                assert!(reader.read(&mut value).unwrap());
                assert_eq!(value.as_slice(), expected.as_ref());
            }
            assert!(!reader.read(&mut value).unwrap());
            let entry = manifest.partition(*topic, partition as u32).unwrap();
            let summary = reader.summary();
            assert_eq!((summary.records, summary.bytes, &summary.sha256), (entry.records, entry.bytes, &entry.sha256));
            assert_eq!(count_records(&fs::read(folder.path().join(&entry.file)).unwrap()), entry.records);
        }
    }
}

#[test]
fn a_folder_with_anything_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), "").unwrap();
    assert!(matches!(ExportWriter::create(folder.path()), Err(ExportError::NotEmpty { .. })));
}

#[test]
fn an_export_is_none_before_it_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let mut writer = ExportWriter::create(&path).unwrap();
    let mut records = writer.partition(Topic::Tallies, 0).unwrap();
    records.append(b"genesis").unwrap();
    drop(records);
    assert!(matches!(writer.partition(Topic::Tallies, 1), Err(ExportError::Unclosed { .. })));
    assert!(Export::open(&path).is_err());
    assert!(matches!(writer.finish(meta()), Err(ExportError::Unclosed { .. })));
}

#[test]
fn a_partition_twice_a_record_too_long_and_a_missing_definition_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ExportWriter::create(folder.path()).unwrap();
    let mut records = writer.partition(Topic::Tallies, 0).unwrap();
    records.append(&vec![0; MAX_RECORD_BYTES]).unwrap();
    assert!(matches!(records.append(&vec![0; MAX_RECORD_BYTES + 1]), Err(ExportError::TooLong { record: 1, .. })));
    records.close().unwrap();
    assert!(matches!(writer.partition(Topic::Tallies, 0), Err(ExportError::Twice { .. })));
    assert!(matches!(writer.finish(meta()), Err(ExportError::NoDefinition)));
}

#[test]
fn the_digest_of_the_manifest_is_a_line_for_sha256sum() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions(), 1), folder.path());
    let bytes = fs::read(folder.path().join("manifest.json")).unwrap();
    let line = fs::read_to_string(folder.path().join("manifest.sha256")).unwrap();
    assert_eq!(line, Manifest::digest_line(&bytes));
    assert!(line.ends_with("  manifest.json\n") && line.len() == 64 + 16);
}
