//! What of a night lies in the log already.

use crate::records::Records;
use hattama_election::{
    definition::Definition,
    digest::{SubmissionDigest, sha256},
    ids::ShardId,
};
use hattama_proto::submission::v1::SignedSubmission;
use hattama_record_log::{LogError, RecordLog, TopicName, topics::TopicSet};
use hattama_tally::{Generation, OutcomeChain, OutcomesBody, Read};
use hattama_wire::{open_outcomes, submission_digest};
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};

/// The digests of all submissions that lie in the log.
///
/// # Errors
/// When the log cannot be read.
pub async fn logged(
    log: &RecordLog,
    topic: &TopicName,
    definition: &Definition,
) -> Result<HashSet<SubmissionDigest>, LogError> {
    let mut digests = HashSet::new();
    for shard in (0..definition.shards).map(ShardId) {
        let mut records = Records::from(log, topic, shard.0, 1);
        while let Some(record) = records.next().await? {
            digests.insert(match SignedSubmission::decode(record.value.clone()) {
                Ok(submission) => submission_digest(&submission.signed),
                Err(_) => SubmissionDigest(sha256(&record.value)),
            });
        }
    }
    Ok(digests)
}

/// Whether a shard has a record of this value.
///
/// # Errors
/// When the log cannot be read.
pub async fn holds(log: &RecordLog, topic: &TopicName, shard: ShardId, value: &[u8]) -> Result<bool, LogError> {
    let mut records = Records::from(log, topic, shard.0, 1);
    while let Some(record) = records.next().await? {
        if record.value == value {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The valid steps of a shard's outcomes, in order: every word on its submissions.
///
/// # Errors
/// When the log cannot be read.
pub async fn outcome_steps(
    log: &RecordLog,
    topics: &TopicSet,
    definition: &Definition,
    generation: u32,
    shard: ShardId,
) -> Result<Vec<OutcomesBody>, LogError> {
    let mut chain = OutcomeChain::new(Generation(generation), shard);
    let mut records = Records::from(log, &topics.outcomes, shard.0, 1);
    let mut steps = Vec::new();
    while let Some(record) = records.next().await? {
        let Ok(body) = open_outcomes(definition, &record.value) else { continue };
        if let Read::Step(step) = chain.read(body) {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// Where each shard's log ends.
///
/// # Errors
/// When the log cannot be asked.
pub async fn ends(log: &RecordLog, topic: &TopicName, definition: &Definition) -> Result<BTreeMap<u32, u64>, LogError> {
    let mut ends = BTreeMap::new();
    for shard in 0..definition.shards {
        ends.insert(shard, log.end(topic, shard).await?);
    }
    Ok(ends)
}
