//! Every service of the night, each with its own listener, talking through the log and over gRPC: in one process, or each in
//! one of its own.

use super::{apart, directory::Directory, generation::NightLog, users::Users};
use hattama_election::{
    definition::{Definition, ServiceRole},
    ids::ShardId,
};
use hattama_election_log::rehearsal_service_key;
use hattama_night_play::{
    clients,
    processes::{ProcessError, ServiceProcess, first_to_end},
};
use hattama_proto::{
    gateway::v1::precinct_gateway_client::PrecinctGatewayClient,
    national::v1::national_results_client::NationalResultsClient,
};
use hattama_service_kit::{
    clock::{Clock, RehearsalTime},
    grpc::Limits,
    listen,
    readiness::Readiness,
    shutdown::{Cause, Shutdown},
};
use hattama_territorial_aggregator::Ownership;
use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};
use tonic::transport::Channel;

/// How long all services together may take to stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// Between two looks whether a service of this process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A service that has ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Dead {
    /// One in this process.
    #[error("a service has ended: {0}")]
    Service(Cause),
    /// A process.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Precinct gateways.
    pub gateways: u8,
    /// Territorial aggregators.
    pub aggregators: u8,
    /// Replicas of the national service.
    pub national: u8,
}

/// Which night's services are started, and where.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The election.
    pub definition: &'a Arc<Definition>,
    /// Its log.
    pub night: &'a NightLog,
    /// How services that are processes reach the cluster that holds the log.
    pub users: &'a Users,
    /// The folder with the journals.
    pub directory: &'a Directory,
    /// The night's time.
    pub time: RehearsalTime,
    /// The same as a clock.
    pub clock: Clock,
    /// How many services.
    pub size: Size,
    /// Where the board is read; port 0 takes a free one.
    pub board: SocketAddr,
}

/// The services of a night.
#[derive(Debug)]
pub struct Cluster {
    services: Services,
    gateways: Vec<SocketAddr>,
    national: SocketAddr,
    /// Where the board is read.
    pub board: SocketAddr,
}

/// What runs, in the order in which it was started.
#[derive(Debug)]
enum Services {
    Together(Vec<Shutdown>),
    Apart(Vec<ServiceProcess>),
}

impl Cluster {
    /// Starts all services in this process.
    pub async fn together(plan: Plan<'_>) -> Result<Self, Box<dyn Error>> {
        let mut shutdowns = Vec::new();
        let mut own = || {
            let shutdown = Shutdown::new();
            shutdowns.push(shutdown.clone());
            shutdown
        };
        for number in 0..plan.size.aggregators {
            hattama_territorial_aggregator::start(plan.aggregator(number)?, &own()).await?;
        }
        let mut national = None;
        for number in 1..=plan.size.national {
            let replica = hattama_national_results::start(plan.national(number)?, own()).await?;
            national.get_or_insert(replica.address());
        }
        let national = national.ok_or("a night needs a national service")?;
        let board_config = hattama_public_board::Config::new(plan.board, format!("http://{national}"), plan.clock);
        let board = hattama_public_board::start(board_config, own()).await?.address;
        let mut gateways = Vec::new();
        for number in 1..=plan.size.gateways {
            gateways.push(hattama_precinct_gateway::start(plan.gateway(number), &own()).await?.grpc_address);
        }
        Ok(Self { services: Services::Together(shutdowns), gateways, national, board })
    }

    /// Starts each service in a process of its own, and returns when all are ready.
    pub async fn apart(plan: Plan<'_>) -> Result<Self, Box<dyn Error>> {
        let apart::Started { services, gateways, national, board } = apart::start(plan).await?;
        Ok(Self { services: Services::Apart(services), gateways, national, board })
    }

    /// A client of each gateway.
    pub fn gateway_clients(&self) -> Result<Vec<PrecinctGatewayClient<Channel>>, Box<dyn Error>> {
        self.gateways.iter().map(|address| Ok(clients::gateway(*address)?)).collect()
    }

    /// A client of the national service.
    pub fn national_client(&self) -> Result<NationalResultsClient<Channel>, Box<dyn Error>> {
        Ok(clients::national(self.national)?)
    }

    /// Where national replicas that are processes give their metrics.
    pub fn national_admins(&self) -> Vec<SocketAddr> {
        match &self.services {
            Services::Together(_) => Vec::new(),
            Services::Apart(processes) => processes
                .iter()
                .map(ServiceProcess::launch)
                .filter(|launch| launch.name.starts_with("national-"))
                .map(|launch| launch.admin)
                .collect(),
        }
    }

    /// Waits until a service has ended by itself: which one, how, and its last words.
    pub async fn first_to_end(&mut self) -> Dead {
        match &mut self.services {
            Services::Together(shutdowns) => loop {
                if let Some(failed) = shutdowns.iter().find(|shutdown| shutdown.is_requested()) {
                    return Dead::Service(failed.requested().await);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            },
            Services::Apart(processes) => Dead::Process(first_to_end(processes).await),
        }
    }

    /// Whether a service has failed by now; its error is in the log lines.
    pub fn has_failed(&mut self) -> bool {
        match &mut self.services {
            Services::Together(shutdowns) => shutdowns.iter().any(Shutdown::is_requested),
            Services::Apart(processes) => {
                let mut failed = false;
                for process in processes {
                    if let Err(error) = process.still_runs() {
                        eprintln!("{error}");
                        failed = true;
                    }
                }
                failed
            }
        }
    }

    /// Stops all services, those in front first.
    pub async fn stop(self) {
        match self.services {
            Services::Together(shutdowns) => {
                for shutdown in shutdowns.iter().rev() {
                    shutdown.drain(DRAIN_DEADLINE).await;
                }
            }
            Services::Apart(processes) => {
                for mut process in processes.into_iter().rev() {
                    if let Err(error) = process.stop(DRAIN_DEADLINE).await {
                        eprintln!("{error}");
                    }
                }
            }
        }
    }
}

impl Plan<'_> {
    fn aggregator(&self, number: u8) -> Result<hattama_territorial_aggregator::Config, Box<dyn Error>> {
        let shards = (0..self.definition.shards)
            .filter(|shard| shard % u32::from(self.size.aggregators) == u32::from(number))
            .map(ShardId);
        Ok(hattama_territorial_aggregator::Config {
            definition: Arc::clone(self.definition),
            log: self.night.log.clone(),
            generation: self.night.generation,
            ownership: Ownership::Fixed(shards.collect()),
            key: rehearsal_service_key(self.definition, ServiceRole::Aggregator)?,
            instance: format!("aggregator-{}", number + 1),
            clock: self.clock,
            listen: listen::local(0),
            readiness: Readiness::new(),
        })
    }

    fn national(&self, number: u8) -> Result<hattama_national_results::Config, Box<dyn Error>> {
        Ok(hattama_national_results::Config {
            definition: Arc::clone(self.definition),
            log: self.night.log.clone(),
            generation: self.night.generation,
            listen: listen::local(0),
            instance: format!("national-{number}"),
            key: rehearsal_service_key(self.definition, ServiceRole::National)?,
            clock: self.clock,
            readiness: Readiness::new(),
            publications_at_hand: hattama_national_results::MAX_SNAPSHOTS,
        })
    }

    fn gateway(&self, number: u8) -> hattama_precinct_gateway::Config {
        hattama_precinct_gateway::Config {
            generation: self.night.generation,
            clock: self.clock,
            limits: Limits::default(),
            ..hattama_precinct_gateway::Config::new(
                Arc::clone(self.definition),
                self.night.log.clone(),
                self.directory.gateway(number),
                format!("gateway-{number}"),
            )
        }
    }
}
