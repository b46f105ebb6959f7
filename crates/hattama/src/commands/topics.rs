//! `hattama topics`: the topics of an election's log on Kafka, made by the preset and compared with it.

use crate::{cli::TopicsArgs, output::print};
use hattama_election::definition::{Definition, DefinitionFiles, Purpose};
use hattama_election_log::{create_generation, first_records};
use hattama_record_log::{
    KafkaSettings, RecordLog,
    kafka::{self, TopicsReport},
    topics::TopicSet,
};
use hattama_tally::Generation;
use hattama_wire::Genesis;
use std::{error::Error, process::ExitCode};

/// What the operator's client is called in the brokers' logs.
const CLIENT: &str = "operator";

/// Makes the topics and the genesis record of every partition.
pub fn apply(args: &TopicsArgs) -> Result<ExitCode, Box<dyn Error>> {
    let place = Place::of(args)?;
    if place.definition.purpose == Purpose::Official && args.generation > 1 {
        let why = "an official election's generation above 1 goes on from the one before: make it with `hattama generation new`";
        return Err(why.into());
    }
    tokio::runtime::Runtime::new()?.block_on(async {
        let report = kafka::apply(&place.kafka, &place.topics, place.definition.shards).await?;
        for topic in &report.created {
            print(format_args!("made {topic}"));
        }
        let log = RecordLog::connect_kafka(place.kafka.clone()).await?;
        let genesis = Genesis::first(&place.definition, Generation(place.generation));
        create_generation(&log, &place.definition, &genesis).await?;
        place.conclude(&log, &report).await
    })
}

/// Compares the topics with the preset, and what they begin with with the definition.
pub fn check(args: &TopicsArgs) -> Result<ExitCode, Box<dyn Error>> {
    let place = Place::of(args)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let report = kafka::check(&place.kafka, &place.topics, place.definition.shards).await?;
        let log = RecordLog::connect_kafka(KafkaSettings { read_only: true, ..place.kafka.clone() }).await?;
        place.conclude(&log, &report).await
    })
}

/// Whose topics, and where.
struct Place {
    definition: Definition,
    kafka: KafkaSettings,
    topics: TopicSet,
    generation: u32,
}

impl Place {
    fn of(args: &TopicsArgs) -> Result<Self, Box<dyn Error>> {
        let definition = Definition::load(&DefinitionFiles::read(&args.definition)?)?;
        if args.kafka.is_dev() && definition.purpose == Purpose::Official {
            return Err(format!("{} is an official election: --dev is for trials", definition.id).into());
        }
        let kafka = args.kafka.kafka(CLIENT)?.ok_or("topics lie on a Kafka cluster: give --brokers HOST:PORT,…")?;
        let topics = TopicSet::new(definition.id.as_str(), args.generation)?;
        Ok(Self { definition, kafka, topics, generation: args.generation })
    }

    /// Says what is not as it has to be. What passes by itself is no failure.
    async fn conclude(&self, log: &RecordLog, report: &TopicsReport) -> Result<ExitCode, Box<dyn Error>> {
        let mut all_well = true;
        for deviation in &report.deviations {
            print(deviation);
            all_well &= deviation.is_passing();
        }
        for (topic, partitions) in self.topics.partitions(self.definition.shards) {
            if report.deviations.iter().any(|deviation| deviation.topic == *topic && deviation.is_wrong_for_all()) {
                continue;
            }
            let begins = first_records(log, &self.definition, Generation(self.generation), topic, partitions).await;
            if let Err(error) = begins {
                print(error);
                all_well = false;
            }
        }
        log.clone().close().await?;
        if !all_well {
            return Ok(ExitCode::FAILURE);
        }
        let (id, generation) = (&self.definition.id, self.generation);
        print(format_args!("the four topics of {id}, generation {generation}, are as they have to be"));
        Ok(ExitCode::SUCCESS)
    }
}
