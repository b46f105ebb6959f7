//! The log of the night: its topics, the genesis record of every partition, and what an earlier run has brought into it.

use hattama_election::{definition::Definition, digest::SubmissionDigest, ids::ShardId};
use hattama_election_log::create_generation;
use hattama_proto::submission::v1::SignedSubmission;
use hattama_record_log::{LogError, RecordLog, TopicName, topics::TopicSet};
use hattama_tally::Generation;
use hattama_wire::{Genesis, submission_digest};
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};

/// A rehearsal has one generation: nothing is lost that would need another.
pub const GENERATION: u32 = 1;
/// Records read at a time.
const BATCH_RECORDS: usize = 1_024;

/// Makes the topics and their genesis records; what is there already stays.
pub async fn create(log: &RecordLog, definition: &Definition) -> Result<TopicSet, LogError> {
    let genesis = Genesis {
        election: definition.id.clone(),
        generation: Generation(GENERATION),
        core_digest: definition.core_digest,
        last_publication: None,
        first_sequence: 1,
    };
    create_generation(log, definition, &genesis).await
}

/// The digests of all submissions that lie in the log.
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
                Err(_) => SubmissionDigest(hattama_election::digest::sha256(&record.value)),
            }));
        }
    }
    Ok(digests)
}

/// Where each shard's log ends.
pub async fn ends(log: &RecordLog, topic: &TopicName, definition: &Definition) -> Result<BTreeMap<u32, u64>, LogError> {
    let mut ends = BTreeMap::new();
    for shard in 0..definition.shards {
        ends.insert(shard, log.end(topic, shard).await?);
    }
    Ok(ends)
}
