//! The replica's own fold of the submissions (design, D15): it checks every shard's newest tally byte for byte, and
//! answers for any station as of any publication.
//!
//! A shard's fold goes exactly to the positions of its newest tally, compares, and waits for the next; behind, it skips to
//! the newest. Publications name positions of tallies, so it never lags behind more than a publication does.

use crate::{metrics, records::LoggedTally, restoration::Restoration};
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_election_log::next_batch_patiently;
use hattama_record_log::{LogError, Reader, Record, RecordLog, topics::TopicSet};
use hattama_tally::{ControlFold, ControlState, Generation, PositionPair, ShardFold, TallyBody};
use hattama_wire::RecordOpener;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    pin::pin,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

/// Records folded under one hold of a shard's lock: a reader waits for a few milliseconds at most.
const FOLD_BATCH: usize = 128;

/// What a tally claims lies in the log before the tally does, and is read within milliseconds: when it is not there after so
/// long, the log is asked whether it goes that far.
const ASK_AFTER: Duration = Duration::from_secs(1);

/// Running sums are compared with sums over all stations once in so many records: the comparison looks at every station of
/// the shard, and byte for byte with an aggregator's tally they are compared each time.
const SUM_EVERY_RECORDS: u64 = 512;

/// Control and all shards, folded.
#[derive(Debug)]
pub(crate) struct Replica {
    definition: Arc<Definition>,
    generation: Generation,
    log: RecordLog,
    topics: TopicSet,
    opener: RecordOpener,
    control: RwLock<ControlFold>,
    control_position: watch::Sender<u64>,
    shards: BTreeMap<ShardId, Shard>,
    restoration: Option<Arc<Restoration>>,
}

#[derive(Debug)]
struct Shard {
    fold: RwLock<ShardFold>,
    /// At which records its running sums were last compared with sums over its stations.
    summed_at: AtomicU64,
    position: watch::Sender<PositionPair>,
}

/// What the check of a tally came to.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// The fold comes to the same bytes.
    Confirmed(Arc<LoggedTally>),
    /// It does not; why.
    Differs(String),
    /// It cannot be checked any more: the fold is past one of its positions.
    Passed,
}

/// A fold panicked. It is never entered again: what it held may be half changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this part's own fold panicked and stands still; ask another replica")]
pub(crate) struct Broken;

/// Why a fold does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It panicked.
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Replica {
    /// Folds behind the genesis records of the partitions of the submissions, given by their values in order of shard.
    pub(crate) fn new(
        definition: Arc<Definition>,
        generation: Generation,
        log: RecordLog,
        topics: TopicSet,
        genesis: &[bytes::Bytes],
        restoration: Option<Arc<Restoration>>,
    ) -> Self {
        let of_control = genesis.first().cloned().unwrap_or_default();
        let control = ControlFold::new(Arc::clone(&definition), generation, &of_control);
        let shards = (0..).map(ShardId).zip(genesis).skip(1).map(|(shard, genesis)| {
            let state = Arc::clone(control.state());
            let fold = ShardFold::new(Arc::clone(&definition), generation, shard, genesis, state);
            let position = watch::Sender::new(fold.position());
            (shard, Shard { fold: RwLock::new(fold), summed_at: AtomicU64::new(0), position })
        });
        Self {
            opener: RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest },
            shards: shards.collect(),
            control_position: watch::Sender::new(control.position().next_offset),
            control: RwLock::new(control),
            definition,
            generation,
            log,
            topics,
            restoration,
        }
    }

    /// What is being restored after a loss of the log; none in a log that nothing was lost before.
    pub(crate) fn restoration(&self) -> Option<&Arc<Restoration>> {
        self.restoration.as_ref()
    }

    fn note_restored(&self, shard: ShardId, records: &[Record]) {
        if let Some(restoration) = &self.restoration {
            restoration.note(shard, records);
        }
    }

    /// The generation of the log.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// The tallies of all shards, control too, where the folds stand now.
    pub(crate) fn tallies(&self) -> Result<Vec<TallyBody>, Broken> {
        let control = self.control.read().map_err(|_| Broken)?.tally();
        let shards = self.shards.values().map(|shard| Ok(shard.fold.read().map_err(|_| Broken)?.tally()));
        std::iter::once(Ok(control)).chain(shards).collect()
    }

    /// Changes when control has moved.
    pub(crate) fn control_position(&self) -> watch::Receiver<u64> {
        self.control_position.subscribe()
    }

    /// The newest control state.
    pub(crate) fn control(&self) -> Result<Arc<ControlState>, Broken> {
        Ok(Arc::clone(self.control.read().map_err(|_| Broken)?.state()))
    }

    /// The control state at a position, when the fold has reached it.
    pub(crate) fn control_at(&self, next_offset: u64) -> Option<Arc<ControlState>> {
        self.control.read().ok()?.state_at(next_offset)
    }

    /// True when a shard's fold stands at these positions or beyond. Of control it always is: no publication is
    /// shown before control has come to it.
    pub(crate) fn has_reached(&self, shard: ShardId, position: PositionPair) -> bool {
        self.shards.get(&shard).is_none_or(|shard| shard.position.borrow().covers(&position))
    }

    /// Where a shard's fold stands.
    pub(crate) fn position(&self, shard: ShardId) -> Option<watch::Receiver<PositionPair>> {
        Some(self.shards.get(&shard)?.position.subscribe())
    }

    /// Reads a shard's fold; blocks while a batch is folded.
    pub(crate) fn read<T>(&self, shard: ShardId, read: impl FnOnce(&ShardFold) -> T) -> Result<T, Broken> {
        let shard = self.shards.get(&shard).ok_or(Broken)?;
        Ok(read(&*shard.fold.read().map_err(|_| Broken)?))
    }

    /// Folds control until the log fails or the fold panics.
    pub(crate) async fn follow_control(self: &Arc<Self>) -> Result<(), FoldError> {
        let mut reader = self.log.reader(&self.topics.submissions, ShardId::CONTROL.0, 1);
        loop {
            let records = next_batch_patiently(&mut reader, FOLD_BATCH).await?;
            self.note_restored(ShardId::CONTROL, &records);
            let replica = Arc::clone(self);
            let folded = spawn_blocking(move || {
                let mut control = replica.control.write().map_err(|_| Broken)?;
                control.apply(&values(&records), &replica.opener);
                Ok(control.position().next_offset)
            });
            let position = folded.await.map_err(|_| Broken).flatten()?;
            self.control_position.send_replace(position);
        }
    }

    /// Where the reader of a shard's submissions starts.
    pub(crate) fn reader(&self, shard: ShardId) -> Reader {
        self.log.reader(&self.topics.submissions, shard.0, 1)
    }

    /// Goes exactly to a tally's positions and compares.
    ///
    /// # Errors
    /// When the log fails. A fold that panics is a difference: the shard cannot be confirmed.
    pub(crate) async fn check(
        self: &Arc<Self>,
        reader: &mut Reader,
        tally: &Arc<LoggedTally>,
    ) -> Result<Check, LogError> {
        let checked = match tally.body.shard {
            ShardId::CONTROL => self.check_control(tally).await,
            shard => self.check_shard(shard, reader, tally).await,
        };
        match checked {
            Ok(check) => Ok(check),
            Err(FoldError::Log(error)) => Err(error),
            Err(FoldError::Broken(broken)) => Ok(Check::Differs(broken.to_string())),
        }
    }

    async fn check_control(&self, tally: &Arc<LoggedTally>) -> Result<Check, FoldError> {
        let target = tally.body.position.control_next_offset;
        if let ControlFlow::Break(differs) = self.control_reaches(ShardId::CONTROL, tally.body.position).await? {
            return Ok(differs);
        }
        let control = self.control.read().map_err(|_| Broken)?;
        let Some(state) = control.state_at(target) else { return Ok(Check::Passed) };
        // Of an earlier position the fold knows the chain and not the counts of records any more.
        let now = control.tally();
        let own = if now.position == tally.body.position {
            now
        } else {
            TallyBody { chain: state.chain(), control_chain: state.chain(), ..tally.body.clone() }
        };
        let figures = !tally.body.contests.is_empty() || !tally.body.turnout.is_empty();
        Ok(if own == tally.body && !figures { Check::Confirmed(Arc::clone(tally)) } else { differs(&own, tally) })
    }

    async fn check_shard(
        self: &Arc<Self>,
        shard: ShardId,
        reader: &mut Reader,
        tally: &Arc<LoggedTally>,
    ) -> Result<Check, FoldError> {
        let target = tally.body.position;
        let Some(mut position) = self.position(shard) else { return Ok(Check::Passed) };
        if !target.covers(&position.borrow_and_update()) {
            return Ok(Check::Passed);
        }
        while reader.position() < target.next_offset {
            let left = usize::try_from(target.next_offset - reader.position()).unwrap_or(FOLD_BATCH);
            let read = reader.next_batch(left.min(FOLD_BATCH));
            let records = match self.unless_beyond_the_log(shard, target, read).await? {
                ControlFlow::Continue(records) => records?,
                ControlFlow::Break(differs) => return Ok(differs),
            };
            self.note_restored(shard, &records);
            ::metrics::counter!(metrics::SUBMISSIONS_FOLDED_TOTAL).increment(records.len() as u64);
            self.fold(shard, move |fold, opener| fold.apply(&values(&records), opener)).await?;
        }
        if let ControlFlow::Break(differs) = self.control_reaches(shard, target).await? {
            return Ok(differs);
        }
        let control = self.control_at(target.control_next_offset).ok_or(Broken)?;
        self.fold(shard, move |fold, opener| fold.advance_control(control, opener)).await?;
        let (replica, tally) = (Arc::clone(self), Arc::clone(tally));
        let sums_too = self.is_time_to_sum(shard, target);
        let compared =
            spawn_blocking(move || replica.read(shard, |fold| compare(&replica.definition, fold, &tally, sums_too)));
        Ok(compared.await.map_err(|_| Broken).flatten()?)
    }

    /// True once every [`SUM_EVERY_RECORDS`] records of a shard.
    fn is_time_to_sum(&self, shard: ShardId, at: PositionPair) -> bool {
        let Some(shard) = self.shards.get(&shard) else { return false };
        let now = at.next_offset / SUM_EVERY_RECORDS;
        shard.summed_at.swap(now, Ordering::Relaxed) != now
    }

    /// A tally that claims more records than the log has: records were lost, or it is forged.
    async fn beyond_the_log(&self, shard: ShardId, target: PositionPair) -> Result<Option<Check>, LogError> {
        let topic = &self.topics.submissions;
        let end = self.log.end(topic, shard.0).await?;
        let control_end = self.log.end(topic, ShardId::CONTROL.0).await?;
        if target.next_offset <= end && target.control_next_offset <= control_end {
            return Ok(None);
        }
        Ok(Some(Check::Differs(format!(
            "its tally claims offset {} (control {}), but the log ends at {end} (control {control_end}): records were \
             lost, or the tally is forged",
            target.next_offset, target.control_next_offset
        ))))
    }

    /// Waits until control has come to a tally's position.
    async fn control_reaches(&self, shard: ShardId, target: PositionPair) -> Result<ControlFlow<Check>, FoldError> {
        let mut position = self.control_position.subscribe();
        let reached = position.wait_for(|position| *position >= target.control_next_offset);
        // Never an error in it: this replica keeps the sender.
        if let ControlFlow::Break(differs) = self.unless_beyond_the_log(shard, target, reached).await? {
            return Ok(ControlFlow::Break(differs));
        }
        if self.control.is_poisoned() { Err(Broken.into()) } else { Ok(ControlFlow::Continue(())) }
    }

    /// What is waited for of a log that has all that a tally claims; else the difference. Where the log ends is asked only
    /// when that takes long, and while it is waited for: brokers in trouble answer late.
    async fn unless_beyond_the_log<T>(
        &self,
        shard: ShardId,
        target: PositionPair,
        awaited: impl Future<Output = T>,
    ) -> Result<ControlFlow<Check, T>, LogError> {
        let mut awaited = pin!(awaited);
        loop {
            let asked = async {
                sleep(ASK_AFTER).await;
                self.beyond_the_log(shard, target).await
            };
            tokio::select! {
                biased;
                came = &mut awaited => return Ok(ControlFlow::Continue(came)),
                beyond = asked => if let Some(differs) = beyond? {
                    return Ok(ControlFlow::Break(differs));
                },
            }
        }
    }

    /// Changes a shard's fold on a thread that may block.
    async fn fold(
        self: &Arc<Self>,
        shard: ShardId,
        change: impl FnOnce(&mut ShardFold, &RecordOpener) + Send + 'static,
    ) -> Result<(), Broken> {
        let replica = Arc::clone(self);
        let folded = spawn_blocking(move || {
            let shard = replica.shards.get(&shard).ok_or(Broken)?;
            let mut fold = shard.fold.write().map_err(|_| Broken)?;
            change(&mut fold, &replica.opener);
            shard.position.send_replace(fold.position());
            Ok(())
        });
        folded.await.map_err(|_| Broken).flatten()
    }
}

/// What a fold takes of records.
pub(crate) fn values(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(|record| record.value.as_ref()).collect()
}

/// Compares a shard's fold with a tally of its positions, and perhaps its running sums with sums over its stations.
fn compare(definition: &Definition, fold: &ShardFold, tally: &Arc<LoggedTally>, sums_too: bool) -> Check {
    let own = fold.tally();
    if sums_too && own != fold.tally_from_stations() {
        return Check::Differs("this replica's running sums are not those over its stations".to_owned());
    }
    if LoggedTally::own(definition, own.clone()).digest == tally.digest {
        return Check::Confirmed(Arc::clone(tally));
    }
    differs(&own, tally)
}

/// Says in what they differ, without a figure: a reason goes into log lines, and votes may be under embargo.
fn differs(own: &TallyBody, tally: &LoggedTally) -> Check {
    let other = &tally.body;
    let what = if own.chain != other.chain || own.control_chain != other.control_chain {
        "it was folded from other records than the log has here"
    } else if own.fold_version != other.fold_version {
        "it was folded by another version of the fold"
    } else if own.records != other.records {
        "its outcomes of records differ from this replica's own fold"
    } else {
        "its totals differ from this replica's own fold"
    };
    let PositionPair { next_offset, control_next_offset } = other.position;
    Check::Differs(format!("the tally at offset {next_offset} (control {control_next_offset}): {what}"))
}
