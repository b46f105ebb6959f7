//! The journal's file: its tables, how it is opened and read. Only the writer thread writes to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hattama_election::digest::{RecordDigest, SubmissionDigest, sha256};
use redb::{
    Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use super::encoding::{decode_publication, decode_submission, encode_publication, encode_submission};
use super::{CountedIn, Identity, JournalledPublication, Kept, Loaded, LoggedAt, ToSend};
use crate::limits::MAX_EARLIER_POSITIONS;

/// Submission digest leads to what was kept of it.
const SUBMISSIONS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("submissions");

/// Generation and submission digest lead to the offset in its shard's partition.
const LOGGED: TableDefinition<'_, (u32, &[u8; 32]), u64> = TableDefinition::new("logged");

/// Every position at which a submission was found: digest (32), generation u32, offset u64, big-endian.
const POSITIONS: TableDefinition<'_, &[u8; POSITION_BYTES], ()> = TableDefinition::new("positions");
const POSITION_BYTES: usize = 32 + 4 + 8;

/// Submission digest leads to the first publication known to have counted it.
const COUNTED: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("counted");

/// Generation leads to its newest valid publication that was read.
const PUBLICATIONS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("publications");

/// Single values: see the key below.
const SINGLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("single");
const IDENTITY: &str = "identity";

/// The one file of the directory.
const FILE_NAME: &str = "journal.redb";

/// Memory for cached pages. The store's own default is 1 GiB; what is read is mostly what was just written.
const CACHE_BYTES: usize = 64 << 20;

/// Why the journal cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Another gateway has it open.
    #[error(
        "the journal in {} is in use by another gateway; stop that one, or give this one a directory of its own",
        directory.display()
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// It keeps the submissions of another election or core.
    #[error(
        "the journal in {} belongs to {found}, not to {wanted}; give this gateway a directory of its own",
        directory.display()
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// A row cannot be read.
    #[error("a row of the journal in {} cannot be read: {reason}; restore the file from a copy", directory.display())]
    Corrupt {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk or the file failed.
    #[error("{action} failed: {reason}; check the disk, then start the gateway again: what has a receipt is on it")]
    Storage {
        /// What was being done.
        action: String,
        /// What the storage said.
        reason: String,
    },
}

/// The newest publication of each generation in the journal of a gateway that does not run, in ascending order of generation.
///
/// # Errors
/// The file is in use, cannot be read, or is not there.
pub fn read_newest_publications(directory: &Path) -> Result<Vec<JournalledPublication>, JournalError> {
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .open(directory.join(FILE_NAME))
        .map_err(|error| open_error(directory, &error))?;
    Store { directory: directory.to_path_buf(), database }.newest_publications()
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the file in a directory, or makes both; the file then belongs to `identity` for ever.
    ///
    /// # Errors
    /// It is in use, belongs to another election, or the disk fails.
    pub(crate) fn open(directory: &Path, identity: &Identity) -> Result<Self, JournalError> {
        let directory = std::path::absolute(directory)
            .map_err(|error| storage("finding the journal's directory", directory, &error))?;
        create_directory(&directory)
            .map_err(|error| storage("creating the journal's directory", &directory, &error))?;
        if !directory.join(FILE_NAME).exists() {
            make(&directory, identity)?;
        }
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .open(directory.join(FILE_NAME))
            .map_err(|error| open_error(&directory, &error))?;
        // Once the file has its entry on disk, all its writes are durable by its own syncs.
        sync_directory(&directory).map_err(|error| storage("syncing the journal's directory", &directory, &error))?;
        Self::with_database(directory, database, identity)
    }

    /// The journal in a file that is open; it then belongs to `identity` for ever.
    ///
    /// # Errors
    /// It belongs to another election, or the disk fails.
    pub(super) fn with_database(
        directory: PathBuf,
        database: Database,
        identity: &Identity,
    ) -> Result<Self, JournalError> {
        let store = Self { directory, database };
        store.claim(identity)?;
        Ok(store)
    }

    /// Everything that was kept, in the order in which it was received.
    pub(crate) fn load(&self, generation: u32) -> Result<Vec<Loaded>, JournalError> {
        let mut loaded = self.read(|transaction| {
            let submissions = transaction.open_table(SUBMISSIONS)?;
            let (logged, counted) = (transaction.open_table(LOGGED)?, transaction.open_table(COUNTED)?);
            let mut rows = Vec::new();
            for row in submissions.iter()? {
                let (digest, stored) = row?;
                let digest = SubmissionDigest(*digest.value());
                let offset = logged.get((generation, &digest.0))?.map(|offset| offset.value());
                let counted_in = counted.get(&digest.0)?.map(|sequence| sequence.value());
                rows.push(decode_submission(digest, stored.value()).map(|kept| loaded(&kept, offset, counted_in)));
            }
            Ok(rows)
        })?;
        loaded.sort_by_key(|entry| (entry.received_at_milliseconds, entry.digest));
        Ok(loaded)
    }

    /// What was kept of submissions, in the order asked for, with the positions that they had in other generations.
    pub(super) fn to_send(&self, digests: &[SubmissionDigest], generation: u32) -> Result<Vec<ToSend>, JournalError> {
        self.read(|transaction| {
            let submissions = transaction.open_table(SUBMISSIONS)?;
            let positions = transaction.open_table(POSITIONS)?;
            let mut rows = Vec::with_capacity(digests.len());
            for digest in digests {
                let Some(stored) = submissions.get(&digest.0)? else { continue };
                let mut earlier = Vec::new();
                let (first, last) = (position_key(*digest, 0, 0), position_key(*digest, u32::MAX, u64::MAX));
                for row in positions.range::<&[u8; POSITION_BYTES]>(&first..=&last)? {
                    let (of, offset) = generation_and_offset(row?.0.value());
                    if of != generation && earlier.len() < MAX_EARLIER_POSITIONS {
                        earlier.push((of, offset));
                    }
                }
                rows.push(decode_submission(*digest, stored.value()).map(|kept| ToSend { kept, earlier }));
            }
            Ok(rows)
        })
    }

    /// The newest publication of each generation, in ascending order of generation.
    pub(super) fn newest_publications(&self) -> Result<Vec<JournalledPublication>, JournalError> {
        self.read(|transaction| {
            let publications = transaction.open_table(PUBLICATIONS)?;
            publications.iter()?.map(|row| Ok(decode_publication(row?.1.value()))).collect()
        })
    }

    /// Writes one group in one transaction.
    pub(super) fn write(&self, group: &Group<'_>) -> Result<(), JournalError> {
        let write = || -> Result<(), redb::Error> {
            let transaction = begin_write(&self.database)?;
            fill(&transaction, group)?;
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| storage("writing the journal", &self.directory, &error))
    }

    /// Closes the file, so that the next opening is quick.
    pub(super) fn close(self) -> Result<(), JournalError> {
        let Self { directory, database } = self;
        database.close().map_err(|error| storage("closing the journal", &directory, &error))
    }

    fn claim(&self, identity: &Identity) -> Result<(), JournalError> {
        let wanted = format!("election {} with core {}", identity.election, identity.core_digest);
        let claim = || -> Result<String, redb::Error> {
            let transaction = begin_write(&self.database)?;
            transaction.open_table(SUBMISSIONS)?;
            transaction.open_table(LOGGED)?;
            transaction.open_table(POSITIONS)?;
            transaction.open_table(COUNTED)?;
            transaction.open_table(PUBLICATIONS)?;
            let found = {
                let mut single = transaction.open_table(SINGLE)?;
                let found = single.get(IDENTITY)?.map(|row| String::from_utf8_lossy(row.value()).into_owned());
                if found.is_none() {
                    single.insert(IDENTITY, wanted.as_bytes())?;
                }
                found.unwrap_or_else(|| wanted.clone())
            };
            transaction.commit()?;
            Ok(found)
        };
        let found = claim().map_err(|error| storage("creating the journal's tables", &self.directory, &error))?;
        if found != wanted {
            return Err(JournalError::Foreign { directory: self.directory.clone(), found, wanted });
        }
        Ok(())
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<Vec<Result<T, &'static str>>, redb::Error>,
    ) -> Result<Vec<T>, JournalError> {
        let read = || -> Result<_, redb::Error> { work(&self.database.begin_read()?) };
        let rows = read().map_err(|error| storage("reading the journal", &self.directory, &error))?;
        rows.into_iter().collect::<Result<_, _>>().map_err(|reason| self.corrupt(reason))
    }

    fn corrupt(&self, reason: &str) -> JournalError {
        JournalError::Corrupt { directory: self.directory.clone(), reason: reason.to_owned() }
    }
}

/// Makes the file under another name, and gives it its own when it is whole: one whose making was broken off cannot be
/// opened, and the gateway would never start again.
fn make(directory: &Path, identity: &Identity) -> Result<(), JournalError> {
    let made = being_made(directory);
    let error = |error: io::Error| storage("making the journal", directory, &error);
    match fs::remove_file(&made) {
        Err(left) if left.kind() != io::ErrorKind::NotFound => return Err(error(left)),
        // Left by a making that was broken off: nothing was ever received with it.
        _ => {}
    }
    let database = Database::builder().create(&made).map_err(|error| open_error(directory, &error))?;
    Store::with_database(directory.to_path_buf(), database, identity)?.close()?;
    match fs::hard_link(&made, directory.join(FILE_NAME)) {
        // Another gateway was quicker: the opening says so. Unlike a renaming, a link never replaces its journal.
        Err(linked) if linked.kind() != io::ErrorKind::AlreadyExists => return Err(error(linked)),
        _ => {}
    }
    fs::remove_file(&made).map_err(error)
}

/// Where this process makes the file.
pub(super) fn being_made(directory: &Path) -> PathBuf {
    directory.join(format!("{FILE_NAME}.{}.new", std::process::id()))
}

/// What is written together.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) submissions: Vec<&'a Kept>,
    pub(super) generation: u32,
    pub(super) logged: Vec<LoggedAt>,
    pub(super) counted: Vec<CountedIn>,
    pub(super) publication: Option<&'a JournalledPublication>,
}

fn fill(transaction: &WriteTransaction, group: &Group<'_>) -> Result<(), redb::Error> {
    let mut submissions = transaction.open_table(SUBMISSIONS)?;
    for kept in &group.submissions {
        submissions.insert(&kept.digest.0, encode_submission(kept).as_slice())?;
    }
    let mut logged = transaction.open_table(LOGGED)?;
    let mut positions = transaction.open_table(POSITIONS)?;
    for at in &group.logged {
        let key = (group.generation, &at.digest.0);
        // Of several copies the lowest stands.
        if logged.get(key)?.is_none_or(|known| at.offset < known.value()) {
            logged.insert(key, at.offset)?;
        }
        positions.insert(&position_key(at.digest, group.generation, at.offset), ())?;
    }
    let mut counted = transaction.open_table(COUNTED)?;
    for one in &group.counted {
        // It is a fact about the first publication that is known to have counted it: it stays.
        if counted.get(&one.digest.0)?.is_none() {
            counted.insert(&one.digest.0, one.sequence)?;
        }
    }
    let Some(publication) = group.publication else { return Ok(()) };
    let mut publications = transaction.open_table(PUBLICATIONS)?;
    let held = publications.get(publication.generation)?.and_then(|row| decode_publication(row.value()).ok());
    if held.is_none_or(|held| held.sequence < publication.sequence) {
        publications.insert(publication.generation, encode_publication(publication).as_slice())?;
    }
    Ok(())
}

fn position_key(digest: SubmissionDigest, generation: u32, offset: u64) -> [u8; POSITION_BYTES] {
    let mut key = [0; POSITION_BYTES];
    key[..32].copy_from_slice(&digest.0);
    key[32..36].copy_from_slice(&generation.to_be_bytes());
    key[36..].copy_from_slice(&offset.to_be_bytes());
    key
}

fn generation_and_offset(key: &[u8; POSITION_BYTES]) -> (u32, u64) {
    let (mut generation, mut offset) = ([0; 4], [0; 8]);
    generation.copy_from_slice(&key[32..36]);
    offset.copy_from_slice(&key[36..]);
    (u32::from_be_bytes(generation), u64::from_be_bytes(offset))
}

/// The only kind of write transaction that this file ever sees: mixing one-phase and two-phase commits would open a window
/// in which a crash loses the file.
fn begin_write(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

fn loaded(kept: &Kept, offset: Option<u64>, counted_in: Option<u64>) -> Loaded {
    Loaded {
        digest: kept.digest,
        record: RecordDigest(sha256(&kept.value)),
        content: kept.content,
        shard: kept.shard,
        received_at_milliseconds: kept.received_at_milliseconds,
        offset,
        counted_in,
    }
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

fn open_error(directory: &Path, error: &DatabaseError) -> JournalError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => JournalError::Locked { directory: directory.to_path_buf() },
        error => storage("opening the journal", directory, error),
    }
}

fn storage(action: &str, directory: &Path, error: &dyn std::error::Error) -> JournalError {
    JournalError::Storage { action: format!("{action} in {}", directory.display()), reason: error.to_string() }
}
