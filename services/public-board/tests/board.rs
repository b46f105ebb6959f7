//! The board as a whole: a national service with canned figures behind it, readers over HTTP before it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its helpers fail")]

mod fake;
mod http;
mod process;
mod reading;
mod restoring;
mod trouble;

use std::net::SocketAddr;
use std::time::Duration;

use fake::Fake;
use fake::night::{STATIONS, Scene};
use hattama_public_board::{Config, start};
use hattama_service_kit::clock::Clock;
use hattama_service_kit::listen;
use hattama_service_kit::shutdown::{Cause, Shutdown};
use http::{Events, get, get_with};
use reading::{allowed_numbers, numbers_of, text_of};

const PATIENCE: Duration = Duration::from_secs(30);
const LARGEST_FIRST_LOAD_BYTES: usize = 100 << 10;

struct Night {
    fake: Fake,
    board: SocketAddr,
    shutdown: Shutdown,
}

fn config(national: String) -> Config {
    Config::new(listen::local(0), national, Clock::system())
}

fn now() -> i64 {
    Clock::system().now_utc_milliseconds()
}

/// A board that already shows the scene's publication.
async fn board_with(scene: Scene) -> Night {
    let sequence = scene.result.as_ref().unwrap().publication.as_ref().unwrap().sequence;
    let fake = Fake::start(listen::local(0), scene).await;
    let shutdown = Shutdown::new();
    let board = start(config(fake.url()), shutdown.clone()).await.unwrap().address;
    let night = Night { fake, board, shutdown };
    night.shows(sequence).await;
    night
}

impl Night {
    async fn shows(&self, sequence: u64) {
        Events::open(self.board).await.until(|event| event["sequence"] == sequence).await;
    }
}

#[tokio::test]
async fn every_number_on_the_page_is_of_the_publication() {
    for counted in [1, 31, 4_096, 8_412, STATIONS - 1, STATIONS] {
        let scene = Scene::counted(2_903, counted, now());
        let allowed = allowed_numbers(&scene);
        let night = board_with(scene).await;
        let page = get(night.board, "/?lang=en").await;
        let numbers = numbers_of(&text_of(&page.body));
        assert!(numbers.len() > 100, "only {} different numbers were found", numbers.len());
        for number in numbers {
            assert!(allowed.contains(&number), "{counted} counted: `{number}` is not of the publication");
        }
    }
}

#[tokio::test]
async fn the_full_night_shows_the_published_result() {
    let night = board_with(Scene::counted(4_127, STATIONS, now())).await;
    let russian = text_of(&get(night.board, "/?lang=ru").await.body);
    for words in
        ["3\u{a0}431\u{a0}510", "53,90\u{a0}%", "6\u{a0}366\u{a0}441", "54,19\u{a0}%", "52,90\u{a0}%", "ниже порога"]
    {
        assert!(russian.contains(words), "{words} is missing");
    }
    let english = text_of(&get(night.board, "/?lang=en").await.body);
    for words in ["All protocols are counted", "3,431,510", "53.90\u{a0}%", "69 of 69", "unknown", "nothing is open"] {
        assert!(english.contains(words), "{words} is missing");
    }
    assert!(!english.contains("Preliminary result"));
}

#[tokio::test]
async fn a_count_is_never_rounded_to_nothing_or_to_all() {
    for (counted, share) in [(1, "<1\u{a0}%"), (STATIONS - 1, ">99\u{a0}%")] {
        let night = board_with(Scene::counted(7, counted, now())).await;
        let page = text_of(&get(night.board, "/?lang=en").await.body);
        assert!(page.contains(share), "{counted} of {STATIONS}: {share} is missing");
        assert!(page.contains("Preliminary result"));
    }
}

#[tokio::test]
async fn every_table_and_figure_is_marked_as_a_synthetic_test_in_every_language() {
    let night = board_with(Scene::counted(2_903, 8_412, now())).await;
    for (language, test, synthetic) in
        [("kk", "СЫНАҚ", "СИНТЕТИКАЛЫҚ"), ("ru", "ТЕСТ", "СИНТЕТИЧЕСКИЕ"), ("en", "TEST", "SYNTHETIC")]
    {
        let page = get(night.board, &format!("/?lang={language}")).await.body;
        let mut marked = 0;
        for (start, end) in
            [("<caption", "</caption>"), ("<figcaption", "</figcaption>"), ("<div class=\"card\"", "</div>")]
        {
            for part in page.split(start).skip(1) {
                let part = part.split(end).next().unwrap();
                assert!(part.contains(test) && part.contains(synthetic), "{language}: without a mark: {part}");
                marked += 1;
            }
        }
        let tables = page.matches("<table").count();
        assert_eq!(page.matches("<caption").count(), tables, "a table without a caption");
        assert_eq!(page.matches("<figcaption").count(), page.matches("<figure").count());
        assert!(tables >= 7 && marked > tables, "{tables} tables, {marked} marks");
        assert!(page.contains("class=\"banner\""));
    }
}

#[tokio::test]
async fn a_real_election_has_no_marks_and_a_recorded_one_says_so() {
    let mut scene = Scene::counted(5, 100, now());
    scene.election.purpose = "official".into();
    scene.election.provenance = "live".into();
    let real = get(board_with(scene.clone()).await.board, "/?lang=en").await.body;
    assert!(!real.contains("class=\"mark") && !real.contains("class=\"banner\""));

    scene.election.purpose = "rehearsal".into();
    scene.election.provenance = "recorded".into();
    let recorded = get(board_with(scene).await.board, "/?lang=en").await.body;
    assert!(recorded.contains("mark recorded\">RECORDED") && !recorded.contains("SYNTHETIC"));
}

#[tokio::test]
async fn votes_under_embargo_are_on_no_page_and_in_no_cache() {
    let open = Scene::counted(640, 812, now());
    let figures = open.result.as_ref().unwrap().contests[0].figures.clone().unwrap();
    let hidden: Vec<u64> = figures.votes.iter().copied().chain([figures.against_all, figures.votes_sum]).collect();
    let leader = open.result.as_ref().unwrap().contests[2].figures.as_ref().unwrap().leader_votes;
    let night = board_with(open.clone().leaking_under_embargo()).await;

    for path in ["/?lang=en", "/?lang=en&fragment=1"] {
        let page = get(night.board, path).await.body;
        assert!(page.contains("Votes are not shown before 19 March 2023, 21:00 (UTC+06:00)"));
        let shown = numbers_of(&text_of(&page));
        assert!(shown.contains("812"), "the stations are shown under embargo, too");
        for votes in hidden.iter().chain([&leader]) {
            assert!(!shown.contains(&reading::english(*votes)), "{votes} is shown");
        }
        assert!(!page.contains("Candidate 3-"), "a leader is shown");
    }
    let json = get(night.board, "/p/640.json").await;
    assert_eq!(json.headers["cache-control"], "no-store");
    let older = get(night.board, "/p/639.json").await;
    assert_eq!((older.status, older.headers["cache-control"].as_str()), (200, "no-store"));
    for body in [json.body, older.body] {
        for votes in &hidden {
            assert!(!body.contains(&format!(":{votes}")), "{votes} is in the JSON");
        }
    }

    // The embargo ends without a new publication: the board looks again and shows the votes.
    let mut events = Events::open(night.board).await;
    let before = events.next().await.unwrap()["edition"].clone();
    night.fake.publish(open);
    events.until(|event| event["edition"] != before).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(numbers_of(&text_of(&page)).contains(&reading::english(hidden[0])));
    assert!(get(night.board, "/p/640.json").await.headers["cache-control"].contains("immutable"));
}

#[tokio::test]
async fn a_reader_is_told_of_a_new_publication_and_finds_it() {
    let night = board_with(Scene::counted(10, 1_000, now())).await;
    let mut events = Events::open(night.board).await;
    assert_eq!(events.next().await.unwrap()["sequence"], 10);

    night.fake.publish(Scene::counted(11, 1_100, now()));
    let event = events.until(|event| event["sequence"] == 11).await;
    assert_eq!(event["up"], true);
    let fragment = get(night.board, "/?lang=en&fragment=1").await.body;
    assert!(fragment.contains("Publication No. 11") && fragment.contains("1,100 of 10,223 stations counted"));
    assert!(fragment.contains(&format!("data-edition=\"{}\"", event["edition"])));
    assert!(!fragment.contains("<html"), "a fragment is no document");
}

#[tokio::test]
async fn a_national_service_that_goes_away_leaves_the_last_page_with_a_notice() {
    let published = now() - 90_000;
    let night = board_with(Scene::counted(20, 2_000, published)).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("updated 9") && !page.contains("has not answered"), "90 s old when it came");
    let (address, mut events) = (night.fake.address, Events::open(night.board).await);

    night.fake.stop().await;
    events.until(|event| event["up"] == false).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("has not answered since") && page.contains("stays on this page"));
    assert!(page.contains("Publication No. 20") && page.contains("2,000 of 10,223 stations counted"));

    let again = Fake::start(address, Scene::counted(21, 2_100, now())).await;
    events.until(|event| event["up"] == true && event["sequence"] == 21).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("Publication No. 21") && !page.contains("has not answered"));
    again.stop().await;
}

#[tokio::test]
async fn a_board_starts_without_a_national_service_and_before_the_first_publication() {
    let free = listen::bind(listen::local(0)).await.unwrap().local_addr().unwrap();
    let board = start(config(format!("http://{free}")), Shutdown::new()).await.unwrap().address;
    let page = get(board, "/?lang=en").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Nothing is published yet") && page.body.contains("has not answered since"));
    assert_eq!(get(board, "/latest").await.status, 404);
    assert_eq!(get(board, "/p/1.json").await.status, 404);

    let mut events = Events::open(board).await;
    let fake = Fake::start(free, Scene::nothing_yet()).await;
    events.until(|event| event["up"] == true).await;
    let page = get(board, "/?lang=en").await.body;
    assert!(page.contains("Nothing is published yet") && !page.contains("has not answered"));
    assert!(page.contains("class=\"banner\""), "a rehearsal says so before its first publication");
    fake.publish(Scene::counted(1, 3, now()));
    events.until(|event| event["sequence"] == 1).await;
}

#[tokio::test]
async fn the_list_of_stations_is_left_out_when_it_is_of_another_publication() {
    let mut scene = Scene::counted(30, 5_000, now());
    scene.open_of_another = Some(29);
    let night = board_with(scene).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("The list of stations is not available for this publication"));
    assert!(!page.contains("SUM_OF_VOTES_DIFFERS"));
    assert!(page.contains("5,000 of 10,223 stations counted"));
}

#[tokio::test]
async fn frozen_shards_and_other_control_positions_are_named() {
    let mut scene = Scene::counted(31, 5_000, now());
    let result = scene.result.as_mut().unwrap();
    result.frozen_shards = vec![7, 19];
    result.shards_at_other_control = vec![3];
    result.status = "restoring".into();
    let night = board_with(scene).await;
    let page = text_of(&get(night.board, "/?lang=en").await.body);
    assert!(page.contains("a check failed: 7, 19."));
    assert!(page.contains("than the nation: 3."));
    assert!(page.contains("19 of 21 tallies were checked"));
    assert!(page.contains("The results are being restored"));
}

#[tokio::test]
async fn the_page_is_complete_without_scripts_and_small() {
    let night = board_with(Scene::counted(2_903, 5_412, now())).await;
    for language in ["kk", "ru", "en"] {
        let page = get(night.board, &format!("/?lang={language}")).await.body;
        assert!(page.contains(r#"<noscript><meta http-equiv="refresh" content="15"></noscript>"#));
        assert!(page.contains(&format!("<html lang=\"{language}\">")));
        for id in ["h-status", "h-majilis-list", "h-turnout", "h-districts", "h-open", "h-check"] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{language}: no {id}");
        }
        // The policy forbids both, so a browser would drop them.
        assert!(!page.contains(" style=") && !page.contains("<style"), "{language}: an inline style");
        assert!(!page.contains("://"), "{language}: something from elsewhere");
        assert_eq!(page.matches("<script").count(), 1);

        let paths: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert_eq!(paths.len(), 3);
        let mut first_load = page.len();
        for path in &paths {
            let asset = get(night.board, path).await;
            assert_eq!((asset.status, asset.headers["cache-control"].contains("immutable")), (200, true));
            first_load += asset.body.len();
        }
        assert!(first_load < LARGEST_FIRST_LOAD_BYTES, "{language}: {first_load} bytes");
    }
}

#[tokio::test]
async fn every_answer_has_the_strict_policy() {
    let night = board_with(Scene::counted(1, 10, now())).await;
    for path in ["/", "/latest", "/p/1.json", "/p/999.json", "/p/x", "/assets/none.css", "/nothing"] {
        let answer = get(night.board, path).await;
        let policy = &answer.headers["content-security-policy"];
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn the_language_follows_the_address_then_the_browser() {
    let night = board_with(Scene::counted(1, 10, now())).await;
    let english = get_with(night.board, "/", "accept-language: en-GB,en;q=0.8\r\n").await;
    assert!(english.body.contains("<html lang=\"en\">"));
    assert_eq!(english.headers["content-language"], "en");
    assert_eq!(english.headers["vary"], "accept-language");
    let russian = get_with(night.board, "/?lang=ru", "accept-language: en\r\n").await;
    assert!(russian.body.contains("<html lang=\"ru\">"));
    assert!(get(night.board, "/").await.body.contains("<html lang=\"kk\">"));
}

#[tokio::test]
async fn a_publication_is_there_as_json_for_ever() {
    let night = board_with(Scene::counted(44, 8_412, now())).await;
    let latest: serde_json::Value = serde_json::from_str(&get(night.board, "/latest").await.body).unwrap();
    assert_eq!((&latest["sequence"], &latest["digest"]), (&44.into(), &"2c".repeat(32).into()));

    let answer = get(night.board, "/p/44.json").await;
    assert!(answer.headers["cache-control"].contains("immutable"));
    let figures: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(figures["publication"]["digest"], latest["digest"]);
    assert_eq!(figures["election"]["provenance"], "generated");
    assert_eq!(figures["contests"][0]["stations"]["counted"], 8_412);
    assert_eq!(figures["contests"][0]["votes"]["options"][0]["option"], "amanat");
    assert_eq!(figures["contests"][0]["votes"]["options"][0]["seats"], 40);
    assert_eq!(figures["turnouts"][1]["numerator"], serde_json::Value::Null, "unknown is not zero");
    assert_eq!(figures["contests"].as_array().unwrap().len(), 30);

    let older: serde_json::Value = serde_json::from_str(&get(night.board, "/p/43.json").await.body).unwrap();
    assert_eq!(older["publication"]["sequence"], 43);
    assert_eq!(get(night.board, "/p/2.json").await.status, 404);
    assert_eq!(get(night.board, "/p/45.json").await.status, 404);
}

#[tokio::test]
async fn too_many_live_readers_are_told_to_come_again_later() {
    let fake = Fake::start(listen::local(0), Scene::counted(1, 10, now())).await;
    let config = Config { live_readers: 2, ..config(fake.url()) };
    let board = start(config, Shutdown::new()).await.unwrap().address;
    let (first, second) = (Events::open(board).await, Events::open(board).await);
    assert_eq!((first.status, second.status), (200, 200));
    let refused = get(board, "/events").await;
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(get(board, "/?lang=en").await.status, 200, "the page is still there for them");
}

#[tokio::test]
async fn a_stop_ends_live_readers_and_drains() {
    let night = board_with(Scene::counted(1, 10, now())).await;
    let mut events = Events::open(night.board).await;
    events.next().await.unwrap();
    night.shutdown.request(Cause::Asked("the test is over"));
    while events.next().await.is_some() {}
    let drain = night.shutdown.drain(PATIENCE).await;
    assert_eq!((drain.tasks_left, drain.exit_code()), (0, 0));
}
