//! `hattama definition check`.

use super::common::{Place, error, hattama, snapped};
use snapbox::str;

#[test]
fn a_definition_that_loads_is_shown_as_a_table() {
    let place = Place::new();
    snapped().args(["definition", "check"]).arg(place.definition()).assert().code(0).stderr_eq("").stdout_eq(str![[
        r#"
election         sample (rehearsal, generated figures)
core digest      [..]
regions          3
territories      4
districts        2
stations         8 (1 without a district)
register         10,075
contests         3 with 9 options
...
shards           4 and control
...
"#
    ]]);
}

#[test]
fn every_error_of_a_broken_definition_is_named_with_file_line_and_column() {
    let place = Place::with(|files| {
        let stations = String::from_utf8(files.get("stations.csv").unwrap().to_vec()).unwrap();
        let stations = stations
            .replace("north-002,north,", "north-002,nort,")
            .replace("south-003,south,south-a,d-2,3,,75,", "south-003,south,south-a,d-2,3,,many,");
        files.set("stations.csv", stations.into_bytes());
    });
    let assert = snapped().args(["definition", "check"]).arg(place.definition()).assert().code(1).stdout_eq("");
    let errors = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(errors.contains("stations.csv:4:11 (column `region`): unknown region `nort`"), "{errors}");
    assert!(errors.contains("stations.csv:9:") && errors.contains("(column `register`)"), "{errors}");
}

#[test]
fn a_folder_that_is_no_definition_is_refused_with_the_files_it_needs() {
    let place = Place::new();
    let nowhere = place.path("nowhere");
    let assert = snapped().args(["definition", "check"]).arg(&nowhere).assert().code(2).stdout_eq("");
    let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(error.starts_with(&format!("error: cannot read {}", nowhere.display())), "{error}");
    assert!(error.contains("stations.csv"), "{error}");
}

#[test]
fn output_that_cannot_be_written_is_said_and_no_success() {
    let place = Place::new();
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        println!("a disk that is full: SKIPPED: there is no /dev/full here");
        return;
    };
    let output = hattama().args(["definition", "check"]).arg(place.definition()).stdout(full).output().unwrap();
    let error = error(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: cannot write to standard output: "), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}
