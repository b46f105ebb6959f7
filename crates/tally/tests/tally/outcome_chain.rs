//! Several owners of one shard that write their steps in parts past each other, are killed and started again: all readers
//! agree at every record, no step is taken by halves, and whoever is left goes on.

use crate::common::random::Random;
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest},
    ids::{ElectionId, ShardId},
    rules::RuleCode,
};
use hattama_tally::{
    FIRST_POSITION, Generation, MAX_OPEN_STEPS, Outcome, OutcomeChain, OutcomesBody, Part, PositionPair, Read,
    SubmissionOutcome,
};
use hattama_wire::split_outcomes;
use proptest::prelude::*;
use std::collections::VecDeque;

/// More owners than steps are kept open.
const MOST_OWNERS: usize = MAX_OPEN_STEPS + 3;
/// Turns of all owners together.
const TURNS: usize = 120;
/// Where the shard and control end.
const END: PositionPair = PositionPair { next_offset: 60, control_next_offset: 9 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn owners_that_write_past_each_other_and_die_leave_one_chain_and_it_goes_on(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut log = Vec::new();
        let mut owners: Vec<Owner> = (0..=random.below(MOST_OWNERS)).map(|_| Owner::start(&log)).collect();
        for _ in 0..TURNS {
            let place = random.below(owners.len());
            match random.chance(10) {
                true => owners[place] = Owner::start(&log),
                false => owners[place].write(&mut log, &mut random),
            }
        }
        readers_agree(&log, &mut random);

        // One is left, and what the others began lies there.
        let mut last = Owner::start(&log);
        while last.chain.head() != END {
            let before = last.chain.head();
            while last.chain.head() == before {
                last.write(&mut log, &mut random);
                assert!(!last.was_outrun, "nobody else writes");
            }
        }
        readers_agree(&log, &mut random);
    }

    #[test]
    fn a_part_that_is_lost_or_told_again_tears_no_step(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut log = Vec::new();
        let mut owner = Owner::start(&log);
        while owner.chain.head() != END {
            owner.write(&mut log, &mut random);
        }
        let again = random.below(log.len());
        log.insert(again + random.below(log.len() - again), log[again].clone());
        readers_agree(&log, &mut random);
        assert_eq!(read_all(&log).0.head(), END);
        let lost = random.below(log.len());
        let part = log.remove(lost);
        readers_agree(&log, &mut random);
        if !log.contains(&part) {
            assert_eq!(read_all(&log).0.head(), part.from, "it waits for the part that is lost");
        }
    }
}

/// An owner: what it has read of the partition, and the parts that it has still to write.
struct Owner {
    chain: OutcomeChain,
    read: usize,
    step: VecDeque<OutcomesBody>,
    was_outrun: bool,
}

impl Owner {
    fn start(log: &[OutcomesBody]) -> Self {
        let mut owner = Self { chain: new_chain(), read: 0, step: VecDeque::new(), was_outrun: false };
        owner.read_on(log);
        owner
    }

    /// Appends one part and reads back. When the chain has moved on without it, it folds again.
    fn write(&mut self, log: &mut Vec<OutcomesBody>, random: &mut Random) {
        let head = self.chain.head();
        if self.step.is_empty() {
            if head == END {
                return;
            }
            self.step = split_outcomes(step(head, beyond(head, random)), 120).unwrap().into();
        }
        let part = self.step.pop_front().unwrap();
        let (to, is_last) = (part.to, self.step.is_empty());
        log.push(part);
        self.read_on(log);
        let now = self.chain.head();
        self.was_outrun = now != to && (is_last || now != head);
        if self.was_outrun || now == to {
            self.step.clear();
        }
    }

    fn read_on(&mut self, log: &[OutcomesBody]) {
        for body in &log[self.read..] {
            self.chain.read(body.clone());
        }
        self.read = log.len();
    }
}

fn new_chain() -> OutcomeChain {
    OutcomeChain::new(Generation(1), ShardId(1))
}

/// Somewhere beyond `head`, one in four times at the end.
fn beyond(head: PositionPair, random: &mut Random) -> PositionPair {
    if random.chance(25) {
        return END;
    }
    let up_to = |at: u64, end: u64, random: &mut Random| at + random.below((end - at).min(3) as usize + 1) as u64;
    let next_offset = up_to(head.next_offset, END.next_offset, random);
    let control_next_offset = up_to(head.control_next_offset, END.control_next_offset, random);
    let to = PositionPair { next_offset, control_next_offset };
    if to == head { END } else { to }
}

/// The step between two pairs as every owner would write it: of no submission, or of some.
fn step(from: PositionPair, to: PositionPair) -> OutcomesBody {
    let seed = from.next_offset ^ to.next_offset << 16 ^ from.control_next_offset << 32 ^ to.control_next_offset << 48;
    let mut random = Random::new(seed);
    let outcomes = (1..to.next_offset).filter(|_| random.chance(30)).map(|offset| SubmissionOutcome {
        offset,
        digest: SubmissionDigest([seed as u8; 32]),
        outcome: Outcome::Held,
        rules: vec![RuleCode::KeyRevoked],
        duplicate_of: None,
    });
    let outcomes = outcomes.collect();
    OutcomesBody {
        election: ElectionId::new("sample").unwrap(),
        core_digest: CoreDigest([0; 32]),
        generation: Generation(1),
        shard: ShardId(1),
        from,
        to,
        part: Part::WHOLE,
        outcomes,
    }
}

fn read_all(log: &[OutcomesBody]) -> (OutcomeChain, Vec<OutcomesBody>) {
    let mut chain = new_chain();
    let mut steps = Vec::new();
    for body in log {
        if let Read::Step(step) = chain.read(body.clone()) {
            steps.push(step);
        }
        assert!(chain.unfinished().count() <= MAX_OPEN_STEPS);
    }
    (chain, steps)
}

/// Readers that stop anywhere and go on, or begin anew, come to the same; every step is whole and leads on from the last.
fn readers_agree(log: &[OutcomesBody], random: &mut Random) {
    let (chain, steps) = read_all(log);
    let mut head = FIRST_POSITION;
    for taken in &steps {
        assert_eq!(taken.from, head);
        assert_eq!(*taken, step(taken.from, taken.to));
        head = taken.to;
    }
    assert_eq!(chain.head(), head);
    let cut = random.below(log.len() + 1);
    let (mut stopped, mut of_both) = read_all(&log[..cut]);
    for body in &log[cut..] {
        if let Read::Step(step) = stopped.read(body.clone()) {
            of_both.push(step);
        }
    }
    assert_eq!((stopped.head(), of_both), (head, steps));
}
