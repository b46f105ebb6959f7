//! A night whose services are processes of their own. It needs a cluster, and the services' binaries beside the command.

use super::common::{Place, hattama, wait_for};
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// A night of minutes: it is not over when the test is.
const ENDLESS: &str = "300";

#[test]
fn a_service_that_is_killed_ends_the_night_at_once_and_is_named_with_its_log() {
    let Ok(brokers) = std::env::var("HATTAMA_KAFKA_BROKERS") else {
        eprintln!("SKIPPED: set HATTAMA_KAFKA_BROKERS (docs/kafka.md)");
        return;
    };
    if !Path::new(hattama().get_program()).with_file_name("hattama-national-results").is_file() {
        eprintln!("SKIPPED: build the services first, `cargo build`");
        return;
    }
    let place = Place::new();
    let (said, shown) = (place.path("said"), place.path("shown"));
    let mut night = place
        .rehearse("log")
        .args(["--brokers", &brokers, "--dev", "--processes", "--speed", ENDLESS])
        .stdout(File::create(&shown).unwrap())
        .stderr(File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let read = |path| fs::read_to_string(path).unwrap();
    wait_for("the board's address, or an error", || {
        (read(&shown).contains("Board: ") || night.try_wait().unwrap().is_some()).then_some(())
    });
    let national = process_of(&place.path("."), "national-1").unwrap_or_else(|| panic!("{}", read(&said)));
    assert!(Command::new("sh").args(["-c", &format!("kill -KILL {national}")]).status().unwrap().success());

    let ended = wait_for("the end of the night", || night.try_wait().unwrap());
    let said = read(&said);
    assert_eq!(ended.code(), Some(2), "{said}");
    assert!(said.contains("error: national-1 ended (signal: 9"), "{said}");
    assert!(said.contains("logs/national-1.log"), "{said}");
    assert!(said.contains("stopped before the end"), "how it goes on: {said}");
    assert!(process_of(&place.path("."), "gateway-1").is_none(), "the others were stopped");
}

/// The id of the process that runs in a folder with this name.
fn process_of(folder: &Path, instance: &str) -> Option<u32> {
    let folder = folder.canonicalize().unwrap();
    fs::read_dir("/proc").unwrap().find_map(|entry| {
        let process = entry.ok()?.path();
        let arguments = fs::read(process.join("cmdline")).ok()?;
        let is_it = arguments.split(|byte| *byte == 0).any(|argument| argument == instance.as_bytes())
            && fs::read_link(process.join("cwd")).ok()? == folder;
        is_it.then(|| process.file_name()?.to_str()?.parse().ok())?
    })
}
