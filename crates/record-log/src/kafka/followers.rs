//! Following partitions: each thread polls one consumer and fills the cursors of many readers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Complaint, Context};
use super::cursor::{Cursor, Fill};
use super::incoming::{record, removed};
use super::queries::cannot_start;
use super::reads::{Verdict, learn_leaders, verdict};
use super::{offset_id, partition_id};
use crate::catalogue::Stop;
use crate::{KafkaSettings, LogError};

/// The most threads, each with a consumer: one is enough unless readers follow one partition at different places.
const MAX_FOLLOWERS: usize = 64;

/// The most partitions of one consumer; the next one gets the rest.
const MAX_PARTITIONS_PER_FOLLOWER: usize = 512;

/// How long a poll waits, and so how late a new reader or one that took what was there is noticed.
const POLL: Duration = Duration::from_millis(10);

/// Records after which readers are told of them, at the latest.
const MAX_RECORDS_PER_TURN: usize = 512;

/// How long a question for where a partition begins and ends may take.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(3);

/// All following threads of a log. Clones share them.
#[derive(Clone)]
pub(super) struct Followers(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    complaint: Complaint,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<Thread>>,
}

struct Thread {
    desk: Arc<Mutex<Desk>>,
    handle: JoinHandle<()>,
}

/// Topic and partition.
type Place = (String, i32);

/// What readers leave for the thread.
#[derive(Debug, Default)]
struct Desk {
    /// Who follows what here. An entry stays until the thread has seen that its reader is gone.
    places: BTreeMap<Place, Weak<Cursor>>,
    /// Readers that are new; bounded by the places.
    new: Vec<Arc<Cursor>>,
}

impl Followers {
    pub(super) fn new(settings: &KafkaSettings, complaint: &Complaint) -> Self {
        let (settings, complaint) = (settings.clone(), complaint.clone());
        Self(Arc::new(Shared { settings, complaint, stop: Arc::default(), threads: Mutex::default() }))
    }

    /// Fills a cursor from now on, until it is dropped. May take milliseconds: not for async threads.
    pub(super) fn follow(&self, cursor: &Arc<Cursor>) -> Result<(), LogError> {
        let mut threads = lock(&self.0.threads);
        if self.0.stop.load(Ordering::Acquire) {
            return Err(Stop::Closed.error());
        }
        threads.retain(|thread| !thread.handle.is_finished());
        if threads.iter().any(|thread| thread.take_over(cursor)) {
            // A thread that ends now may have looked at its desk before.
            if self.0.stop.load(Ordering::Acquire) {
                cursor.fail(Stop::Closed.error());
            }
            return Ok(());
        }
        if threads.len() >= MAX_FOLLOWERS {
            return Err(LogError::Refused {
                action: format!("to follow partition {} of `{}`", cursor.partition, cursor.topic),
                reason: format!("{MAX_FOLLOWERS} consumers follow it already"),
            });
        }
        let thread = self.start()?;
        thread.take_over(cursor);
        threads.push(thread);
        Ok(())
    }

    /// Ends all threads; readers that wait are told.
    pub(super) fn close(&self) {
        self.0.stop.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *lock(&self.0.threads));
        for thread in threads {
            // A panic was reported by the thread itself.
            let _ = thread.handle.join();
        }
    }

    fn start(&self) -> Result<Thread, LogError> {
        let context = Context { client: "follower", complaint: self.0.complaint.clone() };
        let consumer: KafkaResult<BaseConsumer<Context>> = self.0.settings.follower()?.create_with_context(context);
        let consumer = consumer.map_err(|error| cannot_start(&self.0.settings, &error))?;
        let desk = Arc::<Mutex<Desk>>::default();
        let mut follower = Follower {
            consumer,
            desk: Arc::clone(&desk),
            stop: Arc::clone(&self.0.stop),
            followed: BTreeMap::new(),
            untold: Vec::new(),
        };
        let run = move || follower.run();
        let handle = std::thread::Builder::new().name("record-log-follow".to_owned()).spawn(run);
        let handle = handle.map_err(|error| LogError::Refused {
            action: "a thread that follows the log".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Thread { desk, handle })
    }
}

impl Thread {
    /// Whether this thread takes the cursor: it has one place for each partition.
    fn take_over(&self, cursor: &Arc<Cursor>) -> bool {
        let mut desk = lock(&self.desk);
        let place = place_of(cursor);
        let taken = desk.places.get(&place).is_some_and(|other| other.strong_count() > 0);
        if taken || desk.places.len() >= MAX_PARTITIONS_PER_FOLLOWER || self.handle.is_finished() {
            return false;
        }
        desk.places.insert(place, Arc::downgrade(cursor));
        desk.new.push(Arc::clone(cursor));
        true
    }
}

/// A thread that follows.
struct Follower {
    consumer: BaseConsumer<Context>,
    desk: Arc<Mutex<Desk>>,
    stop: Arc<AtomicBool>,
    /// By topic, then partition.
    followed: BTreeMap<String, BTreeMap<i32, Followed>>,
    /// Readers that have to be told of something.
    untold: Vec<Arc<Cursor>>,
}

struct Followed {
    cursor: Weak<Cursor>,
    paused: bool,
}

impl Follower {
    fn run(&mut self) {
        while !self.stop.load(Ordering::Acquire) {
            self.begin_new();
            self.end_gone_and_resume();
            self.turn();
            for cursor in self.untold.drain(..) {
                cursor.tell();
            }
        }
    }

    /// Takes in what is there, up to a limit.
    fn turn(&mut self) {
        let mut patience = POLL;
        for _ in 0..MAX_RECORDS_PER_TURN {
            // The message borrows the consumer: taken apart first.
            let full = match self.consumer.poll(patience) {
                None => return,
                Some(Ok(message)) => fill(&self.followed, &mut self.untold, &message),
                Some(Err(error)) => {
                    self.conclude(&error);
                    return;
                }
            };
            if let Some(place) = full {
                self.pause(place);
            }
            patience = Duration::ZERO;
        }
    }

    fn begin_new(&mut self) {
        let new = std::mem::take(&mut lock(&self.desk).new);
        for cursor in new {
            let (topic, partition) = place_of(&cursor);
            if !self.followed.contains_key(&topic) {
                learn_leaders(&self.consumer, &cursor.topic);
            }
            let followed = Followed { cursor: Arc::downgrade(&cursor), paused: false };
            let before = self.followed.entry(topic.clone()).or_default().insert(partition, followed);
            let begun = before.map_or(Ok(()), |_| self.unassign(&topic, partition)).and_then(|()| {
                let mut place = TopicPartitionList::new();
                place.add_partition_offset(&topic, partition, Offset::Offset(offset_id(cursor.next())))?;
                self.consumer.incremental_assign(&place)
            });
            if let Err(error) = begun {
                cursor.fail(refused(&cursor, &error));
            }
        }
    }

    /// Fetches no more for readers that are gone, and again for those that have room.
    fn end_gone_and_resume(&mut self) {
        let (mut gone, mut resumed) = (Vec::new(), TopicPartitionList::new());
        for (topic, partitions) in &mut self.followed {
            for (partition, followed) in partitions {
                match followed.cursor.upgrade() {
                    None => gone.push((topic.clone(), *partition)),
                    Some(cursor) if followed.paused && cursor.has_room() => {
                        followed.paused = false;
                        resumed.add_partition(topic, *partition);
                    }
                    Some(_) => {}
                }
            }
        }
        if resumed.count() > 0
            && let Err(error) = self.consumer.resume(&resumed)
        {
            self.fail_all(&error);
        }
        for (topic, partition) in gone {
            if let Err(error) = self.unassign(&topic, partition) {
                tracing::warn!(%error, topic, partition, "a partition that nobody reads any more is still fetched");
            }
            if let Some(partitions) = self.followed.get_mut(&topic) {
                partitions.remove(&partition);
            }
            let mut desk = lock(&self.desk);
            let place = (topic, partition);
            // Unless a new reader has come to the same place since.
            if desk.places.get(&place).is_some_and(|cursor| cursor.strong_count() == 0) {
                desk.places.remove(&place);
            }
        }
    }

    fn pause(&mut self, (topic, partition): Place) {
        let mut place = TopicPartitionList::new();
        place.add_partition(&topic, partition);
        match self.consumer.pause(&place) {
            Ok(()) => {
                let followed = self.followed.get_mut(&topic).and_then(|partitions| partitions.get_mut(&partition));
                if let Some(followed) = followed {
                    followed.paused = true;
                }
            }
            Err(error) => self.fail_all(&error),
        }
    }

    fn unassign(&self, topic: &str, partition: i32) -> KafkaResult<()> {
        let mut place = TopicPartitionList::new();
        place.add_partition(topic, partition);
        self.consumer.incremental_unassign(&place)
    }

    /// An error names no partition: finds out whom it concerns.
    fn conclude(&self, error: &KafkaError) {
        match verdict(error) {
            Verdict::Removed => {
                tracing::error!(%error, "the brokers do not have an offset that is followed");
                for cursor in self.cursors() {
                    let ends = self.consumer.fetch_watermarks(
                        cursor.topic.as_str(),
                        partition_id(cursor.partition),
                        DIAGNOSIS_TIMEOUT,
                    );
                    let next = offset_id(cursor.next());
                    if ends.is_ok_and(|(low, high)| next < low || next > high) {
                        cursor.fail(removed(&cursor.topic, cursor.partition, cursor.next()));
                    }
                }
            }
            Verdict::Forbidden => self.fail_all(error),
            Verdict::Passing if matches!(error, KafkaError::MessageConsumptionFatal(_)) => self.fail_all(error),
            // The library connects again and goes on where it was.
            Verdict::Passing => tracing::debug!(%error, "following goes on after an error"),
        }
    }

    fn fail_all(&self, error: &KafkaError) {
        for cursor in self.cursors() {
            cursor.fail(refused(&cursor, error));
        }
    }

    fn cursors(&self) -> Vec<Arc<Cursor>> {
        self.followed.values().flat_map(BTreeMap::values).filter_map(|followed| followed.cursor.upgrade()).collect()
    }
}

impl Drop for Follower {
    /// Also after a panic: nobody waits for a thread that is gone.
    fn drop(&mut self) {
        let panicked = Stop::Failed("the thread that followed the log panicked".to_owned());
        let why = if std::thread::panicking() { panicked } else { Stop::Closed };
        for cursor in self.cursors().into_iter().chain(std::mem::take(&mut lock(&self.desk).new)) {
            cursor.fail(why.error());
        }
    }
}

/// Hands a message to its reader; returns its place if fetching has to pause.
fn fill(
    followed: &BTreeMap<String, BTreeMap<i32, Followed>>,
    untold: &mut Vec<Arc<Cursor>>,
    message: &BorrowedMessage<'_>,
) -> Option<Place> {
    let followed = followed.get(message.topic())?.get(&message.partition())?;
    let cursor = followed.cursor.upgrade()?;
    let fill = cursor.fill(message.offset(), |offset| record(message, offset));
    let full = (!followed.paused && cursor.is_full()).then(|| place_of(&cursor));
    if fill == Fill::Tell {
        untold.push(cursor);
    }
    full
}

fn refused(cursor: &Cursor, error: &KafkaError) -> LogError {
    LogError::Refused {
        action: format!("to follow partition {} of `{}`", cursor.partition, cursor.topic),
        reason: error.to_string(),
    }
}

fn place_of(cursor: &Cursor) -> Place {
    (cursor.topic.to_string(), partition_id(cursor.partition))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
