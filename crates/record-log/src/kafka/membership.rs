//! Membership in a group that shares a topic's partitions out among its members: who owns what.
//!
//! Nothing is read or committed here: owners read by offset ([`crate::Reader`]). The group only says
//! who owns a partition now, and tells the one before to stop first. Two may still own one for a
//! moment (a process that hangs longer than its session): whatever owners write has to bear that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{Statistics, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use super::blocking;
use super::context::{Complaint, Context};
use super::queries::{cannot_start, is_forbidden};
use crate::{KafkaSettings, LogError, TopicName};

/// Events that may wait for their taker; a member that does not take them any more leaves the group.
pub const MAX_WAITING_EVENTS: usize = 64;

/// How long a poll waits, and so how late a member notices that it shall leave.
const POLL: Duration = Duration::from_millis(50);

/// How often it is looked whether an owner has let go.
const LET_GO_POLL: Duration = Duration::from_millis(5);

/// Which group, and how patient.
#[derive(Debug, Clone)]
pub struct MembershipSettings {
    /// The group's name; all members of a generation share one.
    pub group: String,
    /// Whose partitions are shared out.
    pub topic: TopicName,
    /// A member that is silent for so long is dead, and others own its partitions. The brokers take 6 s to 30 min.
    pub session_timeout: Duration,
    /// How long the others wait for a member to let go of what it has to give up; then it is
    /// taken, ready or not. Less than the session is wise.
    pub let_go_timeout: Duration,
}

/// What happened to the partitions that this member owns.
#[derive(Debug)]
pub enum MembershipEvent {
    /// The group has settled: these are owned from now on, beside those that were and are not lost.
    Assigned {
        /// Their numbers; none if nothing was added.
        partitions: BTreeSet<u32>,
    },
    /// These have to be given up: stop writing for them, then drop `let_go`. The next owner waits
    /// for that, up to the timeout.
    Revoked {
        /// Their numbers.
        partitions: BTreeSet<u32>,
        /// To be dropped when done.
        let_go: LetGo,
    },
    /// These were lost: the group may have gone on without this member (it hung, or could not reach the brokers), and others
    /// may own them already. The next `Assigned` says what this member owns.
    Lost {
        /// Their numbers.
        partitions: BTreeSet<u32>,
    },
}

/// Held while a partition is being given up; dropping it says that it is done.
#[derive(Debug)]
pub struct LetGo {
    _done: oneshot::Sender<()>,
}

impl LetGo {
    /// One to hand out, and what ends when it is dropped.
    #[must_use]
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let (done, dropped) = oneshot::channel();
        (Self { _done: done }, dropped)
    }
}

/// A member of a group. It leaves when it is dropped, in the background; [`Membership::leave`] waits for it.
#[derive(Debug)]
pub struct Membership {
    events: mpsc::Receiver<Result<MembershipEvent, LogError>>,
    leaving: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Membership {
    /// Joins a group. The first event comes when the group has settled, which takes some seconds if
    /// a member died.
    ///
    /// # Errors
    /// [`LogError::Refused`] for settings that make no sense.
    pub async fn join(settings: &KafkaSettings, membership: MembershipSettings) -> Result<Self, LogError> {
        let settings = settings.clone();
        blocking(move || Self::start(&settings, membership)).await
    }

    /// A membership whose events come from elsewhere: for tests of owners, without a cluster.
    #[must_use]
    pub fn scripted(events: mpsc::Receiver<Result<MembershipEvent, LogError>>) -> Self {
        Self { events, leaving: Arc::default(), thread: None }
    }

    /// The next event. After an error or `None` this is no member any more. Cancel-safe.
    ///
    /// # Errors
    /// [`LogError::Refused`] without the right to join the group or to see the topic;
    /// [`LogError::Stopped`] if the client gave up for good.
    pub async fn next(&mut self) -> Option<Result<MembershipEvent, LogError>> {
        self.events.recv().await
    }

    /// Leaves the group at once and returns when it has been told. Let go of everything first: it is not asked for.
    pub async fn leave(mut self) {
        self.leaving.store(true, Ordering::Release);
        self.events.close();
        let Some(thread) = self.thread.take() else { return };
        let _ = blocking(move || {
            // A panic was reported by the thread itself.
            let _ = thread.join();
            Ok(())
        })
        .await;
    }

    fn start(settings: &KafkaSettings, membership: MembershipSettings) -> Result<Self, LogError> {
        let (sender, events) = mpsc::channel(MAX_WAITING_EVENTS);
        let leaving = Arc::<AtomicBool>::default();
        let complaint = Complaint::default();
        let context = MemberContext {
            inner: Context { client: "member", complaint: complaint.clone() },
            topic: membership.topic.clone(),
            events: sender.clone(),
            leaving: Arc::clone(&leaving),
            let_go_timeout: membership.let_go_timeout,
        };
        let consumer: BaseConsumer<MemberContext> = settings
            .member(&membership.group, membership.session_timeout)?
            .create_with_context(context)
            .map_err(|error| cannot_start(settings, &error))?;
        consumer.subscribe(&[membership.topic.as_str()]).map_err(|error| cannot_start(settings, &error))?;
        let member = Member { consumer, events: sender, leaving: Arc::clone(&leaving), complaint, membership };
        let thread = std::thread::Builder::new().name("record-log-member".to_owned()).spawn(move || member.run());
        let thread = thread.map_err(|error| LogError::Refused {
            action: "a thread for a member of a group".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { events, leaving, thread: Some(thread) })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leaving.store(true, Ordering::Release);
    }
}

/// The thread that keeps the membership alive.
struct Member {
    consumer: BaseConsumer<MemberContext>,
    events: mpsc::Sender<Result<MembershipEvent, LogError>>,
    leaving: Arc<AtomicBool>,
    complaint: Complaint,
    membership: MembershipSettings,
}

impl Member {
    fn run(self) {
        while !self.leaving.load(Ordering::Acquire) {
            // Rebalances are served inside; a record that slipped through before the pause is of no interest.
            let Some(Err(error)) = self.consumer.poll(POLL) else { continue };
            let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
            let forbidden = error.rdkafka_error_code().is_some_and(is_forbidden);
            if !fatal && !forbidden {
                tracing::debug!(%error, "the member goes on after an error");
                continue;
            }
            let action = format!("membership in group `{}`", self.membership.group);
            let reason = self.complaint.explain(error);
            let error = if fatal { LogError::Stopped { reason } } else { LogError::Refused { action, reason } };
            // Full or closed: nobody takes events, and the end of the channel says the same.
            let _ = self.events.try_send(Err(error));
            break;
        }
        self.leaving.store(true, Ordering::Release);
        // Dropping the consumer tells the group.
    }
}

struct MemberContext {
    inner: Context,
    topic: TopicName,
    events: mpsc::Sender<Result<MembershipEvent, LogError>>,
    leaving: Arc<AtomicBool>,
    let_go_timeout: Duration,
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.inner.log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.inner.stats(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.inner.error(error, reason);
    }
}

impl ConsumerContext for MemberContext {
    /// Before the brokers are told: what is given up is let go first.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else { return };
        let partitions = self.numbers(list);
        if partitions.is_empty() || self.leaving.load(Ordering::Acquire) {
            return;
        }
        if consumer.assignment_lost() {
            return self.tell(MembershipEvent::Lost { partitions });
        }
        let (let_go, dropped) = LetGo::new();
        self.tell(MembershipEvent::Revoked { partitions, let_go });
        self.await_let_go(dropped);
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                if let Err(error) = consumer.pause(list) {
                    tracing::warn!(%error, "partitions that are only owned could not be paused: they are fetched too");
                }
                self.tell(MembershipEvent::Assigned { partitions: self.numbers(list) });
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => {
                tracing::warn!(%error, "the group could not share out its partitions; it tries again")
            }
        }
    }
}

impl MemberContext {
    fn numbers(&self, list: &TopicPartitionList) -> BTreeSet<u32> {
        let ours = list.elements_for_topic(self.topic.as_str());
        ours.into_iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
    }

    /// An event that is not taken ends the membership: an owner that knows less than the group is dangerous.
    fn tell(&self, event: MembershipEvent) {
        if self.events.try_send(Ok(event)).is_err() && !self.leaving.swap(true, Ordering::AcqRel) {
            tracing::error!(topic = %self.topic, "nobody takes the events of this membership: it leaves the group");
        }
    }

    fn await_let_go(&self, mut let_go: oneshot::Receiver<()>) {
        let deadline = Instant::now() + self.let_go_timeout;
        while let_go.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
            if self.leaving.load(Ordering::Acquire) {
                return;
            }
            if Instant::now() >= deadline {
                tracing::warn!(topic = %self.topic, "a partition was not let go in time: the group goes on without that");
                return;
            }
            std::thread::sleep(LET_GO_POLL);
        }
    }
}
