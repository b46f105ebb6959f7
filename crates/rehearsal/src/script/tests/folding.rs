//! A night's records, folded as the aggregators fold them, beside what the script expects of them.

use super::super::{Action, Event, Expected, Fate, Incident, RehearsalKeyring, Route, Script, dice::dealt};
use hattama_election::{definition::Definition, ids::ShardId, routing::home_shard, rules::RuleCode};
use hattama_tally::{
    ControlFold, Generation, Nation, Outcome, ShardFold, StationState, UnitTotals, check_tally, merge,
};
use hattama_wire::RecordOpener;
use std::{collections::BTreeMap, sync::Arc};

const GENERATION: Generation = Generation(1);

const GENESIS: &[u8] = b"genesis";

/// What records come to that lie in the log in some order.
pub(super) struct Folded {
    control: ControlFold,
    shards: BTreeMap<ShardId, ShardFold>,
    pub(super) nation: Nation,
}

/// A record on its way into a shard.
pub(super) type Record = (ShardId, bytes::Bytes);

/// The records of all events that no gateway refuses, in time order.
pub(super) fn records(definition: &Definition, script: &Script) -> Vec<Record> {
    let keyring = RehearsalKeyring::new(definition).unwrap();
    let in_log = script.events.iter().filter(|event| !matches!(event.fate, Fate::RefusedByGateway(_)));
    in_log.map(|event| (shard_of(definition, event), event.sign(&keyring, definition).unwrap().value)).collect()
}

/// The same records in an order that has nothing to do with time.
pub(super) fn shuffled(records: &[Record]) -> Vec<Record> {
    let places = dealt(7, "shuffled", (0..records.len()).collect(), |place| vec![place.to_string()]);
    places.into_iter().map(|place| records[place].clone()).collect()
}

pub(super) fn fold(definition: &Arc<Definition>, records: &[Record]) -> Folded {
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
pub(super) fn assert_as_expected(definition: &Definition, folded: &Folded, expected: &Expected) {
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
