//! The body of a record of outcomes.

use crate::{
    body::{
        BodyError, decode_body, digest_bytes, expect_ascending, expect_own, position_to_proto, read_digest, read_list,
        read_position, read_shard,
    },
    figures::{outcome_from_proto, outcome_to_proto},
};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::SubmissionDigest, rules::RuleCode};
use hattama_proto::log::v1;
use hattama_tally::{Generation, OutcomesBody, SubmissionOutcome};
use prost::Message as _;

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
    Ok(OutcomesBody {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: Generation(message.generation),
        shard: read_shard(definition, message.shard)?,
        from: read_position("from", message.from.as_ref())?,
        to,
        outcomes,
    })
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
