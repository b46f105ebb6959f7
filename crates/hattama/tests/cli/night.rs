//! A whole small night on the screen.

use super::common::{Place, QUICK, board_of, error, hattama, told};

/// What fits a terminal of usual height, for the night of 2023 with its seven lists and 29 districts.
const LINES: usize = 44;

#[test]
fn a_whole_night_ends_with_a_screen_that_says_match_and_nothing_open() {
    let place = Place::new();
    let output = place.rehearse("log").args(["--speed", QUICK]).output().unwrap();
    let screen = told(&output);
    assert_eq!(output.status.code(), Some(0), "{screen}\n{}", error(&output));
    board_of(screen.lines().next().unwrap());
    for said in [
        "Sample election · sample · seed 2023",
        "TEST · generated: below the nation every figure is synthetic",
        "15 of 15 protocols counted at 8 stations · all counted",
        "Council, lists: 10 seats",
        "Districts: 2 of 2 seats have a winner",
        "Happened   ",
        "Still open 0 (held 0, contested 0, annulled 0, missing 0)",
        "Speed      ",
        "In all     ",
        "Freshness  logged after p50 ",
        "Recount    MATCH: ",
        "Log        log (",
        "hattama recount log/export",
    ] {
        assert!(screen.contains(said), "{said:?} is not in:\n{screen}");
    }
    assert!(!screen.contains("SURPRISE"), "{screen}");
    // The night of 2023 has three lists and two rows of districts more.
    let lines = screen.lines().count();
    assert!((30..=LINES - 5).contains(&lines), "{lines} lines:\n{screen}");
}

#[test]
fn the_screen_in_the_readme_is_whole_and_one_screen() {
    let readme = include_str!("../../../../README.md");
    let (_, rest) = readme.split_once("<!-- screen: from a real run -->\n```\n").expect("a screen");
    let (screen, _) = rest.split_once("```\n<!-- /screen -->").expect("its end");
    board_of(screen.lines().next().unwrap());
    let lines = screen.lines().count();
    assert!(lines <= LINES, "{lines} lines");
    for start in [
        "Happened   ",
        "Still open 0 ",
        "Speed      ",
        "In all     ",
        "Freshness  ",
        "Recount    MATCH: ",
        "Log        ",
    ] {
        assert!(screen.lines().any(|line| line.starts_with(start)), "{start:?} is not in:\n{screen}");
    }
}

#[test]
fn without_a_log_dir_the_default_folder_is_begun_anew() {
    let place = Place::new();
    for seed in ["1", "2"] {
        let mut command = hattama();
        command.current_dir(place.path(".")).args(["rehearse", "--definition", "definition", "--json"]);
        let output = command.args(["--speed", QUICK, "--seed", seed]).output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["run"]["went_on"], false);
        assert_eq!(document["run"]["night"], format!("seed {seed}"));
    }
    assert!(place.path("rehearsal-log").join("rehearsal.json").exists());
}
