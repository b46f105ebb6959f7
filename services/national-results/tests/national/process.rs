//! The binary: help, a wrong setting, what it serves on a log in a folder, and SIGTERM.

use crate::rig::Rig;
use hattama_election::definition::{Definition, DefinitionFiles, sample};
use hattama_proto::national::v1::{GetElectionRequest, national_results_client::NationalResultsClient};
use hattama_record_log::RecordLog;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hattama-national-results"));
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command
}

/// A definition's files and an empty log of generation 1, to be filled and closed.
pub async fn write_election(folder: &Path, files: &DefinitionFiles) -> Rig {
    std::fs::create_dir(folder.join("definition")).unwrap();
    for name in files.names() {
        std::fs::write(folder.join("definition").join(name), files.get(name).unwrap()).unwrap();
    }
    let log = RecordLog::open_embedded(&folder.join("log")).await.unwrap();
    Rig::on(log, Definition::load(files).unwrap()).await
}

/// The address that a log line with these words names.
fn address_of(line: &str, words: &str) -> Option<String> {
    let address = line.contains(words).then(|| line.split("address=").nth(1)).flatten()?;
    Some(address.split_whitespace().next()?.to_owned())
}

/// The binary on an election's folder, running.
pub struct Process {
    child: Child,
    /// Where metrics and health are.
    pub admin: String,
    /// Where the API is.
    pub national: String,
    /// What it has said and goes on saying, until it ends.
    said: JoinHandle<String>,
}

impl Process {
    /// Starts it and waits until it listens.
    pub fn start(folder: &Path, log_filter: &str) -> Self {
        let mut child = binary()
            .args(["--definition".as_ref(), folder.join("definition").as_os_str()])
            .args(["--log-dir".as_ref(), folder.join("log").as_os_str()])
            .args(["--log", log_filter])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut admin, mut national, mut said) = (None, None, String::new());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while admin.is_none() || national.is_none() {
            let line = lines.next().unwrap_or_else(|| panic!("it never listened: {said}")).unwrap();
            admin = admin.or_else(|| address_of(&line, "admin listens"));
            national = national.or_else(|| address_of(&line, "the national results run"));
            said += &(line + "\n");
        }
        // What it says later must not fill the pipe.
        let said = std::thread::spawn(move || lines.map_while(Result::ok).fold(said, |said, line| said + &line + "\n"));
        Self { child, admin: admin.unwrap(), national: national.unwrap(), said }
    }

    /// Asks it to end, and returns all that it has said.
    pub fn end(self) -> String {
        assert_eq!(terminate(self.child), Some(0));
        self.said.join().unwrap()
    }
}

/// A page of the admin listener.
pub fn get(address: &str, path: &str) -> String {
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
    for flag in ["config", "definition", "log-dir", "generation", "instance", "listen", "key-file", "admin-listen"] {
        assert!(text.contains(&format!("--{flag} <")), "--{flag} is not in:\n{text}");
    }
    let file = std::env::temp_dir().join(format!("hattama-national-{}.toml", std::process::id()));
    std::fs::write(&file, "listenn = \"127.0.0.1:0\"\n").unwrap();
    let refused = binary().arg("--config").arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("unknown field `listenn`"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers_shows_its_metrics_and_ends_in_order_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    write_election(folder.path(), &sample::definition_files()).await.log.close().await.unwrap();
    let Process { child, admin, national, .. } = Process::start(folder.path(), "info");
    let mut client = NationalResultsClient::connect(format!("http://{national}")).await.unwrap();
    let election = client.get_election(GetElectionRequest {}).await.unwrap().into_inner();
    assert_eq!((election.id.as_str(), election.purpose.as_str()), ("sample", "rehearsal"));
    drop(client);
    assert!(get(&admin, "/healthz").starts_with("HTTP/1.0 200"));
    assert!(get(&admin, "/metrics").contains("# TYPE hattama_national_"));
    assert_eq!(terminate(child), Some(0));
}
