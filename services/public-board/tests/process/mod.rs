//! The binary: its settings, what it serves, SIGTERM while readers wait, and that no vote leaves by a metric or a log line.

use std::net::SocketAddr;
use std::time::Duration;

use hattama_service_kit::clock::Clock;
use hattama_service_kit::listen;
use hattama_service_kit::testing::{Binary, PATIENCE, Running, holds, one_second_before_and_after};
use tonic::Code;

use crate::fake::Fake;
use crate::fake::night::{EMBARGO_SECONDS, Scene};
use crate::http::{Events, get};
use crate::{now, reading};

/// What the log says where the board is.
const LISTENS: &str = "the board listens";
/// Readers who wait for an older publication at the stop: so many are asked for at a time.
const WAITING: usize = 4;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_hattama-public-board"))
}

fn address_of(board: &Running) -> SocketAddr {
    board.address.parse().unwrap()
}

#[test]
fn help_names_every_setting_with_its_variable() {
    binary().assert_help_names_every_setting(&[
        "config",
        "listen",
        "national",
        "connections",
        "live-readers",
        "rehearsal-time",
        "admin-listen",
        "log",
        "log-format",
        "drain-seconds",
    ]);
}

#[test]
fn an_unknown_key_is_refused_and_a_flag_beats_the_environment_which_beats_the_file() {
    binary().assert_an_unknown_key_is_refused();
    binary().assert_a_flag_beats_the_environment_which_beats_the_file();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_its_page_and_its_metrics_without_a_national_service_and_ends_in_order_at_sigterm() {
    let board = binary().with(["--national", "http://127.0.0.1:9"]).start(LISTENS);
    assert!(get(address_of(&board), "/?lang=en").await.body.contains("<html lang=\"en\""));
    board.assert_alive_with_metrics("hattama_board_");
    let _said = board.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_whose_answers_are_under_way_at_sigterm_get_them_and_live_streams_end() {
    let fake = Fake::start(listen::local(0), Scene::counted(44, 8_412, now())).await;
    let board = binary().with(["--national", &fake.url()]).start(LISTENS);
    let address = address_of(&board);
    let mut events = Events::open(address).await;
    events.until(|event| event["sequence"] == 44).await;
    let held = fake.hold_older();
    let readers: Vec<_> = (0..WAITING).map(|_| tokio::spawn(get(address, "/p/43.json"))).collect();
    held.arrived(WAITING).await;

    board.terminate();
    while events.next().await.is_some() {}
    assert!(readers.iter().all(|reader| !reader.is_finished()), "answered before the national service did");
    held.release();
    for reader in readers {
        let answer = tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("\"sequence\":43"), "{}", answer.body);
    }
    let _said = board.ended();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "a connection was taken after the end");
}

/// Figures of a scene that are votes, and long enough not to be found by chance.
fn votes_of(scene: &Scene) -> Vec<u64> {
    let list = scene.result.as_ref().unwrap().contests[0].figures.as_ref().unwrap();
    let votes = list.votes.iter().copied().chain([list.votes_sum, list.votes_sum - list.against_all]);
    votes.filter(|votes| *votes > 1_000_000).collect()
}

/// Which of the votes stand in a text, as a program or as a reader would write them.
fn found(votes: &[u64], text: &str) -> Vec<u64> {
    let is_there = |votes: &u64| holds(text.as_bytes(), *votes) || text.contains(&reading::english(*votes));
    votes.iter().copied().filter(is_there).collect()
}

/// What readers see, once publication `sequence` is shown, and `/metrics`.
async fn everything(board: &Running, sequence: u64) -> (String, String) {
    let address = address_of(board);
    let shown = Events::open(address).await.until(|event| event["sequence"] == sequence).await;
    let mut seen = shown.to_string();
    for path in ["/?lang=en", "/?lang=en&fragment=1", "/latest", &format!("/p/{sequence}.json")] {
        seen += &get(address, path).await.body;
    }
    // The national service has an error with it.
    assert_eq!(get(address, &format!("/p/{}.json", sequence - 1)).await.status, 502);
    (seen, board.metrics_with(&["hattama_board_answers_not_shown_total{reason=\"error\"}"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_vote_is_shown_one_second_before_the_instant_and_none_is_ever_in_a_metric_or_a_log_line() {
    let open = Scene { older_fails: Some(Code::Internal), ..Scene::counted(31, 9_000, EMBARGO_SECONDS * 1_000) };
    let votes = votes_of(&open);
    assert!(votes.len() >= 3, "{votes:?}");
    // The national service flags its answers, and even leaks the votes: the board drops them.
    let fake = Fake::start(listen::local(0), open.clone().leaking_under_embargo()).await;
    let start = async |clock: Clock| {
        let time = clock.rehearsal_time().unwrap().to_string();
        fake.publish(open.clone().leaking_under_embargo());
        let filter = "info,hattama_public_board=trace,hattama_service_kit=trace";
        binary().with(["--national", &fake.url(), "--rehearsal-time", &time, "--log", filter]).start(LISTENS)
    };
    let mut looks = 0;
    let look = async |board: &Running| {
        looks += 1;
        if looks % 2 == 0 {
            // The embargo is over: the national service says the same without its flag, and another service contradicts it.
            fake.publish(open.clone());
            shows(board, votes[0]).await;
            let mut other = open.clone();
            other.result.as_mut().unwrap().publication.as_mut().unwrap().digest = vec![7; 32].into();
            fake.publish(other);
            let _page = board.metrics_with(&["reason=\"contradiction\""]);
        }
        everything(board, 31).await
    };
    let (board, before, after) = one_second_before_and_after(EMBARGO_SECONDS, start, look).await;
    assert!(found(&votes, &before.0).is_empty(), "{:?} one second before", found(&votes, &before.0));
    // Nobody shows the sum without those against all, which would tell them.
    assert_eq!(found(&votes, &after.0), votes[..votes.len() - 1], "one second after");
    let said = board.end();
    assert!(said.contains("two publications under one number"), "{said}");
    for text in [&before.1, &after.1, &said] {
        assert!(found(&votes, text).is_empty(), "{text}");
    }
}

/// Waits until the page shows so many votes.
async fn shows(board: &Running, votes: u64) {
    let shown = async {
        while !get(address_of(board), "/?lang=en").await.body.contains(&reading::english(votes)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("the votes are not shown");
}
