//! What the journal does when its disk fails once and then works again, as disks do: the kernel forgets what it could not
//! write, and the next sync succeeds without it.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, StorageBackend};

use super::tests::{identity, kept};
use super::*;

/// Submissions that are sent, so many at a time.
const SUBMISSIONS: u8 = 12;
const AT_A_TIME: usize = 3;

/// A disk with a cache before it. Clones are the same disk.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What is read: everything that was written.
    cached: Vec<u8>,
    /// What a power failure leaves, each write since the last sync apart.
    durable: Vec<u8>,
    unsynced: Vec<Write>,
    /// Writes and syncs so far.
    operations: usize,
    /// The operation that fails.
    fails_at: Option<usize>,
    failed: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Write {
    Length(u64),
    Bytes(u64, Vec<u8>),
}

fn apply(image: &mut Vec<u8>, write: &Write) {
    match write {
        Write::Length(length) => image.resize(usize::try_from(*length).unwrap(), 0),
        Write::Bytes(offset, bytes) => {
            let offset = usize::try_from(*offset).unwrap();
            if image.len() < offset + bytes.len() {
                image.resize(offset + bytes.len(), 0);
            }
            image[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }
}

impl Disk {
    fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { cached: image.clone(), durable: image, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, write: Write) -> io::Result<()> {
        let mut state = self.state();
        state.counts("write")?;
        apply(&mut state.cached, &write);
        state.unsynced.push(write);
        Ok(())
    }
}

impl State {
    fn counts(&mut self, what: &'static str) -> io::Result<()> {
        self.operations += 1;
        if self.fails_at == Some(self.operations) {
            self.failed = Some(what);
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.state().cached[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Disk::write(self, Write::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        let synced = state.counts("sync");
        let unsynced = std::mem::take(&mut state.unsynced);
        if synced.is_ok() {
            unsynced.iter().for_each(|write| apply(&mut state.durable, write));
        }
        // After a failure they are forgotten: that the next sync succeeds says nothing of them.
        synced
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        Disk::write(self, Write::Bytes(offset, bytes.to_vec()))
    }
}

fn open(disk: &Disk) -> Result<Store, JournalError> {
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .map_err(|error| JournalError::Storage { action: "opening".to_owned(), reason: error.to_string() })?;
    Store::with_database(PathBuf::from("a-failing-disk"), database, &identity())
}

/// Sends everything; returns what got a receipt, and how the journal ended.
async fn receipts(store: Store) -> (Vec<SubmissionDigest>, Result<(), JournalError>) {
    let book = Arc::new(Book::new(2, 1_000));
    let (journal, end) = Journal::start(store, 1, Arc::clone(&book)).unwrap();
    let (mut receipts, mut has_stopped) = (Vec::new(), false);
    let numbers: Vec<u8> = (1..=SUBMISSIONS).collect();
    for group in numbers.chunks(AT_A_TIME) {
        let mut accepting = tokio::task::JoinSet::new();
        for number in group {
            let (journal, kept, place) = (journal.clone(), kept(*number), book.reserve().unwrap());
            accepting.spawn(async move { (kept.digest, journal.accept(kept, place).await) });
        }
        let before = has_stopped;
        for (digest, accepted) in accepting.join_all().await {
            assert_eq!(book.holds(&digest), accepted.is_ok(), "in the book is what has a receipt");
            assert!(!before || accepted.is_err(), "a receipt after a failed write");
            match accepted {
                Ok(()) => receipts.push(digest),
                Err(JournalStopped) => has_stopped = true,
            }
        }
    }
    drop(journal);
    (receipts, end.await.unwrap())
}

fn held(image: Vec<u8>) -> Vec<SubmissionDigest> {
    let store = open(&Disk::of(image)).unwrap();
    store.load(1).unwrap().into_iter().map(|loaded| loaded.digest).collect()
}

/// What may be on the disk after a restart: of what was not synced nothing, all, or every other write.
fn images(state: &State) -> [Vec<u8>; 3] {
    let some = |is_there: fn(usize) -> bool| {
        let mut image = state.durable.clone();
        let writes = state.unsynced.iter().enumerate().filter(|(place, _)| is_there(*place));
        writes.for_each(|(_, write)| apply(&mut image, write));
        image
    };
    [some(|_| false), some(|_| true), some(|place| place.is_multiple_of(2))]
}

#[tokio::test]
async fn whichever_write_or_sync_fails_the_journal_stops_and_holds_all_that_has_a_receipt_after_a_restart() {
    let (mut failed, mut fewest, mut most) = (std::collections::BTreeSet::new(), usize::MAX, 0);
    let fresh = Disk::default();
    open(&fresh).unwrap().close().unwrap();
    let fresh = fresh.state().durable.clone();
    for fails_after in 1.. {
        let disk = Disk::of(fresh.clone());
        let store = open(&disk).unwrap();
        let before = disk.state().operations;
        disk.state().fails_at = Some(before + fails_after);
        let (receipts, ended) = receipts(store).await;
        let state = disk.state();
        let Some(what) = state.failed else {
            assert_eq!((receipts.len(), ended), (usize::from(SUBMISSIONS), Ok(())), "nothing failed");
            break;
        };
        let is_in_the_end = receipts.len() == usize::from(SUBMISSIONS);
        let error = ended.map_or_else(|error| error.to_string(), |()| "none".to_owned());
        assert!(is_in_the_end || error.contains("writing the journal in a-failing-disk failed"), "{what}: {error}");
        for image in images(&state) {
            let held = held(image);
            let lost: Vec<_> = receipts.iter().filter(|digest| !held.contains(digest)).collect();
            assert!(
                lost.is_empty(),
                "operation {fails_after}, a {what}: {lost:?} have a receipt, {} are there",
                held.len()
            );
        }
        failed.insert(what);
        (fewest, most) = (fewest.min(receipts.len()), most.max(receipts.len()));
    }
    assert_eq!(failed.into_iter().collect::<Vec<_>>(), ["sync", "write"]);
    // From the very first write, after which the journal is as empty as its receipts are none, to the last one.
    assert_eq!((fewest, most), (0, usize::from(SUBMISSIONS)));
}

#[test]
fn whatever_a_making_that_was_broken_off_leaves_the_next_start_makes_the_journal() {
    let mut cannot_be_opened = 0;
    for fails_at in 1.. {
        let disk = Disk::default();
        disk.state().fails_at = Some(fails_at);
        let opened = open(&disk).map(drop);
        let state = disk.state();
        if state.failed.is_none() {
            assert_eq!(opened, Ok(()));
            break;
        }
        for image in images(&state) {
            cannot_be_opened += usize::from(open(&Disk::of(image.clone())).is_err());
            let directory = tempfile::tempdir().unwrap();
            let made = store::being_made(directory.path());
            std::fs::write(&made, image).unwrap();
            let store = Store::open(directory.path(), &identity()).unwrap();
            assert_eq!((store.load(1).unwrap(), made.exists()), (vec![], false), "operation {fails_at}");
        }
    }
    assert!(cannot_be_opened > 0, "then it could be made in its place");
}
