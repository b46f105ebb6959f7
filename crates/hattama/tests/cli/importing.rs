//! `hattama import`, and the recorded night played by `hattama rehearse --recorded`.

use super::common::{Document, QUICK, error, everything_in, hattama, told};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

/// The mapping with which the importer itself is tested.
const MAPPING: &str = include_str!("../../../rehearsal/src/import/tests/small.toml");
/// One station corrects itself and says it twice; of one no row has a revision before the third; one is abroad.
const PROTOCOLS: [&str; 7] = [
    "area,nr,version,sent,voters,cast,valid,void,Red,\"Blue, united\",Ms Green",
    "A,1,1,09.06.2024 23:10,100,52,50,2,30,15,5",
    "B,1,1,09.06.2024 23:20,200,100,100,0,40,50,10",
    "X,1,1,09.06.2024 22:00,0,10,10,0,1,2,7",
    "A,1,2,09.06.2024 23:40,100,52,50,2,31,14,5",
    "A,1,2,09.06.2024 23:40,100,52,50,2,31,14,5",
    "A,2,3,10.06.2024 01:00,90,9,9,0,9,0,0",
];
/// Red 31 + 40 + 1 + 9, Blue 14 + 50 + 2 + 0, Green 5 + 10 + 7 + 0.
const VOTES: [(&str, u64); 3] = [("red", 81), ("blue", 66), ("green", 22)];
const TURNOUT: &str = "area,nr,hour,came,listed\nA,1,12:00,20,99\nA,1,end,52,100\nB,1,12:00,40,200\n";

/// A folder with the mapping and the data in it.
struct Data(tempfile::TempDir);

impl Data {
    fn of(protocols: &[&str]) -> Self {
        let data = Self(tempfile::tempdir().unwrap());
        fs::write(data.path("mapping.toml"), MAPPING).unwrap();
        fs::write(data.path("p.csv"), protocols.join("\n") + "\n").unwrap();
        fs::write(data.path("t.csv"), TURNOUT).unwrap();
        data
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn hattama(&self, args: &[&str]) -> Output {
        let mut command: Command = hattama();
        command.current_dir(self.0.path()).args(args).output().unwrap()
    }

    fn import(&self, out: &str) -> Output {
        self.hattama(&["import", "--mapping", "mapping.toml", "p.csv", "t.csv", "--out", out])
    }

    /// The document of the imported night, which ends well.
    fn replayed(&self, recorded: &str) -> Document {
        let night = ["rehearse", "--recorded", recorded, "--log-dir", "log", "--speed", QUICK, "--json"];
        let output = self.hattama(&night);
        assert_eq!(output.status.code(), Some(0), "{}\n{}", error(&output), told(&output));
        Document::of(told(&output))
    }
}

/// The number behind a line of the report.
fn reported(report: &str, what: &str) -> u64 {
    let number = report.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_else(|| panic!("{what}: {report}"));
    number.trim().parse().unwrap()
}

fn votes(night: &Document) -> Vec<(&str, u64)> {
    let options = night.json["result"]["figures"]["contests"][0]["options"].as_array().unwrap();
    options.iter().map(|option| (option["option"].as_str().unwrap(), option["votes"].as_u64().unwrap())).collect()
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn imported_files_are_replayed_as_a_night_that_ends_with_their_totals_and_match() {
    let data = Data::of(&PROTOCOLS);
    let imported = data.import("out");
    let report = told(&imported);
    assert_eq!(imported.status.code(), Some(0), "{}", error(&imported));
    assert!(report.starts_with("small, core ") && report.contains(": 4 stations (1 abroad)\n"), "{report}");
    for (what, count) in [
        ("protocols", 6),
        ("  exact repeats, which count as duplicates", 1),
        ("  corrections", 2),
        ("  whose revision before is not in the data", 1),
        ("turnout reports", 3),
        ("rows left out", 0),
    ] {
        assert_eq!(reported(&report, what), count, "{what}");
    }
    assert!(report.trim_end().ends_with("Next: hattama rehearse --recorded out"), "{report}");

    let night = data.replayed("out");
    let (result, run) = (&night.json["result"], night.run());
    assert_eq!(run["recount"]["verdict"], "MATCH");
    assert_eq!(run["surprises"], json!([]));
    assert_eq!((&result["provenance"], &result["purpose"]), (&json!("recorded"), &json!("rehearsal")));
    assert!(run["night"].as_str().unwrap().starts_with("recorded "), "{}", run["night"]);
    assert_eq!(run["submissions_logged"], 9, "every row is sent, the repeat too");
    assert_eq!(sorted(votes(&night)), sorted(VOTES.to_vec()));
    let contest = &result["figures"]["contests"][0];
    assert_eq!((&contest["votes_sum"], &contest["stations"]["counted"]), (&json!(169), &json!(4)));
    let seats: u64 = contest["options"].as_array().unwrap().iter().filter_map(|option| option["seats"].as_u64()).sum();
    assert_eq!(seats, 5);
    let reported: Vec<&Value> =
        result["figures"]["turnout"].as_array().unwrap().iter().map(|slot| &slot["received_a_ballot"]).collect();
    assert_eq!(reported, [20 + 40, 52 + 40], "who is silent stands with the last report");
}

#[test]
fn a_bad_row_is_named_with_its_line_and_drops_nothing_else() {
    let mut rows = PROTOCOLS.to_vec();
    rows.insert(3, "B,2,1,09.06.2024 23:30,100,50,50,0,thirty,10,10");
    let data = Data::of(&rows);
    let imported = data.import("out");
    let report = told(&imported);
    assert_eq!(imported.status.code(), Some(1), "a script sees it too: {report}");
    assert_eq!(reported(&report, "rows left out"), 1);
    assert!(report.contains("  p.csv:4:") && report.contains("`Red`") && report.contains("thirty"), "{report}");
    assert_eq!(reported(&report, "protocols"), 6);
    let night = data.replayed("out");
    assert_eq!(sorted(votes(&night)), sorted(VOTES.to_vec()));
}

#[test]
fn a_folder_that_holds_something_is_refused_before_anything_is_read_and_stays_as_it_is() {
    let data = Data::of(&PROTOCOLS);
    fs::create_dir(data.path("out")).unwrap();
    fs::write(data.path("out").join("thesis.txt"), "years of work").unwrap();
    let refused = data.import("out");
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(refused.stdout.is_empty());
    let said = error(&refused);
    assert!(said.contains("error: out is not empty: name a folder with --out that is empty or not there"), "{said}");
    let files = everything_in(&data.path("out"));
    assert_eq!(files, [(data.path("out").join("thesis.txt"), b"years of work".to_vec())]);

    // An earlier import is not mixed with another.
    assert!(data.import("first").status.success());
    assert_eq!(data.import("first").status.code(), Some(2));
}

#[test]
fn a_folder_without_a_recorded_night_is_refused_with_what_to_do() {
    let data = Data::of(&PROTOCOLS);
    let refused = data.hattama(&["rehearse", "--recorded", "nowhere", "--log-dir", "log"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = error(&refused);
    assert!(said.starts_with("error: ") && said.contains("nowhere"), "{said}");
    assert!(!data.path("log").exists());
}
