//! What of a night lies in the log already.

use hattama_election::{
    definition::Definition,
    digest::{SubmissionDigest, sha256},
    ids::ShardId,
};
use hattama_proto::submission::v1::SignedSubmission;
use hattama_record_log::{LogError, RecordLog, TopicName};
use hattama_wire::submission_digest;
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};

/// Records read at a time.
const BATCH_RECORDS: usize = 1_024;

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
        let mut reader = log.reader(topic, shard.0, 1);
        loop {
            let batch = reader.next_batch_now(BATCH_RECORDS).await?;
            if batch.is_empty() {
                break;
            }
            digests.extend(batch.into_iter().map(|record| match SignedSubmission::decode(record.value.clone()) {
                Ok(submission) => submission_digest(&submission.signed),
                Err(_) => SubmissionDigest(sha256(&record.value)),
            }));
        }
    }
    Ok(digests)
}

/// Whether a shard has a record of this value.
///
/// # Errors
/// When the log cannot be read.
pub async fn holds(log: &RecordLog, topic: &TopicName, shard: ShardId, value: &[u8]) -> Result<bool, LogError> {
    let mut reader = log.reader(topic, shard.0, 1);
    loop {
        let batch = reader.next_batch_now(BATCH_RECORDS).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        if batch.iter().any(|record| record.value == value) {
            return Ok(true);
        }
    }
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
