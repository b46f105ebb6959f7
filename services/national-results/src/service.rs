//! Starting and stopping the national results.

use crate::{
    api::{Api, MAX_WATCHERS},
    archive::Archive,
    follow::{self, Followers},
    gate::Gate,
    merger::Merger,
    metrics,
    older::Older,
    publisher::{Author, Flight, Publisher, READY_PART},
    refold::Refold,
    replica::Replica,
    restoration::Restoration,
};
use bytes::Bytes;
use hattama_election::{
    definition::{Definition, ServiceRole},
    ids::ShardId,
};
use hattama_election_log::{GenesisError, KeyError, check_service_key, first_record, first_records};
use hattama_proto::national::v1::national_results_server::NationalResultsServer;
use hattama_record_log::{LogError, ReadLimit, RecordLog, topics::TopicSet};
use hattama_service_kit::{
    Starting,
    clock::Clock,
    grpc::{GrpcServer, Limits, MAX_REQUEST_BYTES},
    listen::{self, ListenError},
    readiness::Readiness,
    shutdown::{Cause, Drain, Shutdown},
    streams::StreamLimit,
    supervise,
};
use hattama_tally::Generation;
use hattama_wire::{Genesis, KeptPublication, SigningKey};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::watch;
use tonic::service::interceptor::InterceptedService;

/// What the national results need, already resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The election.
    pub definition: Arc<Definition>,
    /// The log with the four topics of the generation.
    pub log: RecordLog,
    /// The generation of the log, from 1.
    pub generation: u32,
    /// Where the CEC's systems and the public board connect; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// This replica's name, for the envelopes of its publications.
    pub instance: String,
    /// The key of a national service of the definition.
    pub key: SigningKey,
    /// What time it is: for embargoes and envelopes.
    pub clock: Clock,
    /// Held until this replica is as new as the log was when it started; as long, every method answers UNAVAILABLE.
    pub readiness: Readiness,
    /// How many publications have their figures at hand at once, at least 1 ([`MAX_SNAPSHOTS`](crate::MAX_SNAPSHOTS));
    /// older ones are folded again on request.
    pub publications_at_hand: usize,
}

/// A running national service. Dropping it does not stop it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
}

/// The service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key may not sign publications.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address is taken.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The listener has no address.
    #[error("the listener has no address: {0}; choose another address")]
    Address(#[source] std::io::Error),
    /// The log failed.
    #[error("the log cannot be read: {0}")]
    Log(#[from] LogError),
    /// A partition does not begin as it must.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The fold of nothing panicked: the definition cannot be folded.
    #[error("the definition cannot be folded; check it with `hattama definition check`")]
    Fold,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the service is asked to stop, by its parent, a failed task or [`Running::stop`].
    pub async fn stopping(&self) -> Cause {
        self.shutdown.requested().await
    }

    /// Stops it, and waits for `deadline` at most until everything has ended.
    pub async fn stop(&self, deadline: Duration) -> Drain {
        self.shutdown.request(Cause::Asked("stop"));
        self.shutdown.drain(deadline).await
    }
}

/// Binds, checks that the log is the definition's, and starts to follow, publish and answer. `shutdown` is this service's
/// own ([`Shutdown::child`] in a process that runs several).
///
/// # Errors
/// [`StartError`]; then nothing runs.
pub fn start(config: Config, shutdown: Shutdown) -> Starting<'static, Running, StartError> {
    Box::pin(begin(config, shutdown))
}

async fn begin(config: Config, shutdown: Shutdown) -> Result<Running, StartError> {
    metrics::describe();
    check_service_key(&config.definition, ServiceRole::National, &config.key)?;
    let topics = TopicSet::new(config.definition.id.as_str(), config.generation)?;
    let genesis = check_genesis(&config, &topics).await?;
    let listener = listen::bind(config.listen).await?;
    let address = listener.local_addr().map_err(StartError::Address)?;
    config.readiness.hold(READY_PART, "the publications of the log are not all read yet");
    let gate = Gate::shut();

    let publications_at_hand = config.publications_at_hand.max(1);
    let archive = Arc::new(Archive::new(publications_at_hand));
    let generation = Generation(config.generation);
    let restoration = restoration_of(&config.definition, &genesis.publications);
    let replica = Arc::new(Replica::new(
        Arc::clone(&config.definition),
        generation,
        config.log.clone(),
        topics.clone(),
        &genesis.submissions,
        restoration,
    ));
    let initial = replica.tallies().map_err(|_| StartError::Fold)?;
    let merger = Merger::new(Arc::clone(&config.definition), &genesis.publications, initial, publications_at_hand);
    let refold = Refold::new(
        Arc::clone(&config.definition),
        generation,
        config.log.clone(),
        topics.clone(),
        genesis.submissions,
    );
    follow_and_publish(&config, &topics, merger, &archive, &replica, &gate, &shutdown).await?;

    announce_embargo_ends(&config, &archive, &shutdown);

    let api = Api::new(
        Arc::clone(&config.definition),
        archive,
        Older::new(refold, shutdown.clone()),
        replica,
        config.clock,
        StreamLimit::new(MAX_WATCHERS),
        shutdown.clone(),
    );
    let service = NationalResultsServer::new(api).max_decoding_message_size(MAX_REQUEST_BYTES);
    let service = InterceptedService::new(service, gate);
    let grpc = GrpcServer {
        routes: tonic::service::Routes::new(service),
        descriptor_sets: vec![hattama_proto::DESCRIPTORS],
        service_names: vec!["hattama.national.v1.NationalResults"],
        limits: Limits::default(),
        readiness: config.readiness,
    };
    supervise::spawn(&shutdown, "grpc server", grpc.serve(listener, shutdown.clone()));
    tracing::info!(%address, generation = config.generation, instance = config.instance, "the national results run");
    Ok(Running { address, shutdown })
}

/// What the genesis says is to be restored. The operator's command checked it: a record that is not believed here is named,
/// and stops nothing.
fn restoration_of(definition: &Definition, genesis: &Genesis) -> Option<Arc<Restoration>> {
    let record = genesis.restoring.as_ref()?;
    match KeptPublication::open(definition, record) {
        Ok(before) => {
            let (generation, sequence) = (before.body.generation.0, before.body.sequence);
            tracing::warn!(generation, sequence, "the log was lost before: its last publication is shown as restoring");
            Some(Arc::new(Restoration::new(before)))
        }
        Err(error) => {
            tracing::error!(%error, "what the genesis says is to be restored is not believed: nothing is shown as restoring");
            None
        }
    }
}

/// Tells watchers when an embargo has ended.
fn announce_embargo_ends(config: &Config, archive: &Arc<Archive>, shutdown: &Shutdown) {
    let archive = Arc::clone(archive);
    let announce = move || archive.embargo_ended();
    let ends = follow::announce_embargo_ends(Arc::clone(&config.definition), config.clock, announce);
    let token = shutdown.token().clone();
    let until_stopped = async move { token.run_until_cancelled_owned(ends).await.unwrap_or(Ok(())) };
    supervise::spawn(shutdown, "embargo", until_stopped);
}

/// The first records that the service builds on.
struct GenesisRecords {
    publications: Genesis,
    /// Values, in order of shard.
    submissions: Vec<Bytes>,
}

/// Refuses a log of another election, definition or generation, in any partition that is read.
async fn check_genesis(config: &Config, topics: &TopicSet) -> Result<GenesisRecords, GenesisError> {
    let (log, definition, generation) = (&config.log, &config.definition, Generation(config.generation));
    let publications = first_record(log, definition, generation, &topics.publications, 0).await?.genesis;
    first_records(log, definition, generation, &topics.tallies, definition.shards).await?;
    let submissions = first_records(log, definition, generation, &topics.submissions, definition.shards).await?;
    Ok(GenesisRecords { publications, submissions: submissions.into_iter().map(|first| first.value).collect() })
}

/// Reads the publications that are there, then starts everything that follows the log.
async fn follow_and_publish(
    config: &Config,
    topics: &TopicSet,
    merger: Merger,
    archive: &Arc<Archive>,
    replica: &Arc<Replica>,
    gate: &Gate,
    shutdown: &Shutdown,
) -> Result<(), StartError> {
    let followers = Followers::new(shutdown.clone());
    let targets: BTreeMap<ShardId, _> = merger
        .shards()
        .iter()
        .map(|(shard, tallies)| (*shard, watch::Sender::new(Arc::clone(tallies.newest()))))
        .collect();
    for (shard, target) in &targets {
        followers.check_shard(replica, *shard, target.subscribe());
    }
    let author = Author {
        definition: Arc::clone(&config.definition),
        generation: Generation(config.generation),
        log: config.log.clone(),
        topic: topics.publications.clone(),
        clock: config.clock,
        key: config.key.clone(),
        instance: config.instance.clone(),
    };
    let mut publisher = Publisher {
        author,
        merger,
        archive: Arc::clone(archive),
        replica: Arc::clone(replica),
        targets,
        readiness: config.readiness.clone(),
        gate: gate.clone(),
        newest_at_start: None,
        read_up_to: 1,
        flight: Flight::Landed,
    };
    // Before the tallies: which of them are still needed is known only from the publications.
    publisher.read_up_to = read_publications(config, topics, &mut publisher).await?;
    publisher.newest_at_start = publisher.merger.tip().cloned();
    followers.follow_publications(&config.log, &topics.publications, publisher.read_up_to);
    followers.follow_control(replica);
    for shard in (0..config.definition.shards).map(ShardId) {
        followers.follow_tallies(&config.log, &topics.tallies, shard);
    }
    supervise::spawn(shutdown, "publisher", publisher.run(followers, shutdown.clone()));
    Ok(())
}

/// Reads the publications up to where the log ends now; returns the offset behind them. What is appended meanwhile is
/// followed later: others may publish faster than this replica reads.
async fn read_publications(config: &Config, topics: &TopicSet, publisher: &mut Publisher) -> Result<u64, StartError> {
    let end = config.log.end(&topics.publications, 0).await?;
    let mut reader = config.log.reader(&topics.publications, 0, 1);
    while reader.position() < end {
        let records = reader.next_batch_now(ReadLimit::default().records).await?;
        if records.is_empty() {
            break;
        }
        records.iter().for_each(|record| publisher.take_publication(&record.value));
    }
    Ok(reader.position())
}
