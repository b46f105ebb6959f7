//! The body of a record of publications, and the digest that the next one names it by.

use crate::{
    body::{
        BodyError, decode_body, digest_bytes, expect_ascending, expect_own, missing, position_to_proto, read_digest,
        read_figure, read_list, read_position, read_shard,
    },
    figures::{
        contest_from_proto, line_totals_from_proto, line_totals_to_proto, record_counts_from_proto,
        record_counts_to_proto, slot_from_proto, station_counts_from_proto, station_counts_to_proto, votes_from_proto,
    },
    service_record::ServiceContext,
};
use bytes::Bytes;
use hattama_election::{
    definition::{Contest, Definition, Method},
    digest::{BodyDigest, CanonicalHasher, PublicationDigest},
};
use hattama_proto::log::v1;
use hattama_tally::{ContestFigures, FiguresDetail, Generation, PublicationBody, SlotFigures, VectorEntry};
use prost::Message as _;

/// The canonical bytes of a publication.
///
/// # Panics
/// When an index is of another definition.
#[must_use]
pub fn encode_publication(definition: &Definition, body: &PublicationBody) -> Bytes {
    let message = v1::PublicationBody {
        election: body.election.to_string(),
        core_digest: digest_bytes(&body.core_digest.0),
        generation: body.generation.0,
        sequence: body.sequence,
        previous: body.previous.as_ref().map(|digest| digest_bytes(&digest.0)).unwrap_or_default(),
        vector: body.vector.iter().map(vector_entry_to_proto).collect(),
        control_next_offset: body.control_next_offset,
        contests: body.contests.iter().map(|figures| contest_figures_to_proto(definition, figures)).collect(),
        turnout: body.turnout.iter().map(|figures| slot_figures_to_proto(definition, figures)).collect(),
        units_digest: digest_bytes(&body.units_digest.0),
        records: Some(record_counts_to_proto(&body.records)),
    };
    message.encode_to_vec().into()
}

/// The publication in canonical bytes.
///
/// # Errors
/// When they are not canonical, of another election or core, or a field is wrong.
pub fn decode_publication(definition: &Definition, bytes: &[u8]) -> Result<PublicationBody, BodyError> {
    let message: v1::PublicationBody = decode_body(bytes)?;
    expect_own(definition, &message.election, &message.core_digest)?;
    let vector = read_list("vector", &message.vector, |entry| vector_entry_from_proto(definition, entry))?;
    expect_ascending("vector", &vector.iter().map(|entry| entry.shard).collect::<Vec<_>>())?;
    let contests = read_list("contests", &message.contests, |figures| contest_figures_from_proto(definition, figures))?;
    expect_ascending("contests", &contests.iter().map(|figures| figures.contest).collect::<Vec<_>>())?;
    let turnout = read_list("turnout", &message.turnout, |figures| slot_figures_from_proto(definition, figures))?;
    expect_ascending("turnout", &turnout.iter().map(|figures| figures.slot).collect::<Vec<_>>())?;
    let records = message.records.as_ref().ok_or_else(|| missing("records"))?;
    Ok(PublicationBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(message.generation),
        sequence: message.sequence,
        previous: read_previous("previous", &message.previous)?,
        vector,
        control_next_offset: message.control_next_offset,
        contests,
        turnout,
        units_digest: BodyDigest(read_digest("units_digest", &message.units_digest)?),
        records: record_counts_from_proto(records)?,
    })
}

/// The digest of a publication: over its context and its canonical bytes, each behind its length.
#[must_use]
pub fn publication_digest(body: &[u8]) -> PublicationDigest {
    PublicationDigest(CanonicalHasher::new(ServiceContext::Publication.as_str()).bytes(body).finish())
}

/// The digest of a publication before; empty bytes are none.
pub(crate) fn read_previous(field: &str, bytes: &[u8]) -> Result<Option<PublicationDigest>, BodyError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    read_digest(field, bytes).map(|digest| Some(PublicationDigest(digest)))
}

/// The position of one shard, as a message.
#[must_use]
pub fn vector_entry_to_proto(entry: &VectorEntry) -> v1::VectorEntry {
    v1::VectorEntry { shard: entry.shard.0, position: Some(position_to_proto(entry.position)) }
}

/// The position of one shard, from a message.
///
/// # Errors
/// When the definition has no such shard, or its position is missing.
pub fn vector_entry_from_proto(definition: &Definition, message: &v1::VectorEntry) -> Result<VectorEntry, BodyError> {
    let position = read_position("position", message.position.as_ref())?;
    Ok(VectorEntry { shard: read_shard(definition, message.shard)?, position })
}

/// The nation's figures of a contest, as a message.
///
/// # Panics
/// When the contest is of another definition.
#[must_use]
pub fn contest_figures_to_proto(definition: &Definition, figures: &ContestFigures) -> v1::ContestFigures {
    let common = v1::ContestFigures {
        contest: definition.contests[usize::from(figures.contest.0)].id.to_string(),
        stations: Some(station_counts_to_proto(&figures.stations)),
        against_all: figures.against_all,
        votes_sum: figures.votes_sum,
        decision_needed: figures.decision_needed,
        ..v1::ContestFigures::default()
    };
    match &figures.detail {
        FiguresDetail::List { lines, votes, seats } => v1::ContestFigures {
            lines: line_totals_to_proto(lines),
            votes: votes.clone(),
            seats: seats.clone(),
            ..common
        },
        FiguresDetail::Plurality { leader, leader_votes, runner_up_votes } => v1::ContestFigures {
            leader: *leader,
            leader_votes: *leader_votes,
            runner_up_votes: *runner_up_votes,
            ..common
        },
    }
}

/// The nation's figures of a contest, from a message.
///
/// # Errors
/// When the contest is not of this definition, or a figure is not one of its method.
pub fn contest_figures_from_proto(
    definition: &Definition,
    message: &v1::ContestFigures,
) -> Result<ContestFigures, BodyError> {
    let (index, contest) = contest_from_proto(definition, &message.contest)?;
    let stations = message.stations.as_ref().ok_or_else(|| missing("stations"))?;
    let detail = match contest.method {
        Method::List(_) => list_detail(contest, message)?,
        Method::Plurality(_) => plurality_detail(contest, message)?,
    };
    Ok(ContestFigures {
        contest: index,
        stations: station_counts_from_proto(stations)?,
        votes_sum: read_figure("votes_sum", message.votes_sum)?,
        against_all: read_figure("against_all", message.against_all)?,
        decision_needed: message.decision_needed,
        detail,
    })
}

fn list_detail(contest: &Contest, message: &v1::ContestFigures) -> Result<FiguresDetail, BodyError> {
    if message.leader.is_some() || message.leader_votes != 0 || message.runner_up_votes != 0 {
        return Err(BodyError::field("leader", "a list contest has no leader"));
    }
    // No seats at all is what stands there before anything can be allocated.
    if !message.seats.is_empty() && message.seats.len() != contest.options.len() {
        let (found, expected) = (message.seats.len(), contest.options.len());
        return Err(BodyError::field("seats", format_args!("{found} numbers where {expected} options are")));
    }
    Ok(FiguresDetail::List {
        lines: line_totals_from_proto(&message.lines)?,
        votes: votes_from_proto(contest, &message.votes)?,
        seats: message.seats.clone(),
    })
}

fn plurality_detail(contest: &Contest, message: &v1::ContestFigures) -> Result<FiguresDetail, BodyError> {
    if !(message.lines.is_empty() && message.votes.is_empty() && message.seats.is_empty()) {
        return Err(BodyError::field("votes", "of a plurality contest only the two leading numbers are published"));
    }
    if message.leader.is_some_and(|leader| leader as usize >= contest.options.len()) {
        return Err(BodyError::field("leader", "the contest has no such option"));
    }
    Ok(FiguresDetail::Plurality {
        leader: message.leader,
        leader_votes: read_figure("leader_votes", message.leader_votes)?,
        runner_up_votes: read_figure("runner_up_votes", message.runner_up_votes)?,
    })
}

/// The nation's turnout at a slot, as a message.
///
/// # Panics
/// When the slot is of another definition.
#[must_use]
pub fn slot_figures_to_proto(definition: &Definition, figures: &SlotFigures) -> v1::SlotFigures {
    v1::SlotFigures {
        slot: definition.slots[usize::from(figures.slot.0)].id.to_string(),
        stations: figures.stations,
        reported: figures.reported,
        received_a_ballot: figures.received_a_ballot,
        register: figures.register,
    }
}

/// The nation's turnout at a slot, from a message.
///
/// # Errors
/// When the slot is not of this definition, or a figure is above [`crate::MAX_FIGURE`].
pub fn slot_figures_from_proto(definition: &Definition, message: &v1::SlotFigures) -> Result<SlotFigures, BodyError> {
    Ok(SlotFigures {
        slot: slot_from_proto(definition, &message.slot)?,
        stations: read_figure("stations", message.stations)?,
        reported: read_figure("reported", message.reported)?,
        received_a_ballot: read_figure("received_a_ballot", message.received_a_ballot)?,
        register: read_figure("register", message.register)?,
    })
}
