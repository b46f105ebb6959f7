//! The thread that owns all writes: it commits together whatever queued up during the last commit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::encoding::encode;
use super::store::{RECORDS, Store, TOPICS, WriteFailure, begin_write};
use crate::catalogue::{Catalogue, Stop, Topic};
use crate::record::now_milliseconds;
use crate::{Created, LogError, NewRecord, TopicName};

/// The most commands in one commit. Larger groups commit hardly faster, and make the first one wait.
pub(super) const MAX_COMMANDS_PER_GROUP: usize = 256;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Append(Append),
    Create(Create),
    Close,
}

/// Records for one partition, answered with the offsets that they got.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) topic: Arc<Topic>,
    pub(super) partition: u32,
    pub(super) records: Vec<NewRecord>,
    /// Write only if the partition has no record; otherwise the answer is an empty range.
    pub(super) only_if_empty: bool,
    pub(super) reply: oneshot::Sender<Result<Range<u64>, LogError>>,
    /// Its share of the bytes that may be queued; free again when the command is done.
    pub(super) _queued_bytes: OwnedSemaphorePermit,
}

/// A topic to create unless it exists.
#[derive(Debug)]
pub(super) struct Create {
    pub(super) topic: TopicName,
    pub(super) partitions: u32,
    pub(super) reply: oneshot::Sender<Result<Created, LogError>>,
}

/// The writer. Dropping it, in order or in a panic, leaves the log stopped and its file closed.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) commands: mpsc::Receiver<Command>,
    /// Set by the first failure: from then on everything is refused.
    pub(super) failed: Option<Stop>,
    /// Dropped last (fields drop in order, after `Drop::drop`): who waits for it finds the file free.
    pub(super) _gone: watch::Sender<()>,
}

/// Where the partitions that a group touches end, with the topics to tell.
type Ends = BTreeMap<(u32, u32), (Arc<Topic>, u64)>;

impl Writer {
    /// Works until the log is closed, its last handle is gone, or a write fails; drains the queue
    /// in each case.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(MAX_COMMANDS_PER_GROUP);
        while self.commands.blocking_recv_many(&mut group, MAX_COMMANDS_PER_GROUP) > 0 {
            let mut appends = Vec::with_capacity(group.len());
            for command in group.drain(..) {
                match command {
                    Command::Append(append) => appends.push(append),
                    Command::Create(create) => {
                        // What was asked for earlier is written earlier.
                        self.append(std::mem::take(&mut appends));
                        self.create(create);
                    }
                    Command::Close => self.stop_taking_commands(Stop::Closed),
                }
            }
            self.append(appends);
        }
    }

    fn append(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        if let Some(failed) = &self.failed {
            return answer_all(appends, |_| Err(failed.error()));
        }
        match self.store.write(|database| write_group(database, &appends)) {
            Ok((offsets, ends)) => acknowledge(appends, offsets, ends),
            Err(WriteFailure::NotWritten(reason)) => {
                self.fail(&reason);
                answer_all(appends, |append| {
                    Err(LogError::Storage {
                        action: format!("an append to partition {} of `{}`", append.partition, append.topic.name),
                        reason: reason.clone(),
                    })
                });
            }
            Err(WriteFailure::Unknown(reason)) => {
                self.fail(&reason);
                answer_all(appends, |append| {
                    let topic = &append.topic.name;
                    Err(LogError::unknown_append(topic, append.partition, &reason))
                });
            }
        }
    }

    fn create(&mut self, create: Create) {
        let created = self.try_create(&create.topic, create.partitions);
        // Who asked may have gone away; the topic is there all the same.
        let _ = create.reply.send(created);
    }

    fn try_create(&mut self, name: &TopicName, partitions: u32) -> Result<Created, LogError> {
        if let Some(failed) = &self.failed {
            return Err(failed.error());
        }
        let Some(number) = self.catalogue.number_for(name, partitions)? else {
            return Ok(Created::Existed);
        };
        let written = self.store.write(|database| write_topic(database, name, number, partitions));
        let action = || format!("the creation of topic `{name}`");
        match written {
            Ok(()) => {
                let ends = (0..partitions).map(|_| 0);
                self.catalogue.add(Topic::new(name.clone(), number, ends));
                Ok(Created::New)
            }
            Err(WriteFailure::NotWritten(reason)) => {
                self.fail(&reason);
                let action = action();
                Err(LogError::Storage { action, reason })
            }
            Err(WriteFailure::Unknown(reason)) => {
                self.fail(&reason);
                let action = action();
                Err(LogError::Unknown { action, reason })
            }
        }
    }

    /// After a failed write the file is in doubt: only opening it again tells what it holds.
    fn fail(&mut self, reason: &str) {
        let directory = self.store.directory().display();
        tracing::error!(%directory, reason, "the log failed to write and stops; open it again");
        let stop = Stop::Failed(format!("a write failed: {reason}"));
        self.failed = Some(stop.clone());
        self.stop_taking_commands(stop);
    }

    fn stop_taking_commands(&mut self, why: Stop) {
        self.catalogue.stop(why);
        self.commands.close();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let why = if std::thread::panicking() { Stop::Failed("its writer panicked".to_owned()) } else { Stop::Closed };
        self.catalogue.stop(why);
        if let Err(reason) = self.store.close() {
            let directory = self.store.directory().display();
            tracing::warn!(%directory, reason, "the log was not closed in order; nothing acknowledged is lost");
            let stop = Stop::Failed(format!("its file was not closed in order: {reason}"));
            self.catalogue.stop(stop);
        }
    }
}

/// Writes a group in one transaction; the offsets are in the order of the group.
fn write_group(database: &Database, group: &[Append]) -> Result<(Vec<Range<u64>>, Ends), WriteFailure> {
    let timestamp_milliseconds = now_milliseconds();
    let mut offsets = Vec::with_capacity(group.len());
    let mut ends = Ends::new();
    let mut stored = Vec::new();
    let transaction = begin_write(database)?;
    {
        let mut table = transaction.open_table(RECORDS)?;
        for append in group {
            let (number, partition) = (append.topic.number, append.partition);
            let end = match ends.get(&(number, partition)) {
                Some((_, end)) => *end,
                None => append.topic.end(partition).map_err(|error| WriteFailure::NotWritten(error.to_string()))?,
            };
            if append.only_if_empty && end > 0 {
                offsets.push(end..end);
                continue;
            }
            let mut next = end;
            for record in &append.records {
                stored.clear();
                encode(record, timestamp_milliseconds, &mut stored)
                    .map_err(|reason| WriteFailure::NotWritten(reason.to_owned()))?;
                table.insert((number, partition, next), stored.as_slice())?;
                next += 1;
            }
            offsets.push(end..next);
            ends.insert((number, partition), (Arc::clone(&append.topic), next));
        }
    }
    if ends.is_empty() {
        return Ok((offsets, ends));
    }
    transaction.commit().map_err(|error| WriteFailure::Unknown(error.to_string()))?;
    Ok((offsets, ends))
}

fn write_topic(database: &Database, name: &TopicName, number: u32, partitions: u32) -> Result<(), WriteFailure> {
    let transaction = begin_write(database)?;
    transaction.open_table(TOPICS)?.insert(name.as_str(), (number, partitions))?;
    transaction.commit().map_err(|error| WriteFailure::Unknown(error.to_string()))
}

/// Ends first, answers second: who is answered finds the record.
fn acknowledge(appends: Vec<Append>, offsets: Vec<Range<u64>>, ends: Ends) {
    for ((_, partition), (topic, end)) in ends {
        // The partition exists: the group's ends came from the same topic.
        let _ = topic.publish_end(partition, end);
    }
    for (append, offsets) in appends.into_iter().zip(offsets) {
        // Who asked may have gone away; the record is in the log all the same.
        let _ = append.reply.send(Ok(offsets));
    }
}

fn answer_all(appends: Vec<Append>, answer: impl Fn(&Append) -> Result<Range<u64>, LogError>) {
    for append in appends {
        let answer = answer(&append);
        // Who asked may have gone away.
        let _ = append.reply.send(answer);
    }
}
