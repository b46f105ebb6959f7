//! Kazakhstan, 19 March 2023: the official figures and seats.

use hattama_apportionment::*;

use crate::common::{allocate, complete, kazakhstan};

fn figures() -> ListInput {
    let votes = [
        ("amanat", 3_431_510),
        ("auyl", 693_938),
        ("respublica", 547_154),
        ("aq_jol", 535_139),
        ("qhp", 432_920),
        ("jsdp", 331_058),
        ("baytaq", 146_431),
    ];
    let options = votes.map(|(id, votes)| ListOption::list(id, votes)).to_vec();
    ListInput { options, against_all: Some(248_291), ..ListInput::default() }
}

#[test]
fn the_official_seats_come_out() {
    assert_eq!(complete(&kazakhstan(), &figures()), [40, 8, 6, 6, 5, 4, 0]);
}

#[test]
fn the_quota_and_the_two_remainder_seats_are_the_known_ones() {
    let allocation = allocate(&kazakhstan(), &figures());
    assert_eq!(allocation.threshold_number, 6_366_441);
    assert_eq!(allocation.quota, Some(Quota { votes: 5_971_719, seats: 69 }));
    let by_remainder: Vec<(String, u32)> = allocation
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::RemainderSeat { option, rank, .. } => Some((option.to_string(), *rank)),
            _ => None,
        })
        .collect();
    assert_eq!(by_remainder, [("jsdp".to_string(), 1), ("amanat".to_string(), 2)]);
}

#[test]
fn each_remainder_says_whom_it_beat_and_by_how_much() {
    let allocation = allocate(&kazakhstan(), &figures());
    // 331,058 × 69 = 22,843,002 = 3 × 5,971,719 + 4,927,845, and so on.
    let jsdp = allocation.options[5].share.clone().unwrap();
    assert_eq!((jsdp.whole_seats, jsdp.remainder, jsdp.rank), (3, 4_927_845, 1));
    let amanat = allocation.options[0].share.clone().unwrap();
    assert_eq!((amanat.whole_seats, amanat.remainder, amanat.rank), (39, 3_877_149, 2));
    assert!(allocation.steps.contains(&Step::RemainderSeat {
        option: "jsdp".into(),
        rank: 1,
        remainder: 4_927_845,
        of: 5_971_719,
        ahead_of: Some(NextRemainder { option: "amanat".into(), remainder: 3_877_149, by: 4_927_845 - 3_877_149 }),
    }));
    let respublica = allocation.options[2].share.clone().unwrap();
    let by = 3_877_149 - respublica.remainder;
    assert_eq!(respublica.verdict, RemainderVerdict::Lost { to: "amanat".into(), by });
    assert!(allocation.options[6].share.is_none(), "a list below the threshold has no share");
}

#[test]
fn the_threshold_shows_both_products() {
    let allocation = allocate(&kazakhstan(), &figures());
    let hurdle = |index: usize| allocation.options[index].hurdle;
    assert_eq!(hurdle(5), Hurdle { have: 33_105_800, need: 31_832_205, passed: true });
    assert_eq!(hurdle(6), Hurdle { have: 14_643_100, need: 31_832_205, passed: false });
}

#[test]
fn dhondt_would_give_other_seats() {
    let mut rules = kazakhstan();
    rules.method.value = Method::DHondt;
    assert_eq!(complete(&rules, &figures()), [41, 8, 6, 6, 5, 3, 0]);
}

#[test]
fn sainte_lague_happens_to_give_the_official_seats() {
    let mut rules = kazakhstan();
    rules.method.value = Method::SainteLague;
    assert_eq!(complete(&rules, &figures()), [40, 8, 6, 6, 5, 4, 0]);
}

#[test]
fn leaving_out_against_all_would_change_nothing() {
    let sensitivity = allocate(&kazakhstan(), &figures()).sensitivity;
    assert_eq!(sensitivity.len(), 1, "took part is unknown, the third is in force");
    assert_eq!(sensitivity[0].denominator, Denominator::ValidWithoutAgainstAll);
    assert_eq!(sensitivity[0].number, 6_118_150);
    assert!(sensitivity[0].passes_changed.is_empty() && sensitivity[0].seats_changed.is_empty());
}

#[test]
fn the_output_says_each_article_and_how_sure_it_is() {
    let json = serde_json::to_value(allocate(&kazakhstan(), &figures())).unwrap();
    assert_eq!(json["rules"]["threshold"]["source"]["certainty"], "press");
    assert_eq!(json["rules"]["threshold"]["of"]["source"]["certainty"], "derived");
    assert_eq!(json["steps"][0]["step"], "threshold");
    assert_eq!(json["steps"][0]["of"], "valid_including_against_all");
    assert_eq!(json["steps"][0]["law"]["article"], "5% since 2021");
    assert_eq!(json["steps"][0]["of_law"]["article"], "four regional contests of the same day");
    assert_eq!(json["rules"]["sole_list_rule"]["source"]["article"], "the next party gets at least two seats");
    assert_eq!(json["rules"]["sole_list_rule"]["source"]["certainty"], "press");
    assert_eq!(json["rules"]["method"]["source"]["certainty"], "older");
    for rule in ["tie", "no_list_over_threshold"] {
        assert_eq!(json["rules"][rule], serde_json::json!({"article": "no law found", "certainty": "assumed"}));
    }
    assert_eq!(json["outcome"]["outcome"], "complete");
    assert_eq!(json["outcome"]["seats"][0], serde_json::json!({"option": "amanat", "seats": 40}));
    assert_eq!(json["options"][5]["share"]["verdict"]["verdict"], "won");
}
