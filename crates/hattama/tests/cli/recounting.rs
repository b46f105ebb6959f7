//! `hattama export` and `hattama recount`.

use super::common::{Place, QUICK, error, hattama, told};
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
fn the_two_commands_on_the_screen_break_a_byte_and_find_it() {
    let place = Place::new();
    let output = place.rehearse("log").args(["--speed", QUICK]).output().unwrap();
    assert!(output.status.success(), "{}", error(&output));
    let screen = told(&output);
    let mut lines = screen.lines().skip_while(|line| !line.contains("break a byte"));
    let breaks = lines.next().expect("a command").split_once("break a byte").unwrap().1.trim();
    let recounts = lines.next().expect("another").trim();
    let args: Vec<&str> = recounts.strip_prefix("hattama ").expect(recounts).split(' ').collect();
    assert_eq!(run(&place, &args).status.code(), Some(0), "before");

    let records = place.path("log/export/records/submissions-1.records");
    let before = fs::read(&records).unwrap();
    let mut expected = before.clone();
    let (letter, offset) = letter_and_offset(breaks);
    expected[offset] = letter;
    if has_dd() {
        let broken = Command::new("sh").current_dir(place.path(".")).args(["-c", breaks]).output().unwrap();
        assert!(broken.status.success(), "{breaks}: {}", error(&broken));
    } else {
        // The tests are run without it too; then only what it is told to do is shown to be found.
        fs::write(&records, &expected).unwrap();
    }
    let after = fs::read(&records).unwrap();
    assert_eq!(after, expected, "{breaks}");
    assert_ne!(after, before);

    let recounted = run(&place, &args);
    assert_eq!(recounted.status.code(), Some(1), "{}", told(&recounted));
    assert!(told(&recounted).starts_with("MISMATCH"), "{}", told(&recounted));
    assert!(told(&recounted).contains("submissions-1.records"), "{}", told(&recounted));
}

/// What `printf x | dd of=FILE bs=1 seek=N conv=notrunc` writes, and where.
fn letter_and_offset(command: &str) -> (u8, usize) {
    let words: Vec<&str> = command.split(' ').collect();
    let ["printf", letter, "|", "dd", "of=log/export/records/submissions-1.records", "bs=1", seek, "conv=notrunc"] =
        words[..]
    else {
        panic!("{command}");
    };
    (letter.as_bytes()[0], seek.strip_prefix("seek=").unwrap().parse().unwrap())
}

fn has_dd() -> bool {
    Command::new("sh").args(["-c", "command -v dd"]).output().is_ok_and(|found| found.status.success())
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
