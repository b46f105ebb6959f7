//! The result document is a function of the set of distinct valid submissions alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

mod common;

use bytes::Bytes;
use common::{Chance, Partitions, check, export, serve, submissions::submissions};
use hattama_recount::{RESULT_SCHEMA, ResultDocument, Verdict};

fn result(submissions: Partitions, seed: u64) -> ResultDocument {
    let folder = tempfile::tempdir().unwrap();
    export(&serve(submissions, seed), folder.path());
    let recounted = check(folder.path()).unwrap();
    assert_eq!(recounted.report.verdict, Verdict::Match, "{}", recounted.report);
    recounted.result.unwrap()
}

/// The records behind the genesis in another order.
fn shuffle(records: &mut [Bytes], chance: &mut Chance) {
    for place in (2..records.len()).rev() {
        records.swap(place, 1 + chance.below(place as u64) as usize);
    }
}

#[test]
fn the_same_submissions_in_any_order_and_number_have_the_same_bytes() {
    let expected = result(submissions(), 0).canonical_bytes().unwrap();
    for seed in 1..8 {
        let mut chance = Chance::new(seed);
        let mut other = submissions();
        for records in &mut other {
            let again = records[1 + chance.below(records.len() as u64 - 1) as usize].clone();
            records.push(again);
            records.push(Bytes::from(format!("garbage {seed}")));
            shuffle(records, &mut chance);
        }
        let found = result(other, seed).canonical_bytes().unwrap();
        assert!(found == expected, "seed {seed}");
    }
}

#[test]
fn another_vote_is_another_result() {
    let mut other = submissions();
    other[4].pop();
    assert_ne!(result(other, 0).digest().unwrap(), result(submissions(), 0).digest().unwrap());
}

#[test]
fn the_document_says_what_each_station_sent_and_what_it_stands_as() {
    let document = result(submissions(), 0);
    let json: serde_json::Value = serde_json::from_slice(&document.canonical_bytes().unwrap()).unwrap();
    assert_eq!(json["schema"], RESULT_SCHEMA);
    assert_eq!(json["amendments_in_force"], 2);
    let station =
        |id: &str| json["stations"].as_array().unwrap().iter().find(|of| of["station"] == id).unwrap().clone();
    let contents = |id: &str| station(id)["contests"][0]["contents"].as_array().unwrap().clone();
    let standings =
        |id: &str| contents(id).iter().map(|of| of["standing"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(standings("north-001"), ["superseded", "counted"]);
    assert_eq!(contents("north-001")[1]["written"]["votes"]["river"], 501);
    assert_eq!(contents("north-004")[0]["rules"], serde_json::json!(["SUM_OF_VOTES_DIFFERS", "CONFIRMED_BY_DECISION"]));
    let mut contested = standings("south-001");
    contested.sort();
    assert_eq!(contested, ["annulled", "counted"]);
    assert_eq!(standings("south-003"), ["held"]);
    assert_eq!(station("south-001")["decisions"][0]["standing"], "counted");
    assert_eq!(json["figures"]["contests"][0]["seats"]["method"], "list");
    let text = String::from_utf8(document.canonical_bytes().unwrap()).unwrap();
    assert!(!text.contains("offset") && !text.contains("duplicate") && !text.contains("refused"));
}
