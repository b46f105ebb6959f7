//! Folding a world's logs, and what they come to.

use super::{
    opener::Table,
    world::{Logs, World},
};
use hattama_election::{definition::Definition, digest::SubmissionDigest, ids::ShardId, rules::RuleCode};
use hattama_tally::{
    ControlFold, ControlState, Generation, Nation, Outcome, PositionPair, ShardFold, SubmissionOutcome, TallyBody,
    check_tally, merge,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const GENERATION: Generation = Generation(1);
pub(crate) const GENESIS: &[u8] = b"genesis";

/// All folds of a world.
pub(crate) struct Folds {
    pub(crate) definition: Arc<Definition>,
    pub(crate) control: ControlFold,
    pub(crate) shards: BTreeMap<ShardId, ShardFold>,
}

pub(crate) fn slices(log: &[Vec<u8>]) -> Vec<&[u8]> {
    log.iter().map(Vec::as_slice).collect()
}

pub(crate) fn new_control(definition: &Arc<Definition>) -> ControlFold {
    ControlFold::new(Arc::clone(definition), GENERATION, GENESIS)
}

pub(crate) fn new_shard(definition: &Arc<Definition>, shard: ShardId, control: &Arc<ControlState>) -> ShardFold {
    ShardFold::new(Arc::clone(definition), GENERATION, shard, GENESIS, Arc::clone(control))
}

impl Folds {
    /// Control first, then every shard under its newest state.
    pub(crate) fn of(definition: &Arc<Definition>, table: &Table, logs: &Logs) -> Self {
        let mut control = new_control(definition);
        control.apply(&slices(&logs[0]), table);
        let shards = (1..definition.shards).map(ShardId).map(|shard| {
            let mut fold = new_shard(definition, shard, control.state());
            fold.apply(&slices(&logs[shard.0 as usize]), table);
            (shard, fold)
        });
        Self { definition: Arc::clone(definition), shards: shards.collect(), control }
    }

    pub(crate) fn of_world(world: &World, logs: &Logs) -> Self {
        Self::of(&world.definition, &world.table(), logs)
    }

    pub(crate) fn tallies(&self) -> BTreeMap<ShardId, TallyBody> {
        let control = std::iter::once((ShardId::CONTROL, self.control.tally()));
        control.chain(self.shards.iter().map(|(shard, fold)| (*shard, fold.tally()))).collect()
    }

    pub(crate) fn nation(&self) -> Nation {
        merge(&self.definition, &self.tallies()).unwrap()
    }

    /// What must hold of every fold wherever it stands.
    pub(crate) fn check(&self) {
        check_tally(&self.control.tally()).unwrap();
        self.shards.values().for_each(check_fold);
    }
}

pub(crate) fn check_fold(fold: &ShardFold) {
    let tally = fold.tally();
    check_tally(&tally).unwrap();
    assert_eq!(tally, fold.tally_from_stations(), "the sums kept and the sums taken again");
}

/// The outcome of every record of a shard, by its offset: those that are not listed are counted without a flag.
pub(crate) fn outcomes<'a>(
    log: &[Vec<u8>],
    notable: impl Iterator<Item = &'a SubmissionOutcome>,
) -> BTreeMap<u64, SubmissionOutcome> {
    let plain = (1..).zip(log).map(|(offset, value)| (offset, plainly_counted(offset, value)));
    let mut all: BTreeMap<u64, SubmissionOutcome> = plain.collect();
    all.extend(notable.map(|outcome| (outcome.offset, outcome.clone())));
    all
}

/// What a reader assumes of a submission that no record lists.
pub(crate) fn plainly_counted(offset: u64, value: &[u8]) -> SubmissionOutcome {
    let digest = value.try_into().map_or(SubmissionDigest([0; 32]), SubmissionDigest);
    SubmissionOutcome { offset, digest, outcome: Outcome::Counted, rules: Vec::new(), duplicate_of: None }
}

/// What each submission stands as: a duplicate as its content's first one does.
pub(crate) fn standings(
    outcomes: &BTreeMap<u64, SubmissionOutcome>,
) -> BTreeMap<SubmissionDigest, (Outcome, Vec<RuleCode>)> {
    outcomes
        .values()
        .map(|outcome| {
            let of = outcome.duplicate_of.map_or(outcome, |first| &outcomes[&first]);
            (outcome.digest, (of.outcome, of.rules.clone()))
        })
        .collect()
}

pub(crate) fn pair(next_offset: u64, control_next_offset: u64) -> PositionPair {
    PositionPair { next_offset, control_next_offset }
}
