//! Making topics by the preset, and comparing what is there with it.

use std::collections::BTreeMap;
use std::time::Instant;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::blocking;
use super::preset::{self, Cluster, Deviation, Found, deviations};
use super::queries::{Queries, cannot_start, is_forbidden};
use crate::record::check_limit;
use crate::topics::TopicSet;
use crate::{Created, KafkaLog, KafkaSettings, LogError, MAX_TOPICS, TopicName};

/// Between two looks whether a new topic is there.
const VISIBLE_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// What creating or checking the topics of a generation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicsReport {
    /// Topics that did not exist and were made.
    pub created: Vec<TopicName>,
    /// What is not as the preset wants it; the topics can be trusted if this is empty.
    pub deviations: Vec<Deviation>,
}

/// Makes the topics of a generation that do not exist, by the preset, then checks all of them. It
/// changes nothing that exists; may be repeated.
///
/// # Errors
/// As [`crate::RecordLog::create_topic`] and [`check`].
pub async fn apply(settings: &KafkaSettings, topics: &TopicSet, shards: u32) -> Result<TopicsReport, LogError> {
    let log = connect(settings).await?;
    let mut created = Vec::new();
    for (topic, partitions) in topics.partitions(shards) {
        match log.create_topic(topic, partitions).await {
            Ok(Created::New) => created.push(topic.clone()),
            // The check names it, with what to do.
            Ok(Created::Existed) | Err(LogError::PartitionsDiffer { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let deviations = compare(settings, &log, topics, shards).await?;
    log.close().await?;
    Ok(TopicsReport { created, deviations })
}

/// Compares the topics of a generation with the preset.
///
/// # Errors
/// [`LogError::Unreachable`] if the brokers do not answer, [`LogError::Refused`] without the right
/// to see the topics' settings.
pub async fn check(settings: &KafkaSettings, topics: &TopicSet, shards: u32) -> Result<TopicsReport, LogError> {
    let log = connect(settings).await?;
    let deviations = compare(settings, &log, topics, shards).await?;
    log.close().await?;
    Ok(TopicsReport { created: Vec::new(), deviations })
}

/// Makes one topic by the preset, and returns when it can be used.
pub(super) async fn create(
    settings: &KafkaSettings,
    queries: &Queries,
    topic: &TopicName,
    partitions: u32,
) -> Result<Created, LogError> {
    let listed = queries.list().await?;
    if !listed.contains_key(topic) {
        check_limit("topics of a log", listed.len() + 1, MAX_TOPICS)?;
    }
    let created = match listed.get(topic) {
        Some(_) => Created::Existed,
        None => ask_to_create(settings, topic, partitions).await?,
    };
    let existing = await_leaders(settings, queries, topic).await?;
    if existing != partitions {
        return Err(LogError::PartitionsDiffer { topic: topic.clone(), existing, wanted: partitions });
    }
    Ok(created)
}

async fn ask_to_create(settings: &KafkaSettings, topic: &TopicName, partitions: u32) -> Result<Created, LogError> {
    let action = || format!("the creation of topic `{topic}`");
    let preset = preset::settings(settings.dev);
    let replicas = preset::replicas(settings.dev);
    let count = i32::try_from(partitions).unwrap_or(i32::MAX);
    let mut new = NewTopic::new(topic.as_str(), count, TopicReplication::Fixed(replicas));
    for (setting, value) in &preset {
        new = new.set(setting, value);
    }
    let admin = admin(settings).await?;
    let answers = admin.create_topics([&new], &options(settings)).await;
    end(admin).await;
    match answers.map(|answers| answers.into_iter().next()) {
        Ok(Some(Ok(_))) => Ok(Created::New),
        Ok(Some(Err((_, Code::TopicAlreadyExists)))) => Ok(Created::Existed),
        Ok(Some(Err((_, code @ Code::InvalidReplicationFactor)))) => Err(LogError::Refused {
            action: action(),
            reason: format!("{code}: {replicas} brokers have to run (a single one is enough with --dev)"),
        }),
        Ok(Some(Err((_, code)))) if is_forbidden(code) || is_wrong(code) => {
            Err(LogError::Refused { action: action(), reason: code.to_string() })
        }
        Ok(Some(Err((_, code)))) => Err(LogError::Unknown { action: action(), reason: code.to_string() }),
        Ok(None) => Err(LogError::Unknown { action: action(), reason: "there was no answer".to_owned() }),
        Err(error) => Err(LogError::Unknown { action: action(), reason: error.to_string() }),
    }
}

fn is_wrong(code: Code) -> bool {
    matches!(code, Code::InvalidPartitions | Code::InvalidConfig | Code::PolicyViolation | Code::InvalidTopic)
}

/// Waits until every partition has a leader; returns how many there are.
async fn await_leaders(settings: &KafkaSettings, queries: &Queries, topic: &TopicName) -> Result<u32, LogError> {
    let deadline = Instant::now() + settings.request_timeout;
    loop {
        if let Some(listed) = queries.list().await?.get(topic)
            && listed.every_partition_has_a_leader
            && listed.partitions > 0
        {
            return Ok(listed.partitions);
        }
        if Instant::now() >= deadline {
            let action = format!("to use topic `{topic}`");
            return Err(LogError::Unreachable { action, reason: "a partition has no leader".to_owned() });
        }
        tokio::time::sleep(VISIBLE_PAUSE).await;
    }
}

async fn compare(
    settings: &KafkaSettings,
    log: &KafkaLog,
    topics: &TopicSet,
    shards: u32,
) -> Result<Vec<Deviation>, LogError> {
    let listed = log.queries().list().await?;
    let wanted = topics.partitions(shards);
    let names: Vec<&TopicName> =
        wanted.iter().map(|(topic, _)| *topic).filter(|name| listed.contains_key(name)).collect();
    let described = describe(settings, &names).await?;
    let cluster = Cluster { brokers: &settings.brokers, dev: settings.dev };
    let mut all = Vec::new();
    for (topic, partitions) in wanted {
        let found = listed.get(topic).map(|listed| Found {
            partitions: listed.partitions,
            fewest_replicas: listed.fewest_replicas,
            fewest_in_sync: listed.fewest_in_sync,
            settings: described.get(topic).cloned().unwrap_or_default(),
        });
        all.extend(deviations(topic, partitions, found.as_ref(), cluster));
    }
    Ok(all)
}

/// The settings of topics that exist.
async fn describe(
    settings: &KafkaSettings,
    topics: &[&TopicName],
) -> Result<BTreeMap<TopicName, BTreeMap<String, String>>, LogError> {
    let action = || "a question for the topics' settings".to_owned();
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<ResourceSpecifier<'_>> =
        topics.iter().map(|topic| ResourceSpecifier::Topic(topic.as_str())).collect();
    let admin = admin(settings).await?;
    let answers = admin.describe_configs(&asked, &options(settings)).await;
    end(admin).await;
    let answers =
        answers.map_err(|error: KafkaError| LogError::Unreachable { action: action(), reason: error.to_string() })?;
    let mut all = BTreeMap::new();
    for (topic, answer) in topics.iter().zip(answers) {
        let resource: ConfigResource = answer.map_err(|code| {
            let reason = format!("{code} (topic `{topic}`)");
            if is_forbidden(code) {
                return LogError::Refused { action: action(), reason };
            }
            LogError::Unreachable { action: action(), reason }
        })?;
        let entries = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
        all.insert((*topic).clone(), entries.collect());
    }
    Ok(all)
}

async fn connect(settings: &KafkaSettings) -> Result<KafkaLog, LogError> {
    // No record is written here.
    KafkaLog::connect(KafkaSettings { read_only: true, ..settings.clone() }).await
}

async fn admin(settings: &KafkaSettings) -> Result<AdminClient<DefaultClientContext>, LogError> {
    let settings = settings.clone();
    blocking(move || settings.query_client()?.create().map_err(|error| cannot_start(&settings, &error))).await
}

/// Its end waits for its thread: off the async threads.
async fn end(admin: AdminClient<DefaultClientContext>) {
    let _ = blocking(move || {
        drop(admin);
        Ok(())
    })
    .await;
}

fn options(settings: &KafkaSettings) -> AdminOptions {
    let timeout = Some(settings.request_timeout);
    AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
}
