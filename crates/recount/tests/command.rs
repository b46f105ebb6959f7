//! The command: what it prints and how it ends, and that it links no network.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

mod common;

use common::{export, serve, submissions::submissions};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hattama-recount")).args(arguments).arg(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_match_ends_with_0_and_a_difference_with_1() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions(), 1), folder.path());
    let output = run(&[], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("MATCH sample generation 1, core "));

    let path = folder.path().join("records/submissions-1.records");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = run(&["--threads", "2"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    assert!(stdout.starts_with("MISMATCH") && stdout.contains("first difference: records/"), "{stdout}");
    assert!(stdout.contains("station   north-001"), "{stdout}");
}

#[test]
fn json_and_result_are_written_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions(), 1), &folder.path().join("export"));
    let result = folder.path().join("result.json");
    let output = run(&["--json", "--result", result.to_str().unwrap()], &folder.path().join("export"));
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "MATCH");
    let digest = hattama_election::digest::sha256(&fs::read(result).unwrap());
    assert_eq!(report["result_digest"], hattama_election::digest::RecordDigest(digest).to_string());
}

#[test]
fn what_is_no_export_ends_with_2_and_says_what_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&[], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("manifest.json") && stderr.contains("hattama export"), "{stderr}");
    assert_eq!(run(&["--threads", "0"], folder.path()).status.code(), Some(2));
}

#[test]
fn the_help_teaches_what_is_checked_and_how_it_ends() {
    let help = text(&run(&["--help"], Path::new(".")).stdout);
    for expected in ["What is checked", "Exit status: 0 MATCH, 1 MISMATCH, 2", "--result", "--threads"] {
        assert!(help.contains(expected), "{expected}");
    }
}

/// Whoever checks an election should not need a network stack for it, nor trust one.
#[test]
fn the_command_links_neither_kafka_nor_grpc() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "hattama-recount", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", text(&tree.stderr));
    let tree = text(&tree.stdout);
    assert!(tree.contains("hattama-wire"), "{tree}");
    for network in ["tonic", "rdkafka", "tokio", "hyper", "h2 "] {
        assert!(!tree.lines().any(|line| line.starts_with(network)), "{network} is linked:\n{tree}");
    }
}
