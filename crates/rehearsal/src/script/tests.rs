//! Whole nights, folded.

use super::{
    Action, Event, Expected, Fate, Incident, RehearsalKeyring, Route, Script, ScriptError, dice::dealt, night, small,
};
use crate::{
    facts::Facts,
    night::{candidates_by_district, station_facts, truth},
    registers,
};
use hattama_election::{
    definition::{Definition, DefinitionFiles, Purpose, sample},
    ids::ShardId,
    routing::home_shard,
    rules::{Field, RuleCode, content, impossible},
    submission::{Kind, SubmissionBody},
};
use hattama_tally::{
    ControlFold, Generation, Nation, Outcome, ShardFold, StationState, UnitTotals, check_tally, merge,
};
use hattama_wire::RecordOpener;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

const GENERATION: Generation = Generation(1);
const GENESIS: &[u8] = b"genesis";

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

/// What records come to that lie in the log in some order.
struct Folded {
    control: ControlFold,
    shards: BTreeMap<ShardId, ShardFold>,
    nation: Nation,
}

/// A record on its way into a shard.
type Record = (ShardId, bytes::Bytes);

/// The records of all events that no gateway refuses, in time order.
fn records(definition: &Definition, script: &Script) -> Vec<Record> {
    let keyring = RehearsalKeyring::new(definition).unwrap();
    let in_log = script.events.iter().filter(|event| !matches!(event.fate, Fate::RefusedByGateway(_)));
    in_log.map(|event| (shard_of(definition, event), event.sign(&keyring, definition).unwrap().value)).collect()
}

/// The same records in an order that has nothing to do with time.
fn shuffled(records: &[Record]) -> Vec<Record> {
    let places = dealt(7, "shuffled", (0..records.len()).collect(), |place| vec![place.to_string()]);
    places.into_iter().map(|place| records[place].clone()).collect()
}

fn fold(definition: &Arc<Definition>, records: &[Record]) -> Folded {
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    let mut control = ControlFold::new(Arc::clone(definition), GENERATION, GENESIS);
    let new_shard = |shard| {
        let state = Arc::clone(control.state());
        (shard, ShardFold::new(Arc::clone(definition), GENERATION, shard, GENESIS, state))
    };
    let mut shards: BTreeMap<_, _> = (1..definition.shards).map(ShardId).map(new_shard).collect();
    // between two records of control each shard may read far ahead
    for batch in records.chunk_by(|(one, _), (other, _)| *one != ShardId::CONTROL && *other != ShardId::CONTROL) {
        let mut by_shard: BTreeMap<ShardId, Vec<&[u8]>> = BTreeMap::new();
        batch.iter().for_each(|(shard, value)| by_shard.entry(*shard).or_default().push(value));
        for (shard, values) in by_shard {
            match shards.get_mut(&shard) {
                Some(shard) => shard.apply(&values, &opener),
                None => control.apply(&values, &opener),
            }
        }
        shards.values_mut().for_each(|shard| shard.advance_control(Arc::clone(control.state()), &opener));
    }
    let tallies = shards.iter().map(|(id, shard)| (*id, shard.tally()));
    let tallies: BTreeMap<_, _> = tallies.chain([(ShardId::CONTROL, control.tally())]).collect();
    tallies.values().for_each(|tally| check_tally(tally).unwrap());
    let nation = merge(definition, &tallies).unwrap();
    Folded { control, shards, nation }
}

fn shard_of(definition: &Definition, event: &Event) -> ShardId {
    match (&event.through, &event.action) {
        (Route::StraightIntoLog { shard }, _) => *shard,
        (Route::Gateway(_), Action::Send { body, .. }) => home_shard(definition, body).unwrap(),
        (Route::Gateway(_), Action::SendSigned(_) | Action::Raw(_)) => unreachable!("gateways refuse these"),
    }
}

/// Everything that a fold shows is what the script expects.
fn assert_as_expected(definition: &Definition, folded: &Folded, expected: &Expected) {
    for (place, contest) in expected.contests.iter().enumerate() {
        let UnitTotals { stations, lines, votes, against_all } = &folded.nation.contests[place].nation;
        assert_eq!(stations.counted, contest.stations);
        assert_eq!((stations.expected, stations.held_beside, stations.contested_beside), (contest.stations, 0, 0));
        assert_eq!((votes, *against_all), (&contest.votes, contest.against_all));
        assert_eq!(lines.map(|line| line.sum), contest.lines);
    }
    assert_eq!(folded.nation.slots, expected.slots);
    let corrected: u64 = folded.nation.contests.iter().map(|contest| contest.nation.stations.corrected).sum();
    assert_eq!(corrected, u64::from(expected.corrected));
    for (outcome, count) in Outcome::ALL.into_iter().zip(folded.nation.records.by_outcome) {
        assert_eq!(count, u64::from(expected.records.get(&outcome).copied().unwrap_or(0)), "{outcome:?}");
    }
    assert_eq!(refused(folded), expected.refused_in_log);
    assert_stations_as_expected(definition, folded, expected);
}

fn refused(folded: &Folded) -> BTreeMap<RuleCode, u32> {
    let mut refused = BTreeMap::new();
    let outcomes = folded.shards.values().flat_map(ShardFold::outcomes).chain(folded.control.outcomes());
    for outcome in outcomes.filter(|outcome| outcome.outcome == Outcome::Refused) {
        let [rule] = outcome.rules.as_slice() else { panic!("{:?}", outcome.rules) };
        *refused.entry(*rule).or_default() += 1;
    }
    refused
}

fn assert_stations_as_expected(definition: &Definition, folded: &Folded, expected: &Expected) {
    let mut counted = BTreeMap::new();
    let mut flags: BTreeMap<RuleCode, u32> = BTreeMap::new();
    for shard in folded.shards.values() {
        for index in shard.stations() {
            let evaluation = shard.evaluation(*index).unwrap();
            for (contest, cell) in &evaluation.contests {
                assert_eq!(cell.state, StationState::Counted);
                counted.insert((*index, *contest), cell.counted.unwrap().1);
                cell.counted_content().unwrap().rules.iter().for_each(|rule| *flags.entry(*rule).or_default() += 1);
            }
            for (_, cell) in &evaluation.turnout {
                let open = |outcome| matches!(outcome, Outcome::Held | Outcome::Contested);
                assert!(cell.contents.iter().all(|content| !open(content.standing)));
                if let Some(content) = cell.counted_content() {
                    assert_eq!(content.rules, [], "turnout no longer falls anywhere");
                }
            }
            assert!(evaluation.decisions.iter().all(|decision| decision.rules.is_empty()));
        }
    }
    assert_eq!(counted, expected.counted);
    assert_eq!(
        counted.len(),
        definition.stations.iter().map(|station| definition.contests_of(station).count()).sum::<usize>()
    );
    let of = |incident| expected.incidents.get(&incident).copied();
    assert_eq!(flags.get(&RuleCode::ConfirmedByDecision).copied(), of(Incident::SignedEarly));
    assert_eq!(flags.get(&RuleCode::ComplaintsLodged).copied(), of(Incident::Complaints));
    assert_eq!(flags.get(&RuleCode::SignatoryDissents).copied(), of(Incident::Dissent));
    assert_eq!(flags.get(&RuleCode::IssuedDiffersFromTurnout).copied(), of(Incident::LastReportDiffers));
    assert_eq!(flags.get(&RuleCode::HistoryIncomplete), None);
    assert_eq!(expected.confirmed, of(Incident::SignedEarly).unwrap_or(0));
}

/// The rules that fire on the figures of a protocol.
fn codes(definition: &Definition, event: &Event) -> BTreeSet<RuleCode> {
    let Action::Send { body: SubmissionBody::Protocol(protocol), .. } = &event.action else { return BTreeSet::new() };
    let (_, contest) = definition.contest(&protocol.content.contest).unwrap();
    let (_, station) = definition.station(&protocol.content.station).unwrap();
    let violations = content::protocol(definition.form_of(station, contest), &protocol.content, &BTreeSet::new());
    violations.into_iter().map(|violation| violation.code).collect()
}

fn of_incident(script: &Script, incident: Incident) -> Vec<&Event> {
    script.events.iter().filter(|event| event.why == incident).collect()
}

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
fn a_decision_comes_long_after_what_it_rules_on_and_a_new_key_after_its_amendment() {
    let (definition, script) = &*KZ_2023;
    let mut sent = BTreeMap::new();
    for event in &script.events {
        let Action::Send { signer, body } = &event.action else { continue };
        let is_new_key = matches!(signer, super::Signer::StationWithNewKey(_));
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
    let new_key =
        |event: &&Event| matches!(&event.action, Action::Send { signer: super::Signer::StationWithNewKey(_), .. });
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
