//! Builds and runs the gateway: journal first, then the log's followers and senders, then the door.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hattama_election::definition::Definition;
use hattama_election::ids::ShardId;
use hattama_proto::DESCRIPTORS;
use hattama_proto::gateway::v1::precinct_gateway_server::{PrecinctGatewayServer, SERVICE_NAME};
use hattama_record_log::topics::TopicSet;
use hattama_record_log::{LogError, RecordLog};
use hattama_service_kit::Starting;
use hattama_service_kit::clock::Clock;
use hattama_service_kit::grpc::{GrpcServer, Limits, MAX_REQUEST_BYTES};
use hattama_service_kit::listen::{self, ListenError};
use hattama_service_kit::readiness::Readiness;
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::supervise;
use hattama_tally::{ControlState, Generation};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::book::Book;
use crate::follow::shard::ShardFollower;
use crate::follow::{Seen, Source, Unread, WrongLog, control, publications};
use crate::gateway::{Gateway, InFlight};
use crate::journal::{Identity, Journal, JournalError, Store, WriterEnd};
use crate::limits::{
    CONTROL_WAIT, LOGGED_WAIT, MAX_APPEND_SUBMISSIONS, MAX_OUTBOX_SUBMISSIONS, MAX_QUEUED_PUBLICATIONS,
    RECONCILE_INTERVAL,
};
use crate::losses::Losses;
use crate::metrics;
use crate::outbox::Sender;
use crate::reconcile::Reconciler;
use crate::service::Service;

/// How often the gauges look: more often than anybody scrapes them.
const GAUGES_INTERVAL: Duration = Duration::from_secs(1);

/// What a gateway is made of.
#[derive(Debug)]
pub struct Config {
    /// The election.
    pub definition: Arc<Definition>,
    /// Its log. It need not be there yet: receiving does not depend on it.
    pub log: RecordLog,
    /// Which generation of it.
    pub generation: u32,
    /// The directory of this gateway's journal; no other gateway may use it.
    pub journal_directory: PathBuf,
    /// What this gateway is called in receipts.
    pub instance: String,
    /// The service's clock.
    pub clock: Clock,
    /// Where stations connect.
    pub listen: SocketAddr,
    /// Whether it is ready, for health and `/readyz`.
    pub readiness: Readiness,
    /// How much the gRPC server takes at a time.
    pub limits: Limits,
    /// The most submissions that the log lacks before new ones are answered with "later".
    pub outbox_submissions: usize,
    /// The longest wait for the log before a submission is answered with RECEIVED.
    pub logged_wait: Duration,
    /// How often journal and log are compared while all is well.
    pub reconcile_interval: Duration,
}

impl Config {
    /// Generation 1, real time, any free port of the loopback address, the usual limits.
    #[must_use]
    pub fn new(definition: Arc<Definition>, log: RecordLog, journal_directory: PathBuf, instance: String) -> Self {
        Self {
            definition,
            log,
            generation: 1,
            journal_directory,
            instance,
            clock: Clock::system(),
            listen: listen::local(0),
            readiness: Readiness::new(),
            limits: Limits::default(),
            outbox_submissions: MAX_OUTBOX_SUBMISSIONS,
            logged_wait: LOGGED_WAIT,
            reconcile_interval: RECONCILE_INTERVAL,
        }
    }
}

/// A gateway that runs. It stops with its `Shutdown`, whose drain ends when the journal is closed.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// Where stations connect.
    pub grpc_address: SocketAddr,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log is another election's.
    #[error(transparent)]
    WrongLog(#[from] WrongLog),
    /// The election's id cannot name topics.
    #[error(transparent)]
    Topics(#[from] LogError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Starts a gateway; it runs until `shutdown` is asked for.
///
/// A log that cannot be read is no error: submissions are received, kept and sent when it can.
///
/// # Errors
/// When the journal cannot be opened or is another election's, the log is another election's, or the address is taken.
pub fn start(config: Config, shutdown: &Shutdown) -> Starting<'_, Running, StartError> {
    Box::pin(begin(config, shutdown))
}

async fn begin(config: Config, shutdown: &Shutdown) -> Result<Running, StartError> {
    metrics::describe();
    let source = Arc::new(Source {
        definition: Arc::clone(&config.definition),
        generation: Generation(config.generation),
        topics: TopicSet::new(config.definition.id.as_str(), config.generation)?,
        log: config.log.clone(),
        outage: Arc::default(),
        seen: Seen::default(),
    });
    let log_is_there = check(&source).await?;
    let listener = listen::bind(config.listen).await?;
    let grpc_address = listener.local_addr().unwrap_or(config.listen);
    let (book, journal, journal_end) = open_journal(&config).await?;
    supervise::spawn(shutdown, "journal", async { journal_end.await.unwrap_or_else(|_| Err(writer_died())) });

    let control = follow_control(&source, log_is_there, shutdown).await;
    let intake_closed = CancellationToken::new();
    follow_and_send(&config, &source, &book, &journal, &intake_closed, shutdown);
    supervise::spawn(shutdown, "gauges", until_stop(shutdown, gauges(Arc::clone(&book))));
    let gateway = Gateway {
        source,
        instance: config.instance,
        clock: config.clock,
        book,
        journal,
        control,
        in_flight: InFlight::default(),
        logged_wait: config.logged_wait,
    };
    let door = Door { listener, limits: config.limits, readiness: config.readiness, intake_closed };
    door.open(gateway, shutdown);
    Ok(Running { grpc_address })
}

/// False when the log cannot be read now.
async fn check(source: &Source) -> Result<bool, WrongLog> {
    match source.check().await {
        Ok(()) => Ok(true),
        Err(Unread::Wrong(wrong)) => Err(wrong),
        Err(error) => {
            tracing::warn!(%error, "the log is not there: submissions are received and kept, and sent when it is");
            Ok(false)
        }
    }
}

async fn open_journal(config: &Config) -> Result<(Arc<Book>, Journal, WriterEnd), JournalError> {
    let identity = Identity { election: config.definition.id.clone(), core_digest: config.definition.core_digest };
    let (directory, generation) = (config.journal_directory.clone(), config.generation);
    let opened = tokio::task::spawn_blocking(move || {
        let store = Store::open(&directory, &identity)?;
        let loaded = store.load(generation)?;
        Ok((store, loaded))
    });
    let (store, loaded) = opened.await.unwrap_or_else(|_| Err(writer_died()))?;
    let book = Arc::new(Book::new(config.definition.shards, config.outbox_submissions));
    tracing::info!(submissions = loaded.len(), "journal opened");
    book.load(loaded);
    let (journal, end) = Journal::start(store, config.generation, Arc::clone(&book))?;
    Ok((book, journal, end))
}

fn writer_died() -> JournalError {
    JournalError::Storage { action: "running the journal".to_owned(), reason: "its thread died".to_owned() }
}

/// The keys in force, once control is read or the wait for it is over.
async fn follow_control(
    source: &Arc<Source>,
    log_is_there: bool,
    shutdown: &Shutdown,
) -> watch::Receiver<Arc<ControlState>> {
    // Until control is read, the keys of the frozen definition are in force.
    let frozen = ControlState::initial(Arc::clone(&source.definition), &[]);
    let (states, control) = watch::channel(Arc::new(frozen));
    let (caught_up, is_caught_up) = oneshot::channel();
    let follower = control::follow(Arc::clone(source), states, caught_up);
    supervise::spawn(shutdown, "follow control", until_stop(shutdown, follower));
    if log_is_there && tokio::time::timeout(CONTROL_WAIT, is_caught_up).await.is_err() {
        tracing::warn!("control is not read to its end yet: keys that amendments brought may be refused as unknown");
    }
    control
}

fn follow_and_send(
    config: &Config,
    source: &Arc<Source>,
    book: &Arc<Book>,
    journal: &Journal,
    intake_closed: &CancellationToken,
    shutdown: &Shutdown,
) {
    let losses = Losses::new(config.readiness.clone());
    let mut queues = Vec::new();
    for shard in (0..config.definition.shards).map(ShardId) {
        let (queue, publications) = mpsc::channel(MAX_QUEUED_PUBLICATIONS);
        queues.push(queue);
        let (reconciled, is_reconciled) = oneshot::channel();
        let follower = ShardFollower::new(Arc::clone(source), shard, Arc::clone(book), journal.clone(), losses.clone());
        let (found, was_found) = mpsc::channel(MAX_APPEND_SUBMISSIONS);
        let following = follower.follow(publications, was_found, reconciled);
        supervise::spawn(shutdown, "follow a shard", until_stop(shutdown, following));
        let sender = Sender {
            source: Arc::clone(source),
            shard,
            book: Arc::clone(book),
            journal: journal.clone(),
            gateway: Bytes::copy_from_slice(config.instance.as_bytes()),
            losses: losses.clone(),
            found,
            stopping: shutdown.token().clone(),
            intake_closed: intake_closed.clone(),
        };
        supervise::spawn(shutdown, "send a shard's submissions", sender.run(is_reconciled));
    }
    let reconciler = Reconciler::new(Arc::clone(source), Arc::clone(book), losses, config.reconcile_interval);
    supervise::spawn(shutdown, "reconcile", until_stop(shutdown, reconciler.run()));
    let follower = publications::follow(Arc::clone(source), journal.clone(), queues);
    supervise::spawn(shutdown, "follow publications", until_stop(shutdown, follower));
}

async fn gauges(book: Arc<Book>) -> Result<(), Infallible> {
    let mut interval = tokio::time::interval(GAUGES_INTERVAL);
    loop {
        interval.tick().await;
        metrics::book(&book);
    }
}

/// Runs a task until it ends or the service is asked to stop.
fn until_stop<E, F: Future<Output = Result<(), E>>>(
    shutdown: &Shutdown,
    task: F,
) -> impl Future<Output = Result<(), E>> + use<E, F> {
    let stop = shutdown.token().clone();
    async move { stop.run_until_cancelled_owned(task).await.unwrap_or(Ok(())) }
}

/// Where submissions come in.
struct Door {
    listener: TcpListener,
    limits: Limits,
    readiness: Readiness,
    intake_closed: CancellationToken,
}

impl Door {
    fn open(self, gateway: Gateway, shutdown: &Shutdown) {
        let service = Service::new(Arc::new(gateway), shutdown.clone());
        let server = GrpcServer {
            routes: Routes::new(PrecinctGatewayServer::new(service).max_decoding_message_size(MAX_REQUEST_BYTES)),
            descriptor_sets: vec![DESCRIPTORS],
            service_names: vec![SERVICE_NAME],
            limits: self.limits,
            readiness: self.readiness,
        };
        let serving = server.serve(self.listener, shutdown.clone());
        supervise::spawn(shutdown, "gateway grpc", async move {
            // However serving ends, nothing new comes after it.
            let _closed = self.intake_closed.drop_guard();
            serving.await
        });
    }
}
