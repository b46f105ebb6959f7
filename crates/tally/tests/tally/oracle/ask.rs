//! Asks the oracle, one process for many worlds.

use super::{ours, world_json};
use crate::common::world::World;
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

const PYTHON: &str = "python3";

/// Whether there is a Python to ask. `HATTAMA_REQUIRE_PYTHON=1` says that there has to be one.
pub(super) fn is_there() -> bool {
    let found = Command::new(PYTHON).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = found.is_ok_and(|status| status.success());
    let required = std::env::var_os("HATTAMA_REQUIRE_PYTHON").is_some_and(|value| value == "1");
    assert!(there || !required, "HATTAMA_REQUIRE_PYTHON=1, and there is no {PYTHON} in the path: install it");
    if !there {
        // Straight to standard error: what a passing test prints is not shown otherwise.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there is no {PYTHON} in the path, so that the fold is not compared with the oracle"
        );
    }
    there
}

/// The first world that fold and oracle see differently, and where.
pub(super) fn first_difference(worlds: &[World]) -> Option<(usize, String)> {
    if worlds.is_empty() {
        return None;
    }
    let answers = oracle(worlds);
    worlds.iter().zip(&answers).enumerate().find_map(|(place, (world, theirs))| {
        let mut difference = String::new();
        describe("", &ours::result(world), theirs, &mut difference);
        (!difference.is_empty()).then_some((place, difference))
    })
}

fn oracle(worlds: &[World]) -> Vec<Value> {
    let question = json!({ "worlds": worlds.iter().map(world_json::world).collect::<Vec<_>>() }).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/oracle.py");
    let mut process = Command::new(PYTHON).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The oracle answers when it has read everything, so that writing all first blocks nobody.
    process.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    let answer = process.wait_with_output().unwrap();
    assert!(answer.status.success(), "the oracle failed: its message is above");
    let mut answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let Value::Array(results) = answer["results"].take() else { panic!("the oracle gave no results") };
    assert_eq!(results.len(), worlds.len());
    results
}

/// Every place where two values differ.
fn describe(path: &str, ours: &Value, theirs: &Value, into: &mut String) {
    if ours == theirs {
        return;
    }
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let of = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or(json!("absent"));
                describe(&format!("{path}/{key}"), &of(ours), &of(theirs), into);
            }
        }
        _ => *into += &format!("{path}: the fold says {ours}, the oracle {theirs}\n"),
    }
}
