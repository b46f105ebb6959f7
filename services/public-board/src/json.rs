//! The figures of a publication as JSON: what follows from the log alone, so that the same number always has the same
//! text. How far a replica has checked, or which shards it saw frozen, is on the page but not in here.

use bytes::Bytes;
use hattama_proto::log::v1::{ContestFigures, RecordCounts, SlotFigures, StationCounts, VectorEntry};
use hattama_proto::national::v1::{
    ContestSummary, GetElectionResponse, GetNationalResultResponse, LostRecords, PublicationRef, Ratio,
};
use serde_json::{Value, json};

/// `/p/<number>.json`.
pub fn publication(election: &GetElectionResponse, result: &GetNationalResultResponse) -> Bytes {
    let body = json!({
        "election": {
            "id": election.id,
            "core_digest": hex(&election.core_digest),
            "purpose": election.purpose,
            "provenance": election.provenance,
        },
        "publication": result.publication.as_ref().map(reference),
        "turnouts": result.turnouts.iter().map(ratio).collect::<Vec<_>>(),
        "turnout_by_slot": result.turnout.iter().map(slot).collect::<Vec<_>>(),
        "contests": result.contests.iter().map(|summary| contest(election, summary)).collect::<Vec<_>>(),
        "records": result.records.as_ref().map(records),
        "lost_records": result.lost_records.iter().map(lost).collect::<Vec<_>>(),
        "vector": result.vector.iter().map(position).collect::<Vec<_>>(),
    });
    text(&body)
}

/// `/latest`.
pub fn latest(publication: &PublicationRef) -> Bytes {
    text(&json!({ "sequence": publication.sequence, "digest": hex(&publication.digest) }))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn reference(publication: &PublicationRef) -> Value {
    json!({
        "generation": publication.generation,
        "sequence": publication.sequence,
        "digest": hex(&publication.digest),
        "published_at_milliseconds": publication.published_at_milliseconds,
    })
}

fn ratio(ratio: &Ratio) -> Value {
    json!({
        "name": ratio.name,
        "numerator": ratio.known.then_some(ratio.numerator),
        "denominator": ratio.known.then_some(ratio.denominator),
        "stations": ratio.stations,
        "known": ratio.known,
    })
}

fn slot(slot: &SlotFigures) -> Value {
    json!({
        "slot": slot.slot,
        "stations": slot.stations,
        "reported": slot.reported,
        "received_a_ballot": slot.received_a_ballot,
        "register": slot.register,
    })
}

fn contest(election: &GetElectionResponse, summary: &ContestSummary) -> Value {
    let Some(figures) = &summary.figures else { return Value::Null };
    let contest = election.contests.iter().find(|contest| contest.id == figures.contest);
    let options: Vec<&str> = contest.map_or(vec![], |c| c.options.iter().map(|option| option.id.as_str()).collect());
    json!({
        "contest": figures.contest,
        "method": contest.map(|contest| contest.method.as_str()),
        "embargoed": summary.embargoed,
        "stations": figures.stations.as_ref().map(stations),
        "turnouts": summary.turnouts.iter().map(ratio).collect::<Vec<_>>(),
        "votes": (!summary.embargoed).then(|| votes(figures, &options)),
    })
}

/// Of list contests every option in ballot order; of a plurality contest the leader, as publications carry no more.
fn votes(figures: &ContestFigures, options: &[&str]) -> Value {
    let lines: Vec<Value> = figures
        .votes
        .iter()
        .enumerate()
        .map(
            |(place, votes)| json!({ "option": options.get(place), "votes": votes, "seats": figures.seats.get(place) }),
        )
        .collect();
    json!({
        "options": lines,
        "against_all": figures.against_all,
        "sum": figures.votes_sum,
        "leader": figures.leader.and_then(|place| options.get(place as usize)),
        "leader_votes": figures.leader_votes,
        "runner_up_votes": figures.runner_up_votes,
        "decision_needed": figures.decision_needed,
    })
}

fn stations(counts: &StationCounts) -> Value {
    json!({
        "expected": counts.expected,
        "counted": counts.counted,
        "held": counts.held,
        "contested": counts.contested,
        "annulled": counts.annulled,
        "missing": counts.missing,
        "corrected": counts.corrected,
        "flagged": counts.flagged,
        "register_expected": counts.register_expected,
        "register_counted": counts.register_counted,
    })
}

fn records(counts: &RecordCounts) -> Value {
    json!({
        "records": counts.records,
        "counted": counts.counted,
        "held": counts.held,
        "duplicate": counts.duplicate,
        "superseded": counts.superseded,
        "contested": counts.contested,
        "annulled": counts.annulled,
        "refused": counts.refused,
    })
}

/// As signed. What came again all the same is learnt later, and is not in here.
fn lost(lost: &LostRecords) -> Value {
    json!({
        "generation": lost.generation,
        "records": lost.records,
        "amendments": lost.amendments,
        "authors": lost.authors,
    })
}

fn position(entry: &VectorEntry) -> Value {
    let position = entry.position.unwrap_or_default();
    json!({
        "shard": entry.shard,
        "next_offset": position.next_offset,
        "control_next_offset": position.control_next_offset,
    })
}
