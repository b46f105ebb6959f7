//! The journal: every accepted submission, on this gateway's disk, until the operator archives the election (design, D8).
//!
//! One file a directory, on redb. One thread owns all writes; what queued up during a commit is the next commit, so that
//! one fsync serves many. A failed write leaves the file in doubt: the journal stops, and its gateway with it.

mod encoding;
mod store;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use hattama_election::digest::{ContentDigest, CoreDigest, PublicationDigest, RecordDigest, SubmissionDigest};
use hattama_election::ids::{ElectionId, ShardId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

pub use self::store::{JournalError, read_newest_publications};

pub(crate) use self::store::Store;
use self::writer::{Accept, Command, Writer};
use crate::book::{Book, Reservation};
use crate::limits::MAX_QUEUED_COMMANDS;

/// Whose submissions a journal keeps. It never takes those of another election or core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The election.
    pub election: ElectionId,
    /// Its frozen definition.
    pub core_digest: CoreDigest,
}

/// A submission to keep, or as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) digest: SubmissionDigest,
    pub(crate) content: ContentDigest,
    pub(crate) shard: ShardId,
    pub(crate) received_at_milliseconds: i64,
    /// The value of its record in the log.
    pub(crate) value: Bytes,
}

/// What the journal holds of a submission, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) digest: SubmissionDigest,
    pub(crate) record: RecordDigest,
    pub(crate) content: ContentDigest,
    pub(crate) shard: ShardId,
    pub(crate) received_at_milliseconds: i64,
    /// Its offset in this generation's log, as far as it was known.
    pub(crate) offset: Option<u64>,
    /// The first publication, of whatever generation, that is known to have counted it.
    pub(crate) counted_in: Option<u64>,
}

/// A submission on its way to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToSend {
    pub(crate) kept: Kept,
    /// Generation and offset of the places where it lay before, in other generations.
    pub(crate) earlier: Vec<(u32, u64)>,
}

/// A publication counted a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountedIn {
    pub(crate) digest: SubmissionDigest,
    pub(crate) sequence: u64,
}

/// The newest valid publication that this gateway has read: what `generation new` asks for after a loss (design, D7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalledPublication {
    /// The generation that it lies in.
    pub generation: u32,
    /// Its number.
    pub sequence: u64,
    /// Its digest.
    pub digest: PublicationDigest,
    /// The value of its record in the log.
    pub value: Bytes,
}

/// Where a submission lies in the generation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoggedAt {
    pub(crate) digest: SubmissionDigest,
    pub(crate) offset: u64,
}

/// A handle of the running journal. When the last one is dropped, what is queued is written and the file is closed.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Dropped before the channel closes: when the writer sees the end, it alone holds the file.
    store: Arc<Store>,
    commands: mpsc::Sender<Command>,
    generation: u32,
}

/// The journal takes nothing any more: its writer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal takes nothing any more, since a write failed: send it to another gateway")]
pub(crate) struct JournalStopped;

/// The end of the journal's writer: comes after the file was closed.
pub(crate) type WriterEnd = oneshot::Receiver<Result<(), JournalError>>;

impl Journal {
    /// Starts the writer. What it commits, it enters into `book`.
    ///
    /// # Errors
    /// The thread did not start.
    pub(crate) fn start(store: Store, generation: u32, book: Arc<Book>) -> Result<(Self, WriterEnd), JournalError> {
        let store = Arc::new(store);
        let (commands, receiver) = mpsc::channel(MAX_QUEUED_COMMANDS);
        let (ended, end) = oneshot::channel();
        let writer = Writer { store: Arc::clone(&store), generation, commands: receiver, book };
        std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || {
                // Nobody may wait any more, when a whole process ends.
                let _ = ended.send(writer.run());
            })
            .map_err(|error| JournalError::Storage {
                action: "starting the journal's writer thread".to_owned(),
                reason: error.to_string(),
            })?;
        Ok((Self(Arc::new(Inner { store, commands, generation })), end))
    }

    /// Keeps a submission: returns when it is on disk and in the book, or was there already. If the future is dropped
    /// after it was queued, it is kept all the same.
    pub(crate) async fn accept(&self, kept: Kept, reservation: Reservation) -> Result<(), JournalStopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Accept(Accept { kept, reservation, reply })).await?;
        answer.await.map_err(|_| JournalStopped)
    }

    /// Notes where submissions lie. Returns when it is queued: the log itself tells it again after a crash.
    pub(crate) async fn note_logged(&self, logged: Vec<LoggedAt>) -> Result<(), JournalStopped> {
        self.send(Command::Logged(logged)).await
    }

    /// Notes which publications first counted submissions. Returns when it is queued.
    pub(crate) async fn note_counted(&self, counted: Vec<CountedIn>) -> Result<(), JournalStopped> {
        self.send(Command::Counted(counted)).await
    }

    /// Keeps a publication unless it has a higher one of its generation. Returns when it is queued.
    pub(crate) async fn note_publication(&self, publication: JournalledPublication) -> Result<(), JournalStopped> {
        self.send(Command::Publication(publication)).await
    }

    /// Submissions as they are to be sent, in the order asked for; what it does not hold is left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) async fn to_send(&self, digests: Vec<SubmissionDigest>) -> Result<Vec<ToSend>, JournalError> {
        self.read(move |inner| inner.store.to_send(&digests, inner.generation)).await
    }

    /// The newest publication of each generation, in ascending order of generation.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) async fn newest_publications(&self) -> Result<Vec<JournalledPublication>, JournalError> {
        self.read(|inner| inner.store.newest_publications()).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Inner) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let journal = self.clone();
        spawn_blocking(move || read(&journal.0)).await.unwrap_or_else(|error| {
            Err(JournalError::Storage { action: "reading the journal".to_owned(), reason: error.to_string() })
        })
    }

    async fn send(&self, command: Command) -> Result<(), JournalStopped> {
        self.0.commands.send(command).await.map_err(|_| JournalStopped)
    }
}

#[cfg(test)]
mod failure_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    pub(super) fn identity() -> Identity {
        Identity { election: ElectionId::new("sample").unwrap(), core_digest: CoreDigest([1; 32]) }
    }

    pub(super) fn kept(number: u8) -> Kept {
        Kept {
            digest: SubmissionDigest([number; 32]),
            content: ContentDigest([number; 32]),
            shard: ShardId(1),
            received_at_milliseconds: i64::from(number),
            value: Bytes::from(vec![number; 600]),
        }
    }

    fn publication(sequence: u64) -> JournalledPublication {
        let value = Bytes::from(sequence.to_string());
        JournalledPublication { generation: 1, sequence, digest: PublicationDigest([9; 32]), value }
    }

    /// A running journal and its book, with what the directory holds.
    fn open(directory: &Path, generation: u32) -> (Journal, Arc<Book>, WriterEnd) {
        let store = Store::open(directory, &identity()).unwrap();
        let book = Arc::new(Book::new(2, 1_000));
        book.load(store.load(generation).unwrap());
        let (journal, end) = Journal::start(store, generation, Arc::clone(&book)).unwrap();
        (journal, book, end)
    }

    fn digests(directory: &Path) -> Vec<SubmissionDigest> {
        let store = Store::open(directory, &identity()).unwrap();
        store.load(1).unwrap().into_iter().map(|loaded| loaded.digest).collect()
    }

    #[tokio::test]
    async fn a_submission_whose_caller_is_gone_is_kept_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, book, end) = open(directory.path(), 1);
        // Polled once, which queues it, then dropped.
        let accepting = journal.accept(kept(1), book.reserve().unwrap());
        let _ = tokio::time::timeout(Duration::ZERO, accepting).await;
        drop(journal);
        end.await.unwrap().unwrap();
        assert!(book.holds(&kept(1).digest));
        assert_eq!(book.unsent_now(ShardId(1), 10).len(), 1, "it goes to the log");
        assert_eq!(digests(directory.path()), [kept(1).digest]);
    }

    #[tokio::test]
    async fn one_submission_sent_many_times_is_kept_and_queued_once() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, book, end) = open(directory.path(), 1);
        let accept = || journal.accept(kept(1), book.reserve().unwrap());
        let (first, second, third) = tokio::join!(accept(), accept(), accept());
        assert_eq!([first, second, third], [Ok(()), Ok(()), Ok(())]);
        assert_eq!((book.len(), book.outstanding()), (1, 1));
        let to_send = journal.to_send(vec![kept(1).digest, kept(2).digest]).await.unwrap();
        assert_eq!(to_send, [ToSend { kept: kept(1), earlier: vec![] }]);
        drop(journal);
        end.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_position_is_known_after_a_restart_in_its_generation_only() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, book, end) = open(directory.path(), 1);
        journal.accept(kept(1), book.reserve().unwrap()).await.unwrap();
        journal.note_logged(vec![LoggedAt { digest: kept(1).digest, offset: 41 }]).await.unwrap();
        drop(journal);
        end.await.unwrap().unwrap();
        for (generation, offset, unsent) in [(1, Some(41), 0), (2, None, 1)] {
            let (journal, book, end) = open(directory.path(), generation);
            assert_eq!(book.receipt(&kept(1).digest).unwrap().offset, offset);
            assert_eq!(book.unsent_now(ShardId(1), 10).len(), unsent, "generation {generation}");
            let earlier = if generation == 1 { vec![] } else { vec![(1, 41)] };
            assert_eq!(journal.to_send(vec![kept(1).digest]).await.unwrap()[0].earlier, earlier);
            drop(journal);
            end.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn every_place_of_a_submission_is_kept_and_the_lowest_stands() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, book, end) = open(directory.path(), 1);
        journal.accept(kept(1), book.reserve().unwrap()).await.unwrap();
        for offset in [41, 7, 52] {
            journal.note_logged(vec![LoggedAt { digest: kept(1).digest, offset }]).await.unwrap();
        }
        drop(journal);
        end.await.unwrap().unwrap();
        let (journal, book, end) = open(directory.path(), 1);
        assert_eq!(book.receipt(&kept(1).digest).unwrap().offset, Some(7));
        drop(journal);
        end.await.unwrap().unwrap();
        let (journal, _, end) = open(directory.path(), 2);
        let to_send = journal.to_send(vec![kept(1).digest]).await.unwrap();
        assert_eq!(to_send[0].earlier, [(1, 7), (1, 41), (1, 52)]);
        drop(journal);
        end.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_first_publication_that_counted_a_submission_is_a_fact_in_every_generation() {
        let directory = tempfile::tempdir().unwrap();
        let digest = kept(1).digest;
        for (generation, sequence) in [(1, 17), (2, 1_030)] {
            let (journal, book, end) = open(directory.path(), generation);
            journal.accept(kept(1), book.reserve().unwrap()).await.unwrap();
            journal.note_counted(vec![CountedIn { digest, sequence }]).await.unwrap();
            drop(journal);
            end.await.unwrap().unwrap();
            let (journal, book, end) = open(directory.path(), generation);
            assert_eq!(book.receipt(&digest).unwrap().counted_in, Some(17));
            drop(journal);
            end.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn the_publication_of_the_highest_number_of_each_generation_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        for (generation, sequence) in [(1, 4), (2, 1_007), (1, 7), (1, 5), (2, 1_006)] {
            let (journal, _, end) = open(directory.path(), generation);
            let read = JournalledPublication { generation, ..publication(sequence) };
            journal.note_publication(read).await.unwrap();
            drop(journal);
            end.await.unwrap().unwrap();
        }
        let second = JournalledPublication { generation: 2, ..publication(1_007) };
        assert_eq!(read_newest_publications(directory.path()).unwrap(), [publication(7), second]);
    }
}
