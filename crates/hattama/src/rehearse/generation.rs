//! The log of the night: embedded or on a cluster, which generation of it, its topics and their genesis records.

use super::directory::{Directory, DirectoryError, Marker};
use hattama_election::definition::Definition;
use hattama_election_log::{ClusterError, check_cluster, create_generation};
use hattama_record_log::{
    KafkaSettings, LogError, RecordLog,
    topics::{TopicSet, newest_generation},
};
use hattama_tally::Generation;
use hattama_wire::Genesis;
use std::path::Path;

/// The generation of a night in a folder of its own: nothing is lost there that would need another.
pub const FIRST_GENERATION: u32 = 1;

/// A night's log.
#[derive(Debug, Clone)]
pub struct NightLog {
    /// The log.
    pub log: RecordLog,
    /// Its topics.
    pub topics: TopicSet,
    /// Which generation.
    pub generation: u32,
}

/// The generation of a night on a cluster: the one that the folder names if it holds this night, else a new one.
pub async fn on_cluster(
    cluster: &RecordLog,
    definition: &Definition,
    path: &Path,
    night: &Marker,
    anew: bool,
) -> Result<u32, GenerationError> {
    match Directory::marker(path)? {
        Some(found) if !anew && found.is_night_of(night) => Ok(found.generation),
        _ => Ok(newest_generation(cluster, definition.id.as_str()).await?.unwrap_or(0) + 1),
    }
}

/// Makes the topics and their genesis records; what is there already stays. A cluster that is too weak is refused.
pub async fn create(
    log: RecordLog,
    definition: &Definition,
    generation: u32,
    kafka: Option<&KafkaSettings>,
) -> Result<NightLog, GenerationError> {
    let topics = create_generation(&log, definition, &Genesis::first(definition, Generation(generation))).await?;
    if let Some(kafka) = kafka {
        check_cluster(kafka, definition, generation).await?;
    }
    Ok(NightLog { log, topics, generation })
}

/// There is no log to play on.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The folder.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}
