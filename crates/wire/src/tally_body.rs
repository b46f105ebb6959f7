//! The body of a record of tallies.

use crate::{
    body::{
        BodyError, decode_body, digest_bytes, expect_ascending, expect_own, missing, position_to_proto, read_digest,
        read_list, read_position, read_shard,
    },
    figures::{
        contest_from_proto, record_counts_from_proto, record_counts_to_proto, turnout_totals_from_proto,
        turnout_totals_to_proto, unit_totals_from_proto, unit_totals_to_proto,
    },
};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::ChainDigest};
use hattama_proto::log::v1;
use hattama_tally::{ContestTotals, Generation, TallyBody, Unit};
use prost::Message as _;

/// The canonical bytes of a tally.
///
/// # Panics
/// When an index is of another definition.
#[must_use]
pub fn encode_tally(definition: &Definition, body: &TallyBody) -> Bytes {
    tally_to_proto(definition, body).encode_to_vec().into()
}

/// The tally in canonical bytes.
///
/// # Errors
/// When they are not canonical, of another election or core, or a field is wrong.
pub fn decode_tally(definition: &Definition, bytes: &[u8]) -> Result<TallyBody, BodyError> {
    let message: v1::TallyBody = decode_body(bytes)?;
    expect_own(definition, &message.election, &message.core_digest)?;
    let contests = read_list("contests", &message.contests, |contest| contest_totals_from_proto(definition, contest))?;
    expect_ascending("contests", &contests.iter().map(|totals| totals.contest).collect::<Vec<_>>())?;
    let turnout = read_list("turnout", &message.turnout, |turnout| turnout_totals_from_proto(definition, turnout))?;
    expect_ascending("turnout", &turnout.iter().map(|totals| (totals.slot, totals.unit)).collect::<Vec<_>>())?;
    let records = message.records.as_ref().ok_or_else(|| missing("records"))?;
    Ok(TallyBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(message.generation),
        shard: read_shard(definition, message.shard)?,
        position: read_position("position", message.position.as_ref())?,
        chain: ChainDigest(read_digest("chain", &message.chain)?),
        control_chain: ChainDigest(read_digest("control_chain", &message.control_chain)?),
        fold_version: message.fold_version,
        records: record_counts_from_proto(records)?,
        contests,
        turnout,
    })
}

/// A tally as a message.
///
/// # Panics
/// When an index is of another definition.
#[must_use]
pub fn tally_to_proto(definition: &Definition, body: &TallyBody) -> v1::TallyBody {
    v1::TallyBody {
        election: body.election.to_string(),
        core_digest: digest_bytes(&body.core_digest.0),
        generation: body.generation.0,
        shard: body.shard.0,
        position: Some(position_to_proto(body.position)),
        chain: digest_bytes(&body.chain.0),
        control_chain: digest_bytes(&body.control_chain.0),
        fold_version: body.fold_version,
        records: Some(record_counts_to_proto(&body.records)),
        contests: body.contests.iter().map(|totals| contest_totals_to_proto(definition, totals)).collect(),
        turnout: body.turnout.iter().map(|turnout| turnout_totals_to_proto(definition, turnout)).collect(),
    }
}

/// Totals of a contest in a shard, as a message; units stay in the order given.
///
/// # Panics
/// When an index is of another definition.
#[must_use]
pub fn contest_totals_to_proto(definition: &Definition, totals: &ContestTotals) -> v1::ContestTotals {
    v1::ContestTotals {
        contest: definition.contests[usize::from(totals.contest.0)].id.to_string(),
        units: totals
            .units
            .iter()
            .map(|(unit, totals)| unit_totals_to_proto(definition, Some(*unit), totals))
            .collect(),
    }
}

/// Totals of a contest in a shard, from a message.
///
/// # Errors
/// When contest or units are not of this definition, or units do not ascend.
pub fn contest_totals_from_proto(
    definition: &Definition,
    message: &v1::ContestTotals,
) -> Result<ContestTotals, BodyError> {
    let (index, contest) = contest_from_proto(definition, &message.contest)?;
    let units = read_list("units", &message.units, |totals| {
        let (unit, totals) = unit_totals_from_proto(definition, contest, totals)?;
        Ok((unit.ok_or_else(|| missing("unit"))?, totals))
    })?;
    expect_ascending("units", &units.iter().map(|(unit, _)| *unit).collect::<Vec<Unit>>())?;
    Ok(ContestTotals { contest: index, units })
}
