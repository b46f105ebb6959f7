//! Builds and runs the aggregator: checks the log, follows control, owns its shards, serves its API.

use crate::{
    api::Api,
    control,
    error::StartError,
    metrics as names,
    owner::Owner,
    ownership::{self, Ownership, Shared},
    status::ShardStatus,
    status::StatusBoard,
    writer::Writer,
};
use bytes::Bytes;
use hattama_election::{
    definition::{Definition, ServiceRole},
    ids::ShardId,
};
use hattama_election_log::{GenesisError, check_service_key, first_record};
use hattama_proto::{DESCRIPTORS, aggregator::v1::territorial_aggregator_server::TerritorialAggregatorServer};
use hattama_record_log::{RecordLog, TopicName, topics::TopicSet};
use hattama_service_kit::{
    Starting,
    clock::Clock,
    grpc::{GrpcServer, Limits, MAX_REQUEST_BYTES},
    listen,
    readiness::Readiness,
    shutdown::Shutdown,
    supervise,
};
use hattama_tally::{FIRST_POSITION, Generation};
use hattama_wire::{SigningKey, limits::MAX_OUTCOMES_LIST_BYTES};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tonic::service::Routes;

/// What an aggregator is made of.
#[derive(Debug)]
pub struct Config {
    /// The election.
    pub definition: Arc<Definition>,
    /// Its log.
    pub log: RecordLog,
    /// Which generation of it.
    pub generation: u32,
    /// The shards to own.
    pub ownership: Ownership,
    /// A key of a service of role aggregator.
    pub key: SigningKey,
    /// What this instance is called in envelopes.
    pub instance: String,
    /// The service's clock.
    pub clock: Clock,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Whether it is ready, for health and `/readyz`.
    pub readiness: Readiness,
}

/// An aggregator that runs.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// Where its API listens.
    pub grpc_address: SocketAddr,
}

/// Starts an aggregator; it runs until `shutdown` is asked for.
///
/// # Errors
/// When the log is of another election, definition or generation, a shard does not exist, the key is foreign, or the
/// address is taken. Then nothing runs.
pub fn start(config: Config, shutdown: &Shutdown) -> Starting<'_, Running, StartError> {
    Box::pin(begin(config, shutdown))
}

async fn begin(config: Config, shutdown: &Shutdown) -> Result<Running, StartError> {
    names::describe();
    check_service_key(&config.definition, ServiceRole::Aggregator, &config.key)?;
    let topics = TopicSet::new(config.definition.id.as_str(), config.generation)
        .map_err(|source| StartError::Log { generation: config.generation, source })?;
    let control_genesis = genesis(&config, &topics.submissions, ShardId::CONTROL).await?;
    let status = StatusBoard::default();
    let fixed = match &config.ownership {
        Ownership::Fixed(shards) => {
            let shards = shards_to_own(&config.definition, shards)?;
            checked(&config, &topics, shards, &status).await?
        }
        // Each is checked when it is assigned.
        Ownership::Shared(_) => Vec::new(),
    };
    let listener = listen::bind(config.listen).await?;

    // All is checked: from here on tasks run.
    let generation = Generation(config.generation);
    let (control, follower) =
        control::follow(&config.log, &topics.submissions, &config.definition, generation, &control_genesis);
    supervise::spawn(shutdown, "follow control", until(shutdown.clone(), follower));
    let writer = Writer {
        log: config.log,
        topics: Arc::new(topics),
        definition: Arc::clone(&config.definition),
        generation,
        key: Arc::new(config.key),
        instance: config.instance.as_str().into(),
        clock: config.clock,
        outcomes_list_bytes: MAX_OUTCOMES_LIST_BYTES,
    };
    let template = Owner {
        shard: ShardId::CONTROL,
        generation,
        genesis: control_genesis,
        writer,
        control,
        status: status.clone(),
    };
    for (shard, genesis) in fixed {
        let owner = Owner { shard, genesis, ..template.clone() };
        let owning = async move { ownership::own(&owner).await };
        supervise::spawn(shutdown, "own a shard", until(shutdown.clone(), owning));
    }
    if let Ownership::Shared(membership) = config.ownership {
        let shared = Shared::new(membership, template, shutdown.clone());
        supervise::spawn(shutdown, "own what the group assigns", shared.run());
    }
    let api = Api { definition: config.definition, status, clock: config.clock };
    Ok(serve(api, listener, config.listen, config.readiness, shutdown))
}

/// Shards with the genesis of their submissions, all their partitions checked.
async fn checked(
    config: &Config,
    topics: &TopicSet,
    shards: Vec<ShardId>,
    status: &StatusBoard,
) -> Result<Vec<(ShardId, Bytes)>, StartError> {
    let mut checked = Vec::with_capacity(shards.len());
    for shard in shards {
        genesis(config, &topics.outcomes, shard).await?;
        genesis(config, &topics.tallies, shard).await?;
        checked.push((shard, genesis(config, &topics.submissions, shard).await?));
        // Owned from the start, also while it is still folded: no caller is told that it is not.
        let end = config.log.end(&topics.submissions, shard.0).await;
        let end_offset = end.map_err(|source| StartError::Log { generation: config.generation, source })?;
        status.set(shard, ShardStatus { position: FIRST_POSITION, end_offset, tally: None, frozen: None });
    }
    Ok(checked)
}

/// Runs a task until it ends or the service is asked to stop: what is not acknowledged is folded again by the next owner.
async fn until<E>(shutdown: Shutdown, task: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    tokio::select! {
        // First: what ends because the service stops is no failure.
        biased;
        _ = shutdown.requested() => Ok(()),
        ended = task => ended,
    }
}

fn serve(api: Api, listener: TcpListener, wanted: SocketAddr, readiness: Readiness, shutdown: &Shutdown) -> Running {
    let grpc_address = listener.local_addr().unwrap_or(wanted);
    let server = GrpcServer {
        routes: Routes::new(TerritorialAggregatorServer::new(api).max_decoding_message_size(MAX_REQUEST_BYTES)),
        descriptor_sets: vec![DESCRIPTORS],
        service_names: vec!["hattama.aggregator.v1.TerritorialAggregator"],
        limits: Limits::default(),
        readiness,
    };
    supervise::spawn(shutdown, "aggregator grpc", server.serve(listener, shutdown.clone()));
    Running { grpc_address }
}

fn shards_to_own(definition: &Definition, named: &BTreeSet<ShardId>) -> Result<Vec<ShardId>, StartError> {
    let last = definition.shards.saturating_sub(1);
    if named.is_empty() {
        return Ok((0..=last).map(ShardId).collect());
    }
    match named.iter().find(|shard| shard.0 > last) {
        Some(shard) => Err(StartError::NoSuchShard { shard: *shard, last }),
        None => Ok(named.iter().copied().collect()),
    }
}

/// The genesis record of a shard, checked.
async fn genesis(config: &Config, topic: &TopicName, shard: ShardId) -> Result<Bytes, GenesisError> {
    let generation = Generation(config.generation);
    Ok(first_record(&config.log, &config.definition, generation, topic, shard.0).await?.value)
}
