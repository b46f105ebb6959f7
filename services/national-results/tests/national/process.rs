//! The binary: its settings, what it serves on a log in a folder, and SIGTERM.

use crate::rig::Rig;
use hattama_election::definition::{Definition, DefinitionFiles, sample};
use hattama_proto::national::v1::{
    GetElectionRequest, GetElectionResponse, national_results_server::SERVICE_NAME as NATIONAL_RESULTS,
};
use hattama_record_log::RecordLog;
use hattama_service_kit::testing::{
    Binary, GRPC_LISTENS, assert_health_and_reflection, assert_sigterm_answers_calls_in_flight,
};
use std::path::Path;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_hattama-national-results"))
}

/// The binary on an election's folder.
pub fn binary_on(folder: &Path) -> Binary {
    binary()
        .with(["--definition".as_ref(), folder.join("definition").as_os_str()])
        .with(["--log-dir".as_ref(), folder.join("log").as_os_str()])
}

/// A definition's files and an empty log of generation 1, to be filled and closed.
pub async fn write_election(folder: &Path, files: &DefinitionFiles) -> Rig {
    files.write(&folder.join("definition")).unwrap();
    let log = RecordLog::open_embedded(&folder.join("log")).await.unwrap();
    Rig::on(log, Definition::load(files).unwrap()).await
}

#[test]
fn help_names_every_setting_with_its_variable() {
    binary().assert_help_names_every_setting(&[
        "config",
        "definition",
        "log-dir",
        "brokers",
        "generation",
        "instance",
        "rehearsal-time",
        "listen",
        "key-file",
        "admin-listen",
        "log",
        "log-format",
        "drain-seconds",
    ]);
}

#[test]
fn an_unknown_key_is_refused_and_a_flag_beats_the_environment_which_beats_the_file() {
    binary().assert_an_unknown_key_is_refused();
    binary().assert_a_flag_beats_the_environment_which_beats_the_file();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_its_health_its_interface_and_its_metrics_and_at_sigterm_answers_the_calls_under_way() {
    let folder = tempfile::tempdir().unwrap();
    write_election(folder.path(), &sample::definition_files()).await.log.close().await.unwrap();
    let running = binary_on(folder.path()).start(GRPC_LISTENS);
    assert_health_and_reflection(&running, NATIONAL_RESULTS).await;
    running.assert_alive_with_metrics("hattama_national_");
    let path = "/hattama.national.v1.NationalResults/GetElection";
    let (answers, _) =
        assert_sigterm_answers_calls_in_flight::<_, GetElectionResponse>(running, path, GetElectionRequest {}).await;
    for election in answers {
        assert_eq!((election.id.as_str(), election.purpose.as_str()), ("sample", "rehearsal"));
    }
}
