//! The stage of a night: its log on the cluster, its services, its clock.

use crate::{
    cluster::Cluster,
    in_log::Era,
    night::{Night, SHARDS, clock},
    rows::Target,
    services::{Common, Service},
};
use hattama_election_log::create_generation;
use hattama_night_play::processes::Binaries;
use hattama_record_log::{LogError, RecordLog, topics::TopicSet};
use hattama_service_kit::clock::Clock;
use hattama_tally::Generation;
use hattama_wire::Genesis;
use std::{
    error::Error,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::time::Instant;

/// The generation that every night begins in.
pub const FIRST_GENERATION: u32 = 1;
/// The aggregators' session: the brokers' smallest, as promised times are told for.
const SESSION_TIMEOUT_SECONDS: u64 = 6;

/// How many of each service.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Precinct gateways.
    pub gateways: usize,
    /// Territorial aggregators.
    pub aggregators: usize,
    /// National replicas.
    pub nationals: usize,
}

/// A night's log and services.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The brokers.
    pub cluster: &'a Cluster,
    /// The generation that services work in.
    pub generation: u32,
    /// Generations that were given up, as far as they came.
    pub lost: Vec<Era>,
    /// Where the services' binaries lie.
    pub binaries: PathBuf,
    /// The log.
    pub log: RecordLog,
    /// Its topics.
    pub topics: TopicSet,
    /// The night's clock.
    pub clock: Clock,
    /// When the night's first event is due.
    pub begins: Instant,
    /// Precinct gateways.
    pub gateways: Vec<Service>,
    /// Territorial aggregators.
    pub aggregators: Vec<Service>,
    /// National replicas.
    pub nationals: Vec<Service>,
    /// Where logs, journals and the export go.
    pub folder: PathBuf,
}

impl<'a> Stage<'a> {
    /// Makes the topics and the services; none runs yet.
    ///
    /// # Errors
    /// When the cluster refuses the topics or the disk the folder.
    pub async fn build(
        cluster: &'a Cluster,
        night: &Night,
        size: Size,
        binaries: &Path,
        folder: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let definition = folder.join("definition");
        night.files.write(&definition)?;
        let log = connect(cluster).await?;
        let genesis = Genesis::first(&night.definition, Generation(FIRST_GENERATION));
        let topics = create_generation(&log, &night.definition, &genesis).await?;
        let time = night.time()?;
        let begins = Instant::now() + crate::night::LEAD;
        let common = Common {
            binaries: Binaries::in_folder(binaries),
            definition,
            brokers: cluster.brokers.clone(),
            dev: cluster.size == 1,
            rehearsal_time: time.to_string(),
            folder: folder.to_owned(),
            session_timeout_seconds: SESSION_TIMEOUT_SECONDS,
        };
        let some = |target, count| {
            (0..count).map(|number| Service::new(&common, target, number)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            cluster,
            generation: FIRST_GENERATION,
            lost: Vec::new(),
            binaries: binaries.to_owned(),
            log,
            topics,
            clock: clock(time)?,
            begins,
            gateways: some(Target::Gateway, size.gateways)?,
            aggregators: some(Target::Aggregator, size.aggregators)?,
            nationals: some(Target::National, size.nationals)?,
            folder: folder.to_owned(),
        })
    }

    /// Starts all services and waits until they are ready.
    ///
    /// # Errors
    /// The first one that does not.
    pub async fn start(&mut self) -> Result<(), Box<dyn Error>> {
        for service in self.services() {
            service.start()?;
        }
        for service in self.services() {
            service.ready().await?;
        }
        Ok(())
    }

    /// Asks all services to stop, those in front first.
    ///
    /// # Errors
    /// The first one that cannot be asked.
    pub async fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        for service in self.services() {
            service.terminate().await?;
        }
        Ok(())
    }

    /// Waits until the brokers have every record of the night again, each.
    ///
    /// # Errors
    /// When that takes longer than it may.
    pub async fn in_step(&self) -> Result<(), Box<dyn Error>> {
        self.cluster.in_step(&self.topics, SHARDS).await
    }

    /// The services of a kind.
    pub fn of(&mut self, target: Target) -> &mut Vec<Service> {
        match target {
            Target::Gateway => &mut self.gateways,
            Target::Aggregator => &mut self.aggregators,
            Target::National => &mut self.nationals,
        }
    }

    /// All services, those in front first.
    pub fn services(&mut self) -> impl Iterator<Item = &mut Service> {
        self.gateways.iter_mut().chain(&mut self.nationals).chain(&mut self.aggregators)
    }

    /// Where gateways listen.
    #[must_use]
    pub fn gateway_addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|gateway| gateway.address()).collect()
    }

    /// The replicas by name.
    #[must_use]
    pub fn replicas(&self) -> Vec<(String, SocketAddr)> {
        self.nationals.iter().map(|national| (national.name.clone(), national.address())).collect()
    }
}

/// The harness's own connection.
///
/// # Errors
/// When no broker answers.
pub async fn connect(cluster: &Cluster) -> Result<RecordLog, LogError> {
    RecordLog::connect_kafka(cluster.settings()).await
}
