//! The body of a record of outcomes.

use crate::{
    body::{
        BodyError, decode_body, digest_bytes, expect_ascending, expect_own, position_to_proto, read_digest, read_list,
        read_position, read_shard,
    },
    figures::{outcome_from_proto, outcome_to_proto},
    service_record::{ServiceContext, ServiceRecordError, open_service},
};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::SubmissionDigest, rules::RuleCode};
use hattama_proto::log::v1;
use hattama_tally::{Generation, MAX_PARTS, OutcomesBody, Part, SubmissionOutcome};
use prost::{Message as _, length_delimiter_len};

/// Why a record holds no outcomes that may be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutcomesError {
    /// No aggregator of the definition signed it.
    #[error(transparent)]
    Record(#[from] ServiceRecordError),
    /// Its body is none of this election.
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// The body of a record of outcomes that an aggregator of the definition signed.
///
/// # Errors
/// When it is none.
pub fn open_outcomes(definition: &Definition, value: &[u8]) -> Result<OutcomesBody, OutcomesError> {
    let context = ServiceContext::Outcomes;
    let opened = open_service(context, value, |key| context.key(definition, key))?;
    Ok(decode_outcomes(definition, &opened.body)?)
}

/// The parts that a step is written as: each lists as many outcomes as have at most `list_bytes` bytes, and at least one.
/// Equal steps have equal parts.
///
/// # Errors
/// When there would be more than [`MAX_PARTS`].
pub fn split_outcomes(step: OutcomesBody, list_bytes: usize) -> Result<Vec<OutcomesBody>, TooManyParts> {
    let lists = split_list(step.outcomes, list_bytes);
    let parts = lists.len();
    let of = u32::try_from(parts).ok().filter(|of| *of <= MAX_PARTS).ok_or(TooManyParts { parts })?;
    let head = OutcomesBody { outcomes: Vec::new(), ..step };
    let part = |(number, outcomes)| Some(OutcomesBody { part: Part::new(number, of)?, outcomes, ..head.clone() });
    Ok((1..=of).zip(lists).filter_map(part).collect())
}

/// A step that is too large even for all its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the outcomes of one step fill {parts} records, at most {MAX_PARTS} may be written")]
pub struct TooManyParts {
    /// How many parts there would be.
    pub parts: usize,
}

/// The canonical bytes of a body of outcomes.
#[must_use]
pub fn encode_outcomes(body: &OutcomesBody) -> Bytes {
    let message = v1::OutcomesBody {
        election: body.election.to_string(),
        core_digest: digest_bytes(&body.core_digest.0),
        generation: body.generation.0,
        shard: body.shard.0,
        from: Some(position_to_proto(body.from)),
        to: Some(position_to_proto(body.to)),
        outcomes: body.outcomes.iter().map(submission_outcome_to_proto).collect(),
        part: body.part.number(),
        parts: body.part.of(),
    };
    message.encode_to_vec().into()
}

/// The body of outcomes in canonical bytes.
///
/// # Errors
/// When they are not canonical, of another election or core, or a field is wrong. A rule that this binary does not know is
/// an error: it may not own or show a shard whose fold it does not know.
pub fn decode_outcomes(definition: &Definition, bytes: &[u8]) -> Result<OutcomesBody, BodyError> {
    let message: v1::OutcomesBody = decode_body(bytes)?;
    expect_own(definition, &message.election, &message.core_digest)?;
    let outcomes = read_list("outcomes", &message.outcomes, submission_outcome_from_proto)?;
    expect_ascending("outcomes", &outcomes.iter().map(|outcome| outcome.offset).collect::<Vec<_>>())?;
    let to = read_position("to", message.to.as_ref())?;
    if outcomes.last().is_some_and(|outcome| outcome.offset >= to.next_offset) {
        return Err(BodyError::field("outcomes", "an offset lies behind the position that it leads to"));
    }
    let (number, of) = (message.part, message.parts);
    let wrong_part = || BodyError::field("part", format_args!("there is no part {number} of {of}: 1 to {MAX_PARTS}"));
    Ok(OutcomesBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(message.generation),
        shard: read_shard(definition, message.shard)?,
        from: read_position("from", message.from.as_ref())?,
        to,
        part: Part::new(number, of).ok_or_else(wrong_part)?,
        outcomes,
    })
}

/// At least one list, of none when there is nothing.
fn split_list(outcomes: Vec<SubmissionOutcome>, list_bytes: usize) -> Vec<Vec<SubmissionOutcome>> {
    let mut lists = Vec::new();
    let mut list = Vec::new();
    let mut bytes = 0;
    for outcome in outcomes {
        let of_one = bytes_in_list(&outcome);
        if !list.is_empty() && bytes + of_one > list_bytes {
            lists.push(std::mem::take(&mut list));
            bytes = 0;
        }
        bytes += of_one;
        list.push(outcome);
    }
    lists.push(list);
    lists
}

/// Field number, length and message.
fn bytes_in_list(outcome: &SubmissionOutcome) -> usize {
    let bytes = submission_outcome_to_proto(outcome).encoded_len();
    1 + length_delimiter_len(bytes) + bytes
}

/// The outcome of one record as a message.
#[must_use]
pub fn submission_outcome_to_proto(outcome: &SubmissionOutcome) -> v1::SubmissionOutcome {
    v1::SubmissionOutcome {
        offset: outcome.offset,
        digest: digest_bytes(&outcome.digest.0),
        outcome: outcome_to_proto(outcome.outcome).into(),
        rules: rules_to_numbers(&outcome.rules),
        duplicate_of: outcome.duplicate_of,
    }
}

/// The outcome of one record from a message.
///
/// # Errors
/// When a field has the wrong form or is not known.
pub fn submission_outcome_from_proto(message: &v1::SubmissionOutcome) -> Result<SubmissionOutcome, BodyError> {
    let outcome = outcome_from_proto(message.outcome)
        .ok_or_else(|| BodyError::field("outcome", format_args!("{} is not known", message.outcome)))?;
    Ok(SubmissionOutcome {
        offset: message.offset,
        digest: SubmissionDigest(read_digest("digest", &message.digest)?),
        outcome,
        rules: rules_from_numbers(&message.rules)?,
        duplicate_of: message.duplicate_of,
    })
}

/// The numbers of rules.
#[must_use]
pub fn rules_to_numbers(rules: &[RuleCode]) -> Vec<u32> {
    rules.iter().map(|rule| u32::from(rule.number())).collect()
}

/// The rules of numbers.
///
/// # Errors
/// When one is not known, or they do not ascend.
pub fn rules_from_numbers(numbers: &[u32]) -> Result<Vec<RuleCode>, BodyError> {
    expect_ascending("rules", numbers)?;
    let known = |number: &u32| {
        RuleCode::from_number(*number).ok_or_else(|| BodyError::field("rules", format_args!("{number} is not known")))
    };
    numbers.iter().map(known).collect()
}
