//! `hattama export` and `hattama recount`.

use super::common::{Place, error, hattama, told};
use std::{
    fs,
    process::{Command, Output},
};

fn run(place: &Place, args: &[&str]) -> Output {
    let mut command: Command = hattama();
    command.current_dir(place.path(".")).args(args).output().unwrap()
}

#[test]
fn an_export_is_recounted_and_a_byte_that_was_changed_is_found() {
    let place = Place::new();
    let night = place.night("log", &[]);

    let exported = run(&place, &["export", "out", "--log-dir", "log"]);
    assert_eq!(exported.status.code(), Some(0), "{}", error(&exported));
    assert!(told(&exported).contains("Next: hattama recount out"), "{}", told(&exported));

    let recounted = run(&place, &["recount", "out"]);
    assert_eq!(recounted.status.code(), Some(0), "{}", told(&recounted));
    assert!(told(&recounted).starts_with("MATCH"), "{}", told(&recounted));

    let report = run(&place, &["recount", "out", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["result_digest"], night.run()["recount"]["result_digest"]);

    let records = place.path("out").join("records").join("submissions-1.records");
    let mut bytes = fs::read(&records).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&records, bytes).unwrap();
    let recounted = run(&place, &["recount", "out"]);
    assert_eq!(recounted.status.code(), Some(1), "{}", told(&recounted));
    assert!(told(&recounted).contains("submissions-1.records"), "{}", told(&recounted));
    assert!(told(&recounted).starts_with("MISMATCH"), "{}", told(&recounted));
}

#[test]
fn an_empty_folder_is_no_export_and_no_rehearsal() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    let recounted = run(&place, &["recount", "empty"]);
    assert_eq!(recounted.status.code(), Some(2));
    assert!(recounted.stdout.is_empty());
    assert!(error(&recounted).starts_with("error: cannot read empty/manifest.json"), "{}", error(&recounted));
    assert!(error(&recounted).contains("`hattama export`"), "{}", error(&recounted));

    let exported = run(&place, &["export", "out", "--log-dir", "empty"]);
    assert_eq!(exported.status.code(), Some(2));
    assert!(error(&exported).contains("empty holds no rehearsal"), "{}", error(&exported));
    assert!(!place.path("out").exists());
}
