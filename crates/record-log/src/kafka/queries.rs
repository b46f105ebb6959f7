//! Questions to the brokers: which topics there are, and where partitions end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{FutureProducer, Producer};
use tokio::sync::Semaphore;

use super::context::{Complaint, Context};
use super::{blocking, partition_id};
use crate::catalogue::{Catalogue, Topic};
use crate::{KafkaSettings, LogError, TopicName};

/// Questions that are asked at the same time; each holds a thread of the runtime's blocking pool.
const MAX_OPEN_QUESTIONS: usize = 32;

/// How long one attempt may take: a broker that died silently is given up and its successor asked.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Between two attempts.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// The client that asks. Clones ask through the same connections.
#[derive(Clone)]
pub(super) struct Queries {
    /// A producer that never produces: the library's lightest client.
    client: FutureProducer<Context>,
    catalogue: Arc<Catalogue>,
    complaint: Complaint,
    open: Arc<Semaphore>,
    timeout: Duration,
}

/// What a cluster said of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) partitions: u32,
    pub(super) fewest_replicas: i32,
    pub(super) fewest_in_sync: i32,
    pub(super) every_partition_has_a_leader: bool,
}

impl Queries {
    pub(super) fn new(settings: &KafkaSettings, complaint: &Complaint) -> Result<Self, LogError> {
        let context = Context { client: "queries", complaint: complaint.clone() };
        let client = settings.query_client()?.create_with_context(context);
        Ok(Self {
            client: client.map_err(|error| cannot_start(settings, &error))?,
            catalogue: Arc::new(Catalogue::new([])),
            complaint: complaint.clone(),
            open: Arc::new(Semaphore::new(MAX_OPEN_QUESTIONS)),
            timeout: settings.request_timeout,
        })
    }

    /// The topics that were seen so far, and whether the log runs.
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The topic, if it has the partition. What was seen once is not asked again: a topic never
    /// changes, nor is another made under its name (design, D7).
    pub(super) async fn topic_with(&self, name: &TopicName, partition: u32) -> Result<Arc<Topic>, LogError> {
        if let Err(LogError::UnknownTopic { .. }) = self.catalogue.topic(name) {
            self.list().await?;
        }
        self.catalogue.topic_with(name, partition)
    }

    /// All topics that this user may see, but for the brokers' own.
    pub(super) async fn list(&self) -> Result<BTreeMap<TopicName, Listed>, LogError> {
        self.catalogue.topics()?;
        // All of them: asking for one by name would make it where brokers are set to do so.
        let listed = self
            .ask("the list of topics", |client, timeout| client.client().fetch_metadata(None, timeout).map(listed))
            .await?;
        for (name, topic) in &listed {
            if let Err(LogError::UnknownTopic { .. }) = self.catalogue.topic(name) {
                self.catalogue.add(Topic::new(name.clone(), 0, (0..topic.partitions).map(|_| 0)));
            }
        }
        Ok(listed)
    }

    /// The id that the cluster gave itself when it was made, as its brokers say now.
    pub(super) async fn cluster_id(&self) -> Result<Option<String>, LogError> {
        self.catalogue.topics()?;
        self.ask("the cluster's id", |client, timeout| {
            // The client remembers what the brokers said last: they are asked first.
            client.client().fetch_metadata(None, timeout)?;
            Ok(client.client().fetch_cluster_id(timeout))
        })
        .await
    }

    /// The offset that the next record of a partition will get: what all replicas in sync have.
    pub(super) async fn end(&self, name: &TopicName, partition: u32) -> Result<u64, LogError> {
        Ok(self.bounds(name, partition).await?.end)
    }

    /// The offsets that a partition has.
    pub(super) async fn bounds(&self, name: &TopicName, partition: u32) -> Result<Range<u64>, LogError> {
        self.topic_with(name, partition).await?;
        let (topic, id) = (name.clone(), partition_id(partition));
        let ends = self
            .ask(&format!("where partition {partition} of `{name}` ends"), move |client, timeout| {
                let ends = client.client().fetch_watermarks(topic.as_str(), id, timeout);
                if ends.is_err() {
                    // The client asks the leader that it remembers, for minutes after that one's death, unless it hears of
                    // another.
                    let _ = client.client().fetch_metadata(None, timeout);
                }
                ends
            })
            .await?;
        Ok(u64::try_from(ends.0).unwrap_or(0)..u64::try_from(ends.1).unwrap_or(0))
    }

    /// Asks until there is an answer, the time is over, the log is closed, or an answer is final.
    async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        ask: impl Fn(&FutureProducer<Context>, Duration) -> KafkaResult<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let _permit = self.open.acquire().await;
        let (this, action) = (self.clone(), format!("a question for {what}"));
        blocking(move || {
            let deadline = Instant::now() + this.timeout;
            loop {
                let error = match ask(&this.client, ATTEMPT_TIMEOUT.min(this.timeout)) {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                this.catalogue.topics()?;
                if error.rdkafka_error_code().is_some_and(is_forbidden) {
                    return Err(LogError::Refused { action, reason: error.to_string() });
                }
                if Instant::now() >= deadline {
                    return Err(LogError::Unreachable { action, reason: this.complaint.explain(error) });
                }
                std::thread::sleep(ATTEMPT_PAUSE);
            }
        })
        .await
    }
}

/// Whether an answer says that this user has not the right.
pub(super) fn is_forbidden(code: Code) -> bool {
    matches!(code, Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed)
}

pub(super) fn cannot_start(settings: &KafkaSettings, error: &KafkaError) -> LogError {
    LogError::Refused { action: format!("a client of {}", settings.brokers), reason: error.to_string() }
}

fn listed(metadata: Metadata) -> BTreeMap<TopicName, Listed> {
    let mut all = BTreeMap::new();
    for topic in metadata.topics().iter().filter(|topic| topic.error().is_none()) {
        let Ok(name) = TopicName::new(topic.name()) else { continue };
        if topic.name().starts_with("__") {
            continue;
        }
        let fewest = |count: fn(&rdkafka::metadata::MetadataPartition) -> usize| {
            topic.partitions().iter().map(count).min().and_then(|fewest| i32::try_from(fewest).ok()).unwrap_or(0)
        };
        let listed = Listed {
            partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
            fewest_replicas: fewest(|partition| partition.replicas().len()),
            fewest_in_sync: fewest(|partition| partition.isr().len()),
            every_partition_has_a_leader: topic.partitions().iter().all(|partition| partition.leader() >= 0),
        };
        all.insert(name, listed);
    }
    all
}
