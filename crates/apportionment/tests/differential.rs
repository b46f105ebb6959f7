//! The same elections in votelib, a Python library: seats and ties must agree.
//!
//! Runs where `python3 -c "import votelib"` works; `HATTAMA_PYTHON` names another interpreter, which must have it.
#![cfg(test)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use hattama_apportionment::*;

const PYTHON_VARIABLE: &str = "HATTAMA_PYTHON";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/votelib_seats.py");
/// Elections of each kind; half of each have small votes, where ties are frequent.
const CASES: u64 = 150;

struct Case {
    method: Method,
    seats: u32,
    votes: Vec<u64>,
}

#[test]
fn votelib_finds_the_same_seats_and_ties() {
    let Some(python) = python_with_votelib() else {
        say(&format!(
            "SKIPPED: python3 has no votelib; `pip install votelib` and name its python in {PYTHON_VARIABLE}"
        ));
        return;
    };
    let cases: Vec<Case> = (0..CASES)
        .flat_map(|seed| [Method::HareLargestRemainder, Method::DHondt].map(|method| case(method, seed)))
        .collect();
    let theirs = votelib(&python, &cases);
    assert_eq!(theirs.len(), cases.len(), "votelib answers each election");
    let mut ties = 0;
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = ours(case);
        assert_eq!(&ours, theirs, "{:?} {} seats {:?}", case.method, case.seats, case.votes);
        ties += u32::from(!ours.ends_with("| 0"));
    }
    assert!(ties >= 10, "only {ties} ties among the elections");
    say(&format!("votelib agrees in {} elections, {ties} of them with a tie", cases.len()));
}

/// Straight to standard error: a passing test's `eprintln!` is not shown.
fn say(line: &str) {
    writeln!(std::io::stderr(), "differential test: {line}").expect("standard error can be written");
}

/// An interpreter that has votelib; one named by the variable must have it.
fn python_with_votelib() -> Option<String> {
    let named = std::env::var(PYTHON_VARIABLE).ok();
    let python = named.clone().unwrap_or_else(|| "python3".to_string());
    let import = Command::new(&python).args(["-c", "import votelib"]).stderr(Stdio::null()).status();
    let found = import.is_ok_and(|status| status.success());
    assert!(found || named.is_none(), "{PYTHON_VARIABLE}={python} cannot import votelib");
    found.then_some(python)
}

fn votelib(python: &str, cases: &[Case]) -> Vec<String> {
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter that could import votelib starts");
    let input: String = cases.iter().map(line).collect();
    // The whole input is some 20 KB, below a pipe's 64 KB, so that writing it all before reading cannot block.
    assert!(input.len() < 60_000, "{} bytes do not fit into a pipe", input.len());
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("votelib reads");
    let output = child.wait_with_output().expect("votelib ends");
    assert!(output.status.success(), "votelib failed");
    String::from_utf8(output.stdout).expect("text").lines().map(normal).collect()
}

fn line(case: &Case) -> String {
    let method = if case.method == Method::DHondt { "dhondt" } else { "hare" };
    format!("{method} {} {}\n", case.seats, numbers(&case.votes))
}

fn ours(case: &Case) -> String {
    let options = (0..).zip(&case.votes).map(|(number, &votes): (u32, _)| ListOption::list(number.to_string(), votes));
    let input = ListInput { options: options.collect(), ..ListInput::default() };
    let allocation = allocate_lists(&rules(case), &input).expect("the figures can be worked with");
    let seats: Vec<u32> = allocation.options.iter().map(|option| option.seats).collect();
    let (tied, open) = match &allocation.outcome {
        Outcome::DecisionNeeded { tie } => (numbers(&tie.between), tie.seats),
        _ => (String::new(), 0),
    };
    normal(&format!("{} | {tied} | {open}", numbers(&seats)))
}

fn numbers<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// One space between words.
fn normal(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rules(case: &Case) -> ListRules {
    let source = || Source::new("for the test", Certainty::Assumed);
    ListRules {
        seats: case.seats,
        method: Sourced::new(case.method, source()),
        threshold: Threshold {
            numerator: 0,
            denominator: 1,
            source: source(),
            of: Sourced::new(Denominator::ValidWithoutAgainstAll, source()),
        },
        sole_list_rule: None,
        independents: None,
        tie: source(),
        no_list_over_threshold: source(),
    }
}

/// The same election for the same seed, on every machine.
fn case(method: Method, seed: u64) -> Case {
    let mut state = seed;
    let mut below = |limit: u64| {
        // splitmix64: small, and good enough to spread votes.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    };
    let largest = if seed.is_multiple_of(2) { 12 } else { 8_000_000_000 };
    let lists = 2 + below(7);
    let mut votes: Vec<u64> = (0..lists).map(|_| below(largest)).collect();
    votes[0] += 1; // somebody votes
    Case { method, seats: 1 + u32::try_from(below(100)).expect("below 100"), votes }
}
