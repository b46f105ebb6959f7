//! The outbox: what is in the journal goes to the log, shard by shard, until the log has acknowledged it.
//!
//! An append that fails is tried again for ever, at a bounded rate. If its outcome was unknown, what the log has got of it is
//! looked for first. What comes into the log even later is there twice: it counts once (design, D3).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use hattama_election::ids::ShardId;
use hattama_record_log::{LogError, NewRecord, RecordLog, TopicName};
use hattama_wire::{EARLIER_POSITIONS_HEADER, encode_earlier};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Unsent};
use crate::follow::{Pause, Source};
use crate::journal::{Journal, JournalError, LoggedAt, ToSend};
use crate::limits::{MAX_APPEND_SUBMISSIONS, MAX_READ_RECORDS};
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
    /// Tells the shard's follower where submissions were found that another gateway may have sent.
    pub(crate) found: mpsc::Sender<LoggedAt>,
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
        // Whatever is sent from here on lies behind this.
        let mut behind = tokio::select! {
            end = self.source.end_patiently(&self.source.topics.submissions, self.shard.0) => end,
            () = self.stopping.cancelled() => return Ok(()),
        };
        loop {
            let unsent = tokio::select! {
                biased;
                // What waits stays in the journal.
                () = lost.cancelled() => return Ok(()),
                unsent = self.book.next_unsent(self.shard, MAX_APPEND_SUBMISSIONS) => unsent,
                () = self.intake_closed.cancelled() => return Ok(()),
            };
            if !self.send(unsent, &mut behind).await? {
                return Ok(());
            }
        }
    }

    /// False when the log fails and the gateway stops, or when the log has lost records of the shard.
    async fn send(&self, unsent: Vec<Unsent>, behind: &mut u64) -> Result<bool, JournalError> {
        let mut to_send = self.journal.to_send(unsent.iter().map(|one| one.digest).collect()).await?;
        let lost = self.losses.of(self.shard);
        let mut pause = Pause::new();
        let (mut failed_before, mut may_be_there) = (false, false);
        loop {
            match self.look_and_append(&mut to_send, may_be_there, behind).await {
                Ok(()) => return Ok(true),
                Err(error) => {
                    may_be_there |= error.outcome_is_unknown();
                    self.report(&error, failed_before);
                }
            }
            failed_before = true;
            tokio::select! {
                () = pause.wait() => {}
                () = self.stopping.cancelled() => return Ok(false),
                () = lost.cancelled() => return Ok(false),
            }
        }
    }

    /// Takes out what the log has got, and appends the rest. `behind` then lies behind all of it.
    async fn look_and_append(
        &self,
        to_send: &mut Vec<ToSend>,
        may_be_there: bool,
        behind: &mut u64,
    ) -> Result<(), LogError> {
        if may_be_there {
            let wanted = to_send.iter().map(|one| one.kept.value.clone()).collect();
            let found = found(&self.source.log, &self.source.topics.submissions, self.shard, *behind, &wanted).await?;
            let (there, rest): (Vec<_>, Vec<_>) =
                std::mem::take(to_send).into_iter().partition(|one| found.contains_key(&one.kept.value));
            *to_send = rest;
            let offsets: Vec<u64> = there.iter().filter_map(|one| found.get(&one.kept.value).copied()).collect();
            for (one, offset) in there.iter().zip(&offsets) {
                // A follower that is gone has stopped with its gateway.
                let _ = self.found.send(LoggedAt { digest: one.kept.digest, offset: *offset }).await;
            }
            self.logged(&there, &offsets).await;
        }
        if to_send.is_empty() {
            return Ok(());
        }
        let offsets = self.append(to_send).await?;
        *behind = offsets.last().map_or(*behind, |last| last + 1);
        self.logged(to_send, &offsets).await;
        Ok(())
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

/// Which of these values a partition has from an offset to its end, and where each lies first.
async fn found(
    log: &RecordLog,
    topic: &TopicName,
    shard: ShardId,
    from: u64,
    wanted: &HashSet<Bytes>,
) -> Result<BTreeMap<Bytes, u64>, LogError> {
    let mut reader = log.reader(topic, shard.0, from);
    let mut found = BTreeMap::new();
    loop {
        let batch = reader.next_batch_now(MAX_READ_RECORDS).await?;
        if batch.is_empty() {
            return Ok(found);
        }
        for record in batch.into_iter().filter(|record| wanted.contains(&record.value)) {
            found.entry(record.value).or_insert(record.offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_an_append_that_nobody_knows_the_outcome_of_what_the_log_has_is_found_behind_where_it_began() {
        let (log, topic) = (RecordLog::memory(), TopicName::new("sample.g1.submissions").unwrap());
        log.create_topic(&topic, 2).await.unwrap();
        let values =
            ["before", "ours 1", "another's", "ours 2", "ours 1"].map(|text| Bytes::from_static(text.as_bytes()));
        for value in &values {
            log.append(&topic, 1, NewRecord::of_value(value.clone())).await.unwrap();
        }
        let wanted = ["before", "ours 1", "ours 2", "ours 3"].map(|text| Bytes::from_static(text.as_bytes())).into();
        let found = found(&log, &topic, ShardId(1), 1, &wanted).await.unwrap();
        assert_eq!(found, BTreeMap::from([(values[1].clone(), 1), (values[3].clone(), 3)]));
    }
}
