//! The owner of one shard: reads it from the first record, folds, writes outcomes, then the tally that covers them.
//!
//! One outcomes record and one tally are in flight at a time; the next follows when they are acknowledged and something
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
    ControlFold, ControlState, FOLD_VERSION, Generation, OutcomesBody, PositionPair, ShardFold, TallyBody, check_tally,
};
use hattama_wire::RecordOpener;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};
use tokio::sync::watch;

/// Records folded between two tallies at most: bounds an outcomes record, and how long a tally waits behind a backlog.
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
    pub(crate) async fn own(self) -> Result<(), OwnError> {
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
        let head = self.writer.outcomes_head(self.shard, None).await?;
        let (fold, reader) = self.fold_up_to(head.position).await?;
        let mut shard = Owned { owner: self, fold: Some(fold), reader, head, last_good: None };
        // A new owner always announces itself.
        if let Some(turn) = shard.publish_tally().await? {
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

    /// Folds from the first record exactly up to a pair of positions that outcomes have been written for.
    async fn fold_up_to(&self, position: PositionPair) -> Result<(Fold, Reader), OwnError> {
        let topic = &self.writer.topics.submissions;
        let end = self.writer.log.end(topic, self.shard.0).await.map_err(|source| log_error(self.shard, source))?;
        if end < position.next_offset {
            return Err(OwnError::DataLoss { shard: self.shard, claimed: position, end });
        }
        let opener = self.writer.opener();
        let mut fold = self.new_fold(position).await?;
        let mut reader = self.writer.log.reader(topic, self.shard.0, 1);
        while reader.position() < position.next_offset {
            let missing = usize::try_from(position.next_offset - reader.position()).unwrap_or(usize::MAX);
            let batch =
                reader.next_batch(BATCH_RECORDS.min(missing)).await.map_err(|source| log_error(self.shard, source))?;
            fold = self.replay(fold, batch, opener.clone()).await?;
        }
        fold.take_outcomes(position);
        Ok((fold, reader))
    }

    async fn new_fold(&self, position: PositionPair) -> Result<Fold, OwnError> {
        let definition = Arc::clone(&self.writer.definition);
        if self.shard == ShardId::CONTROL {
            return Ok(Fold::Control(Box::new(ControlFold::new(definition, self.generation, &self.genesis))));
        }
        let control = self
            .control
            .state_at(position.control_next_offset)
            .await
            .ok_or(OwnError::ControlGone { shard: self.shard })?;
        let fold = ShardFold::new(definition, self.generation, self.shard, &self.genesis, control);
        Ok(Fold::Shard(Box::new(fold)))
    }

    /// Folds a batch off the async threads, control standing still.
    async fn replay(&self, mut fold: Fold, batch: Vec<Record>, opener: RecordOpener) -> Result<Fold, OwnError> {
        let control = match &fold {
            Fold::Shard(fold) => Arc::clone(fold.control()),
            Fold::Control(fold) => Arc::clone(fold.state()),
        };
        let replayed = tokio::task::spawn_blocking(move || {
            fold.advance(&control, &values(&batch), &opener);
            fold
        });
        replayed.await.map_err(|_| OwnError::ControlGone { shard: self.shard })
    }
}

fn values(batch: &[Record]) -> Vec<&[u8]> {
    batch.iter().map(|record| record.value.as_ref()).collect()
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
        let moved = control.borrow_and_update().next_offset() > self.head.position.control_next_offset;
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
        if work.control.fold_version() != FOLD_VERSION {
            let why =
                format!("fold version {} is in force, this binary knows {FOLD_VERSION}", work.control.fold_version());
            return self.freeze(why).await.map(Some);
        }
        if let Err(why) = self.fold_batch(work).await {
            return self.freeze(why).await.map(Some);
        }
        let outcomes = match &mut self.fold {
            Some(fold) => fold.take_outcomes(self.head.position),
            None => return Ok(Some(Turn::Outrun)),
        };
        if outcomes.to == self.head.position {
            return Ok(None);
        }
        match self.owner.writer.write_outcomes(self.head, &outcomes).await? {
            Written::Valid(head) => self.head = head,
            Written::Outrun => return Ok(Some(Turn::Outrun)),
        }
        let turn = self.publish_tally().await?;
        let label = shard.0.to_string();
        metrics::counter!(names::RECORDS_FOLDED, "shard" => label.clone()).increment(folded);
        metrics::histogram!(names::BATCH_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(turn)
    }

    /// Folds off the async threads. A panic is caught: no input may end the process (design, D12).
    async fn fold_batch(&mut self, work: Work) -> Result<(), String> {
        let Some(mut fold) = self.fold.take() else { return Err("the fold is gone".to_owned()) };
        let at = fold.position();
        let opener = self.owner.writer.opener();
        let folding = tokio::task::spawn_blocking(move || {
            catch_unwind(AssertUnwindSafe(move || {
                fold.advance(&work.control, &values(&work.records), &opener);
                fold
            }))
        });
        match folding.await {
            Ok(Ok(fold)) => {
                self.fold = Some(fold);
                Ok(())
            }
            Ok(Err(_)) | Err(_) => {
                Err(format!("the fold panicked on a record at offset {} or behind it", at.next_offset))
            }
        }
    }

    async fn publish_tally(&mut self) -> Result<Option<Turn>, OwnError> {
        let Some(fold) = &self.fold else { return Ok(Some(Turn::Outrun)) };
        let tally = fold.tally();
        if let Err(broken) = check_tally(&tally) {
            return self.freeze(broken.to_string()).await.map(Some);
        }
        self.owner.writer.write_tally(&tally, None).await?;
        let shard = self.owner.shard;
        let end = self.owner.writer.log.end(&self.owner.writer.topics.submissions, shard.0).await.unwrap_or(0);
        let label = shard.0.to_string();
        metrics::counter!(names::TALLIES_WRITTEN, "shard" => label.clone()).increment(1);
        metrics::gauge!(names::POSITION, "shard" => label.clone()).set(tally.position.next_offset as f64);
        metrics::gauge!(names::LAG, "shard" => label).set(end.saturating_sub(tally.position.next_offset) as f64);
        let tally = Arc::new(tally);
        self.last_good = Some(Arc::clone(&tally));
        self.tell(tally, end, None);
        Ok(None)
    }

    /// Stops the shard at its last good tally, for all to see. Receiving goes on, other shards too.
    async fn freeze(&mut self, why: String) -> Result<Turn, OwnError> {
        let shard = self.owner.shard;
        tracing::error!(
            shard = shard.0,
            why,
            "the shard is frozen at its last good tally: keep its log, report the cause, and activate a mended fold (docs/promises.md, P8)"
        );
        metrics::gauge!(names::SHARD_FROZEN, "shard" => shard.0.to_string()).set(1.0);
        if let Some(tally) = self.last_good.clone() {
            self.owner.writer.write_tally(&tally, Some(why.clone())).await?;
            let end = self.owner.writer.log.end(&self.owner.writer.topics.submissions, shard.0).await.unwrap_or(0);
            self.tell(tally, end, Some(why));
        }
        Ok(Turn::Frozen)
    }

    fn tell(&self, tally: Arc<TallyBody>, end_offset: u64, frozen: Option<String>) {
        let status = ShardStatus { position: tally.position, end_offset, tally: Some(tally), frozen };
        self.owner.status.set(self.owner.shard, status);
    }
}
