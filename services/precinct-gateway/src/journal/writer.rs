//! The thread that owns all writes of the journal: it commits together whatever queued up during the last commit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::store::{Group, Store};
use super::{CountedIn, JournalError, JournalledPublication, Kept, LoggedAt};
use crate::book::{Book, Reservation};
use crate::limits::MAX_COMMANDS_PER_GROUP;
use crate::metrics;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Accept(Accept),
    Logged(Vec<LoggedAt>),
    Counted(Vec<CountedIn>),
    Publication(JournalledPublication),
}

/// A submission to keep.
#[derive(Debug)]
pub(super) struct Accept {
    pub(super) kept: Kept,
    /// Its place in the outbox.
    pub(super) reservation: Reservation,
    pub(super) reply: oneshot::Sender<()>,
}

/// The writer. It ends when the last handle is gone, or at the first failure.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) generation: u32,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) book: Arc<Book>,
}

impl Writer {
    /// Works until it ends, then closes the file.
    ///
    /// After a failed write the file is in doubt: only opening it again tells what it holds. Whoever waits for an answer
    /// then gets none.
    pub(super) fn run(mut self) -> Result<(), JournalError> {
        let mut group = Vec::with_capacity(MAX_COMMANDS_PER_GROUP);
        while self.commands.blocking_recv_many(&mut group, MAX_COMMANDS_PER_GROUP) > 0 {
            self.commit(std::mem::take(&mut group))?;
        }
        drop(self.commands);
        // The last handle dropped its share of the file before its end of the channel.
        Arc::into_inner(self.store).map_or(Ok(()), Store::close)
    }

    fn commit(&self, commands: Vec<Command>) -> Result<(), JournalError> {
        let (mut accepts, mut logged, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        let mut publication = None::<JournalledPublication>;
        for command in commands {
            match command {
                Command::Accept(accept) => accepts.push(accept),
                Command::Logged(positions) => logged.extend(positions),
                Command::Counted(facts) => counted.extend(facts),
                Command::Publication(newer) => publication = Some(newer),
            }
        }
        let new = self.new_digests(&accepts);
        let submissions: Vec<&Kept> = new.iter().map(|place| &accepts[*place].kept).collect();
        if !submissions.is_empty() || !logged.is_empty() || !counted.is_empty() || publication.is_some() {
            let (started, accepted) = (Instant::now(), submissions.len());
            let generation = self.generation;
            let group = Group { submissions, generation, logged, counted, publication: publication.as_ref() };
            self.store.write(&group)?;
            metrics::journal_commit(accepted, started.elapsed());
        }
        self.acknowledge(accepts, &new);
        Ok(())
    }

    /// The places in the group of submissions that neither the book nor the group has before.
    fn new_digests(&self, accepts: &[Accept]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        (0..accepts.len())
            .filter(|place| {
                let digest = accepts[*place].kept.digest;
                !self.book.holds(&digest) && seen.insert(digest)
            })
            .collect()
    }

    /// Into the book first, answers second: who is answered finds the receipt.
    fn acknowledge(&self, accepts: Vec<Accept>, new: &BTreeSet<usize>) {
        let mut replies = Vec::with_capacity(accepts.len());
        for (place, Accept { kept, reservation, reply }) in accepts.into_iter().enumerate() {
            if new.contains(&place) {
                self.book.add(&kept, reservation);
            }
            replies.push(reply);
        }
        for reply in replies {
            // Who asked may have gone away; the submission is kept all the same.
            let _ = reply.send(());
        }
    }
}
