//! The fold of the submissions from the log's first record to the vector of one publication (design, D15), and the proof
//! that it comes to that publication.
//!
//! One shard after the other, so that no more than one is in memory; the records in batches on threads that may block, so
//! that it can be dropped between two of them.

use crate::{
    archive::Past,
    nation::{Snapshot, guarded, merged, without_figures},
    records::LoggedPublication,
    replica::values,
};
use bytes::Bytes;
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_record_log::{LogError, RecordLog, topics::TopicSet};
use hattama_tally::{ControlFold, ControlState, Generation, ShardFold, TallyBody, VectorEntry};
use hattama_wire::{RecordOpener, encode_publication, publication_digest};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::spawn_blocking;

/// Records folded at once: some ten milliseconds of one core, after which a stop is noticed.
const REFOLD_BATCH: usize = 512;

/// What every refolding builds on. Clones share the log.
#[derive(Debug, Clone)]
pub(crate) struct Refold {
    definition: Arc<Definition>,
    generation: Generation,
    log: RecordLog,
    topics: TopicSet,
    opener: RecordOpener,
    /// Values of the genesis records of the submissions, in order of shard.
    genesis: Arc<[Bytes]>,
}

/// Why a publication cannot be shown again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefoldError {
    /// The log failed: it may be asked again.
    #[error("the log cannot be read: {0}")]
    Log(#[from] LogError),
    /// Fewer records than the publication stands on.
    #[error("shard {shard} ends at offset {end}, but the publication stands at {wanted}: records were lost")]
    RecordsLost {
        /// The shard.
        shard: ShardId,
        /// Where its partition ends.
        end: u64,
        /// Where the publication stands.
        wanted: u64,
    },
    /// The fold panicked.
    #[error("the fold panicked; the log line before says where")]
    Panicked,
    /// Our arithmetic is wrong; without a figure, since votes may be under embargo.
    #[error("{0}")]
    Broken(String),
    /// The submissions come to something else.
    #[error("the submissions up to its vector come to other figures than it has")]
    Differs,
}

impl Refold {
    /// `genesis` are the values of the first records of the submissions, in order of shard.
    pub(crate) fn new(
        definition: Arc<Definition>,
        generation: Generation,
        log: RecordLog,
        topics: TopicSet,
        genesis: Vec<Bytes>,
    ) -> Self {
        let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
        Self { definition, generation, log, topics, opener, genesis: genesis.into() }
    }

    /// The publication with all its figures. Cancel-safe: it changes nothing.
    ///
    /// # Errors
    /// [`RefoldError`]; all but `Log` come again each time.
    pub(crate) async fn to(&self, past: &Past) -> Result<Snapshot, RefoldError> {
        let (control, tally) = self.control(past).await?;
        let state_at = |next_offset| control.state_at(next_offset).ok_or(RefoldError::Panicked);
        let mut tallies = BTreeMap::from([(ShardId::CONTROL, tally)]);
        for entry in past.vector.iter().filter(|entry| entry.shard != ShardId::CONTROL) {
            let tally = self.shard(*entry, state_at(entry.position.control_next_offset)?).await?;
            tallies.insert(entry.shard, tally);
        }
        let state = state_at(past.control_next_offset)?;
        let (refold, past) = (self.clone(), past.clone());
        blocking(move || refold.publication(&past, &tallies, state)).await?
    }

    /// Control up to the furthest position that the vector names, and its tally where the vector has it.
    async fn control(&self, past: &Past) -> Result<(ControlFold, TallyBody), RefoldError> {
        let own = past.position(ShardId::CONTROL).map_or(1, |position| position.next_offset);
        let named = past.vector.iter().map(|entry| entry.position.control_next_offset);
        let furthest = named.chain([own, past.control_next_offset]).max().unwrap_or(own);
        let fold = ControlFold::new(Arc::clone(&self.definition), self.generation, self.genesis_of(ShardId::CONTROL));
        let fold = self.folded(ShardId::CONTROL, 1..own, fold, ControlFold::apply).await?;
        let tally = fold.tally();
        Ok((self.folded(ShardId::CONTROL, own..furthest, fold, ControlFold::apply).await?, tally))
    }

    /// A shard's tally at its place in the vector: its state is a function of the two positions, so it may stand under the
    /// right control state from the beginning.
    async fn shard(&self, entry: VectorEntry, control: Arc<ControlState>) -> Result<TallyBody, RefoldError> {
        let (refold, shard) = (self.clone(), entry.shard);
        let fold = blocking(move || {
            let genesis = refold.genesis_of(shard);
            ShardFold::new(Arc::clone(&refold.definition), refold.generation, shard, genesis, control)
        });
        let fold = self.folded(shard, 1..entry.position.next_offset, fold.await?, ShardFold::apply).await?;
        Ok(fold.tally())
    }

    /// Gives a fold the records of these offsets.
    async fn folded<F: Send + 'static>(
        &self,
        shard: ShardId,
        offsets: std::ops::Range<u64>,
        mut fold: F,
        apply: fn(&mut F, &[&[u8]], &dyn hattama_tally::OpenRecords),
    ) -> Result<F, RefoldError> {
        let mut reader = self.log.reader(&self.topics.submissions, shard.0, offsets.start);
        while reader.position() < offsets.end {
            let left = usize::try_from(offsets.end - reader.position()).unwrap_or(REFOLD_BATCH);
            let records = reader.next_batch_now(left.min(REFOLD_BATCH)).await?;
            if records.is_empty() {
                let end = reader.position();
                return Err(RefoldError::RecordsLost { shard, end, wanted: offsets.end });
            }
            let opener = self.opener.clone();
            fold = blocking(move || {
                apply(&mut fold, &values(&records), &opener);
                fold
            })
            .await?;
        }
        Ok(fold)
    }

    /// Merges, and compares with what was published by its digest.
    fn publication(
        &self,
        past: &Past,
        tallies: &BTreeMap<ShardId, TallyBody>,
        control: Arc<ControlState>,
    ) -> Result<Snapshot, RefoldError> {
        let nation = guarded(|| merged(&self.definition, tallies))
            .map_err(|broken| RefoldError::Broken(without_figures(&broken)))?;
        let body = nation.publication(&self.definition, self.generation, &control, past.sequence, past.previous);
        if publication_digest(&encode_publication(&self.definition, &body)) != past.digest {
            return Err(RefoldError::Differs);
        }
        let written_at_milliseconds = past.written_at_milliseconds;
        let publication = LoggedPublication { body, digest: past.digest, written_at_milliseconds };
        Ok(Snapshot { publication: Arc::new(publication), nation: Arc::new(nation), control })
    }

    fn genesis_of(&self, shard: ShardId) -> &[u8] {
        self.genesis.get(shard.0 as usize).map(AsRef::as_ref).unwrap_or_default()
    }
}

/// Works on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RefoldError> {
    spawn_blocking(work).await.map_err(|_| RefoldError::Panicked)
}
