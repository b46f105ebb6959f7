//! Which topics a log has, and where each partition ends: what all local implementations share.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::record::check_limit;
use crate::{LogError, TopicName};

/// The most partitions of one topic: a million stations in shards of a thousand, four times over.
pub const MAX_PARTITIONS: usize = 4_096;

/// The most topics of one log: 256 generations of four.
pub const MAX_TOPICS: usize = 1_024;

/// The topics of a running log, or why it runs no more.
#[derive(Debug)]
pub(crate) struct Catalogue(RwLock<State>);

/// A topic: its number in the store, and the end of each partition as a watch.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    pub(crate) number: u32,
    ends: Vec<watch::Sender<u64>>,
}

/// Why a log stopped.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// Somebody closed it.
    Closed,
    /// It failed.
    Failed(String),
}

#[derive(Debug)]
enum State {
    Running(BTreeMap<TopicName, Arc<Topic>>),
    Stopped(Stop),
}

impl Catalogue {
    pub(crate) fn new(topics: impl IntoIterator<Item = Topic>) -> Self {
        let topics = topics.into_iter().map(|topic| (topic.name.clone(), Arc::new(topic))).collect();
        Self(RwLock::new(State::Running(topics)))
    }

    pub(crate) fn topics(&self) -> Result<BTreeMap<TopicName, u32>, LogError> {
        self.with_topics(|topics| topics.iter().map(|(name, topic)| (name.clone(), topic.partitions())).collect())
    }

    pub(crate) fn topic(&self, name: &TopicName) -> Result<Arc<Topic>, LogError> {
        self.with_topics(|topics| topics.get(name).cloned())?
            .ok_or_else(|| LogError::UnknownTopic { topic: name.clone() })
    }

    /// The topic, if it has the partition.
    pub(crate) fn topic_with(&self, name: &TopicName, partition: u32) -> Result<Arc<Topic>, LogError> {
        let topic = self.topic(name)?;
        if partition < topic.partitions() {
            return Ok(topic);
        }
        Err(LogError::UnknownPartition { topic: name.clone(), partition, partitions: topic.partitions() })
    }

    /// The end of a partition, now and in future. The sending side goes away when the log stops.
    pub(crate) fn end(&self, name: &TopicName, partition: u32) -> Result<watch::Receiver<u64>, LogError> {
        let topic = self.topic_with(name, partition)?;
        Ok(topic.sender(partition)?.subscribe())
    }

    /// Whether a topic has to be created: its number if so, `None` if it is there already.
    pub(crate) fn number_for(&self, name: &TopicName, partitions: u32) -> Result<Option<u32>, LogError> {
        self.with_topics(|topics| {
            if let Some(topic) = topics.get(name) {
                return match topic.partitions() {
                    existing if existing == partitions => Ok(None),
                    existing => Err(LogError::PartitionsDiffer { topic: name.clone(), existing, wanted: partitions }),
                };
            }
            check_limit("topics of a log", topics.len() + 1, MAX_TOPICS)?;
            let highest = topics.values().map(|topic| topic.number).max();
            Ok(Some(highest.map_or(0, |highest| highest + 1)))
        })?
    }

    pub(crate) fn add(&self, topic: Topic) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Running(topics) = &mut *state {
            topics.insert(topic.name.clone(), Arc::new(topic));
        }
    }

    /// Forgets all topics, which wakes whoever waits for one to grow. The first failure stays.
    pub(crate) fn stop(&self, why: Stop) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(&*state, State::Stopped(Stop::Failed(_))) {
            *state = State::Stopped(why);
        }
    }

    /// Why the log stopped; `None` while it runs.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Running(_) => None,
            State::Stopped(why) => Some(why.clone()),
        }
    }

    fn with_topics<T>(&self, ask: impl FnOnce(&BTreeMap<TopicName, Arc<Topic>>) -> T) -> Result<T, LogError> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Running(topics) => Ok(ask(topics)),
            State::Stopped(why) => Err(why.error()),
        }
    }
}

impl Stop {
    pub(crate) fn error(&self) -> LogError {
        let reason = match self {
            Self::Closed => "it was closed".to_owned(),
            Self::Failed(reason) => reason.clone(),
        };
        LogError::Stopped { reason }
    }
}

impl Topic {
    /// A topic whose partitions end where the list says.
    pub(crate) fn new(name: TopicName, number: u32, ends: impl IntoIterator<Item = u64>) -> Self {
        let ends = ends.into_iter().map(watch::Sender::new).collect();
        Self { name, number, ends }
    }

    pub(crate) fn partitions(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn end(&self, partition: u32) -> Result<u64, LogError> {
        Ok(*self.sender(partition)?.borrow())
    }

    /// Tells readers that a partition has grown.
    pub(crate) fn publish_end(&self, partition: u32, end: u64) -> Result<(), LogError> {
        self.sender(partition)?.send_replace(end);
        Ok(())
    }

    fn sender(&self, partition: u32) -> Result<&watch::Sender<u64>, LogError> {
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        self.ends.get(index).ok_or_else(|| LogError::UnknownPartition {
            topic: self.name.clone(),
            partition,
            partitions: self.partitions(),
        })
    }
}
