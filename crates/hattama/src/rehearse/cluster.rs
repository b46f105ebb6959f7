//! Every service of the night in one process, each with its own listener, talking through the log and over gRPC.

use super::{directory::Directory, generation::GENERATION};
use hattama_election::{
    definition::{Definition, ServiceRole},
    ids::ShardId,
};
use hattama_election_log::rehearsal_service_key;
use hattama_night_play::clients;
use hattama_proto::{
    gateway::v1::precinct_gateway_client::PrecinctGatewayClient,
    national::v1::national_results_client::NationalResultsClient,
};
use hattama_record_log::RecordLog;
use hattama_service_kit::{
    clock::Clock,
    grpc::Limits,
    listen,
    readiness::Readiness,
    shutdown::{Drain, Shutdown},
};
use hattama_territorial_aggregator::Ownership;
use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};
use tonic::transport::Channel;

/// How long all services together may take to stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Precinct gateways.
    pub gateways: u8,
    /// Territorial aggregators.
    pub aggregators: u8,
}

/// The services of a night.
#[derive(Debug)]
pub struct Cluster {
    shutdowns: Vec<Shutdown>,
    gateways: Vec<SocketAddr>,
    national: SocketAddr,
    /// Where the board is read.
    pub board: SocketAddr,
}

impl Cluster {
    /// Starts all services.
    pub async fn start(
        definition: &Arc<Definition>,
        log: &RecordLog,
        directory: &Directory,
        clock: Clock,
        size: Size,
        board: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let mut shutdowns = Vec::new();
        let mut own = || {
            let shutdown = Shutdown::new();
            shutdowns.push(shutdown.clone());
            shutdown
        };
        for number in 0..size.aggregators {
            let config = hattama_territorial_aggregator::Config {
                definition: Arc::clone(definition),
                log: log.clone(),
                generation: GENERATION,
                ownership: Ownership::Fixed(
                    (0..definition.shards)
                        .filter(|shard| shard % u32::from(size.aggregators) == u32::from(number))
                        .map(ShardId)
                        .collect(),
                ),
                key: rehearsal_service_key(definition, ServiceRole::Aggregator)?,
                instance: format!("aggregator-{}", number + 1),
                clock,
                listen: listen::local(0),
                readiness: Readiness::new(),
            };
            hattama_territorial_aggregator::start(config, &own()).await?;
        }
        let national = hattama_national_results::start(
            hattama_national_results::Config {
                definition: Arc::clone(definition),
                log: log.clone(),
                generation: GENERATION,
                listen: listen::local(0),
                instance: "national-1".to_owned(),
                key: rehearsal_service_key(definition, ServiceRole::National)?,
                clock,
                readiness: Readiness::new(),
                publications_at_hand: hattama_national_results::MAX_SNAPSHOTS,
            },
            own(),
        )
        .await?
        .address();
        let board_config = hattama_public_board::Config::new(board, format!("http://{national}"), clock);
        let board = hattama_public_board::start(board_config, own()).await?.address;
        let mut gateways = Vec::new();
        for number in 1..=size.gateways {
            let instance = format!("gateway-{number}");
            let config = hattama_precinct_gateway::Config {
                generation: GENERATION,
                clock,
                limits: Limits::default(),
                ..hattama_precinct_gateway::Config::new(
                    Arc::clone(definition),
                    log.clone(),
                    directory.gateway(number),
                    instance,
                )
            };
            gateways.push(hattama_precinct_gateway::start(config, &own()).await?.grpc_address);
        }
        Ok(Self { shutdowns, gateways, national, board })
    }

    /// A client of each gateway.
    pub fn gateway_clients(&self) -> Result<Vec<PrecinctGatewayClient<Channel>>, Box<dyn Error>> {
        self.gateways.iter().map(|address| Ok(clients::gateway(*address)?)).collect()
    }

    /// A client of the national service.
    pub fn national_client(&self) -> Result<NationalResultsClient<Channel>, Box<dyn Error>> {
        Ok(clients::national(self.national)?)
    }

    /// The first service that has failed by now; its error is in the log lines.
    pub fn has_failed(&self) -> bool {
        self.shutdowns.iter().any(Shutdown::is_requested)
    }

    /// Stops all services, those in front first.
    pub async fn stop(self) -> Vec<Drain> {
        let mut drains = Vec::new();
        for shutdown in self.shutdowns.iter().rev() {
            drains.push(shutdown.drain(DRAIN_DEADLINE).await);
        }
        drains
    }
}
