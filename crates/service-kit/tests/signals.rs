//! Signals need a process of their own: the test runs its own binary again with one ignored test as `main`.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use hattama_service_kit::shutdown::{self, EXIT_FORCED, Shutdown};
use hattama_service_kit::supervise;

const STUCK: &str = "HATTAMA_TEST_STUCK";

#[test]
#[ignore = "the child process of the other tests"]
fn child_process() {
    let service = async {
        let shutdown = Shutdown::new();
        shutdown::on_signals(&shutdown)?;
        if std::env::var_os(STUCK).is_some() {
            supervise::spawn(&shutdown, "stuck", std::future::pending::<Result<(), Infallible>>());
        }
        println!("\nready");
        let cause = shutdown.requested().await;
        println!("\nstopping");
        let drain = shutdown.drain(Duration::from_secs(60)).await;
        println!("\nexit {} after {cause}", drain.exit_code());
        Ok::<_, std::io::Error>(drain)
    };
    // The harness, not this function, sets the exit code of a test; the line above tells it.
    let _ = shutdown::run(service);
}

struct Service {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Service {
    fn start(stuck: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_process", "--ignored", "--nocapture"]);
        if stuck {
            command.env(STUCK, "1");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut service = Self { child, lines };
        service.wait_for("ready");
        service
    }

    fn wait_for(&mut self, expected: &str) {
        let mut line = String::new();
        while line.trim_end() != expected {
            line.clear();
            let read = self.lines.read_line(&mut line).unwrap();
            assert!(read > 0, "the process ended before it said `{expected}`");
        }
    }

    fn send(&self, signal: &str) {
        // The shell's own: a bare system may have no `kill` program.
        let command = format!("kill {signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn the_first_signal_drains() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "SIGINT")] {
        let service = Service::start(false);
        service.send(signal);
        let (code, output) = service.end();
        assert_eq!(code, Some(0), "{output}");
        assert!(output.contains(&format!("exit 0 after {name}")), "{output}");
    }
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let mut service = Service::start(true);
    service.send("-TERM");
    service.wait_for("stopping");
    service.send("-TERM");
    let (code, output) = service.end();
    assert_eq!(code, Some(EXIT_FORCED.into()), "{output}");
    assert!(!output.contains("exit"), "{output}");
}
