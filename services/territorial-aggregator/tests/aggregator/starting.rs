//! What an aggregator refuses to start on; then nothing of it runs.

use crate::rig::{Rig, genesis, service_key};
use hattama_election::{definition::sample, ids::ElectionId, ids::ShardId};
use hattama_record_log::{NewRecord, TopicName};
use hattama_service_kit::shutdown::Shutdown;
use hattama_territorial_aggregator::{Config, Ownership, start};

/// The error of a start, which left nothing behind in the log.
async fn refusal(rig: &Rig, config: Config) -> String {
    let shutdown = Shutdown::new();
    let error = start(config, &shutdown).await.unwrap_err().to_string();
    let drain = shutdown.drain(std::time::Duration::ZERO).await;
    assert_eq!(drain.tasks_left, 0, "tasks run although it did not start");
    for shard in 0..rig.definition.shards {
        assert!(rig.log.end(&rig.topics.tallies, shard).await.unwrap() <= 1);
    }
    error
}

fn expect_parts(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

/// A log whose partitions begin with a good genesis, but for one.
async fn rig_with(topic: impl Fn(&Rig) -> TopicName, partition: u32, value: Option<bytes::Bytes>) -> Rig {
    let rig = Rig::without_genesis(sample::definition()).await;
    let odd = topic(&rig);
    for (topic, partitions) in rig.topics.partitions(rig.definition.shards) {
        for each in 0..partitions {
            let is_odd = *topic == odd && each == partition;
            let value = if is_odd { value.clone() } else { Some(genesis(&rig.definition, 1)) };
            if let Some(value) = value {
                rig.log.append(topic, each, NewRecord::of_value(value)).await.unwrap();
            }
        }
    }
    rig
}

#[tokio::test]
async fn a_log_of_another_election_core_or_generation_is_refused() {
    let mut other_election = sample::definition();
    other_election.id = ElectionId::new("another").unwrap();
    let mut other_core = sample::definition();
    other_core.core_digest.0[0] ^= 1;
    let cases = [
        (genesis(&other_election, 1), "election `another`"),
        (genesis(&other_core, 1), "core"),
        (genesis(&sample::definition(), 2), "it is of generation 2, not 1"),
        ("no genesis".into(), "canonical"),
    ];
    for (value, why) in cases {
        let rig = rig_with(|rig| rig.topics.submissions.clone(), 4, Some(value)).await;
        let error = refusal(&rig, rig.config("one", &[])).await;
        expect_parts(&error, &["partition 4 of sample.g1.submissions", why, "start with the definition"]);
    }
}

#[tokio::test]
async fn a_partition_without_a_genesis_is_refused_whichever_topic_it_is_of() {
    for (topic, partition) in [("submissions", 0), ("submissions", 4), ("outcomes", 3), ("tallies", 2)] {
        let name = TopicName::new(format!("sample.g1.{topic}")).unwrap();
        let rig = rig_with(|_| name.clone(), partition, None).await;
        let error = refusal(&rig, rig.config("one", &[])).await;
        let what = format!("partition {partition} of sample.g1.{topic} has no genesis record");
        expect_parts(&error, &[&what, "create the generation's topics first"]);
    }
}

#[tokio::test]
async fn a_generation_that_the_log_does_not_have_is_refused() {
    let rig = Rig::new().await;
    let mut config = rig.config("one", &[]);
    config.generation = 7;
    let error = refusal(&rig, config).await;
    expect_parts(&error, &["generation 7", "sample.g7.submissions", "create the generation's topics first"]);
}

#[tokio::test]
async fn a_key_that_is_not_an_aggregators_is_refused() {
    let rig = Rig::new().await;
    let mut config = rig.config("one", &[]);
    config.key = service_key("national");
    let id = config.key.id().to_string();
    expect_parts(&refusal(&rig, config).await, &[&id, "of role aggregator"]);
}

#[tokio::test]
async fn a_shard_that_the_definition_does_not_have_is_refused() {
    let rig = Rig::new().await;
    let mut config = rig.config("one", &[1, 5]);
    expect_parts(&refusal(&rig, config).await, &["shard 5 does not exist", "shards 0 to 4"]);
    config = rig.config("one", &[]);
    config.ownership = Ownership::Fixed([ShardId(u32::MAX)].into());
    expect_parts(&refusal(&rig, config).await, &["shard 4294967295 does not exist"]);
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused() {
    let rig = Rig::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = rig.config("one", &[]);
    config.listen = taken.local_addr().unwrap();
    expect_parts(&refusal(&rig, config).await, &[&taken.local_addr().unwrap().to_string()]);
}
