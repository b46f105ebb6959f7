//! The outbox: what is in the journal goes to the log, shard by shard, until the log has acknowledged it.
//!
//! An append that fails is tried again for ever, at a bounded rate. If its outcome was unknown, the log may get a submission
//! twice: it counts once (design, D3).

use std::sync::Arc;

use bytes::Bytes;
use hattama_election::ids::ShardId;
use hattama_record_log::{LogError, NewRecord};
use hattama_wire::{EARLIER_POSITIONS_HEADER, encode_earlier};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Unsent};
use crate::follow::{Pause, Source};
use crate::journal::{Journal, JournalError, LoggedAt, ToSend};
use crate::limits::MAX_APPEND_SUBMISSIONS;
use crate::losses::Losses;
use crate::metrics;

/// Sends one shard's submissions.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) source: Arc<Source>,
    pub(crate) shard: ShardId,
    pub(crate) book: Arc<Book>,
    pub(crate) journal: Journal,
    /// The gateway's instance name, for the records' headers.
    pub(crate) gateway: Bytes,
    /// Where records were lost, nothing is sent any more.
    pub(crate) losses: Losses,
    /// The gateway is asked to stop: a log that fails is no longer waited for.
    pub(crate) stopping: CancellationToken,
    /// Nothing new comes any more: what is left is sent, then the end.
    pub(crate) intake_closed: CancellationToken,
}

impl Sender {
    /// Sends from `reconciled` on until the gateway stops. What is not sent then is in the journal, for the next start.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(crate) async fn run(self, reconciled: oneshot::Receiver<()>) -> Result<(), JournalError> {
        if reconciled.await.is_err() {
            // The follower has stopped, or found that the log is another election's: nothing may go there.
            return Ok(());
        }
        let lost = self.losses.of(self.shard);
        loop {
            let unsent = tokio::select! {
                biased;
                // What waits stays in the journal.
                () = lost.cancelled() => return Ok(()),
                unsent = self.book.next_unsent(self.shard, MAX_APPEND_SUBMISSIONS) => unsent,
                () = self.intake_closed.cancelled() => return Ok(()),
            };
            if !self.send(unsent).await? {
                return Ok(());
            }
        }
    }

    /// False when the log fails and the gateway stops, or when the log has lost records of the shard.
    async fn send(&self, unsent: Vec<Unsent>) -> Result<bool, JournalError> {
        let to_send = self.journal.to_send(unsent.iter().map(|one| one.digest).collect()).await?;
        let lost = self.losses.of(self.shard);
        let mut pause = Pause::new();
        let mut failed_before = false;
        loop {
            match self.append(&to_send).await {
                Ok(offsets) => {
                    self.logged(&to_send, &offsets).await;
                    return Ok(true);
                }
                Err(error) => self.report(&error, failed_before),
            }
            failed_before = true;
            tokio::select! {
                () = pause.wait() => {}
                () = self.stopping.cancelled() => return Ok(false),
                () = lost.cancelled() => return Ok(false),
            }
        }
    }

    async fn append(&self, to_send: &[ToSend]) -> Result<Vec<u64>, LogError> {
        let records = to_send.iter().map(|one| NewRecord {
            key: None,
            value: one.kept.value.clone(),
            headers: [
                ("gateway".to_owned(), self.gateway.clone()),
                ("digest".to_owned(), Bytes::copy_from_slice(&one.kept.digest.0)),
            ]
            .into_iter()
            .chain(encode_earlier(&one.earlier).map(|text| (EARLIER_POSITIONS_HEADER.to_owned(), text)))
            .collect(),
        });
        let topic = &self.source.topics.submissions;
        self.source.log.append_all(topic, self.shard.0, records.collect()).await
    }

    async fn logged(&self, sent: &[ToSend], offsets: &[u64]) {
        metrics::appended(offsets.len());
        let at = |(one, offset): (&ToSend, &u64)| LoggedAt { digest: one.kept.digest, offset: *offset };
        let logged: Vec<LoggedAt> = sent.iter().zip(offsets).map(at).collect();
        for at in &logged {
            self.book.located(&at.digest, at.offset);
        }
        // A journal that has stopped stops the gateway; the log itself tells the positions at the next start.
        let _ = self.journal.note_logged(logged).await;
    }

    fn report(&self, error: &LogError, again: bool) {
        metrics::append_failed(error);
        // Once for each outage, not for each try.
        if !again {
            tracing::warn!(
                shard = self.shard.0,
                %error,
                "the log takes no submissions; they are kept in the journal and sent again"
            );
        }
    }
}
