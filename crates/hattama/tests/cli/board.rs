//! The board during a night and after it, read as any browser would.

use super::common::{Place, QUICK, Running, hattama, wait_for};
use serde_json::Value;

#[test]
fn the_board_shows_the_last_publication_until_ctrl_c() {
    let place = Place::new();
    let mut command = place.rehearse("log");
    command.args(["--speed", QUICK, "--stay"]);
    let mut running = Running::start(command);
    let screen = running.lines_until("The board stays at ");
    let last = last_publication(&screen);

    let (_, figures) =
        wait_for("the last publication on the board", || running.newest().filter(|(number, _)| *number == last));
    let page = running.get("/?lang=en").expect("a page");
    let report = hattama().arg("recount").arg(place.path("log/export")).arg("--json").output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();

    assert!(page.contains("<strong>TEST</strong>"), "{page}");
    let shown = figures["contests"][0]["votes"]["options"].as_array().unwrap();
    let recounted = report["figures"]["contests"][0]["options"].as_array().unwrap();
    assert_eq!((shown.len(), recounted.len()), (4, 4));
    for (shown, recounted) in shown.iter().zip(recounted) {
        assert_eq!(shown["option"], recounted["option"]);
        assert_eq!(shown["votes"], recounted["votes"]);
        let votes = grouped(recounted["votes"].as_u64().unwrap());
        assert!(page.contains(&votes), "{votes} is not on the page:\n{page}");
    }

    let ended = running.interrupt();
    assert_eq!(ended.code(), Some(0));
}

/// The number in `publication 57 · 15 of 15 protocols counted …`.
fn last_publication(screen: &[String]) -> u64 {
    let line = screen.iter().find_map(|line| line.strip_prefix("publication ")).expect("a line with the publication");
    line.split(' ').next().unwrap().replace(',', "").parse().unwrap()
}

/// As English readers write it; figures of the small election are below a million.
fn grouped(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
