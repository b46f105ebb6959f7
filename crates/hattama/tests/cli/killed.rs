//! A night that is killed goes on to the same result.

use super::common::{Place, Running, SLOW, wait_for};
use serde_json::Value;

#[test]
fn a_night_that_was_killed_twice_comes_to_the_result_of_an_undisturbed_one() {
    let place = Place::new();
    let undisturbed = place.night("undisturbed", &[]);

    play_until(&place, "a turnout report", |figures| sum(figures, "turnout_by_slot", "/reported") > 0);
    play_until(&place, "a counted protocol", protocols_counted);
    let gone_on = place.night("killed", &[]);

    assert_eq!(gone_on.result(), undisturbed.result());
    let run = gone_on.run();
    assert_eq!(run["went_on"], true);
    assert!(run["skipped"].as_u64().unwrap() > 0, "something was in the log: {}", run["skipped"]);
    assert!(run["submissions_logged"].as_u64().unwrap() > 0, "something was still to be sent");
}

#[test]
fn a_night_that_was_over_is_over_when_it_is_started_again() {
    let place = Place::new();
    let first = place.night("log", &[]);
    let second = place.night("log", &[]);
    assert_eq!(first.result(), second.result());
    assert_eq!(second.run()["went_on"], true);
    assert_eq!(second.run()["intruded"], 0, "what lies in the log is not written again");
    assert_eq!(first.run()["positions"], second.run()["positions"]);
}

#[test]
fn ctrl_c_stops_a_night_in_order_and_it_goes_on_to_the_same_result() {
    let place = Place::new();
    let undisturbed = place.night("undisturbed", &[]);

    let mut running = playing(&place, "a counted protocol", protocols_counted);
    let ended = running.interrupt();
    assert_eq!(ended.code(), Some(130), "not as a night that was over ends");

    let gone_on = place.night("killed", &[]);
    assert_eq!(gone_on.result(), undisturbed.result());
    assert!(gone_on.run()["skipped"].as_u64().unwrap() > 0, "what was in the log stayed there");
}

/// Plays until the board's newest publication has something, then kills.
fn play_until(place: &Place, what: &str, is_there: impl Fn(&Value) -> bool) {
    playing(place, what, is_there).kill();
}

/// A slow night that has come so far.
fn playing(place: &Place, what: &str, is_there: impl Fn(&Value) -> bool) -> Running {
    let mut command = place.rehearse("killed");
    command.args(["--speed", SLOW]);
    let running = Running::start(command);
    wait_for(what, || running.newest().filter(|(_, figures)| is_there(figures)));
    running
}

fn protocols_counted(figures: &Value) -> bool {
    sum(figures, "contests", "/stations/counted") > 0
}

fn sum(figures: &Value, list: &str, number: &str) -> u64 {
    let rows = figures[list].as_array().unwrap();
    rows.iter()
        .map(|row| row.pointer(number).and_then(Value::as_u64).unwrap_or_else(|| panic!("{number}: {row}")))
        .sum()
}
