//! Writes a shard's outcomes and tallies, and knows whose outcomes came first.

use crate::{
    error::OwnError,
    metrics::{FOREIGN_RECORDS, OUTRUN},
};
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_record_log::{LogError, NewRecord, RecordLog, topics::TopicSet};
use hattama_service_kit::clock::Clock;
use hattama_tally::{Generation, OutcomeChain, OutcomesBody, PassedOver, PositionPair, Read, TallyBody};
use hattama_wire::{Envelope, RecordOpener, ServiceContext, SigningKey, limits::MAX_SERVICE_RECORD_BYTES};
use std::sync::Arc;

/// Outcomes records read at a time when an owner looks for the last valid one.
const OUTCOMES_BATCH_RECORDS: usize = 512;

/// What an owner needs to write.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) log: RecordLog,
    pub(crate) topics: Arc<TopicSet>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) generation: Generation,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) instance: Arc<str>,
    pub(crate) clock: Clock,
    /// What a record of outcomes may list: [`hattama_wire::limits::MAX_OUTCOMES_LIST_BYTES`], in tests also less.
    pub(crate) outcomes_list_bytes: usize,
}

/// The chain of a shard's outcomes as far as it has been read.
#[derive(Debug)]
pub(crate) struct OutcomesHead {
    chain: OutcomeChain,
    /// The next offset of the outcomes partition.
    next_offset: u64,
}

impl OutcomesHead {
    /// Where the last valid step led to.
    pub(crate) fn position(&self) -> PositionPair {
        self.chain.head()
    }
}

/// What became of a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is the next valid one.
    Valid,
    /// Another owner was ahead: fold again from its position.
    Outrun,
}

impl Writer {
    /// Opens submissions of this election.
    pub(crate) fn opener(&self) -> RecordOpener {
        RecordOpener { election: self.definition.id.clone(), core_digest: self.definition.core_digest }
    }

    /// Reads the chain from the first record to the end of the partition.
    pub(crate) async fn outcomes_head(&self, shard: ShardId) -> Result<OutcomesHead, OwnError> {
        let mut head = OutcomesHead { chain: OutcomeChain::new(self.generation, shard), next_offset: 1 };
        self.read_on(shard, &mut head).await?;
        Ok(head)
    }

    /// Reads the chain on to the end of the partition.
    async fn read_on(&self, shard: ShardId, head: &mut OutcomesHead) -> Result<(), OwnError> {
        let mut reader = self.log.reader(&self.topics.outcomes, shard.0, head.next_offset);
        loop {
            let batch =
                reader.next_batch_now(OUTCOMES_BATCH_RECORDS).await.map_err(|source| log_error(shard, source))?;
            if batch.is_empty() {
                return Ok(());
            }
            for record in batch {
                head.next_offset = record.offset + 1;
                let opened = hattama_wire::open_outcomes(&self.definition, &record.value);
                let is_foreign = match opened {
                    Ok(body) => head.chain.read(body) == Read::PassedOver(PassedOver::Foreign),
                    Err(_) => true,
                };
                if is_foreign {
                    metrics::counter!(FOREIGN_RECORDS, "topic" => "outcomes").increment(1);
                }
            }
        }
    }

    /// Appends a step that starts at `head`, in as many parts as it needs, and says whether it is the next valid one.
    /// `head` is then where the chain has come to.
    pub(crate) async fn write_outcomes(
        &self,
        head: &mut OutcomesHead,
        step: OutcomesBody,
    ) -> Result<Written, OwnError> {
        let (shard, from, to) = (step.shard, head.position(), step.to);
        let parts = hattama_wire::split_outcomes(step, self.outcomes_list_bytes)
            .map_err(|source| OwnError::TooManyParts { shard, at: to, source })?;
        for part in parts {
            let encoded = hattama_wire::encode_outcomes(&part);
            let value = hattama_wire::sign_service(ServiceContext::Outcomes, &self.key, encoded, &self.envelope(None));
            self.check_size(shard, "outcomes record", to, value.len())?;
            let offset = self.append(&self.topics.outcomes, shard, value).await?;
            if offset == head.next_offset {
                head.chain.read(part);
                head.next_offset += 1;
            } else {
                // Somebody else wrote in between: read it, and ours, as everybody will.
                self.read_on(shard, head).await?;
            }
            if head.position() != from {
                break;
            }
        }
        if head.position() == to {
            return Ok(Written::Valid);
        }
        metrics::counter!(OUTRUN).increment(1);
        Ok(Written::Outrun)
    }

    /// Appends a tally; `frozen` says why the shard no longer moves.
    pub(crate) async fn write_tally(&self, tally: &TallyBody, frozen: Option<String>) -> Result<(), OwnError> {
        let encoded = hattama_wire::encode_tally(&self.definition, tally);
        let value = hattama_wire::sign_service(ServiceContext::Tally, &self.key, encoded, &self.envelope(frozen));
        self.check_size(tally.shard, "tally", tally.position, value.len())?;
        self.append(&self.topics.tallies, tally.shard, value).await.map(|_| ())
    }

    async fn append(
        &self,
        topic: &hattama_record_log::TopicName,
        shard: ShardId,
        value: bytes::Bytes,
    ) -> Result<u64, OwnError> {
        let record = NewRecord::of_value(value);
        self.log.append(topic, shard.0, record).await.map_err(|source| log_error(shard, source))
    }

    fn envelope(&self, frozen: Option<String>) -> Envelope {
        Envelope {
            instance: self.instance.to_string(),
            written_at_milliseconds: self.clock.now_utc_milliseconds(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            frozen,
        }
    }

    fn check_size(&self, shard: ShardId, what: &'static str, at: PositionPair, bytes: usize) -> Result<(), OwnError> {
        if bytes <= MAX_SERVICE_RECORD_BYTES {
            return Ok(());
        }
        Err(OwnError::TooLarge { shard, what, at, bytes, limit: MAX_SERVICE_RECORD_BYTES })
    }
}

pub(crate) fn log_error(shard: ShardId, source: LogError) -> OwnError {
    OwnError::Log { shard, source }
}

#[cfg(test)]
mod tests;
