//! What the fold makes of a world, as the oracle writes it.

use crate::common::{
    folding::{Folds, outcomes, standings},
    random::Random,
    world::World,
};
use hattama_election::{
    definition::Definition,
    ids::{ContestIndex, ShardId, SlotIndex},
    submission::{Kind, SubmissionBody},
};
use hattama_tally::{
    CellEvaluation, ContestSeats, ControlState, Nation, Outcome, StationState, Unit, UnitTotals, seats_of,
};
use serde_json::{Map, Value, json};

/// The fold's result in the oracle's words.
pub(super) fn result(world: &World) -> Value {
    // The order of the log means nothing, so that any will do.
    let logs = world.logs(&mut Random::new(world.sent.len() as u64));
    let folds = Folds::of_world(world, &logs);
    folds.check();
    let nation = folds.nation();
    let mut ours = json!({
        "stations": stations(&folds),
        "totals": totals(&world.definition, &nation),
        "turnout": turnout(&world.definition, &nation),
        "seats": seats(&world.definition, &nation, folds.control.state()),
        "decisions": {}, "amendments": {}, "refused": {},
    });
    add_standings(world, &folds, &logs, &mut ours);
    ours
}

fn stations(folds: &Folds) -> Value {
    let mut stations = Map::new();
    for fold in folds.shards.values() {
        for index in fold.stations() {
            let evaluation = fold.evaluation(*index).unwrap();
            let id = |contest: ContestIndex| folds.definition.contests[usize::from(contest.0)].id.to_string();
            let slot = |slot: SlotIndex| folds.definition.slots[usize::from(slot.0)].id.to_string();
            let contests: Map<String, Value> =
                evaluation.contests.iter().map(|(contest, evaluation)| (id(*contest), cell(evaluation))).collect();
            let turnout: Map<String, Value> =
                evaluation.turnout.iter().map(|(of, evaluation)| (slot(*of), cell(evaluation))).collect();
            let station = folds.definition.stations[index.0 as usize].id.to_string();
            stations.insert(station, json!({ "contests": contests, "turnout": turnout }));
        }
    }
    Value::Object(stations)
}

fn cell(cell: &CellEvaluation) -> Value {
    let contents: Map<String, Value> = cell
        .contents
        .iter()
        .map(|content| {
            let mut rules: Vec<&str> = content.rules.iter().map(|code| code.as_str()).collect();
            rules.sort_unstable();
            (content.content.to_string(), json!({ "standing": content.standing, "rules": rules }))
        })
        .collect();
    let state = if cell.state == StationState::Closed { json!("missing") } else { json!(cell.state) };
    json!({ "state": state, "counted": cell.counted.map(|(_, content)| content), "contents": contents })
}

/// Decisions, amendments and what is refused, from the outcomes of the records; those of figures must say what the
/// stations say.
fn add_standings(world: &World, folds: &Folds, logs: &[Vec<Vec<u8>>], ours: &mut Value) {
    let mut all = standings(&outcomes(&logs[0], folds.control.outcomes()));
    for (shard, fold) in &folds.shards {
        all.extend(standings(&outcomes(&logs[shard.0 as usize], fold.outcomes())));
    }
    for sent in &world.sent {
        let submission = &sent.submission;
        let (standing, rules) = &all[&submission.digest];
        let content = submission.body.content_digest().to_string();
        match submission.body.kind() {
            Kind::CommissionProtocol | Kind::Probe => {}
            _ if *standing == Outcome::Refused => ours["refused"][submission.digest.to_string()] = json!(rules),
            Kind::Decision => ours["decisions"][content] = json!(standing),
            Kind::Amendment => ours["amendments"][content] = json!(standing),
            Kind::Protocol | Kind::Turnout => {
                let mut rules: Vec<&str> = rules.iter().map(|code| code.as_str()).collect();
                rules.sort_unstable();
                let (station, kind, of) = match &submission.body {
                    SubmissionBody::Protocol(body) => {
                        (&body.content.station, "contests", body.content.contest.as_str())
                    }
                    SubmissionBody::Turnout(body) => (&body.content.station, "turnout", body.content.slot.as_str()),
                    _ => unreachable!("a protocol or a report"),
                };
                let at_station = &ours["stations"][station.as_str()][kind][of]["contents"][&content];
                assert_eq!(*at_station, json!({ "standing": standing, "rules": rules }), "outcome and station");
            }
        }
    }
    assert_eq!(folds.tallies()[&ShardId::CONTROL].records.records, logs[0].len() as u64);
}

fn totals(definition: &Definition, nation: &Nation) -> Value {
    let mut contests = Map::new();
    for contest in &nation.contests {
        let id = definition.contests[usize::from(contest.contest.0)].id.to_string();
        let mut units = json!({ "regions": {}, "territories": {}, "districts": {} });
        for (unit, totals) in &contest.units {
            let (kind, unit) = unit_id(definition, *unit);
            units[kind][unit] = total(definition, contest.contest, totals);
        }
        units["nation"] = total(definition, contest.contest, &contest.nation);
        contests.insert(id, units);
    }
    Value::Object(contests)
}

fn unit_id(definition: &Definition, unit: Unit) -> (&'static str, String) {
    match unit {
        Unit::Region(place) => ("regions", definition.regions[usize::from(place.0)].id.to_string()),
        Unit::Territory(place) => ("territories", definition.territories[usize::from(place.0)].id.to_string()),
        Unit::District(place) => ("districts", definition.districts[usize::from(place.0)].id.to_string()),
    }
}

fn total(definition: &Definition, index: ContestIndex, totals: &UnitTotals) -> Value {
    let contest = &definition.contests[usize::from(index.0)];
    let lines: Map<String, Value> = definition.forms[contest.form]
        .lines
        .iter()
        .map(|line| (line.meaning, totals.line(line.meaning)))
        .map(|(meaning, line)| (meaning.to_string(), json!({ "sum": line.sum, "protocols": line.written })))
        .collect();
    let votes: Vec<Value> =
        contest.options.iter().zip(&totals.votes).map(|(option, votes)| json!([option.id, votes])).collect();
    let stations = &totals.stations;
    json!({
        "lines": lines,
        "votes": votes,
        "against_all": contest.against_all.then_some(totals.against_all),
        "expected": stations.expected,
        "counted": stations.counted,
        "held": stations.held,
        "contested": stations.contested,
        "annulled": stations.annulled,
        "missing": stations.missing,
        "corrected": stations.corrected,
        "flagged": stations.flagged,
        "held_beside": stations.held_beside,
        "contested_beside": stations.contested_beside,
    })
}

fn turnout(definition: &Definition, nation: &Nation) -> Value {
    let mut slots = Map::new();
    for figures in &nation.slots {
        let regions: Map<String, Value> = nation
            .turnout
            .iter()
            .filter(|((slot, unit), _)| *slot == figures.slot && matches!(unit, Unit::Region(_)))
            .map(|((_, unit), totals)| {
                let figures = [totals.received_a_ballot, totals.register, totals.reported, totals.stations];
                (unit_id(definition, *unit).1, slot_figures(figures))
            })
            .collect();
        let sums = [figures.received_a_ballot, figures.register, figures.reported, figures.stations];
        let id = definition.slots[usize::from(figures.slot.0)].id.to_string();
        slots.insert(id, json!({ "nation": slot_figures(sums), "regions": regions }));
    }
    Value::Object(slots)
}

fn slot_figures([received, register, reported, stations]: [u64; 4]) -> Value {
    json!({ "received": received, "register": register, "reported": reported, "stations": stations })
}

fn seats(definition: &Definition, nation: &Nation, control: &ControlState) -> Value {
    let mut contests = Map::new();
    for contest in &nation.contests {
        let seats = seats_of(definition, contest.contest, &contest.nation, control);
        let of = &definition.contests[usize::from(contest.contest.0)];
        let awarded = seats.awarded();
        let options = || of.options.iter().map(|option| option.id.to_string()).zip(awarded.iter().copied());
        let needed = needed(&seats);
        let value = match &seats {
            ContestSeats::List { .. } => {
                let by_option: Map<String, Value> = options().map(|(id, seats)| (id, json!(seats))).collect();
                json!({ "seats": by_option, "decision_needed": needed })
            }
            ContestSeats::Plurality { .. } => {
                let winner = options().find(|(_, seats)| *seats > 0).map(|(id, _)| id);
                json!({ "winner": winner, "decision_needed": needed })
            }
            ContestSeats::Impossible { why } => json!(why),
        };
        contests.insert(of.id.to_string(), value);
    }
    Value::Object(contests)
}

/// The tie that waits for a decision.
fn needed(seats: &ContestSeats) -> Value {
    let serialized = serde_json::to_value(seats).unwrap();
    let outcome = match seats {
        ContestSeats::List { .. } => &serialized["allocation"]["outcome"],
        ContestSeats::Plurality { .. } => &serialized["result"]["outcome"],
        ContestSeats::Impossible { .. } => return Value::Null,
    };
    let Value::Array(between) = &outcome["tie"]["between"] else { return Value::Null };
    let mut between: Vec<&str> = between.iter().filter_map(Value::as_str).collect();
    between.sort_unstable();
    json!({ "between": between, "seats": outcome["tie"]["seats"] })
}
