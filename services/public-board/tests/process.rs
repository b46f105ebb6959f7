//! The binary: help, a wrong setting, what it serves, and SIGTERM.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is a failed test")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hattama-public-board"));
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command
}

/// The address that a log line with these words names.
fn address_of(line: &str, words: &str) -> Option<String> {
    let address = line.contains(words).then(|| line.split("address=").nth(1)).flatten()?;
    Some(address.split_whitespace().next()?.to_owned())
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn terminate(mut child: Child) -> Option<i32> {
    let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(asked.success());
    child.wait().unwrap().code()
}

#[test]
fn help_names_every_setting_and_a_setting_that_it_does_not_know_is_refused() {
    let help = binary().arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for flag in ["config", "listen", "national", "connections", "live-readers", "admin-listen"] {
        assert!(text.contains(&format!("--{flag} <")), "--{flag} is not in:\n{text}");
    }
    let file = std::env::temp_dir().join(format!("hattama-board-{}.toml", std::process::id()));
    std::fs::write(&file, "listenn = \"127.0.0.1:0\"\n").unwrap();
    let refused = binary().arg("--config").arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("unknown field `listenn`"), "{said}");
}

#[test]
fn it_serves_its_page_and_its_metrics_and_ends_in_order_at_sigterm() {
    let mut child = binary().args(["--national", "http://127.0.0.1:9"]).stderr(Stdio::piped()).spawn().unwrap();
    let (mut admin, mut board) = (None, None);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while admin.is_none() || board.is_none() {
        let line = lines.next().unwrap_or_else(|| panic!("it never listened")).unwrap();
        admin = admin.or_else(|| address_of(&line, "admin listens"));
        board = board.or_else(|| address_of(&line, "the board listens"));
    }
    // What it says later must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let (admin, board) = (admin.unwrap(), board.unwrap());
    assert!(get(&board, "/?lang=en").contains("<html lang=\"en\""));
    assert!(get(&admin, "/healthz").starts_with("HTTP/1.0 200"));
    assert!(get(&admin, "/metrics").contains("# TYPE hattama_"));
    assert_eq!(terminate(child), Some(0));
}
