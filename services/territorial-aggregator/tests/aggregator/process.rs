//! The binary: its help, and what it says when it cannot start.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hattama-territorial-aggregator"));
    command.args(["--admin-listen", "127.0.0.1:0"]).args(arguments).output().unwrap()
}

#[test]
fn help_names_every_setting_and_who_may_open_the_log() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    let flags =
        ["config", "definition", "log-dir", "generation", "shards", "instance", "listen", "key-file", "admin-listen"];
    for flag in flags {
        assert!(text.contains(&format!("--{flag} <")), "--{flag} is not in:\n{text}");
    }
    assert!(text.contains("one process at a time"), "{text}");
}

#[test]
fn a_missing_setting_is_named() {
    let refused = run(&["--log-dir", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("definition"), "{text}");
}
