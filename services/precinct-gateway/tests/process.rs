//! The binary, killed while submissions come in.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a failure here is a failed test")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::*;
use hattama_election::definition::sample;
use hattama_proto::gateway::v1::precinct_gateway_client::PrecinctGatewayClient;

struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts the binary on any free port, with everything in one directory; the log has no topics yet.
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hattama-precinct-gateway"))
            .args(["--definition".as_ref(), directory.join("definition").as_os_str()])
            .args(["--log-dir".as_ref(), directory.join("log").as_os_str()])
            .args(["--journal-dir".as_ref(), directory.join("journal").as_os_str()])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--instance", "killed"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let address = line.split("grpc listens").nth(1)?.split("address=").nth(1)?;
            Some(address.trim().to_owned())
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.unwrap_or_else(|| panic!("it never listened")) }
    }

    async fn client(&self) -> Client {
        PrecinctGatewayClient::connect(format!("http://{}", self.address)).await.unwrap()
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn write_definition(directory: &Path) {
    let files = sample::definition_files();
    std::fs::create_dir(directory).unwrap();
    for name in files.names() {
        std::fs::write(directory.join(name), files.get(name).unwrap()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_has_every_submission_that_it_gave_a_receipt_for() {
    let definition = definition();
    let directory = tempfile::tempdir().unwrap();
    write_definition(&directory.path().join("definition"));
    let gateway = Process::start(directory.path());
    let client = gateway.client().await;
    let (received, mut receipts) = tokio::sync::mpsc::unbounded_channel();
    let mut senders = tokio::task::JoinSet::new();
    for station in ["north-001", "north-002", "north-003", "south-001"] {
        let (mut client, definition, received) = (client.clone(), definition.clone(), received.clone());
        senders.spawn(async move {
            for revision in 1..=99 {
                let submission = signed(&definition, station, revision);
                let mut request = tonic::Request::new(request(&submission));
                // The log has no topics: the answer is RECEIVED, when most of this has passed.
                request.set_timeout(std::time::Duration::from_millis(50));
                if client.submit(request).await.is_ok() {
                    received.send(submission).unwrap();
                }
            }
        });
    }
    drop(received);
    // In the middle: others are under way.
    let mut kept = Vec::new();
    while kept.len() < 20 {
        kept.push(tokio::time::timeout(PATIENCE, receipts.recv()).await.unwrap().unwrap());
    }
    gateway.kill();
    while let Some(submission) = receipts.recv().await {
        kept.push(submission);
    }

    let gateway = Process::start(directory.path());
    let mut client = gateway.client().await;
    for submission in &kept {
        let receipt = receipt(&mut client, submission).await.unwrap();
        assert_eq!((receipt.gateway.as_str(), receipt.position), ("killed", None));
    }
    gateway.kill();
}
