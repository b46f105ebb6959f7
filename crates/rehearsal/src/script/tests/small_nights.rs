//! Nights of the sample definition: many seeds, every incident.

use super::{
    super::{Action, Fate, Incident, RehearsalKeyring, ScriptError, night, small},
    folding::{assert_as_expected, fold, records, shuffled},
    of_incident,
};
use hattama_election::{
    definition::{Purpose, sample},
    ids::ShardId,
    rules::{Field, RuleCode, content, impossible},
    submission::SubmissionBody,
};
use hattama_wire::RecordOpener;
use std::{collections::BTreeSet, sync::Arc};

#[test]
fn every_small_night_comes_to_its_truth_in_time_order_and_in_any_other() {
    let definition = Arc::new(sample::definition());
    for seed in 0..20 {
        let script = small(&definition, seed).unwrap();
        let records = records(&definition, &script);
        let in_time = fold(&definition, &records);
        assert_as_expected(&definition, &in_time, &script.expected);
        let in_disorder = fold(&definition, &shuffled(&records));
        assert_as_expected(&definition, &in_disorder, &script.expected);
        assert_eq!(in_time.nation.units_digest(&definition), in_disorder.nation.units_digest(&definition));
    }
}

#[test]
fn a_small_night_can_be_made_for_other_forms_without_slots_and_in_one_shard() {
    let mut brief = sample::definition();
    brief.stations.iter_mut().for_each(|station| station.form = Some(1));
    let mut without_slots = sample::definition();
    without_slots.slots.clear();
    let mut one_shard = sample::definition();
    one_shard.shards = 2;
    one_shard.stations.iter_mut().for_each(|station| station.shard = ShardId(1));
    let mut without_against_all = sample::definition();
    without_against_all.contests.iter_mut().for_each(|contest| contest.against_all = false);
    for definition in [brief, without_slots, one_shard, without_against_all] {
        let definition = Arc::new(definition);
        for seed in 0..5 {
            let script = small(&definition, seed).unwrap();
            let records = shuffled(&records(&definition, &script));
            assert_as_expected(&definition, &fold(&definition, &records), &script.expected);
        }
    }
}

#[test]
fn everything_happens_in_a_small_night() {
    let definition = sample::definition();
    for seed in 0..20 {
        let expected = small(&definition, seed).unwrap().expected;
        let happens = |incident| expected.incidents.get(&incident).copied().unwrap_or(0) > 0;
        let all = [
            Incident::Probe,
            Incident::Ordinary,
            Incident::Repeated,
            Incident::SignedAgain,
            Incident::SumWrong,
            Incident::DigitsTransposed,
            Incident::PileMoved,
            Incident::BadCorrection,
            Incident::Contested,
            Incident::SignedEarly,
            Incident::Complaints,
            Incident::Dissent,
            Incident::ReportMissing,
            Incident::TurnoutFalls,
            Incident::LastReportDiffers,
            Incident::KeyReplaced,
            Incident::StaysOpen,
            Incident::UnknownStation,
            Incident::WrongOptions,
            Incident::Forged,
            Incident::OtherElection,
            Incident::CountOutOfRange,
            Incident::Garbage,
            Incident::PresentedAsProtocol,
            Incident::WrongShard,
        ];
        let missing: Vec<_> = all.into_iter().filter(|incident| !happens(*incident)).collect();
        assert_eq!(missing, [], "seed {seed}");
    }
}

#[test]
fn a_seed_has_one_night_and_another_seed_another() {
    let definition = sample::definition();
    let keyring = RehearsalKeyring::new(&definition).unwrap();
    let bytes = |seed| -> Vec<_> {
        let script = small(&definition, seed).unwrap();
        script
            .events
            .iter()
            .map(|event| (event.at, event.through, event.sign(&keyring, &definition).unwrap()))
            .collect()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn a_gateway_has_a_reason_for_each_refusal_and_none_for_the_rest() {
    let definition = sample::definition();
    let keyring = RehearsalKeyring::new(&definition).unwrap();
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    for event in &small(&definition, 3).unwrap().events {
        let value = event.sign(&keyring, &definition).unwrap().value;
        let opened = opener.open_one(&value, &|id| definition.key(id).map(|(key, _)| *key));
        let rules: BTreeSet<RuleCode> = match opened {
            Ok(submission) => {
                impossible::submission(&definition, &submission.body).into_iter().map(|fault| fault.code).collect()
            }
            Err(error) => error.errors.iter().map(|error| error.rule).collect(),
        };
        match event.fate {
            Fate::RefusedByGateway(rule) => assert_eq!(rules, BTreeSet::from([rule]), "{:?}", event.why),
            Fate::RefusedInLog(RuleCode::WrongShard) => assert!(rules.is_empty()),
            Fate::RefusedInLog(rule) => assert_eq!(rules, BTreeSet::from([rule]), "{:?}", event.why),
            Fate::Stands(_) => assert!(rules.is_empty() || rules == BTreeSet::from([RuleCode::UnknownKey])),
        }
    }
}

#[test]
fn a_field_is_named_where_digits_are_transposed() {
    let definition = sample::definition();
    let script = small(&definition, 5).unwrap();
    let wrong = of_incident(&script, Incident::DigitsTransposed)[0];
    let Action::Send { body: SubmissionBody::Protocol(protocol), .. } = &wrong.action else { panic!() };
    let (_, station) = definition.station(&protocol.content.station).unwrap();
    let (_, contest) = definition.contest(&protocol.content.contest).unwrap();
    let form = definition.form_of(station, contest);
    let violations = content::protocol(form, &protocol.content, &BTreeSet::new());
    let slip = violations.iter().find(|violation| violation.code == RuleCode::DigitsTransposed).unwrap();
    assert!(!matches!(slip.field, Field::Named(_)));
}

#[test]
fn no_night_is_made_for_an_official_election() {
    let mut definition = sample::definition();
    definition.purpose = Purpose::Official;
    let refused = small(&definition, 1).unwrap_err();
    assert!(matches!(refused, ScriptError::NotARehearsal { .. }));
    assert_eq!(refused.to_string(), "sample is no rehearsal with a key seed: a night is only ever generated for one");
}

#[test]
fn a_truth_of_another_definition_is_refused() {
    let nothing = crate::night::NightTruth { stations: Vec::new() };
    let refused = night(&sample::definition(), &nothing, 1).unwrap_err();
    assert!(refused.to_string().starts_with("a truth of 0 stations for 8"), "{refused}");
}
