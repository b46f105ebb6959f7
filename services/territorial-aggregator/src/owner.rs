//! The owner of one shard: reads it from the first record, folds, writes outcomes, then the tally that covers them.
//!
//! One record of outcomes or one tally is in flight at a time; the next follows when it is acknowledged and something
//! changed: no timers (design, D4).

use crate::{
    control::Control,
    error::OwnError,
    metrics as names,
    status::{ShardStatus, StatusBoard},
    writer::{OutcomesHead, Writer, Written, log_error},
};
use bytes::Bytes;
use hattama_election::ids::ShardId;
use hattama_record_log::{Reader, Record};
use hattama_tally::{
    ControlFold, ControlState, FOLD_VERSION, Generation, InvariantBroken, OutcomesBody, PositionPair, ShardFold,
    TallyBody, check_tally,
};
use hattama_wire::RecordOpener;
use std::{sync::Arc, time::Instant};
use tokio::sync::watch;

/// Records folded between two tallies at most: bounds how long a tally waits behind a backlog.
const BATCH_RECORDS: usize = 512;

/// Everything that owning a shard needs.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) shard: ShardId,
    pub(crate) generation: Generation,
    pub(crate) genesis: Bytes,
    pub(crate) writer: Writer,
    pub(crate) control: Control,
    pub(crate) status: StatusBoard,
}

/// Why one turn of owning ended without an error.
enum Turn {
    /// Another owner's outcomes came first: begin again from the log.
    Outrun,
    /// The shard stands still: nothing more to do but serve.
    Frozen,
}

/// The fold of a shard, control or not.
#[derive(Debug)]
enum Fold {
    Control(Box<ControlFold>),
    Shard(Box<ShardFold>),
}

impl Fold {
    fn position(&self) -> PositionPair {
        match self {
            Self::Control(fold) => fold.position(),
            Self::Shard(fold) => fold.position(),
        }
    }

    /// What is in force where it stands.
    fn control(&self) -> &Arc<ControlState> {
        match self {
            Self::Control(fold) => fold.state(),
            Self::Shard(fold) => fold.control(),
        }
    }

    fn advance(&mut self, control: &Arc<ControlState>, values: &[&[u8]], opener: &RecordOpener) {
        match self {
            Self::Control(fold) => fold.apply(values, opener),
            Self::Shard(fold) => {
                fold.advance_control(Arc::clone(control), opener);
                fold.apply(values, opener);
            }
        }
    }

    fn take_outcomes(&mut self, from: PositionPair) -> OutcomesBody {
        match self {
            Self::Control(fold) => fold.take_outcomes(from),
            Self::Shard(fold) => fold.take_outcomes(from),
        }
    }

    fn tally(&self) -> TallyBody {
        match self {
            Self::Control(fold) => fold.tally(),
            Self::Shard(fold) => fold.tally(),
        }
    }
}

impl Owner {
    /// Owns the shard until the service stops, or an error that a person must see.
    pub(crate) async fn own(&self) -> Result<(), OwnError> {
        loop {
            match self.turn().await? {
                Turn::Outrun => {
                    tracing::warn!(shard = self.shard.0, "another owner was ahead: folding again from the log")
                }
                Turn::Frozen => return Ok(()),
            }
        }
    }

    async fn turn(&self) -> Result<Turn, OwnError> {
        let head = self.writer.outcomes_head(self.shard).await?;
        let told = head.position();
        let control_end = self.check_nothing_lost(told).await?;
        let newest = self.control_at(control_end).await?;
        let at_head = self.control_at(told.control_next_offset).await?;
        if let Some(why) = unknown_fold(&at_head) {
            // Whoever wrote these outcomes knows that fold; a tally of ours at this position would be wrong.
            return self.freeze(told, None, why).await;
        }
        let Some((fold, reader)) = self.fold_up_to(told, at_head).await? else {
            return self.freeze(told, None, panicked_before(told)).await;
        };
        let mut shard = Owned { owner: self, fold: Some(fold), reader, head, last_good: None };
        // A new owner always announces itself, also when it cannot go on.
        if let Some(turn) = shard.publish_tally(unknown_fold(&newest)).await? {
            return Ok(turn);
        }
        let mut control = self.control.newest();
        loop {
            let work = shard.wait(&mut control).await?;
            if let Some(turn) = shard.step(work).await? {
                return Ok(turn);
            }
        }
    }

    /// Refuses a log that ends below what outcomes claim; returns where control ends.
    async fn check_nothing_lost(&self, claimed: PositionPair) -> Result<u64, OwnError> {
        let control_end = self.end_of(ShardId::CONTROL).await?;
        let ends = [
            (self.shard, claimed.next_offset, self.end_of(self.shard).await?),
            (ShardId::CONTROL, claimed.control_next_offset, control_end),
        ];
        match ends.into_iter().find(|(_, claimed, end)| end < claimed) {
            Some((partition, claimed, end)) => Err(OwnError::DataLoss { shard: self.shard, partition, claimed, end }),
            None => Ok(control_end),
        }
    }

    async fn end_of(&self, shard: ShardId) -> Result<u64, OwnError> {
        let end = self.writer.log.end(&self.writer.topics.submissions, shard.0).await;
        end.map_err(|source| log_error(self.shard, source))
    }

    async fn control_at(&self, next_offset: u64) -> Result<Arc<ControlState>, OwnError> {
        self.control.state_at(next_offset).await.ok_or(OwnError::ControlGone { shard: self.shard })
    }

    /// Folds from the first record exactly up to a pair of positions that outcomes have been written for; `control` is the
    /// state there. None when the fold panicked.
    async fn fold_up_to(
        &self,
        position: PositionPair,
        control: Arc<ControlState>,
    ) -> Result<Option<(Fold, Reader)>, OwnError> {
        let opener = self.writer.opener();
        let mut fold = self.new_fold(control);
        let mut reader = self.writer.log.reader(&self.writer.topics.submissions, self.shard.0, 1);
        while reader.position() < position.next_offset {
            let missing = usize::try_from(position.next_offset - reader.position()).unwrap_or(usize::MAX);
            let records =
                reader.next_batch(BATCH_RECORDS.min(missing)).await.map_err(|source| log_error(self.shard, source))?;
            let work = Work { records, control: Arc::clone(fold.control()) };
            match fold_off_thread(fold, work, opener.clone()).await {
                Some(folded) => fold = folded,
                None => return Ok(None),
            }
        }
        fold.take_outcomes(position);
        Ok(Some((fold, reader)))
    }

    fn new_fold(&self, control: Arc<ControlState>) -> Fold {
        let definition = Arc::clone(&self.writer.definition);
        if self.shard == ShardId::CONTROL {
            return Fold::Control(Box::new(ControlFold::new(definition, self.generation, &self.genesis)));
        }
        Fold::Shard(Box::new(ShardFold::new(definition, self.generation, self.shard, &self.genesis, control)))
    }

    /// Stops the shard at its last good tally, for all to see. Receiving goes on, other shards too. `position` is told when
    /// there is no such tally; `why` names no figures: they may be under embargo.
    async fn freeze(
        &self,
        position: PositionPair,
        last_good: Option<Arc<TallyBody>>,
        why: String,
    ) -> Result<Turn, OwnError> {
        tracing::error!(
            shard = self.shard.0,
            why,
            "the shard is frozen at its last good tally, the others go on: keep the log, and do as docs/promises.md says under \
             `a shard is frozen`"
        );
        metrics::gauge!(names::SHARD_FROZEN, "shard" => self.shard.0.to_string()).set(1.0);
        let end_offset = self.end_of(self.shard).await?;
        if let Some(tally) = &last_good {
            self.writer.write_tally(tally, Some(why.clone())).await?;
        }
        let position = last_good.as_ref().map_or(position, |tally| tally.position);
        self.status.set(self.shard, ShardStatus { position, end_offset, tally: last_good, frozen: Some(why) });
        Ok(Turn::Frozen)
    }
}

/// Folds off the async threads. A panic is caught: no input may end the process (design, D12). None when it panicked.
async fn fold_off_thread(mut fold: Fold, work: Work, opener: RecordOpener) -> Option<Fold> {
    let folding = tokio::task::spawn_blocking(move || {
        #[cfg(feature = "planted-panic")]
        crate::planted::panic_at_the_mark(&values(&work.records));
        fold.advance(&work.control, &values(&work.records), &opener);
        fold
    });
    folding.await.ok()
}

fn values(batch: &[Record]) -> Vec<&[u8]> {
    batch.iter().map(|record| record.value.as_ref()).collect()
}

/// Why a shard may not be folded under what is in force, if so.
fn unknown_fold(control: &ControlState) -> Option<String> {
    let version = control.fold_version();
    (version != FOLD_VERSION).then(|| {
        format!(
            "fold version {version} is in force at control {}, this binary knows {FOLD_VERSION}: start one that knows it",
            control.next_offset()
        )
    })
}

/// What was broken says what votes there are: only its id is told.
fn broken_at(broken: &InvariantBroken, at: PositionPair) -> String {
    format!("invariant {} is broken at offset {} (control {})", broken.id, at.next_offset, at.control_next_offset)
}

fn panicked_behind(at: PositionPair) -> String {
    format!(
        "the fold panicked on a record at offset {} (control {}) or behind it",
        at.next_offset, at.control_next_offset
    )
}

fn panicked_before(at: PositionPair) -> String {
    format!("the fold panicked on a record before offset {} (control {})", at.next_offset, at.control_next_offset)
}

/// What there is to fold.
struct Work {
    records: Vec<Record>,
    control: Arc<ControlState>,
}

/// A shard that is owned now.
struct Owned<'a> {
    owner: &'a Owner,
    /// None only while a batch is folded.
    fold: Option<Fold>,
    reader: Reader,
    head: OutcomesHead,
    last_good: Option<Arc<TallyBody>>,
}

impl Owned<'_> {
    /// Waits for records or for control to move.
    async fn wait(&mut self, control: &mut watch::Receiver<Arc<ControlState>>) -> Result<Work, OwnError> {
        let shard = self.owner.shard;
        let moved = control.borrow_and_update().next_offset() > self.head.position().control_next_offset;
        if moved && shard != ShardId::CONTROL {
            let records = self.reader.next_batch_now(BATCH_RECORDS).await.map_err(|source| log_error(shard, source))?;
            return Ok(Work { records, control: control.borrow().clone() });
        }
        let records = tokio::select! {
            records = self.reader.next_batch(BATCH_RECORDS) => records.map_err(|source| log_error(shard, source))?,
            changed = control.changed(), if shard != ShardId::CONTROL => {
                changed.map_err(|_| OwnError::ControlGone { shard })?;
                Vec::new()
            }
        };
        Ok(Work { records, control: control.borrow().clone() })
    }

    /// Folds, writes outcomes, writes the tally.
    async fn step(&mut self, work: Work) -> Result<Option<Turn>, OwnError> {
        let started = Instant::now();
        let shard = self.owner.shard;
        let folded = work.records.len() as u64;
        if let Some(why) = self.fold_batch(work).await {
            return self.freeze(why).await.map(Some);
        }
        let outcomes = match &mut self.fold {
            Some(fold) => fold.take_outcomes(self.head.position()),
            None => return Ok(Some(Turn::Outrun)),
        };
        if outcomes.to == self.head.position() {
            return Ok(None);
        }
        if self.owner.writer.write_outcomes(&mut self.head, outcomes).await? == Written::Outrun {
            return Ok(Some(Turn::Outrun));
        }
        let turn = self.publish_tally(None).await?;
        let label = shard.0.to_string();
        metrics::counter!(names::RECORDS_FOLDED, "shard" => label.clone()).increment(folded);
        metrics::histogram!(names::BATCH_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(turn)
    }

    /// Folds; says why the shard may not go on from there, if so.
    async fn fold_batch(&mut self, work: Work) -> Option<String> {
        let fold = self.fold.take()?;
        let at = fold.position();
        let Some(fold) = fold_off_thread(fold, work, self.owner.writer.opener()).await else {
            return Some(panicked_behind(at));
        };
        // Of where the fold stands now: control's own owner may be ahead of those who follow control, or behind.
        let unknown = unknown_fold(fold.control());
        self.fold = Some(fold);
        unknown
    }

    /// Publishes where the fold stands; with `frozen`, as the last tally for now.
    async fn publish_tally(&mut self, frozen: Option<String>) -> Result<Option<Turn>, OwnError> {
        let Some(fold) = &self.fold else { return Ok(Some(Turn::Outrun)) };
        let tally = fold.tally();
        if let Err(broken) = check_tally(&tally) {
            return self.freeze(broken_at(&broken, tally.position)).await.map(Some);
        }
        let tally = Arc::new(tally);
        self.last_good = Some(Arc::clone(&tally));
        if let Some(why) = frozen {
            return self.freeze(why).await.map(Some);
        }
        self.owner.writer.write_tally(&tally, None).await?;
        let shard = self.owner.shard;
        let end_offset = self.owner.end_of(shard).await?;
        let position = tally.position;
        let label = shard.0.to_string();
        metrics::counter!(names::TALLIES_WRITTEN, "shard" => label.clone()).increment(1);
        metrics::gauge!(names::POSITION, "shard" => label.clone()).set(position.next_offset as f64);
        metrics::gauge!(names::LAG, "shard" => label).set(end_offset.saturating_sub(position.next_offset) as f64);
        self.owner.status.set(shard, ShardStatus { position, end_offset, tally: Some(tally), frozen: None });
        Ok(None)
    }

    async fn freeze(&self, why: String) -> Result<Turn, OwnError> {
        self.owner.freeze(self.head.position(), self.last_good.clone(), why).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;

    #[test]
    fn the_reason_of_a_broken_invariant_names_no_votes() {
        let definition = Arc::new(sample::definition());
        let control = ControlFold::new(Arc::clone(&definition), Generation(1), b"genesis");
        let state = Arc::clone(control.state());
        let mut tally = ShardFold::new(definition, Generation(1), ShardId(1), b"genesis", state).tally();
        tally.contests[0].units[0].1.votes[0] = 777_777;
        let broken = check_tally(&tally).unwrap_err();
        assert!(broken.to_string().contains("777777"), "{broken}");
        let why = broken_at(&broken, tally.position);
        assert_eq!(why, "invariant conservation is broken at offset 1 (control 1)");
    }
}
