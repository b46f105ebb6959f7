//! A national service that cannot answer: one that catches up, one that is behind, one that finds an error.

use tonic::Code;

use crate::fake::night::Scene;
use crate::http::{Events, get, get_with};
use crate::{board_with, now};

#[tokio::test]
async fn while_the_national_service_catches_up_the_page_stays_says_so_and_does_not_go_back() {
    let night = board_with(Scene::counted(20, 2_000, now())).await;
    let mut events = Events::open(night.board).await;
    night.fake.publish(Scene { fails: Some(Code::Unavailable), ..Scene::counted(20, 2_000, now()) });
    events.until(|event| event["up"] == false).await;
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("has not answered since") && page.contains("stays on this page"), "{page}");
    assert!(page.contains("Publication No. 20") && page.contains("2,000 of 10,223 stations counted"), "{page}");

    // Another replica answers, and is behind.
    night.fake.publish(Scene::counted(18, 1_800, now()));
    let event = events.until(|event| event["up"] == true).await;
    assert_eq!(event["sequence"], 20);
    let page = get(night.board, "/?lang=en").await.body;
    assert!(page.contains("Publication No. 20") && page.contains("2,000 of 10,223 stations counted"), "{page}");

    night.fake.publish(Scene::counted(21, 2_100, now()));
    events.until(|event| event["sequence"] == 21).await;
}

#[tokio::test]
async fn an_error_about_an_older_publication_is_shown_as_one_and_later_as_later_in_every_language() {
    let night = board_with(Scene::counted(44, 8_412, now())).await;
    let later = [Code::Unavailable, Code::ResourceExhausted, Code::DeadlineExceeded].map(|code| (code, 503));
    let errors = [Code::Internal, Code::DataLoss, Code::Unknown, Code::Unimplemented].map(|code| (code, 502));
    for (code, status) in later.into_iter().chain(errors) {
        night.fake.publish(Scene { older_fails: Some(code), ..Scene::counted(44, 8_412, now()) });
        for (language, says_later, says_error) in [
            ("kk", "кейінірек қайта сұраңыз", "қатысты қате бар"),
            ("ru", "запросите её немного позже", "произошла ошибка"),
            ("en", "again a little later", "has an error with this older publication"),
        ] {
            let answer = get(night.board, &format!("/p/43.json?lang={language}")).await;
            let (said, not_said) = if status == 503 { (says_later, says_error) } else { (says_error, says_later) };
            assert_eq!(answer.status, status, "{code:?}");
            assert!(answer.body.contains(said) && !answer.body.contains(not_said), "{code:?}: {}", answer.body);
            assert!(!answer.body.contains("submissions"), "what the service says to its operator is not for readers");
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{code:?}");
            assert_eq!(answer.headers["content-language"], language);
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
    let preferred = get_with(night.board, "/p/43.json", "accept-language: ru\r\n").await;
    assert!(preferred.body.contains("произошла ошибка"), "{}", preferred.body);
}
