//! Folders that a rehearsal does not take, and an election that is never rehearsed.

use super::common::{Place, QUICK, Running, SLOW, error, everything_in, hattama};
use std::{fs, process::Output};

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", error(output));
    assert!(output.stdout.is_empty());
    error(output)
}

#[test]
fn a_folder_of_another_seed_or_definition_is_refused_and_left_as_it_is() {
    let place = Place::new();
    place.night("log", &[]);
    let before = everything_in(&place.path("log"));

    let said = refused(&place.rehearse("log").args(["--json", "--speed", QUICK, "--seed", "7"]).output().unwrap());
    assert!(said.contains("log holds another night (sample seed 2023, core "), "{said}");
    assert!(said.contains("this one is sample seed 7") && said.contains("name another --log-dir"), "{said}");

    let toml = place.definition().join("election.toml");
    let changed = fs::read_to_string(&toml).unwrap().replace("Sample election", "Another election");
    fs::write(&toml, changed).unwrap();
    let said = refused(&place.rehearse("log").args(["--speed", QUICK]).output().unwrap());
    assert!(said.contains("holds another night"), "{said}");

    assert!(everything_in(&place.path("log")) == before, "the folder was touched");
}

#[test]
fn a_folder_with_something_else_in_it_is_never_touched() {
    let place = Place::new();
    fs::create_dir(place.path("papers")).unwrap();
    fs::write(place.path("papers").join("thesis.txt"), "years of work").unwrap();
    let said = refused(&place.rehearse("papers").output().unwrap());
    assert!(said.contains("papers is not empty and holds no rehearsal"), "{said}");

    // Without --log-dir a folder is begun anew: but never one that no rehearsal made.
    fs::rename(place.path("papers"), place.path("rehearsal-log")).unwrap();
    let mut command = hattama();
    command.current_dir(place.path(".")).args(["rehearse", "--definition", "definition"]);
    refused(&command.output().unwrap());
    let files = everything_in(&place.path("rehearsal-log"));
    assert_eq!(files, [(place.path("rehearsal-log").join("thesis.txt"), b"years of work".to_vec())]);
}

#[test]
fn a_folder_in_which_a_night_is_being_played_is_refused_to_others_and_the_night_goes_on() {
    let place = Place::new();
    let mut slow = place.rehearse("rehearsal-log");
    slow.args(["--speed", SLOW]);
    let mut running = Running::start(slow);
    for command in [
        &mut place.rehearse("rehearsal-log"),
        // The journals and the definition would be shared, wherever the log lies. Nobody listens there: nobody is asked.
        place.rehearse("rehearsal-log").args(["--brokers", "127.0.0.1:9"]),
        hattama().args(["export", "out", "--log-dir"]).arg(place.path("rehearsal-log")),
    ] {
        let said = refused(&command.output().unwrap());
        assert!(said.contains("in use by another process"), "{said}");
    }
    // Without --log-dir a folder is begun anew: but not under a night that is being played in it.
    for more in [&[] as &[&str], &["--brokers", "127.0.0.1:9"]] {
        let mut anew = hattama();
        anew.current_dir(place.path(".")).args(["rehearse", "--definition", "definition"]).args(more);
        let said = refused(&anew.output().unwrap());
        assert!(said.contains("in use by another process"), "{said}");
    }
    let screen = running.lines_until("Recount ");
    assert!(screen.last().is_some_and(|line| line.contains(" MATCH: ")), "{screen:?}");
}

#[test]
fn an_official_election_is_never_rehearsed() {
    let place = Place::with(|files| {
        let toml = String::from_utf8(files.get("election.toml").unwrap().to_vec()).unwrap();
        let official = toml
            .replace("purpose = \"rehearsal\"", "purpose = \"official\"")
            .replace("provenance = \"generated\"", "provenance = \"live\"")
            .replace("[rehearsal]\nkey_seed = \"hattama sample\"\n", "");
        files.set("election.toml", official.into_bytes());
    });
    let said = refused(&place.rehearse("log").output().unwrap());
    assert!(said.contains("sample is an official election: it is never rehearsed"), "{said}");
    assert!(!place.path("log").exists());
}
