//! What the tests share: the small election as files, the command, a night that runs, and the board over plain HTTP.

use hattama_election::definition::{DefinitionFiles, sample};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A small night of 20 hours in about three seconds.
pub const QUICK: &str = "36000";
/// Slow enough that a night lasts many times as long as it takes to see how far it is: about nine seconds.
pub const SLOW: &str = "9000";
/// So quick that new keys are used before the amendments that bring them are read: 50 milliseconds a night.
pub const AT_ONCE: &str = "1440000";
/// Nothing takes longer than this, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A folder of the test's own with the small election in it.
pub struct Place(tempfile::TempDir);

impl Place {
    /// The small election as it is.
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// The small election with something changed.
    pub fn with(change: impl FnOnce(&mut DefinitionFiles)) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let mut files = sample::definition_files();
        change(&mut files);
        files.write(&place.definition()).unwrap();
        place
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where the definition lies.
    pub fn definition(&self) -> PathBuf {
        self.path("definition")
    }

    /// `hattama rehearse` of the small night in a log folder of this place, without `--speed`.
    pub fn rehearse(&self, log_dir: &str) -> Command {
        let mut command = hattama();
        command.current_dir(self.0.path());
        command.args(["rehearse", "--definition", "definition", "--log-dir", log_dir]);
        command
    }

    /// The JSON document of a whole night that ends well.
    pub fn night(&self, log_dir: &str, more: &[&str]) -> Document {
        self.night_at(QUICK, log_dir, more)
    }

    /// The same at another speed.
    pub fn night_at(&self, speed: &str, log_dir: &str, more: &[&str]) -> Document {
        let output = self.rehearse(log_dir).args(["--json", "--speed", speed]).args(more).output().unwrap();
        assert!(output.status.success(), "{}\n{}", error(&output), told(&output));
        Document::of(told(&output))
    }
}

/// The command. What cargo and the shell of whoever runs the tests have set is no part of it.
pub fn hattama() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hattama"));
    command.env_remove("CARGO").env_remove("HATTAMA_LOG").stdin(Stdio::null());
    command
}

/// The same for assertions on what is printed.
pub fn snapped() -> snapbox::cmd::Command {
    snapbox::cmd::Command::new(env!("CARGO_BIN_EXE_hattama")).env_remove("CARGO").env_remove("HATTAMA_LOG")
}

/// Standard output.
pub fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error.
pub fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `rehearse --json` printed.
pub struct Document {
    text: String,
    /// The whole, parsed.
    pub json: Value,
}

impl Document {
    /// Parses it.
    pub fn of(text: String) -> Self {
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"));
        Self { text, json }
    }

    /// How the run went.
    pub fn run(&self) -> &Value {
        &self.json["run"]
    }

    /// The result's bytes as printed.
    pub fn result(&self) -> &str {
        let start = self.text.find("\n  \"result\": ").expect("a field `result`") + "\n  \"result\": ".len();
        let end = self.text.find(",\n  \"run\": ").expect("a field `run` behind it");
        &self.text[start..end]
    }
}

/// A night that is being played, with its board. It is killed when the test lets go of it.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Address of the board, e.g. `127.0.0.1:40123`.
    pub board: String,
}

impl Running {
    /// Starts, and reads the first line.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("a first line").unwrap();
        Self { child, lines, board: board_of(&first) }
    }

    /// The next lines up to one that starts so, which is the last of them.
    pub fn lines_until(&mut self, start: &str) -> Vec<String> {
        let mut read = Vec::new();
        for line in &mut self.lines {
            read.push(line.unwrap());
            if read.last().is_some_and(|line| line.starts_with(start)) {
                return read;
            }
        }
        panic!("no line starts with {start:?}: {read:?}");
    }

    /// SIGKILL: nothing of it runs again.
    pub fn kill(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the night was over before it could be killed");
        self.child.kill().unwrap();
        assert!(!self.child.wait().unwrap().success());
    }

    /// SIGINT, as Ctrl-C does, and how it ends.
    pub fn interrupt(&mut self) -> ExitStatus {
        let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
        wait_for("the end after SIGINT", || self.child.try_wait().unwrap())
    }

    /// A page of the board; none while there is none.
    pub fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.board).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.board).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an empty line behind the head");
        head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
    }

    /// The newest publication on the board: its number, and its figures.
    pub fn newest(&self) -> Option<(u64, Value)> {
        let latest: Value = serde_json::from_str(&self.get("/latest")?).unwrap();
        let number = latest["sequence"].as_u64().unwrap();
        Some((number, serde_json::from_str(&self.get(&format!("/p/{number}.json"))?).unwrap()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `Board: http://127.0.0.1:40123/`.
pub fn board_of(line: &str) -> String {
    let address = line.strip_prefix("Board: http://").and_then(|rest| rest.strip_suffix('/'));
    let address = address.unwrap_or_else(|| panic!("no board in {line:?}"));
    let port = address.strip_prefix("127.0.0.1:").unwrap_or_else(|| panic!("{address} is not of this machine"));
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{address}");
    address.to_owned()
}

/// Looks until there is something, or the patience ends.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(LOOK_AGAIN);
    }
}

/// Every file below a folder, by path, with its bytes.
pub fn everything_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(everything_in(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}
