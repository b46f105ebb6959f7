//! A log that was lost fills again: what stood published before stays on the page.

use std::time::Duration;

use hattama_proto::national::v1::{LostRecords, Restoring};
use hattama_public_board::start;
use hattama_service_kit::listen;
use hattama_service_kit::shutdown::Shutdown;

use crate::fake::{Fake, night::Scene};
use crate::http::get;
use crate::reading::{self, text_of};
use crate::{PATIENCE, board_with, config, now};

/// What stood published before the log was lost: 9,000 stations counted, in publication 2,903.
fn before_the_loss(restored_so_far: u64) -> Restoring {
    let before = Scene::counted(2_903, 9_000, now()).result.unwrap();
    Restoring {
        publication: before.publication,
        contests: before.contests,
        turnout: before.turnout,
        records: 36_411,
        records_back: restored_so_far,
        ..Restoring::default()
    }
}

#[tokio::test]
async fn while_a_lost_log_fills_again_the_last_publication_before_stays_on_the_page_in_every_language() {
    let mut scene = Scene::counted(3_904, 4_000, now());
    let result = scene.result.as_mut().unwrap();
    result.status = "restoring".into();
    result.restoring = Some(before_the_loss(16_205));
    let night = board_with(scene).await;
    for (language, headline, number, counted) in [
        ("en", "The log of results was lost and is being filled again", "No. 2,903", "9,000 of 10,223"),
        ("ru", "Журнал результатов был утрачен и заполняется заново", "№ 2\u{a0}903", "9\u{a0}000 из 10\u{a0}223"),
        ("kk", "Нәтижелер журналы жоғалып, қайта толтырылуда", "№ 2\u{a0}903", "9\u{a0}000"),
    ] {
        let page = text_of(&get(night.board, &format!("/?lang={language}")).await.body);
        for words in [headline, number, counted] {
            assert!(page.contains(words), "{language}: {words} is missing: {page}");
        }
    }
    let english = text_of(&get(night.board, "/?lang=en").await.body);
    assert!(english.contains("Of the 36,411 records that it stood on, 16,205 are back."), "{english}");
    assert!(english.contains("4,000 of 10,223 stations counted"), "what is counted again is there too");
}

#[tokio::test]
async fn what_was_published_before_the_loss_is_on_the_page_before_anything_is_published_again() {
    let mut scene = Scene::nothing_yet();
    scene.election.restoring = Some(before_the_loss(0));
    let fake = Fake::start(listen::local(0), scene).await;
    let shutdown = Shutdown::new();
    let board = start(config(fake.url()), shutdown.clone()).await.unwrap().address;
    let shown = async {
        loop {
            let page = text_of(&get(board, "/?lang=en").await.body);
            if page.contains("publication No. 2,903") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let page = tokio::time::timeout(PATIENCE, shown).await.expect("the figures before the loss never came");
    assert!(page.contains("9,000 of 10,223") && page.contains("Nothing is published yet"), "{page}");
    drop(fake);
}

#[tokio::test]
async fn votes_before_the_loss_wait_for_the_embargo_too() {
    let mut scene = Scene::counted(3_904, 4_000, now());
    let mut before = before_the_loss(1);
    for contests in [&mut scene.result.as_mut().unwrap().contests, &mut before.contests] {
        contests.iter_mut().for_each(|contest| contest.embargoed = true);
    }
    let votes = before.contests[0].figures.as_ref().unwrap().votes_sum;
    scene.result.as_mut().unwrap().restoring = Some(before);
    let night = board_with(scene).await;
    let page = text_of(&get(night.board, "/?lang=en").await.body);
    assert!(page.contains("publication No. 2,903"));
    assert!(!page.contains(&reading::english(votes)), "{page}");
}

#[tokio::test]
async fn what_was_given_up_is_said_while_it_is_restored_and_ever_after_in_every_language() {
    let mut scene = Scene::counted(3_904, 4_000, now());
    let given_up = Restoring { records_lost: 411, lost_by_amendments: vec![3, 4], ..before_the_loss(16_205) };
    scene.result.as_mut().unwrap().restoring = Some(given_up);
    let night = board_with(scene).await;
    for (language, words) in [
        ("en", "By decision (amendment No. 3, 4) 411 will not come again."),
        ("ru", "Уже не вернутся по решению (изменение № 3, 4): 411."),
        ("kk", "Шешім бойынша (№ 3, 4 өзгеріс) енді қайтпайды: 411."),
    ] {
        let page = text_of(&get(night.board, &format!("/?lang={language}")).await.body);
        assert!(page.contains(words), "{language}: {page}");
    }

    let mut scene = Scene::counted(3_905, 9_000, now());
    let lost = |generation, records, records_back| LostRecords {
        generation,
        records,
        records_back,
        amendments: vec![3],
        authors: vec!["operator".into()],
    };
    scene.result.as_mut().unwrap().lost_records = vec![lost(1, 411, 11), lost(2, 7, 7)];
    let night = board_with(scene).await;
    for (language, words) in [
        ("en", "By decision (amendment No. 3, operator) 400 of its records will not come again"),
        ("ru", "Его записи, которые по решению (изменение № 3, operator) уже не вернутся: 400."),
        ("kk", "Шешім бойынша (№ 3 өзгеріс, operator) енді қайтпайтын жазбалары: 400."),
    ] {
        let page = text_of(&get(night.board, &format!("/?lang={language}")).await.body);
        assert_eq!(page.matches(words).count(), 1, "{language}: {page}");
        assert_eq!(page.matches("operator").count(), 1, "what all came again is not missing: {language}: {page}");
    }
    let json: serde_json::Value = serde_json::from_str(&get(night.board, "/p/3905.json").await.body).unwrap();
    assert_eq!(json["lost_records"][0]["records"], 411);
    assert_eq!(json["lost_records"][0]["amendments"][0], 3);
}
