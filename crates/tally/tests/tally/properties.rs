//! What holds of the fold whatever the order, the cuts and the owners: random worlds, random logs, random histories.

use crate::common::{
    folding::{
        Folds, GENERATION, check_fold, new_control, new_shard, outcomes, pair, plainly_counted, slices, standings,
    },
    opener::Table,
    random::Random,
    world::{Logs, World},
};
use hattama_election::{definition::Definition, digest::ChainDigest, ids::ShardId};
use hattama_tally::{
    ControlFold, FIRST_POSITION, OutcomeChain, OutcomesBody, PositionPair, Read, ShardFold, SubmissionOutcome,
    TallyBody, Unit, check_publication, merge,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

/// More cases than the default: a case is a whole world, and the rare ones are those that matter.
const CASES: u32 = 400;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_history_comes_to_the_same_tally_at_the_same_position(seed in any::<u64>(), owners in any::<u64>()) {
        let (world, logs) = World::with_faults(seed);
        let mut night = Night::new(world, logs, owners);
        night.run();
    }

    #[test]
    fn the_order_of_the_log_changes_no_standing(seed in any::<u64>(), order in any::<u64>()) {
        let (world, logs) = World::with_faults(seed);
        let mut other = logs.clone();
        let mut random = Random::new(order);
        other.iter_mut().for_each(|log| random.shuffle(log));
        let (one, two) = (Folds::of_world(&world, &logs), Folds::of_world(&world, &other));
        same_standings(&one, &logs, &two, &other);
        for (tally, other) in one.tallies().into_values().zip(two.tallies().into_values()) {
            prop_assert_eq!(without_chains(tally), without_chains(other));
        }
    }

    #[test]
    fn what_is_sent_again_changes_no_figure(seed in any::<u64>(), again in any::<u64>()) {
        let (world, logs) = World::with_faults(seed);
        let mut other = logs.clone();
        let mut random = Random::new(again);
        for log in &mut other {
            let twice = random.some(log, 40);
            log.extend(twice);
            random.shuffle(log);
        }
        let (one, two) = (Folds::of_world(&world, &logs), Folds::of_world(&world, &other));
        same_standings(&one, &logs, &two, &other);
        for (tally, other) in one.tallies().into_values().zip(two.tallies().into_values()) {
            prop_assert_eq!((tally.contests, tally.turnout), (other.contests, other.turnout));
        }
        two.check();
    }

    #[test]
    fn an_earlier_position_is_told_as_a_fold_that_stops_there_tells_it(seed in any::<u64>(), cut in any::<u64>()) {
        let (world, logs) = World::with_faults(seed);
        let whole = Folds::of_world(&world, &logs);
        let mut random = Random::new(cut);
        let earlier = cut_logs(&logs, &mut random);
        let stopped = Folds::of_world(&world, &earlier);
        for (shard, fold) in &whole.shards {
            let there = &stopped.shards[shard];
            let control = whole.control.state_at(there.position().control_next_offset).unwrap();
            prop_assert_eq!(control.chain(), stopped.control.state().chain());
            prop_assert!(control.lost_records().eq(stopped.control.state().lost_records()));
            for station in fold.stations() {
                let told = fold.evaluation_at(*station, there.position(), &control);
                prop_assert_eq!(told.as_ref(), there.evaluation(*station));
                same_submissions_are_shown(fold, there, *station);
            }
        }
    }

    #[test]
    fn the_nation_is_the_sum_of_its_shards_and_of_its_territories(seed in any::<u64>()) {
        let (world, logs) = World::with_faults(seed);
        let folds = Folds::of_world(&world, &logs);
        let tallies = folds.tallies();
        let nation = folds.nation();
        // Conservation over regions and territories is checked by the merge; districts are those of their stations.
        for contest in &nation.contests {
            let of_regions = contest.units.iter().filter(|(unit, _)| matches!(unit, Unit::Region(_)));
            let counted: u64 = of_regions.map(|(_, totals)| totals.stations.counted).sum();
            prop_assert_eq!(counted, contest.nation.stations.counted);
        }
        let publication = nation.publication(&world.definition, GENERATION, folds.control.state(), 1, None);
        prop_assert!(check_publication(&publication, None, &nation).is_ok());
        let records: u64 = logs.iter().map(|log| log.len() as u64).sum();
        prop_assert_eq!(nation.records.records, records);
        prop_assert_eq!(merge(&world.definition, &tallies).unwrap(), nation);
    }

    #[test]
    fn the_figures_do_not_depend_on_how_stations_are_put_into_shards(seed in any::<u64>(), split in any::<u64>()) {
        let world = World::random(seed);
        let other = resharded(&world, split);
        let mut random = Random::new(split);
        let (logs, other_logs) = (world.logs(&mut random), other.logs(&mut random));
        let (one, two) = (Folds::of_world(&world, &logs), Folds::of_world(&other, &other_logs));
        let (one, two) = (one.nation(), two.nation());
        prop_assert_eq!(&one.contests, &two.contests);
        prop_assert_eq!(&one.turnout, &two.turnout);
        prop_assert_eq!(&one.slots, &two.slots);
        prop_assert_eq!(one.units_digest(&world.definition), two.units_digest(&other.definition));
    }
}

/// Every submission stands for the same, and every station comes to the same.
fn same_standings(one: &Folds, logs: &Logs, two: &Folds, others: &Logs) {
    assert_eq!(
        standings(&outcomes(&logs[0], one.control.outcomes())),
        standings(&outcomes(&others[0], two.control.outcomes()))
    );
    assert!(one.control.state().lost_records().eq(two.control.state().lost_records()));
    for (shard, fold) in &one.shards {
        let other = &two.shards[shard];
        for station in fold.stations() {
            assert_eq!(fold.evaluation(*station), other.evaluation(*station));
        }
        let of = |logs: &Logs, fold: &ShardFold| standings(&outcomes(&logs[shard.0 as usize], fold.outcomes()));
        assert_eq!(of(logs, fold), of(others, other));
    }
}

/// Another order has other chains: that is what they are for.
fn without_chains(tally: TallyBody) -> TallyBody {
    let none = ChainDigest([0; 32]);
    TallyBody { chain: none, control_chain: none, ..tally }
}

/// Logs that end somewhere earlier.
fn cut_logs(logs: &Logs, random: &mut Random) -> Logs {
    logs.iter().map(|log| log[..random.below(log.len() + 1)].to_vec()).collect()
}

/// A service shows the submissions of each content beside its standing: the same ones as were known then.
fn same_submissions_are_shown(later: &ShardFold, then: &ShardFold, station: hattama_election::ids::StationIndex) {
    let at = then.position();
    let shown = |fold: &ShardFold| -> Vec<_> {
        let protocols = fold.ledger(station).into_iter().flat_map(|ledger| ledger.protocols.values());
        let entries = protocols.flat_map(|cell| cell.entries().map(|(_, entry)| entry));
        entries
            .flat_map(|entry| entry.visible(&at).map(|note| (note.digest, note.offset)).collect::<Vec<_>>())
            .collect()
    };
    assert_eq!(shown(later), shown(then));
}

/// The same world with every region's stations dealt out to its shards anew.
fn resharded(world: &World, seed: u64) -> World {
    let mut random = Random::new(seed);
    let mut definition = Definition::clone(&world.definition);
    let mut by_region: BTreeMap<_, Vec<ShardId>> = BTreeMap::new();
    for station in &definition.stations {
        by_region.entry(station.region).or_default().push(station.shard);
    }
    for station in &mut definition.stations {
        station.shard = *random.pick(&by_region[&station.region]);
    }
    World { definition: Arc::new(definition), sent: world.sent.clone() }
}

/// A night in which each shard has one owner after another: each reads from the start in batches of any size, goes on where
/// the one before stopped, and stops anywhere; and a reader of the outcomes that they write.
struct Night {
    world: World,
    table: Table,
    logs: Logs,
    control: ControlFold,
    random: Random,
}

/// What one reader knows of a shard from its outcome records.
struct Reader {
    chain: OutcomeChain,
    told: BTreeMap<u64, SubmissionOutcome>,
}

impl Night {
    fn new(world: World, logs: Logs, seed: u64) -> Self {
        let (table, control) = (world.table(), new_control(&world.definition));
        Self { table, control, world, logs, random: Random::new(seed) }
    }

    fn run(&mut self) {
        let mut reader = Reader::new(ShardId::CONTROL);
        let log = self.logs[0].clone();
        while self.control.position().next_offset <= log.len() as u64 {
            let at = self.control.position();
            let from = usize::try_from(at.next_offset).unwrap() - 1;
            let to = from + 1 + self.random.below(log.len() - from);
            self.control.apply(&slices(&log[from..to]), &self.table);
            reader.read(&log, &self.control.take_outcomes(at));
            assert_eq!(reader.told, outcomes(&log[..to], self.control.outcomes()));
        }
        self.check_control(&log);
        for shard in (1..self.world.definition.shards).map(ShardId) {
            self.run_shard(shard);
        }
    }

    /// Control in one batch comes to the same, at its end and at every position before.
    fn check_control(&self, log: &[Vec<u8>]) {
        let mut at_once = new_control(&self.world.definition);
        at_once.apply(&slices(log), &self.table);
        assert_eq!(at_once.tally(), self.control.tally());
        for offset in 1..=at_once.position().next_offset {
            let (one, other) = (at_once.state_at(offset).unwrap(), self.control.state_at(offset).unwrap());
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
    }

    fn run_shard(&mut self, shard: ShardId) {
        let log = self.logs[shard.0 as usize].clone();
        let end = pair(log.len() as u64 + 1, self.control.position().next_offset);
        let mut reader = Reader::new(shard);
        let mut tallies: BTreeMap<(u64, u64), TallyBody> = BTreeMap::new();
        while reader.head() != end {
            // A new owner reads from the start to the last position that outcomes were written for, and goes on from there.
            let mut fold = self.fold_to(shard, &log, reader.head());
            fold.take_outcomes(FIRST_POSITION);
            assert_eq!(reader.told, outcomes(&log[..reader.length()], fold.outcomes()), "what the new owner finds");
            for _ in 0..=self.random.below(6) {
                let from = fold.position();
                self.advance(&mut fold, &log, end);
                let (to, written) = (fold.position(), fold.take_outcomes(from));
                self.a_zombie_writes_too(&mut reader, &log, &written);
                reader.read(&log, &written);
                assert_eq!(reader.told, outcomes(&log[..reader.length()], fold.outcomes()), "what the reader knows");
                check_fold(&fold);
                let first = tallies.entry((to.next_offset, to.control_next_offset)).or_insert_with(|| fold.tally());
                assert_eq!(*first, fold.tally());
            }
        }
        self.every_path_to_a_position_is_the_same(shard, &log, &tallies);
    }

    /// The same position by other ways: control first, the shard first, or both in turns.
    fn every_path_to_a_position_is_the_same(
        &mut self,
        shard: ShardId,
        log: &[Vec<u8>],
        tallies: &BTreeMap<(u64, u64), TallyBody>,
    ) {
        for ((next_offset, control), tally) in tallies {
            let fold = self.fold_to(shard, log, pair(*next_offset, *control));
            assert_eq!(fold.tally(), *tally);
        }
    }

    /// A fold from the start to a pair of positions, on a random way.
    fn fold_to(&mut self, shard: ShardId, log: &[Vec<u8>], to: PositionPair) -> ShardFold {
        let start = match self.random.chance(30) {
            true => to.control_next_offset,
            false => 1,
        };
        let mut fold = new_shard(&self.world.definition, shard, &self.control.state_at(start).unwrap());
        while fold.position() != to {
            self.advance(&mut fold, log, to);
        }
        fold
    }

    /// One step: some records, or a later control state.
    fn advance(&mut self, fold: &mut ShardFold, log: &[Vec<u8>], to: PositionPair) {
        let at = fold.position();
        if self.random.chance(50) {
            let from = usize::try_from(at.next_offset).unwrap() - 1;
            let end = usize::try_from(to.next_offset).unwrap() - 1;
            let records = self.random.below(end - from + 1);
            fold.apply(&slices(&log[from..from + records]), &self.table);
        } else {
            let ahead = usize::try_from(to.control_next_offset - at.control_next_offset).unwrap();
            let state = at.control_next_offset + self.random.below(ahead + 1) as u64;
            fold.advance_control(self.control.state_at(state).unwrap(), &self.table);
        }
    }

    /// An owner who does not know yet that another has taken over writes a record from where the other was: no reader
    /// believes it.
    fn a_zombie_writes_too(&mut self, reader: &mut Reader, log: &[Vec<u8>], next: &OutcomesBody) {
        if self.random.chance(20) && reader.head() != FIRST_POSITION {
            let stale = OutcomesBody { from: FIRST_POSITION, ..next.clone() };
            let before = reader.told.clone();
            reader.read(log, &stale);
            assert_eq!(before, reader.told);
        }
    }
}

impl Reader {
    fn new(shard: ShardId) -> Self {
        Self { chain: OutcomeChain::new(GENERATION, shard), told: BTreeMap::new() }
    }

    fn head(&self) -> PositionPair {
        self.chain.head()
    }

    fn length(&self) -> usize {
        usize::try_from(self.head().next_offset).unwrap() - 1
    }

    /// As `log.proto` says: what lies inside a valid step and is not listed is counted without a flag.
    fn read(&mut self, log: &[Vec<u8>], body: &OutcomesBody) {
        let Read::Step(body) = self.chain.read(body.clone()) else { return };
        assert!(body.outcomes.windows(2).all(|two| two[0].offset < two[1].offset), "ascending by offset");
        for offset in body.from.next_offset..body.to.next_offset {
            let value = &log[usize::try_from(offset).unwrap() - 1];
            self.told.insert(offset, plainly_counted(offset, value));
        }
        self.told.extend(body.outcomes.into_iter().map(|outcome| (outcome.offset, outcome)));
    }
}
