//! Which shards are owned: these from start to end, or those that a group's membership assigns, for as long as it does.

use crate::{error::OwnError, metrics as names, owner::Owner, status::ShardStatus};
use hattama_election::ids::ShardId;
use hattama_election_log::{GenesisError, Pause, first_record};
use hattama_record_log::{
    LogError,
    kafka::{Membership, MembershipEvent},
};
use hattama_service_kit::{shutdown::Shutdown, supervise};
use hattama_tally::FIRST_POSITION;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A turn that lasted so long before the log failed began afresh: the next pause is a short one again.
const GOOD_TURN: Duration = Duration::from_secs(10);

/// Which shards an aggregator owns.
#[derive(Debug)]
pub enum Ownership {
    /// These until it stops; all of them, control included, when empty. A shard that cannot be owned stops the service.
    Fixed(BTreeSet<ShardId>),
    /// Those that a membership over the submissions' partitions assigns. One that cannot be owned stands still, the others
    /// go on: stopping would only hand it to the next member.
    Shared(Membership),
}

impl Ownership {
    /// All shards.
    #[must_use]
    pub fn all() -> Self {
        Self::Fixed(BTreeSet::new())
    }
}

/// Owns a shard until it is frozen, or an error that does not pass. A log that cannot be reached, or does not say whether it
/// has what was written, is read again from the first record after a pause: nothing is written before that.
pub(crate) async fn own(owner: &Owner) -> Result<(), OwnError> {
    let mut pause = Pause::new();
    loop {
        let started = Instant::now();
        let error = match owner.own().await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let Some(source) = error.log_error().filter(|source| source.may_pass()) else { return Err(error) };
        if started.elapsed() > GOOD_TURN {
            pause = Pause::new();
        }
        metrics::counter!(names::OWNERS_RETRIED).increment(1);
        pause.after(source, "the shard is folded again from the log when it can").await;
    }
}

/// The shards that a membership has assigned.
pub(crate) struct Shared {
    membership: Membership,
    /// An owner of whichever shard.
    template: Owner,
    shutdown: Shutdown,
    owned: BTreeMap<ShardId, Owned>,
    /// Those of them that the membership has lost: others may own them too, until the group settles.
    in_doubt: BTreeSet<ShardId>,
}

/// A shard under way.
struct Owned {
    stop: CancellationToken,
    /// Ends when nothing is written any more.
    ended: oneshot::Receiver<Infallible>,
}

impl Shared {
    pub(crate) fn new(membership: Membership, template: Owner, shutdown: Shutdown) -> Self {
        Self { membership, template, shutdown, owned: BTreeMap::new(), in_doubt: BTreeSet::new() }
    }

    /// Owns what is assigned until the service stops; then leaves the group, so that others begin at once.
    ///
    /// # Errors
    /// When this is no member any more: the group would never be told of its end.
    pub(crate) async fn run(mut self) -> Result<(), LogError> {
        let stopping = self.shutdown.token().clone();
        let ended = loop {
            let event = tokio::select! {
                biased;
                () = stopping.cancelled() => break Ok(()),
                event = self.membership.next() => event,
            };
            match event {
                Some(Ok(event)) => self.take(event).await,
                Some(Err(error)) => break Err(error),
                None => break Err(LogError::Stopped { reason: "the membership has ended".to_owned() }),
            }
        };
        let all = self.owned.keys().copied().collect();
        self.let_go_of(all).await;
        self.membership.leave().await;
        ended
    }

    async fn take(&mut self, event: MembershipEvent) {
        match event {
            MembershipEvent::Assigned { partitions } => {
                let assigned = shards(partitions);
                let others: BTreeSet<ShardId> =
                    std::mem::take(&mut self.in_doubt).difference(&assigned).copied().collect();
                if !others.is_empty() {
                    tracing::info!(shards = ?numbers(&others), "these shards are others' now");
                    self.let_go_of(others).await;
                }
                if !assigned.is_empty() {
                    tracing::info!(shards = ?numbers(&assigned), "these shards are owned here now");
                }
                assigned.into_iter().for_each(|shard| self.begin(shard));
            }
            MembershipEvent::Revoked { partitions, let_go } => {
                tracing::info!(shards = ?partitions, "these shards are given up");
                self.let_go_of(shards(partitions)).await;
                // Only now the group hears of it.
                drop(let_go);
            }
            // While brokers are away nobody may be left to take them: going on is harmless even beside another owner
            // (design, D4), and numbers move as soon as the log does.
            MembershipEvent::Lost { partitions } => {
                tracing::warn!(
                    shards = ?partitions,
                    "the group was out of reach for longer than a session: these shards may be others' too, until it answers"
                );
                self.in_doubt.extend(shards(partitions));
            }
        }
        metrics::gauge!(names::SHARDS_OWNED).set(u32::try_from(self.owned.len()).unwrap_or(u32::MAX));
    }

    fn begin(&mut self, shard: ShardId) {
        if self.owned.contains_key(&shard) {
            return;
        }
        let stop = self.shutdown.token().child_token();
        let (running, ended) = oneshot::channel::<Infallible>();
        // Owned from now on, also while it is still folded: no caller is told that it is not.
        let owner = Owner { shard, ..self.template.clone() };
        owner.status.set(shard, ShardStatus { position: FIRST_POSITION, end_offset: 1, tally: None, frozen: None });
        let token = stop.clone();
        supervise::spawn(&self.shutdown, "own a shard", async move {
            let _running = running;
            own_until(&token, owner).await;
            Ok::<(), Infallible>(())
        });
        self.owned.insert(shard, Owned { stop, ended });
    }

    /// Stops owners; returns when nothing more is written for them. What was on its way is harmless (design, D4).
    async fn let_go_of(&mut self, shards: BTreeSet<ShardId>) {
        let stopped: Vec<(ShardId, Owned)> =
            shards.into_iter().filter_map(|shard| Some((shard, self.owned.remove(&shard)?))).collect();
        stopped.iter().for_each(|(_, owned)| owned.stop.cancel());
        for (shard, owned) in stopped {
            // Never a value: its sender is dropped.
            let _ = owned.ended.await;
            self.template.status.remove(shard);
            metrics::gauge!(names::LAG, "shard" => shard.0.to_string()).set(0.0);
            metrics::gauge!(names::SHARD_FROZEN, "shard" => shard.0.to_string()).set(0.0);
        }
    }
}

/// Owns a shard until it is asked to stop.
async fn own_until(stop: &CancellationToken, owner: Owner) {
    tokio::select! {
        // First: control ends with the service, and what ends because the service stops is no failure.
        biased;
        () = stop.cancelled() => {}
        () = own_or_stand_still(owner) => {}
    }
}

/// Owns a shard for as long as it can be owned; what does not pass makes it stand still, for all to see.
async fn own_or_stand_still(mut owner: Owner) {
    let (shard, status) = (owner.shard, owner.status.clone());
    let owned = async {
        owner.genesis = begun(&owner).await?;
        own(&owner).await
    };
    let Err(error) = owned.await else { return };
    tracing::error!(
        shard = shard.0,
        %error,
        "the shard stands still here, the others go on: remove the cause, then start the service again"
    );
    metrics::gauge!(names::SHARD_FROZEN, "shard" => shard.0.to_string()).set(1.0);
    if let Some(last) = status.get(shard) {
        status.set(shard, ShardStatus { frozen: Some(error.to_string()), ..last });
    }
}

/// The genesis of the shard's submissions, once all its partitions begin as they must.
async fn begun(owner: &Owner) -> Result<bytes::Bytes, OwnError> {
    let mut pause = Pause::new();
    loop {
        let error = match owner.genesis_records().await {
            Ok(genesis) => return Ok(genesis),
            Err(error) => OwnError::from(error),
        };
        let Some(source) = error.log_error().filter(|source| source.may_pass()) else { return Err(error) };
        pause.after(source, "the shard is begun when it can").await;
    }
}

impl Owner {
    async fn genesis_records(&self) -> Result<bytes::Bytes, GenesisError> {
        let writer = &self.writer;
        let first =
            async |topic| first_record(&writer.log, &writer.definition, self.generation, topic, self.shard.0).await;
        first(&writer.topics.outcomes).await?;
        first(&writer.topics.tallies).await?;
        Ok(first(&writer.topics.submissions).await?.value)
    }
}

fn shards(partitions: BTreeSet<u32>) -> BTreeSet<ShardId> {
    partitions.into_iter().map(ShardId).collect()
}

fn numbers(shards: &BTreeSet<ShardId>) -> Vec<u32> {
    shards.iter().map(|shard| shard.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control, status::StatusBoard, writer::Writer};
    use hattama_election::definition::{KeyRole, sample};
    use hattama_election_log::create_generation;
    use hattama_record_log::RecordLog;
    use hattama_service_kit::clock::Clock;
    use hattama_tally::Generation;
    use hattama_wire::{Genesis, SigningKey, limits::MAX_OUTCOMES_LIST_BYTES};
    use std::sync::Arc;

    const SHARD: ShardId = ShardId(1);

    /// An owner, and what follows control for it.
    async fn owner() -> (Owner, impl Future) {
        let definition = Arc::new(sample::definition());
        let log = RecordLog::memory();
        let genesis = Genesis::first(&definition, Generation(1));
        let topics = Arc::new(create_generation(&log, &definition, &genesis).await.unwrap());
        let genesis = first_record(&log, &definition, Generation(1), &topics.submissions, 0).await.unwrap().value;
        let (control, follower) =
            control::follow(&log, &topics.submissions, &definition, Generation(1), genesis.as_ref());
        let status = StatusBoard::default();
        status.set(SHARD, ShardStatus { position: FIRST_POSITION, end_offset: 1, tally: None, frozen: None });
        let writer = Writer {
            log,
            topics,
            definition,
            generation: Generation(1),
            key: Arc::new(SigningKey::rehearsal(&sample::keys(), KeyRole::Service, "aggregator").unwrap()),
            instance: "test".into(),
            clock: Clock::system(),
            outcomes_list_bytes: MAX_OUTCOMES_LIST_BYTES,
        };
        (Owner { shard: SHARD, generation: Generation(1), genesis, writer, control, status }, follower)
    }

    #[tokio::test]
    async fn control_that_ends_with_the_service_makes_no_shard_stand_still() {
        for is_asked_to_stop in [true, false] {
            let ((owner, follower), stop) = (owner().await, CancellationToken::new());
            let status = owner.status.clone();
            let mut owning = std::pin::pin!(own_until(&stop, owner));
            // Polled once: it waits for records, or for control to move.
            assert!(tokio::time::timeout(Duration::ZERO, &mut owning).await.is_err());
            drop(follower);
            if is_asked_to_stop {
                stop.cancel();
            }
            owning.await;
            assert_eq!(status.get(SHARD).unwrap().frozen.is_some(), !is_asked_to_stop);
        }
    }
}
