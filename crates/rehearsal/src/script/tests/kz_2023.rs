//! The night of 19 March 2023 in its real size.

use super::{
    super::{Action, Event, Fate, Incident, Script, Signer, night},
    folding::{assert_as_expected, fold, records, shuffled},
    of_incident,
};
use crate::{
    facts::Facts,
    night::{candidates_by_district, station_facts, truth},
    registers,
};
use hattama_election::{
    definition::{Definition, DefinitionFiles},
    rules::{RuleCode, content},
    submission::{Kind, SubmissionBody},
};
use hattama_tally::Outcome;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

/// The real night's size: made once, since it takes seconds.
static KZ_2023: LazyLock<(Arc<Definition>, Script)> = LazyLock::new(|| {
    let facts = Facts::embedded().unwrap();
    let generated = registers::definition(&facts).unwrap();
    let files = generated.files.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into_bytes())).collect();
    let definition = Definition::load(&DefinitionFiles::new(files)).unwrap();
    let candidates = candidates_by_district(&facts, &generated.layout);
    let truth = truth(&station_facts(&generated.layout), &candidates, &facts, 1).unwrap();
    let script = night(&definition, &truth, 1).unwrap();
    (Arc::new(definition), script)
});

/// The rules that fire on the figures of a protocol.
fn codes(definition: &Definition, event: &Event) -> BTreeSet<RuleCode> {
    let Action::Send { body: SubmissionBody::Protocol(protocol), .. } = &event.action else { return BTreeSet::new() };
    let (_, contest) = definition.contest(&protocol.content.contest).unwrap();
    let (_, station) = definition.station(&protocol.content.station).unwrap();
    let violations = content::protocol(definition.form_of(station, contest), &protocol.content, &BTreeSet::new());
    violations.into_iter().map(|violation| violation.code).collect()
}

#[test]
fn a_decision_comes_long_after_what_it_rules_on_and_a_new_key_after_its_amendment() {
    let (definition, script) = &*KZ_2023;
    let mut sent = BTreeMap::new();
    for event in &script.events {
        let Action::Send { signer, body } = &event.action else { continue };
        let is_new_key = matches!(signer, Signer::StationWithNewKey(_));
        if is_new_key {
            let amendment = of_incident(script, Incident::KeyReplaced)[0];
            assert!(event.at.0 >= amendment.at.0 + 3_600);
        }
        if let SubmissionBody::Decision(decision) = body {
            let targets: Vec<_> = match &decision.content.ruling {
                hattama_election::decision::Ruling::Confirm { content, .. }
                | hattama_election::decision::Ruling::Annul { content, .. } => vec![*content],
                hattama_election::decision::Ruling::Choose { chosen, set_aside, .. } => {
                    [&[*chosen], set_aside.as_slice()].concat()
                }
                other => panic!("{other:?}"),
            };
            for target in targets {
                assert!(event.at.0 >= sent[&target] + 15 * 60, "{:?}", event.why);
            }
        } else if event.why != Incident::Repeated && event.why != Incident::WrongShard {
            sent.entry(body.content_digest()).or_insert(event.at.0);
        }
    }
    let new_key = |event: &&Event| matches!(&event.action, Action::Send { signer: Signer::StationWithNewKey(_), .. });
    assert!(script.events.iter().filter(new_key).count() >= 2, "its protocols at least");
    assert_eq!(definition.stations.len(), 10_223);
}

#[test]
fn what_goes_wrong_is_what_the_incident_says() {
    let (definition, script) = &*KZ_2023;
    let first = |incident| {
        let of_it = of_incident(script, incident).into_iter();
        of_it.filter(|event| event.fate == Fate::Stands(Outcome::Superseded)).map(|event| codes(definition, event))
    };
    let held = [RuleCode::SumOfVotesDiffers, RuleCode::FoundDiffersFromCounted, RuleCode::FoundExceedsIssued];
    assert!(first(Incident::SumWrong).all(|codes| held.iter().any(|code| codes.contains(code))));
    assert!(first(Incident::SumWrong).all(|codes| !codes.contains(&RuleCode::DigitsTransposed)));
    assert!(first(Incident::DigitsTransposed).all(|codes| codes.contains(&RuleCode::DigitsTransposed)));
    assert!(first(Incident::PileMoved).all(|codes| held.iter().all(|code| !codes.contains(code))));
    assert_eq!(first(Incident::PileMoved).count(), 203);
}

#[test]
fn the_night_of_19_march_2023_has_its_rates_and_its_official_result() {
    let (definition, script) = &*KZ_2023;
    let facts = Facts::embedded().unwrap();
    let expected = &script.expected;
    let official: Vec<u64> = facts.lists.iter().map(|list| u64::from(list.votes)).collect();
    assert_eq!(expected.contests[0].votes, official);
    assert_eq!(expected.contests[0].sum_of_votes(), 6_366_441);
    let last = expected.slots.last().unwrap();
    assert_eq!((last.received_a_ballot, last.register), (6_521_860, 12_035_578));
    assert_eq!(expected.counted.len(), 10_223 + 10_146);
    assert_eq!(expected.refused_by_gateways.values().sum::<u32>(), 40);
    assert_eq!(expected.refused_in_log.values().sum::<u32>(), 10);
    let of = |incident| expected.incidents[&incident];
    assert_eq!([Incident::SumWrong, Incident::DigitsTransposed, Incident::PileMoved].map(of), [203, 101, 203]);
    assert_eq!([Incident::BadCorrection, Incident::Contested, Incident::SignedEarly].map(of), [20, 61, 40]);
    assert_eq!([Incident::ReportMissing, Incident::TurnoutFalls, Incident::LastReportDiffers].map(of), [102, 30, 30]);
    assert_eq!(of(Incident::Probe), definition.shards);
    assert!((85_000..100_000).contains(&script.events.len()), "{}", script.events.len());
    assert!(script.events.is_sorted_by_key(|event| (event.at, event.number)));
}

#[test]
fn half_of_the_protocols_are_in_after_two_and_a_half_hours_of_counting() {
    let (definition, script) = &*KZ_2023;
    let list = &definition.contests[0].id;
    let mut waited: Vec<i64> = script
        .events
        .iter()
        .filter(|event| event.why == Incident::Ordinary)
        .filter_map(|event| match &event.action {
            Action::Send { body: SubmissionBody::Protocol(protocol), .. } if protocol.content.contest == *list => {
                let (_, station) = definition.station(&protocol.content.station)?;
                assert!(protocol.signed_at >= station.polls_close && protocol.signed_at < event.at);
                Some(event.at.0 - station.polls_close.0)
            }
            _ => None,
        })
        .collect();
    waited.sort_unstable();
    let median_minutes = waited[waited.len() / 2] / 60;
    assert!((145..=155).contains(&median_minutes), "{median_minutes}");
    // one station stays open an hour longer
    assert!(waited[waited.len() - 1] <= 9 * 3_600 && waited[waited.len() - 20] > 6 * 3_600);
}

#[test]
fn the_whole_night_comes_to_its_truth() {
    let (definition, script) = &*KZ_2023;
    let records = records(definition, script);
    let in_time = fold(definition, &records);
    assert_as_expected(definition, &in_time, &script.expected);
    let in_disorder = fold(definition, &shuffled(&records));
    assert_as_expected(definition, &in_disorder, &script.expected);
    assert_eq!(in_time.nation.units_digest(definition), in_disorder.nation.units_digest(definition));
}

#[test]
fn stations_report_while_they_vote() {
    let (definition, script) = &*KZ_2023;
    let mut by_station: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for event in &script.events {
        let Action::Send { body, .. } = &event.action else { continue };
        if let (SubmissionBody::Turnout(report), true) = (body, event.why != Incident::Repeated) {
            assert_eq!(body.kind(), Kind::Turnout);
            by_station.entry(report.content.station.clone()).or_default().insert(report.content.slot.clone());
        }
    }
    let at_home = |station: &&hattama_election::definition::Station| station.district.is_some();
    let silent = definition.stations.iter().filter(at_home).filter(|station| by_station[&station.id].len() < 7).count();
    let missing = script.expected.incidents[&Incident::ReportMissing] as usize;
    assert!(silent <= missing && silent + 5 >= missing, "{silent} of {missing}");
    let abroad = definition.stations.iter().filter(|station| station.district.is_none());
    assert!(abroad.clone().any(|station| by_station[&station.id].len() < 6), "some open late");
    assert!(abroad.clone().all(|station| !by_station[&station.id].is_empty()));
}
