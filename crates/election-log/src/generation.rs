//! A generation's topics, and the genesis record at offset 0 of each of their partitions (design, D7).

use bytes::Bytes;
use hattama_election::definition::Definition;
use hattama_record_log::{LogError, NewRecord, ReadLimit, RecordLog, TopicName, topics::TopicSet};
use hattama_tally::Generation;
use hattama_wire::{Genesis, decode_genesis, encode_genesis};

/// The genesis record of a partition, as it lies there and as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRecord {
    /// The record's value: chained digests begin with it.
    pub value: Bytes,
    /// What it says.
    pub genesis: Genesis,
}

/// A partition does not begin as it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The log failed.
    #[error("the log of generation {generation} cannot be read: {source}")]
    Log {
        /// Which generation.
        generation: u32,
        /// Why.
        source: LogError,
    },
    /// It is empty.
    #[error("partition {partition} of {topic} has no genesis record: create the generation's topics first")]
    Missing {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: u32,
    },
    /// It is the beginning of another log.
    #[error(
        "partition {partition} of {topic} is not of this election, definition and generation ({why}): start with the definition that the log was made for, or another log"
    )]
    Foreign {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: u32,
        /// What differs.
        why: String,
    },
}

/// Makes a generation's topics, and a genesis record in every partition that is empty. May be repeated after a failure; what
/// is there stays.
///
/// # Errors
/// As [`RecordLog::create_topic`] and [`RecordLog::append_if_empty`].
pub async fn create_generation(
    log: &RecordLog,
    definition: &Definition,
    genesis: &Genesis,
) -> Result<TopicSet, LogError> {
    let topics = TopicSet::new(definition.id.as_str(), genesis.generation.0)?;
    topics.create_all(log, definition.shards).await?;
    let value = encode_genesis(genesis);
    for (topic, partitions) in topics.partitions(definition.shards) {
        for partition in 0..partitions {
            log.append_if_empty(topic, partition, NewRecord::of_value(value.clone())).await?;
        }
    }
    Ok(topics)
}

/// The genesis record of a partition, checked against the definition and the generation.
///
/// # Errors
/// When there is none, or it is another log's.
pub async fn first_record(
    log: &RecordLog,
    definition: &Definition,
    generation: Generation,
    topic: &TopicName,
    partition: u32,
) -> Result<FirstRecord, GenesisError> {
    let limit = ReadLimit { records: 1, ..ReadLimit::default() };
    let read = log.read(topic, partition, 0, limit).await;
    let read = read.map_err(|source| GenesisError::Log { generation: generation.0, source })?;
    let record = read.into_iter().next().ok_or_else(|| GenesisError::Missing { topic: topic.clone(), partition })?;
    let foreign = |why: String| GenesisError::Foreign { topic: topic.clone(), partition, why };
    let genesis = decode_genesis(definition, &record.value).map_err(|error| foreign(error.to_string()))?;
    if genesis.generation != generation {
        return Err(foreign(format!("it is of generation {}, not {}", genesis.generation.0, generation.0)));
    }
    Ok(FirstRecord { value: record.value, genesis })
}

/// The genesis records of all partitions of a topic.
///
/// # Errors
/// As [`first_record`], of the first partition that does not begin as it must.
pub async fn first_records(
    log: &RecordLog,
    definition: &Definition,
    generation: Generation,
    topic: &TopicName,
    partitions: u32,
) -> Result<Vec<FirstRecord>, GenesisError> {
    let mut records = Vec::new();
    for partition in 0..partitions {
        records.push(first_record(log, definition, generation, topic, partition).await?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;

    #[tokio::test]
    async fn every_partition_of_a_new_generation_begins_with_its_genesis_however_often_it_is_made() {
        let (log, definition) = (RecordLog::memory(), sample::definition());
        let genesis = Genesis::first(&definition, Generation(3));
        for _ in 0..2 {
            let topics = create_generation(&log, &definition, &genesis).await.unwrap();
            for (topic, partitions) in topics.partitions(definition.shards) {
                let records = first_records(&log, &definition, Generation(3), topic, partitions).await.unwrap();
                assert!(records.iter().all(|record| record.genesis == genesis));
                assert_eq!(log.end(topic, 0).await, Ok(1));
            }
        }
    }

    #[tokio::test]
    async fn a_partition_of_another_generation_and_an_empty_one_are_told_apart() {
        let (log, definition) = (RecordLog::memory(), sample::definition());
        let topics = TopicSet::new(definition.id.as_str(), 1).unwrap();
        topics.create_all(&log, definition.shards).await.unwrap();
        let value = encode_genesis(&Genesis::first(&definition, Generation(2)));
        log.append(&topics.tallies, 1, NewRecord::of_value(value)).await.unwrap();

        let read = async |partition| {
            first_record(&log, &definition, Generation(1), &topics.tallies, partition).await.unwrap_err().to_string()
        };
        assert!(read(0).await.contains("partition 0 of sample.g1.tallies has no genesis record"), "{}", read(0).await);
        assert!(read(1).await.contains("it is of generation 2, not 1"), "{}", read(1).await);
    }
}
