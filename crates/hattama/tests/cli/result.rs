//! `--json`, and that the result is a function of the night alone.

use super::common::{AT_ONCE, Document, Place};
use hattama_election::{
    definition::sample,
    digest::{RecordDigest, sha256},
};
use hattama_rehearsal::script;
use serde_json::{Value, json};

#[test]
fn one_seed_has_one_result_whatever_the_number_of_services_and_two_seeds_differ() {
    let place = Place::new();
    let one = place.night("one", &["--aggregators", "1", "--gateways", "1"]);
    let again = place.night("again", &["--aggregators", "1", "--gateways", "1"]);
    let three = place.night("three", &["--aggregators", "3", "--gateways", "3"]);
    let other = place.night("other", &["--seed", "7"]);
    assert_eq!(one.result(), again.result());
    assert_eq!(one.result(), three.result());
    assert_ne!(one.result(), other.result());
    assert_eq!(three.run()["aggregators"], 3);
}

#[test]
fn a_night_in_which_everything_comes_at_once_has_the_same_result() {
    let place = Place::new();
    let quick = place.night("quick", &["--seed", "1"]);
    let at_once = place.night_at(AT_ONCE, "at-once", &["--seed", "1"]);
    assert_eq!(quick.result(), at_once.result());
    // A key that comes before its amendment is refused for a moment; the node comes again, and is not refused in the end.
    assert_eq!(quick.run()["refused_by_gateways"], at_once.run()["refused_by_gateways"]);
}

#[test]
fn the_document_has_schema_result_and_run_and_the_result_has_the_digest_that_the_recount_says() {
    let night = Place::new().night("log", &[]);
    let fields: Vec<&String> = night.json.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["result", "run", "schema"], "sorted by the parser");
    assert_eq!(night.json["schema"], "hattama/rehearsal/1");
    assert_eq!(night.json["result"]["schema"], "hattama/result/1");
    assert_eq!(night.run()["recount"]["verdict"], "MATCH");
    assert_eq!(night.run()["went_on"], false);
    let digest = RecordDigest(sha256(compact(night.result()).as_bytes())).to_string();
    assert_eq!(night.run()["recount"]["result_digest"], digest);
}

#[test]
fn what_intruders_write_past_the_gateways_is_refused_and_disturbs_no_total() {
    let night = Place::new().night("log", &[]);
    let run = night.run();
    assert_eq!(run["intruded"], 5);
    assert_eq!(run["recount"]["counts"]["submissions_refused"], 5);
    // Garbage; a forged signature and a turnout report presented as a protocol; another election's; a copy elsewhere.
    for (rule, records) in [("MALFORMED", 1), ("BAD_SIGNATURE", 2), ("FOREIGN_ELECTION", 1), ("WRONG_SHARD", 1)] {
        assert_eq!(run["history"]["by_rule"][rule], records, "{rule} in {}", run["history"]);
    }
    let refused = json!({
        "BAD_SIGNATURE": 1, "COUNT_OUT_OF_RANGE": 1, "FOREIGN_ELECTION": 1, "OPTIONS_MISMATCH": 1, "UNKNOWN_STATION": 1
    });
    assert_eq!(run["refused_by_gateways"], refused);
    assert_eq!(run["surprises"], json!([]));
    assert_eq!(votes(&night), votes_of_the_script(2023));
}

/// Votes by contest and option, against all last.
fn votes(night: &Document) -> Vec<Vec<u64>> {
    let contests = night.json["result"]["figures"]["contests"].as_array().unwrap();
    let of = |contest: &Value| {
        let options = contest["options"].as_array().unwrap().iter().map(|option| &option["votes"]);
        options.chain([&contest["against_all"]]).map(|votes| votes.as_u64().unwrap()).collect()
    };
    contests.iter().map(of).collect()
}

fn votes_of_the_script(seed: u64) -> Vec<Vec<u64>> {
    let script = script::small(&sample::definition(), seed).unwrap();
    let of = |contest: &script::ExpectedContest| [contest.votes.as_slice(), &[contest.against_all]].concat();
    script.expected.contests.iter().map(of).collect()
}

/// The same JSON without the white space between its signs.
fn compact(pretty: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::new(), false, false);
    for sign in pretty.chars() {
        if quoted || !sign.is_whitespace() {
            text.push(sign);
        }
        quoted ^= sign == '"' && !escaped;
        escaped = sign == '\\' && !escaped;
    }
    text
}
