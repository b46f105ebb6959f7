//! The log of the night: its topics, and the genesis record of every partition.

use hattama_election::definition::Definition;
use hattama_election_log::create_generation;
use hattama_record_log::{LogError, RecordLog, topics::TopicSet};
use hattama_tally::Generation;
use hattama_wire::Genesis;

/// A rehearsal has one generation: nothing is lost that would need another.
pub const GENERATION: u32 = 1;

/// Makes the topics and their genesis records; what is there already stays.
pub async fn create(log: &RecordLog, definition: &Definition) -> Result<TopicSet, LogError> {
    let genesis = Genesis {
        election: definition.id.clone(),
        generation: Generation(GENERATION),
        core_digest: definition.core_digest,
        last_publication: None,
        first_sequence: 1,
        restoring: None,
    };
    create_generation(log, definition, &genesis).await
}
