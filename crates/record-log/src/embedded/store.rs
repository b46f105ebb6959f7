//! The file: its tables, how it is opened, read and closed. Only the writer thread writes to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::encoding::decode;
use crate::catalogue::Topic;
use crate::{LogError, ReadLimit, Record, TopicName};

/// Topic number, partition and offset lead to the record: neighbours in a partition are neighbours on disk.
pub(super) const RECORDS: TableDefinition<'_, (u32, u32, u64), &[u8]> = TableDefinition::new("records");

/// A topic's name leads to its number and how many partitions it has.
pub(super) const TOPICS: TableDefinition<'_, &str, (u32, u32)> = TableDefinition::new("topics");

/// The one file of the directory.
const FILE_NAME: &str = "records.redb";

/// Memory for cached pages. The store's own default is 1 GiB; a night's hot part is far smaller.
const CACHE_BYTES: usize = 64 << 20;

/// An open file, until it is closed.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    /// Taken out at the end, which waits for the reads under way: then the file is free.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Opens the file in a directory; makes both if need be.
    pub(super) fn open(directory: &Path) -> Result<Self, LogError> {
        let directory = std::path::absolute(directory)
            .map_err(|error| storage("finding the log's directory", directory, &error))?;
        create_directory(&directory).map_err(|error| storage("creating the log's directory", &directory, &error))?;
        let database =
            Database::builder().set_cache_size(CACHE_BYTES).create(directory.join(FILE_NAME)).map_err(|error| {
                match error {
                    DatabaseError::DatabaseAlreadyOpen => LogError::Locked { directory: directory.clone() },
                    error => storage("opening the log", &directory, &error),
                }
            })?;
        // Once the file has its entry on disk, all its writes are durable by its own syncs.
        sync_directory(&directory).map_err(|error| storage("syncing the log's directory", &directory, &error))?;
        Self::with_database(directory, database)
    }

    /// Takes an open database, makes its tables.
    pub(super) fn with_database(directory: PathBuf, database: Database) -> Result<Self, LogError> {
        create_tables(&database).map_err(|error| storage("creating the log's tables", &directory, &error))?;
        Ok(Self { directory, database: RwLock::new(Some(database)) })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// All topics with the ends of their partitions.
    pub(super) fn topics(&self) -> Result<Vec<Topic>, LogError> {
        let guard = self.database();
        let Some(database) = &*guard else {
            return Err(closed());
        };
        load_topics(database).map_err(|error| self.failure("reading the topics", &error))?
    }

    /// Records of one partition from an offset up to an end that is known to be committed.
    pub(super) fn read(
        &self,
        topic: &Topic,
        partition: u32,
        from: u64,
        end: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, LogError> {
        let guard = self.database();
        let Some(database) = &*guard else {
            return Err(closed());
        };
        let range = Range { topic, partition, from, end };
        read_range(database, &range, limit).map_err(|error| self.failure("reading the log", &error))?
    }

    /// Runs the writer's work on the open database.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Database) -> Result<T, WriteFailure>) -> Result<T, WriteFailure> {
        match &*self.database() {
            Some(database) => work(database),
            None => Err(WriteFailure::NotWritten("the file is closed".to_owned())),
        }
    }

    /// Waits for the reads under way and closes the file. Later reads are refused.
    pub(super) fn close(&self) -> Result<(), String> {
        let mut guard = self.database.write().unwrap_or_else(PoisonError::into_inner);
        match guard.take() {
            Some(database) => database.close().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, action: &str, error: &redb::Error) -> LogError {
        storage(action, &self.directory, error)
    }
}

/// How a write transaction failed.
#[derive(Debug)]
pub(super) enum WriteFailure {
    /// Before its commit: it was rolled back.
    NotWritten(String),
    /// In its commit: it may be there after a restart.
    Unknown(String),
}

impl<E: Into<redb::Error>> From<E> for WriteFailure {
    /// Everything but the commit itself.
    fn from(error: E) -> Self {
        let error: redb::Error = error.into();
        Self::NotWritten(error.to_string())
    }
}

/// Begins the only kind of write transaction that this file ever sees. Mixing one-phase and
/// two-phase commits would open a window in which a crash loses the file.
pub(super) fn begin_write(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Two-phase commit, and a restart in milliseconds instead of a walk through the file.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// One partition's offsets from (inclusive) to end (exclusive).
struct Range<'a> {
    topic: &'a Topic,
    partition: u32,
    from: u64,
    end: u64,
}

impl Range<'_> {
    fn corrupt(&self, offset: u64, reason: &'static str) -> LogError {
        LogError::Corrupt { topic: self.topic.name.clone(), partition: self.partition, offset, reason }
    }
}

fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = begin_write(database)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(TOPICS)?;
    transaction.commit()?;
    Ok(())
}

fn load_topics(database: &Database) -> Result<Result<Vec<Topic>, LogError>, redb::Error> {
    let transaction = database.begin_read()?;
    let names = transaction.open_table(TOPICS)?;
    let records = transaction.open_table(RECORDS)?;
    let mut topics = Vec::new();
    for row in names.iter()? {
        let (name, numbers) = row?;
        let name = match TopicName::new(name.value()) {
            Ok(name) => name,
            Err(error) => return Ok(Err(error)),
        };
        let (number, partitions) = numbers.value();
        let ends: Vec<u64> =
            (0..partitions).map(|partition| end_of(&records, number, partition)).collect::<Result<_, _>>()?;
        topics.push(Topic::new(name, number, ends));
    }
    Ok(Ok(topics))
}

fn end_of(
    records: &impl ReadableTable<(u32, u32, u64), &'static [u8]>,
    number: u32,
    partition: u32,
) -> Result<u64, redb::Error> {
    let mut range = records.range((number, partition, 0)..=(number, partition, u64::MAX))?;
    Ok(match range.next_back() {
        Some(row) => row?.0.value().2 + 1,
        None => 0,
    })
}

/// The outer error is the store's, the inner one a damaged record.
fn read_range(
    database: &Database,
    range: &Range<'_>,
    limit: ReadLimit,
) -> Result<Result<Vec<Record>, LogError>, redb::Error> {
    let transaction = database.begin_read()?;
    let records = transaction.open_table(RECORDS)?;
    let key = |offset| (range.topic.number, range.partition, offset);
    let mut rows = records.range(key(range.from)..key(range.end))?;
    let mut batch: Vec<Record> = Vec::new();
    let mut bytes = 0;
    for expected in (range.from..range.end).take(limit.records) {
        let Some(row) = rows.next() else {
            return Ok(Err(range.corrupt(expected, "it is missing")));
        };
        let (found, stored) = row?;
        if found.value() != key(expected) {
            return Ok(Err(range.corrupt(expected, "it is missing")));
        }
        let record = match decode(expected, Bytes::copy_from_slice(stored.value())) {
            Ok(record) => record,
            Err(reason) => return Ok(Err(range.corrupt(expected, reason))),
        };
        bytes += record.size_bytes();
        if bytes > limit.bytes && !batch.is_empty() {
            break;
        }
        batch.push(record);
    }
    Ok(Ok(batch))
}

/// Creates a directory with its parents; each new one's name is on disk before this returns.
fn create_directory(directory: &Path) -> io::Result<()> {
    let new: Vec<&Path> = directory.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    fs::create_dir_all(directory)?;
    for parent in new.into_iter().filter_map(Path::parent) {
        sync_directory(parent)?;
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn storage(action: &str, directory: &Path, error: &dyn std::error::Error) -> LogError {
    LogError::Storage { action: format!("{action} in {}", directory.display()), reason: error.to_string() }
}

fn closed() -> LogError {
    crate::catalogue::Stop::Closed.error()
}
