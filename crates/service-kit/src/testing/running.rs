//! A service's process: its admin pages, what it says, and how it ends.

use super::PATIENCE;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Between two looks at something that is waited for.
const GLANCE: Duration = Duration::from_millis(10);

/// A running service. Dropped, it is killed: a test that fails leaves no process behind.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where metrics and health are.
    admin: String,
    /// Where it serves: `127.0.0.1:40001`.
    pub address: String,
    /// What it has said and goes on saying, until it ends.
    said: Option<JoinHandle<String>>,
}

impl Running {
    pub(super) fn of(mut child: Child, listens: &str) -> Self {
        let (mut admin, mut address, mut said) = (None, None, String::new());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while admin.is_none() || address.is_none() {
            let line = lines.next().unwrap_or_else(|| panic!("it never listened: {said}")).unwrap();
            admin = admin.or_else(|| address_of(&line, "admin listens"));
            address = address.or_else(|| address_of(&line, listens));
            said += &(line + "\n");
        }
        // What it says later must not fill the pipe.
        let said = std::thread::spawn(move || lines.map_while(Result::ok).fold(said, |said, line| said + &line + "\n"));
        Self { child, admin: admin.unwrap(), address: address.unwrap(), said: Some(said) }
    }

    /// `/metrics`, with its head, once it has all of these words.
    #[must_use]
    pub fn metrics_with(&self, words: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = get(&self.admin, "/metrics");
            if words.iter().all(|word| page.contains(word)) {
                return page;
            }
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {words:?} in {page}");
            std::thread::sleep(GLANCE);
        }
    }

    /// It says that it lives, and `/metrics` is text that Prometheus reads, with metrics whose names begin with `prefix`.
    pub fn assert_alive_with_metrics(&self, prefix: &str) {
        assert!(get(&self.admin, "/healthz").starts_with("HTTP/1.0 200"));
        let page = self.metrics_with(&[&format!("# TYPE {prefix}")]);
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200") && head.contains("text/plain; version=0.0.4"), "{head}");
        let samples = body.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for sample in samples {
            let (name, value) = sample.rsplit_once(' ').unwrap();
            assert!(name.starts_with("hattama_") && value.parse::<f64>().is_ok(), "{sample}");
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        // The shell's own: a bare system may have no `kill` program.
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended, with exit code 0: all its tasks had ended before the drain's deadline. Returns all that it
    /// has said.
    #[must_use]
    pub fn ended(mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it has not ended within {PATIENCE:?}");
            std::thread::sleep(GLANCE);
        };
        let said = self.said.take().unwrap().join().unwrap();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }

    /// Sends SIGTERM, waits until it has ended in order, and returns all that it has said.
    #[must_use]
    pub fn end(self) -> String {
        self.terminate();
        self.ended()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an HTTP server answers, with its head.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The address that a log line with these words names.
fn address_of(line: &str, words: &str) -> Option<String> {
    let address = line.contains(words).then(|| line.split("address=").nth(1)).flatten()?;
    Some(address.split_whitespace().next()?.to_owned())
}
