//! `--json`, and that the result is a function of the night alone.

use super::common::{AT_ONCE, Document, Place};
use hattama_election::{
    definition::sample,
    digest::{RecordDigest, sha256},
};
use hattama_rehearsal::script;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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

#[test]
fn the_schema_page_has_every_field_and_no_other() {
    let night = Place::new().night("log", &[]);
    let (result, run) = (&night.json["result"], night.run());
    let [of_result, of_contests, of_turnout, of_stations, of_contents, of_run] = &tables()[..] else {
        panic!("a table came or went: say here what it is of");
    };
    let (figures, stations) = (&result["figures"], all(&result["stations"]));
    let contests: Vec<&Value> = stations.iter().flat_map(|station| all(&station["contests"])).collect();
    let slots = stations.iter().flat_map(|station| all(&station["turnout"]));
    let contents: Vec<&Value> = contests.iter().copied().chain(slots).flat_map(|cell| all(&cell["contents"])).collect();
    assert_eq!(fields(&[figures]), ["contests", "turnout"].into());
    compare("result", of_result, &[result]);
    compare("figures.contests[]", of_contests, &all(&figures["contests"]));
    compare("figures.turnout[]", of_turnout, &all(&figures["turnout"]));
    compare("stations[]", of_stations, &stations);
    compare("contents[]", of_contents, &contents);
    compare("run", of_run, &[run]);
}

/// Fields whose keys are data: line meanings, options, rules, outcomes, shards.
const MAPS: [&str; 5] = ["lines", "votes", "refused_by_gateways", "positions", "seats"];

/// A table of the page: what its rows say of each field.
type Page = BTreeMap<String, String>;

/// The tables of the page in its order.
fn tables() -> Vec<Page> {
    let page = include_str!("../../../../docs/result-schema.md");
    let mut tables = Vec::new();
    for block in page.split("\n\n").filter(|block| block.starts_with("| field | meaning |\n|---|---|\n")) {
        let mut table = Page::new();
        for row in block.lines().skip(2) {
            let (names, meaning) = row.strip_prefix("| ").unwrap().split_once(" | ").unwrap();
            for name in quoted(names) {
                assert_eq!(table.insert(name.clone(), meaning.to_owned()), None, "{name} stands there twice");
            }
        }
        tables.push(table);
    }
    tables
}

/// What stands between backticks, without the brackets of a list.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("[]").to_owned()).collect()
}

fn all(list: &Value) -> Vec<&Value> {
    list.as_array().unwrap().iter().collect()
}

/// The fields that any of these has.
fn fields<'a>(objects: &[&'a Value]) -> BTreeSet<&'a str> {
    objects.iter().flat_map(|object| object.as_object().unwrap().keys()).map(String::as_str).collect()
}

/// The rows are the fields; a field with fields of its own names each of them.
fn compare(what: &str, page: &Page, objects: &[&Value]) {
    let written: BTreeSet<&str> = page.keys().map(String::as_str).collect();
    assert_eq!(fields(objects), written, "{what}: the document on the left, docs/result-schema.md on the right");
    for (name, meaning) in page.iter().filter(|(name, _)| !MAPS.contains(&name.as_str())) {
        let values = objects.iter().filter_map(|object| object.get(name));
        let inner: Vec<&Value> = values
            .flat_map(|value| value.as_array().map_or_else(|| vec![value], |list| list.iter().collect()))
            .filter(|value| value.is_object())
            .collect();
        let said = quoted(meaning);
        for field in fields(&inner) {
            assert!(said.iter().any(|name| name == field), "{what}: the row of `{name}` does not say `{field}`");
        }
    }
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
