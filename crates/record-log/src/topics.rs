//! The four topics of a generation (design, D7).

use crate::{Created, LogError, RecordLog, TopicName};

/// The topics of one generation of one election, named `<election>.g<generation>.<what>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSet {
    /// Everything signed that stations and commissions sent; a partition is a shard. The record of truth.
    pub submissions: TopicName,
    /// What became of submissions; a partition is a shard.
    pub outcomes: TopicName,
    /// What each shard adds up to; a partition is a shard.
    pub tallies: TopicName,
    /// What the nation adds up to; one partition.
    pub publications: TopicName,
}

impl TopicSet {
    /// The names for an election's generation.
    ///
    /// # Errors
    /// [`LogError::InvalidTopicName`] if the election's id cannot be part of a topic's name.
    pub fn new(election_id: &str, generation: u32) -> Result<Self, LogError> {
        let name = |what: &str| TopicName::new(format!("{election_id}.g{generation}.{what}"));
        Ok(Self {
            submissions: name(SUBMISSIONS)?,
            outcomes: name("outcomes")?,
            tallies: name("tallies")?,
            publications: name("publications")?,
        })
    }

    /// Each topic with its number of partitions, in the order in which they are created:
    /// `submissions` is last, so that a generation that has it has them all.
    #[must_use]
    pub fn partitions(&self, shards: u32) -> [(&TopicName, u32); 4] {
        [(&self.publications, 1), (&self.tallies, shards), (&self.outcomes, shards), (&self.submissions, shards)]
    }

    /// Creates those that do not exist; may be repeated after a failure.
    ///
    /// Returns [`Created::Existed`] if all four did.
    ///
    /// # Errors
    /// As [`RecordLog::create_topic`].
    pub async fn create_all(&self, log: &RecordLog, shards: u32) -> Result<Created, LogError> {
        let mut created = Created::Existed;
        for (topic, partitions) in self.partitions(shards) {
            if log.create_topic(topic, partitions).await? == Created::New {
                created = Created::New;
            }
        }
        Ok(created)
    }
}

/// The highest generation of an election whose topics are all there; `None` if there is none.
///
/// # Errors
/// As [`RecordLog::topics`].
pub async fn newest_generation(log: &RecordLog, election_id: &str) -> Result<Option<u32>, LogError> {
    let topics = log.topics().await?;
    Ok(topics.keys().filter_map(|topic| generation_of(topic, election_id)).max())
}

const SUBMISSIONS: &str = "submissions";

fn generation_of(topic: &TopicName, election_id: &str) -> Option<u32> {
    let rest = topic.as_str().strip_prefix(election_id)?;
    let digits = rest.strip_prefix(".g")?.strip_suffix(SUBMISSIONS)?;
    let digits = digits.strip_suffix('.')?;
    let generation: u32 = digits.parse().ok()?;
    // `g01` is not how this module writes 1: somebody else's topic.
    (generation.to_string() == digits).then_some(generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_generation_has_four_topics_and_one_partition_of_publications() {
        let log = RecordLog::memory();
        let topics = TopicSet::new("kz-2023", 1).unwrap();
        assert_eq!(topics.create_all(&log, 21).await, Ok(Created::New));
        assert_eq!(topics.create_all(&log, 21).await, Ok(Created::Existed));
        let listed: Vec<(String, u32)> = log
            .topics()
            .await
            .unwrap()
            .into_iter()
            .map(|(topic, partitions)| (topic.to_string(), partitions))
            .collect();
        let expected = [
            ("kz-2023.g1.outcomes".to_owned(), 21),
            ("kz-2023.g1.publications".to_owned(), 1),
            ("kz-2023.g1.submissions".to_owned(), 21),
            ("kz-2023.g1.tallies".to_owned(), 21),
        ];
        assert_eq!(listed, expected);
    }

    #[tokio::test]
    async fn the_newest_generation_is_the_highest_number_of_that_election() {
        let log = RecordLog::memory();
        assert_eq!(newest_generation(&log, "kz").await, Ok(None));
        for (election, generation) in [("kz", 2), ("kz", 10), ("kz-2023", 99), ("kz.g7.x", 50)] {
            let topics = TopicSet::new(election, generation).unwrap();
            topics.create_all(&log, 1).await.unwrap();
        }
        let padded = TopicName::new("kz.g0077.submissions").unwrap();
        log.create_topic(&padded, 1).await.unwrap();
        assert_eq!(newest_generation(&log, "kz").await, Ok(Some(10)));
        assert_eq!(newest_generation(&log, "kz-2023").await, Ok(Some(99)));
        assert_eq!(newest_generation(&log, "kz.g7.x").await, Ok(Some(50)));
    }

    #[tokio::test]
    async fn a_generation_that_was_half_created_is_not_the_newest() {
        let log = RecordLog::memory();
        let whole = TopicSet::new("kz", 1).unwrap();
        whole.create_all(&log, 3).await.unwrap();
        let half = TopicSet::new("kz", 2).unwrap();
        for (topic, partitions) in half.partitions(3).into_iter().take(3) {
            log.create_topic(topic, partitions).await.unwrap();
        }
        assert_eq!(newest_generation(&log, "kz").await, Ok(Some(1)));
        assert_eq!(half.create_all(&log, 3).await, Ok(Created::New));
        assert_eq!(newest_generation(&log, "kz").await, Ok(Some(2)));
    }

    #[test]
    fn an_election_id_that_no_topic_can_carry_is_refused() {
        let error = TopicSet::new("kz 2023", 1).unwrap_err();
        assert!(matches!(error, LogError::InvalidTopicName { .. }));
    }
}
