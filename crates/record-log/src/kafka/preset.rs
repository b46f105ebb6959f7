//! How every topic has to be made: the one list that creation and inspection share. No I/O.

use std::collections::BTreeMap;

use crate::{MAX_RECORD_BYTES, TopicName};

/// The largest batch that brokers and clients take: the largest record, and what the format puts around it.
pub const MAX_MESSAGE_BYTES: usize = MAX_RECORD_BYTES + FORMAT_OVERHEAD_BYTES;

/// Replicas of each partition: one may be lost while another is being repaired.
pub const REPLICAS: i32 = 3;

/// Replicas, with `--dev`, of a topic on a single broker.
pub const REPLICAS_DEV: i32 = 1;

/// How a deviation names the number of partitions.
const PARTITIONS: &str = "partitions";

/// What is found of a topic that is not there.
const NO_SUCH_TOPIC: &str = "no such topic";

/// How a deviation names replicas that lag.
const IN_SYNC_REPLICAS: &str = "in sync replicas";

/// Batch and record headers, lengths of keys and headers: some 600 bytes at 32 headers, generously.
const FORMAT_OVERHEAD_BYTES: usize = 64 << 10;

/// What lies in the cluster and is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The topic.
    pub topic: TopicName,
    /// What differs: a setting of the topic, `partitions`, `replicas` or `in sync replicas`.
    pub setting: String,
    /// How it is.
    pub found: String,
    /// How it has to be.
    pub wanted: String,
    /// The command that mends it, or what to do where no command can.
    pub mend: String,
}

impl Deviation {
    /// Whether the topic is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.setting == PARTITIONS && self.found == NO_SUCH_TOPIC
    }

    /// Whether the topic cannot be used by anybody: it is not there, or is another definition's.
    #[must_use]
    pub fn is_wrong_for_all(&self) -> bool {
        self.setting == PARTITIONS
    }

    /// Whether it only says that a replica is behind or its broker down: it passes, and services start all the same.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.setting == IN_SYNC_REPLICAS
    }
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topic, setting, found, wanted, mend } = self;
        write!(formatter, "{topic}: {setting} is {found}, wanted is {wanted}; mend it with: {mend}")
    }
}

/// What lies in the cluster under a topic's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many partitions it has.
    pub partitions: u32,
    /// The fewest replicas of any partition.
    pub fewest_replicas: i32,
    /// The fewest replicas of any partition that have every record.
    pub fewest_in_sync: i32,
    /// The topic's settings, with the brokers' defaults where it has none of its own.
    pub settings: BTreeMap<String, String>,
}

/// How many replicas a topic is made with.
#[must_use]
pub fn replicas(dev: bool) -> i32 {
    if dev { REPLICAS_DEV } else { REPLICAS }
}

/// The settings of every topic, in the order of their names.
#[must_use]
pub fn settings(dev: bool) -> BTreeMap<&'static str, String> {
    // With two of three, an acknowledged record survives the loss of any broker.
    let in_sync = if dev { "1" } else { "2" };
    BTreeMap::from([
        // The record of truth: no record is ever removed, neither by key, age nor size.
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", "-1".to_owned()),
        ("retention.bytes", "-1".to_owned()),
        // As the sender compressed it: brokers never touch what was signed.
        ("compression.type", "producer".to_owned()),
        ("max.message.bytes", MAX_MESSAGE_BYTES.to_string()),
        // The brokers' clock, so that no sender's can be believed. For information only.
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("min.insync.replicas", in_sync.to_owned()),
        // Rather stand still than lose what was acknowledged.
        ("unclean.leader.election.enable", "false".to_owned()),
    ])
}

/// What differs between a topic in the cluster (`None`: it is not there) and how it has to be; empty if nothing does.
#[must_use]
pub fn deviations(topic: &TopicName, partitions: u32, found: Option<&Found>, at: Cluster<'_>) -> Vec<Deviation> {
    let deviation = |setting: &str, found: String, wanted: String, mend: String| Deviation {
        topic: topic.clone(),
        setting: setting.to_owned(),
        found,
        wanted,
        mend,
    };
    let Some(found) = found else {
        let mend = format!("hattama topics apply --brokers {} (what is there stays as it is)", at.brokers);
        return vec![deviation(PARTITIONS, NO_SUCH_TOPIC.to_owned(), partitions.to_string(), mend)];
    };
    let mut differs = Vec::new();
    if found.partitions != partitions {
        let mend = "no command may: shards are frozen with the definition; make a new generation".to_owned();
        differs.push(deviation(PARTITIONS, found.partitions.to_string(), partitions.to_string(), mend));
    }
    let wanted = replicas(at.dev);
    if found.fewest_replicas < wanted {
        let mend = format!(
            "kafka-reassign-partitions.sh --bootstrap-server {} --execute --reassignment-json-file FILE, where FILE gives each \
             partition of {topic} {wanted} brokers",
            at.brokers
        );
        differs.push(deviation("replicas", found.fewest_replicas.to_string(), wanted.to_string(), mend));
    } else if found.fewest_in_sync < found.fewest_replicas {
        let mend = "start the broker that is down, and wait until it has caught up".to_owned();
        let (found, wanted) = (found.fewest_in_sync.to_string(), found.fewest_replicas.to_string());
        differs.push(deviation(IN_SYNC_REPLICAS, found, wanted, mend));
    }
    for (setting, wanted) in settings(at.dev) {
        let value = found.settings.get(setting).map_or("unknown", String::as_str);
        if value != wanted {
            let mend = format!(
                "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config \
                 {setting}={wanted}",
                at.brokers
            );
            differs.push(deviation(setting, value.to_owned(), wanted, mend));
        }
    }
    differs
}

/// Which cluster is looked at, for the commands, and by which measure.
#[derive(Debug, Clone, Copy)]
pub struct Cluster<'a> {
    /// Some of its brokers, `host:port,host:port`.
    pub brokers: &'a str,
    /// Whether one replica is enough.
    pub dev: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICIAL: Cluster<'_> = Cluster { brokers: "b:9092", dev: false };

    fn topic() -> TopicName {
        TopicName::new("kz.g1.submissions").unwrap()
    }

    fn as_made(dev: bool) -> Found {
        let settings = settings(dev).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Found { partitions: 21, fewest_replicas: replicas(dev), fewest_in_sync: replicas(dev), settings }
    }

    #[test]
    fn a_topic_as_it_was_made_has_no_deviation() {
        assert_eq!(deviations(&topic(), 21, Some(&as_made(false)), OFFICIAL), []);
        assert_eq!(deviations(&topic(), 21, Some(&as_made(true)), Cluster { dev: true, ..OFFICIAL }), []);
    }

    #[test]
    fn a_topic_of_a_single_broker_is_not_good_enough_without_dev() {
        let found = deviations(&topic(), 21, Some(&as_made(true)), OFFICIAL);
        let named: Vec<&str> = found.iter().map(|deviation| deviation.setting.as_str()).collect();
        assert_eq!(named, ["replicas", "min.insync.replicas"]);
    }

    #[test]
    fn every_setting_that_differs_is_named_with_the_command_that_mends_it() {
        for (setting, wanted) in settings(false) {
            let mut found = as_made(false);
            found.settings.insert(setting.to_owned(), "else".to_owned());
            let named = deviations(&topic(), 21, Some(&found), OFFICIAL);
            assert_eq!(named.len(), 1, "{setting}");
            assert_eq!((named[0].setting.as_str(), named[0].found.as_str()), (setting, "else"));
            assert_eq!(named[0].wanted, wanted);
            let command = format!("--entity-name kz.g1.submissions --add-config {setting}={wanted}");
            assert!(named[0].mend.contains(&command) && named[0].mend.contains("b:9092"), "{}", named[0].mend);
        }
    }

    #[test]
    fn a_missing_topic_a_wrong_number_of_partitions_and_a_lagging_replica_are_named() {
        let missing = deviations(&topic(), 21, None, OFFICIAL);
        assert_eq!(missing[0].found, "no such topic");
        let fewer = Found { partitions: 20, fewest_in_sync: 2, ..as_made(false) };
        let found = deviations(&topic(), 21, Some(&fewer), OFFICIAL);
        let named: Vec<&str> = found.iter().map(|deviation| deviation.setting.as_str()).collect();
        assert_eq!(named, ["partitions", "in sync replicas"]);
    }
}
