//! Writes a shard's outcomes and tallies, and knows whose outcomes record came first.

use crate::{
    error::OwnError,
    metrics::{FOREIGN_RECORDS, OUTRUN},
};
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_record_log::{LogError, NewRecord, RecordLog, topics::TopicSet};
use hattama_service_kit::clock::Clock;
use hattama_tally::{FIRST_POSITION, Generation, OutcomesBody, PositionPair, TallyBody};
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
}

/// The chain of a shard's outcomes records as far as it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutcomesHead {
    /// `to` of the last valid record.
    pub(crate) position: PositionPair,
    /// The next offset of the outcomes partition.
    pub(crate) next_offset: u64,
}

/// What became of an outcomes record.
pub(crate) enum Written {
    /// It is the next valid one.
    Valid(OutcomesHead),
    /// Another owner was ahead: fold again from its position.
    Outrun,
}

impl Writer {
    /// Opens submissions of this election.
    pub(crate) fn opener(&self) -> RecordOpener {
        RecordOpener { election: self.definition.id.clone(), core_digest: self.definition.core_digest }
    }

    /// Reads the chain from `head` (or the start) to the end of the partition.
    pub(crate) async fn outcomes_head(
        &self,
        shard: ShardId,
        head: Option<OutcomesHead>,
    ) -> Result<OutcomesHead, OwnError> {
        let mut head = head.unwrap_or(OutcomesHead { position: FIRST_POSITION, next_offset: 1 });
        let mut reader = self.log.reader(&self.topics.outcomes, shard.0, head.next_offset);
        loop {
            let batch =
                reader.next_batch_now(OUTCOMES_BATCH_RECORDS).await.map_err(|source| log_error(shard, source))?;
            if batch.is_empty() {
                return Ok(head);
            }
            for record in batch {
                head.next_offset = record.offset + 1;
                match self.read_outcomes(shard, &record.value) {
                    Some(body) if body.from == head.position && body.to.covers(&body.from) => head.position = body.to,
                    Some(_) => {}
                    None => metrics::counter!(FOREIGN_RECORDS, "topic" => "outcomes").increment(1),
                }
            }
        }
    }

    /// Outcomes of this shard in this generation that an aggregator signed.
    fn read_outcomes(&self, shard: ShardId, value: &[u8]) -> Option<OutcomesBody> {
        let key = |id: &_| ServiceContext::Outcomes.key(&self.definition, id);
        let opened = hattama_wire::open_service(ServiceContext::Outcomes, value, key).ok()?;
        let body = hattama_wire::decode_outcomes(&self.definition, &opened.body).ok()?;
        (body.shard == shard && body.generation == self.generation).then_some(body)
    }

    /// Appends an outcomes record that starts at `head`, and says whether it is the next valid one.
    pub(crate) async fn write_outcomes(&self, head: OutcomesHead, body: &OutcomesBody) -> Result<Written, OwnError> {
        let encoded = hattama_wire::encode_outcomes(body);
        let value = hattama_wire::sign_service(ServiceContext::Outcomes, &self.key, encoded, &self.envelope(None));
        self.check_size(body.shard, "outcomes record", body.to, value.len())?;
        let offset = self.append(&self.topics.outcomes, body.shard, value).await?;
        if offset == head.next_offset {
            return Ok(Written::Valid(OutcomesHead { position: body.to, next_offset: offset + 1 }));
        }
        // Somebody else wrote in between: read it, and ours, as everybody will.
        let now = self.outcomes_head(body.shard, Some(head)).await?;
        if now.position == body.to {
            return Ok(Written::Valid(now));
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
