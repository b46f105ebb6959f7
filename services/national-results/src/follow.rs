//! Readers of the log, each a task of its own, and the one bounded queue that they fill.

use crate::{
    records::LoggedTally,
    replica::{Check, FoldError, Replica},
};
use bytes::Bytes;
use hattama_election::ids::ShardId;
use hattama_election_log::{Pause, next_batch_patiently};
use hattama_record_log::{LogError, Reader, RecordLog, TopicName};
use hattama_service_kit::{shutdown::Shutdown, supervise};
use std::{convert::Infallible, sync::Arc};
use tokio::sync::{mpsc, watch};

/// Records taken from the log at once: tallies have up to 64 KiB.
const READ_BATCH: usize = 64;
/// Batches that wait for the merger; when it is behind, readers wait.
const MAX_WAITING_EVENTS: usize = 32;

/// Something that the merger has to hear of.
#[derive(Debug)]
pub(crate) enum Event {
    /// The next records of a shard's tallies.
    Tallies { shard: ShardId, values: Vec<Bytes> },
    /// The next records of the publications, up to an offset.
    Publications { values: Vec<Bytes>, next_offset: u64 },
    /// A tally was checked.
    Checked { shard: ShardId, check: Check },
    /// The fold of control stands still.
    ControlBroken { why: String },
}

/// The receiving end of all followers.
#[derive(Debug)]
pub(crate) struct Followers {
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    shutdown: Shutdown,
}

impl Followers {
    /// No follower yet.
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        let (sender, events) = mpsc::channel(MAX_WAITING_EVENTS);
        Self { events, sender, shutdown }
    }

    /// The next event. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The events that wait already, at most `limit`.
    pub(crate) fn waiting(&mut self, limit: usize) -> impl Iterator<Item = Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).take(limit)
    }

    /// Follows a shard's tallies from the first on.
    pub(crate) fn follow_tallies(&self, log: &RecordLog, topic: &TopicName, shard: ShardId) {
        let (log, topic, sender) = (log.clone(), topic.clone(), self.sender.clone());
        self.spawn("tallies", async move {
            let mut reader = log.reader(&topic, shard.0, 1);
            loop {
                let values = values(next_batch_patiently(&mut reader, READ_BATCH).await?);
                if sender.send(Event::Tallies { shard, values }).await.is_err() {
                    return Ok::<(), LogError>(());
                }
            }
        });
    }

    /// Follows the publications from an offset on.
    pub(crate) fn follow_publications(&self, log: &RecordLog, topic: &TopicName, from: u64) {
        let mut reader = log.reader(topic, 0, from);
        let sender = self.sender.clone();
        self.spawn("publications", async move {
            loop {
                let values = values(next_batch_patiently(&mut reader, READ_BATCH).await?);
                let event = Event::Publications { values, next_offset: reader.position() };
                if sender.send(event).await.is_err() {
                    return Ok::<(), LogError>(());
                }
            }
        });
    }

    /// Folds control for the replica.
    pub(crate) fn follow_control(&self, replica: &Arc<Replica>) {
        let (replica, sender) = (Arc::clone(replica), self.sender.clone());
        self.spawn("control", async move {
            match replica.follow_control().await {
                Err(FoldError::Log(error)) => Err(error),
                Err(FoldError::Broken(broken)) => {
                    // Nobody to hear it: the service stops.
                    let _ = sender.send(Event::ControlBroken { why: format!("control: {broken}") }).await;
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        });
    }

    /// Checks a shard's newest tally, then the next newest, and so on, until one differs.
    pub(crate) fn check_shard(
        &self,
        replica: &Arc<Replica>,
        shard: ShardId,
        mut newest: watch::Receiver<Arc<LoggedTally>>,
    ) {
        let (replica, sender) = (Arc::clone(replica), self.sender.clone());
        self.spawn("check", async move {
            let mut reader = replica.reader(shard);
            while newest.changed().await.is_ok() {
                let tally = Arc::clone(&newest.borrow_and_update());
                let check = check_patiently(&replica, &mut reader, &tally).await?;
                let goes_on = !matches!(check, Check::Differs(_));
                if sender.send(Event::Checked { shard, check }).await.is_err() || !goes_on {
                    break;
                }
            }
            Ok::<(), LogError>(())
        });
    }

    /// Runs a follower until the service stops; the service stops when it fails.
    fn spawn(&self, name: &'static str, follower: impl Future<Output = Result<(), LogError>> + Send + 'static) {
        let token = self.shutdown.token().clone();
        supervise::spawn(&self.shutdown, name, async move {
            token.run_until_cancelled_owned(follower).await.unwrap_or(Ok(()))
        });
    }
}

/// Checks a tally, again from where the fold stands when the log could not be reached.
async fn check_patiently(
    replica: &Arc<Replica>,
    reader: &mut Reader,
    tally: &Arc<LoggedTally>,
) -> Result<Check, LogError> {
    let mut pause = Pause::new();
    loop {
        match replica.check(reader, tally).await {
            Err(error) if error.may_pass() => pause.after(&error, "a tally is checked when it can").await,
            checked => return checked,
        }
    }
}

/// Sleeps through to the end of each embargo and says so.
pub(crate) async fn announce_embargo_ends(
    definition: Arc<hattama_election::definition::Definition>,
    clock: hattama_service_kit::clock::Clock,
    announce: impl Fn(),
) -> Result<(), Infallible> {
    for end in crate::embargo::ends(&definition, clock.now()) {
        let Ok(end) = jiff::Timestamp::from_second(end.0) else { continue };
        clock.sleep_until(end).await;
        tracing::info!(%end, "an embargo has ended: votes are shown");
        announce();
    }
    Ok(())
}

fn values(records: Vec<hattama_record_log::Record>) -> Vec<Bytes> {
    records.into_iter().map(|record| record.value).collect()
}
