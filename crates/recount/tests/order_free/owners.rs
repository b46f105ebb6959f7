//! One to four owners of a night's shards, as aggregators are: each folds its shards from the log in batches of any size,
//! writes outcomes and then the tally that covers them, begins again when it died or another was ahead; and a national service
//! that publishes now and then.

use crate::{
    common::{GENERATION, Night, Partitions, written::Written},
    signed_world::SignedWorld,
    worlds::random::Random,
};
use hattama_election::{definition::Definition, ids::ShardId};
use hattama_recount::ResultDocument;
use hattama_tally::{ControlFold, FIRST_POSITION, OutcomesBody, PositionPair, ShardFold, TallyBody};
use hattama_wire::RecordOpener;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
    sync::Arc,
};

/// The most owners of a night.
pub(crate) const MAX_OWNERS: usize = 4;
/// The most records that are read in one step.
const MAX_BATCH: usize = 5;
/// Far more steps than any night of these worlds takes: a night that does not end is a defect.
const MAX_STEPS: usize = 100_000;

/// A night that was served, and what its last owners' folds come to.
pub(crate) struct Played {
    pub(crate) night: Night,
    pub(crate) result: ResultDocument,
    pub(crate) told: Told,
}

/// What happened to the owners.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Told {
    /// Outcomes that another owner's were ahead of.
    pub(crate) lost_races: u64,
    /// Owners that lost all that they knew.
    pub(crate) restarts: u64,
    /// Tallies written behind whatever else happened in between.
    pub(crate) late_tallies: u64,
    /// Shards that went from one owner to another.
    pub(crate) handed_over: u64,
}

impl AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.lost_races += other.lost_races;
        self.restarts += other.restarts;
        self.late_tallies += other.late_tallies;
        self.handed_over += other.handed_over;
    }
}

/// Everybody who serves a night.
pub(crate) struct Owners<'a> {
    definition: Arc<Definition>,
    opener: RecordOpener,
    submissions: Partitions,
    owners: Vec<Owner>,
    /// Up to where valid outcomes lead, by shard: what every owner reads from the log.
    heads: Vec<PositionPair>,
    /// The control that the national service follows.
    national: ControlFold,
    written: Written,
    told: Told,
    random: &'a mut Random,
}

struct Owner {
    control: ControlFold,
    shards: BTreeSet<usize>,
    owned: BTreeMap<usize, Owned>,
}

/// A shard in the hands of an owner that knows it.
struct Owned {
    fold: Fold,
    head: PositionPair,
    /// A tally that is not in the log yet.
    late: Option<TallyBody>,
}

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

    fn apply(&mut self, values: &[&[u8]], opener: &RecordOpener) {
        match self {
            Self::Control(fold) => fold.apply(values, opener),
            Self::Shard(fold) => fold.apply(values, opener),
        }
    }
}

impl<'a> Owners<'a> {
    /// `count` owners among whom the shards are dealt out; of several, two believe that they own the same shard.
    pub(crate) fn new(world: &SignedWorld, submissions: Partitions, count: usize, random: &'a mut Random) -> Self {
        let definition = Arc::clone(&world.definition);
        let control = || ControlFold::new(Arc::clone(&definition), GENERATION, &submissions[0][0]);
        let mut owners: Vec<Owner> =
            (0..count).map(|_| Owner { control: control(), shards: BTreeSet::new(), owned: BTreeMap::new() }).collect();
        let national = control();
        for shard in 0..submissions.len() {
            owners[random.below(count)].shards.insert(shard);
        }
        let twice = random.below(submissions.len());
        for owner in owners.iter_mut().take(2) {
            owner.shards.insert(twice);
        }
        Self {
            opener: RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest },
            heads: vec![FIRST_POSITION; submissions.len()],
            written: Written::new(&definition),
            told: Told::default(),
            definition,
            submissions,
            owners,
            national,
            random,
        }
    }

    /// Serves until the newest tally of every shard covers everything, and publishes it.
    pub(crate) fn play(mut self) -> Played {
        self.everyone_announces_itself();
        for _ in 0..MAX_STEPS {
            if self.is_done() {
                return self.end();
            }
            let owner = self.random.below(self.owners.len());
            self.turn(owner);
            if self.random.chance(25) {
                let records = self.random.below(MAX_BATCH);
                read_control(&mut self.national, &self.submissions[0], records, &self.opener);
                self.written.publish(self.national.state());
            }
        }
        panic!("the night does not end: {:?} of {:?}", self.heads, self.told);
    }

    fn everyone_announces_itself(&mut self) {
        for owner in 0..self.owners.len() {
            for shard in self.owners[owner].shards.clone() {
                self.take_over(owner, shard);
            }
        }
    }

    fn end_of(&self, shard: usize) -> PositionPair {
        PositionPair {
            next_offset: self.submissions[shard].len() as u64,
            control_next_offset: self.submissions[0].len() as u64,
        }
    }

    fn is_done(&self) -> bool {
        (0..self.submissions.len())
            .all(|shard| self.written.position(ShardId(shard as u32)) == Some(self.end_of(shard)))
    }

    fn turn(&mut self, owner: usize) {
        let shards: Vec<usize> = self.owners[owner].shards.iter().copied().collect();
        if shards.is_empty() {
            return;
        }
        let shard = *self.random.pick(&shards);
        if self.random.chance(5) {
            self.hand_over(owner, shard);
        } else if self.random.chance(5) {
            self.restart(owner);
        } else {
            self.step(owner, shard);
        }
    }

    /// The log's group gives the shard to another owner; the one before learns of it at once.
    fn hand_over(&mut self, from: usize, shard: usize) {
        let to = self.random.below(self.owners.len());
        if from == to {
            return;
        }
        self.told.handed_over += 1;
        self.owners[from].shards.remove(&shard);
        self.owners[from].owned.remove(&shard);
        self.owners[to].shards.insert(shard);
    }

    /// It dies, with what it knows and has not written, and comes back.
    fn restart(&mut self, owner: usize) {
        self.told.restarts += 1;
        self.owners[owner].owned.clear();
        self.owners[owner].control =
            ControlFold::new(Arc::clone(&self.definition), GENERATION, &self.submissions[0][0]);
    }

    /// Folds from the first record up to where outcomes are written, and announces itself.
    fn take_over(&mut self, owner: usize, shard: usize) {
        let head = self.heads[shard];
        let mut fold = self.new_fold(owner, shard, head);
        let values = values_of(&self.submissions[shard], 1, head.next_offset as usize);
        fold.apply(&values, &self.opener);
        fold.take_outcomes(FIRST_POSITION);
        assert_eq!(fold.position(), head);
        self.written.tally(fold.tally());
        self.owners[owner].owned.insert(shard, Owned { fold, head, late: None });
    }

    fn new_fold(&mut self, owner: usize, shard: usize, head: PositionPair) -> Fold {
        let (definition, genesis) = (Arc::clone(&self.definition), &self.submissions[shard][0]);
        if shard == 0 {
            return Fold::Control(Box::new(ControlFold::new(definition, GENERATION, genesis)));
        }
        let control = &mut self.owners[owner].control;
        let known = control.position().next_offset;
        let missing = head.control_next_offset.saturating_sub(known) as usize;
        read_control(control, &self.submissions[0], missing, &self.opener);
        let at_head = control.state_at(head.control_next_offset).unwrap();
        Fold::Shard(Box::new(ShardFold::new(definition, GENERATION, ShardId(shard as u32), genesis, at_head)))
    }

    fn step(&mut self, owner: usize, shard: usize) {
        let Some(mut owned) = self.owners[owner].owned.remove(&shard) else { return self.take_over(owner, shard) };
        if let Some(late) = owned.late.take() {
            self.told.late_tallies += 1;
            self.written.tally(late);
        }
        self.advance(owner, shard, &mut owned.fold);
        if owned.fold.position() == owned.head {
            self.owners[owner].owned.insert(shard, owned);
            return;
        }
        let body = owned.fold.take_outcomes(owned.head);
        self.written.outcomes(&body);
        if self.heads[shard] != owned.head {
            // Another owner's outcomes came first: it begins again from the log.
            self.told.lost_races += 1;
            return;
        }
        (self.heads[shard], owned.head) = (body.to, body.to);
        if self.random.chance(20) {
            owned.late = Some(owned.fold.tally());
        } else {
            self.written.tally(owned.fold.tally());
        }
        self.owners[owner].owned.insert(shard, owned);
    }

    /// Some records, or what is new of control, or both in either order.
    fn advance(&mut self, owner: usize, shard: usize, fold: &mut Fold) {
        let control = &mut self.owners[owner].control;
        let (before, behind) = (self.random.below(MAX_BATCH), self.random.below(MAX_BATCH));
        read_control(control, &self.submissions[0], before, &self.opener);
        let moves_first = self.random.chance(50);
        if moves_first && let Fold::Shard(fold) = fold {
            fold.advance_control(Arc::clone(control.state()), &self.opener);
        }
        let at = fold.position().next_offset as usize;
        let to = at + self.random.below(MAX_BATCH);
        fold.apply(&values_of(&self.submissions[shard], at, to), &self.opener);
        read_control(control, &self.submissions[0], behind, &self.opener);
        if self.random.chance(50)
            && let Fold::Shard(fold) = fold
        {
            fold.advance_control(Arc::clone(control.state()), &self.opener);
        }
    }

    fn end(mut self) -> Played {
        read_control(&mut self.national, &self.submissions[0], usize::MAX, &self.opener);
        self.written.publish(self.national.state());
        let folds: Vec<Fold> = (1..self.submissions.len()).map(|shard| self.fold_at_end(shard)).collect();
        let shards: Vec<&ShardFold> = folds
            .iter()
            .filter_map(|fold| match fold {
                Fold::Shard(fold) => Some(fold.as_ref()),
                Fold::Control(_) => None,
            })
            .collect();
        let result = ResultDocument::build(&self.definition, &shards, self.national.state()).unwrap();
        Played { night: self.written.night(self.submissions), result, told: self.told }
    }

    /// The fold of the owner that came to the end; a new owner's when that one has died since.
    fn fold_at_end(&mut self, shard: usize) -> Fold {
        let end = self.end_of(shard);
        for owner in &mut self.owners {
            if let Some(owned) = owner.owned.remove(&shard).filter(|owned| owned.fold.position() == end) {
                return owned.fold;
            }
        }
        self.take_over(0, shard);
        self.owners[0].owned.remove(&shard).unwrap().fold
    }
}

/// Reads up to `records` more of control.
fn read_control(control: &mut ControlFold, log: &[bytes::Bytes], records: usize, opener: &RecordOpener) {
    let at = control.position().next_offset as usize;
    control.apply(&values_of(log, at, at.saturating_add(records)), opener);
}

/// The values from one offset up to another, as far as there are any.
fn values_of(log: &[bytes::Bytes], from: usize, to: usize) -> Vec<&[u8]> {
    log[from.min(log.len())..to.min(log.len())].iter().map(AsRef::as_ref).collect()
}
