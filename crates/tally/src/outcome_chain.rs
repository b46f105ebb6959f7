//! The chain of a shard's outcomes: which records of its partition are valid, and when (design, D8).
//!
//! Every reader goes through the partition from its first record and hands each body over here. What it comes to is a
//! function of these bodies alone, so that owners, gateways and recounts agree on the head and on every step before it.

use crate::{
    outcome::{OutcomesBody, Part},
    position::{FIRST_POSITION, Generation, PositionPair},
};
use hattama_election::ids::ShardId;

/// The most steps of which parts are kept. Each owner that writes needs one, and two at once are rare; what an owner that
/// was killed left behind makes room for what is written after it.
pub const MAX_OPEN_STEPS: usize = 4;

/// A shard's outcomes as far as they have been read.
#[derive(Debug, Clone)]
pub struct OutcomeChain {
    generation: Generation,
    shard: ShardId,
    head: PositionPair,
    /// Steps from the head that are not whole, the one that was written last at the end.
    open: Vec<OpenStep>,
}

/// What a record came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// With it a step is whole, and leads to the new head: the step, as one body.
    Step(OutcomesBody),
    /// It is the next part of a step, which says nothing before it is whole.
    Part,
    /// It counts for nothing.
    PassedOver(PassedOver),
}

/// Why a record counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassedOver {
    /// Of another shard or generation.
    #[error("it is of another shard or generation")]
    Foreign,
    /// It starts before the head.
    #[error("it came second: the chain has gone on from where it starts")]
    Second,
    /// It starts beyond the head.
    #[error("it starts where the chain has not come to")]
    Ahead,
    /// No fold comes from its start to its end.
    #[error("it leads to a position that no fold comes to from there")]
    Nowhere,
    /// The same part was read before.
    #[error("this part was read before")]
    Again,
    /// A part before it was not read, or forgotten over [`MAX_OPEN_STEPS`] later steps.
    #[error("it comes before part {expected} of its step")]
    OutOfOrder {
        /// The part that has to come first.
        expected: u32,
    },
    /// A part of this number said something else, or it does not go on behind the part before.
    #[error("it contradicts the parts before it")]
    Contradicts,
}

/// A step of which the last parts have not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfinishedStep {
    /// Where it leads to.
    pub to: PositionPair,
    /// The part that was read last.
    pub read: Part,
}

/// The parts of a step from the first on, without a gap.
#[derive(Debug, Clone, Default)]
struct OpenStep(Vec<OutcomesBody>);

impl OutcomeChain {
    /// The chain before its first record.
    #[must_use]
    pub fn new(generation: Generation, shard: ShardId) -> Self {
        Self { generation, shard, head: FIRST_POSITION, open: Vec::new() }
    }

    /// Where the last whole step led to.
    #[must_use]
    pub fn head(&self) -> PositionPair {
        self.head
    }

    /// The steps from the head that are not whole, the one that was written last at the end.
    pub fn unfinished(&self) -> impl Iterator<Item = UnfinishedStep> + '_ {
        self.open.iter().filter_map(|step| step.0.last()).map(|last| UnfinishedStep { to: last.to, read: last.part })
    }

    /// Takes the next record of the partition.
    pub fn read(&mut self, body: OutcomesBody) -> Read {
        if let Err(why) = self.check(&body) {
            return Read::PassedOver(why);
        }
        let place = self.open.iter().position(|step| step.has(&body));
        let mut step = place.map(|place| self.open.remove(place)).unwrap_or_default();
        let is_last = body.part.number() == body.part.of();
        let taken = step.take(body);
        if taken.is_ok()
            && is_last
            && let Some(whole) = step.whole()
        {
            self.head = whole.to;
            self.open.clear();
            return Read::Step(whole);
        }
        self.keep(step);
        match taken {
            Ok(()) => Read::Part,
            Err(why) => Read::PassedOver(why),
        }
    }

    fn check(&self, body: &OutcomesBody) -> Result<(), PassedOver> {
        if (body.generation, body.shard) != (self.generation, self.shard) {
            return Err(PassedOver::Foreign);
        }
        if body.from != self.head {
            return Err(if self.head.covers(&body.from) { PassedOver::Second } else { PassedOver::Ahead });
        }
        // Control stands where it is folded to.
        let is_torn = self.shard == ShardId::CONTROL && body.to.next_offset != body.to.control_next_offset;
        if is_torn || !body.to.is_beyond(&self.head) {
            return Err(PassedOver::Nowhere);
        }
        Ok(())
    }

    /// Keeps a step as the one that was written last; forgets the one that was longest not.
    fn keep(&mut self, step: OpenStep) {
        if step.0.is_empty() {
            return;
        }
        self.open.push(step);
        if self.open.len() > MAX_OPEN_STEPS {
            self.open.remove(0);
        }
    }
}

impl OpenStep {
    /// True when a body is a part of this step. Steps that were split in another number of parts are others.
    fn has(&self, body: &OutcomesBody) -> bool {
        self.0.first().is_some_and(|first| first.to == body.to && first.part.of() == body.part.of())
    }

    fn take(&mut self, body: OutcomesBody) -> Result<(), PassedOver> {
        let expected = u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX);
        let number = body.part.number();
        if number > expected {
            return Err(PassedOver::OutOfOrder { expected });
        }
        if self.0.contains(&body) {
            return Err(PassedOver::Again);
        }
        match number {
            // Equal steps have equal parts. If ever they do not, a step is not put together from two.
            1 => self.0.clear(),
            _ if number < expected => return Err(PassedOver::Contradicts),
            _ => {}
        }
        let last = self.0.iter().rev().find_map(|part| part.outcomes.last()).map(|outcome| outcome.offset);
        if let (Some(last), Some(first)) = (last, body.outcomes.first())
            && first.offset <= last
        {
            return Err(PassedOver::Contradicts);
        }
        self.0.push(body);
        Ok(())
    }

    /// The step as one body.
    fn whole(&mut self) -> Option<OutcomesBody> {
        let mut parts = self.0.drain(..);
        let mut whole = OutcomesBody { part: Part::WHOLE, ..parts.next()? };
        parts.for_each(|part| whole.outcomes.extend(part.outcomes));
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, SubmissionOutcome};
    use hattama_election::{
        digest::{CoreDigest, SubmissionDigest},
        ids::ElectionId,
    };

    const SHARD: ShardId = ShardId(1);

    fn pair(next_offset: u64, control_next_offset: u64) -> PositionPair {
        PositionPair { next_offset, control_next_offset }
    }

    fn chain() -> OutcomeChain {
        OutcomeChain::new(Generation(1), SHARD)
    }

    /// Part `number` of `of` from the first position to `to`: it lists the offset of its number.
    fn part(to: u64, number: u32, of: u32) -> OutcomesBody {
        let digest = SubmissionDigest([u8::try_from(number).unwrap(); 32]);
        OutcomesBody {
            election: ElectionId::new("sample").unwrap(),
            core_digest: CoreDigest([0; 32]),
            generation: Generation(1),
            shard: SHARD,
            from: FIRST_POSITION,
            to: pair(to, 1),
            part: Part::new(number, of).unwrap(),
            outcomes: vec![SubmissionOutcome {
                offset: number.into(),
                digest,
                outcome: Outcome::Held,
                rules: Vec::new(),
                duplicate_of: None,
            }],
        }
    }

    fn offsets(read: Read) -> Vec<u64> {
        let Read::Step(step) = read else { panic!("no step: {read:?}") };
        assert_eq!(step.part, Part::WHOLE);
        step.outcomes.iter().map(|outcome| outcome.offset).collect()
    }

    fn passed_over(why: PassedOver) -> Read {
        Read::PassedOver(why)
    }

    #[test]
    fn the_head_moves_with_the_last_part_and_not_before() {
        let mut chain = chain();
        for number in [1, 2] {
            assert_eq!(chain.read(part(9, number, 3)), Read::Part);
            assert_eq!(chain.head(), FIRST_POSITION);
        }
        let read = Part::new(2, 3).unwrap();
        assert_eq!(chain.unfinished().collect::<Vec<_>>(), [UnfinishedStep { to: pair(9, 1), read }]);
        assert_eq!(offsets(chain.read(part(9, 3, 3))), [1, 2, 3]);
        assert_eq!((chain.head(), chain.unfinished().count()), (pair(9, 1), 0));
    }

    #[test]
    fn outcomes_that_do_not_follow_from_the_last_count_for_nothing() {
        let mut chain = chain();
        chain.read(part(3, 1, 1));
        let from = |from, to| OutcomesBody { from, to, ..part(3, 1, 1) };
        assert_eq!(chain.read(from(pair(1, 1), pair(3, 1))), passed_over(PassedOver::Second));
        assert_eq!(chain.read(from(pair(2, 1), pair(4, 1))), passed_over(PassedOver::Second));
        assert_eq!(chain.read(from(pair(4, 1), pair(5, 1))), passed_over(PassedOver::Ahead));
        for to in [pair(2, 1), pair(3, 1), pair(2, 9)] {
            assert_eq!(chain.read(from(pair(3, 1), to)), passed_over(PassedOver::Nowhere));
        }
        let foreign = OutcomesBody { shard: ShardId(2), ..from(pair(3, 1), pair(4, 1)) };
        assert_eq!(chain.read(foreign), passed_over(PassedOver::Foreign));
        assert_eq!(chain.head(), pair(3, 1));
    }

    #[test]
    fn control_stands_where_it_is_folded_to() {
        let mut chain = OutcomeChain::new(Generation(1), ShardId::CONTROL);
        let to = |to| OutcomesBody { shard: ShardId::CONTROL, to, ..part(3, 1, 1) };
        assert_eq!(chain.read(to(pair(3, 2))), passed_over(PassedOver::Nowhere));
        assert!(matches!(chain.read(to(pair(3, 3))), Read::Step(_)));
    }

    #[test]
    fn an_owner_that_was_interrupted_writes_its_step_again() {
        let mut chain = chain();
        chain.read(part(9, 1, 3));
        chain.read(part(9, 2, 3));
        for number in [1, 2] {
            assert_eq!(chain.read(part(9, number, 3)), passed_over(PassedOver::Again));
        }
        assert_eq!(offsets(chain.read(part(9, 3, 3))), [1, 2, 3]);
    }

    #[test]
    fn of_two_owners_steps_the_first_that_is_whole_wins() {
        let mut chain = chain();
        for (to, number) in [(9, 1), (8, 1), (9, 2), (8, 2)] {
            assert_eq!(chain.read(part(to, number, 3)), Read::Part);
        }
        assert_eq!(offsets(chain.read(part(8, 3, 3))), [1, 2, 3]);
        assert_eq!(chain.read(part(9, 3, 3)), passed_over(PassedOver::Second));
        assert_eq!(chain.head(), pair(8, 1));
    }

    #[test]
    fn a_part_whose_predecessor_is_missing_is_passed_over_until_that_comes() {
        let mut chain = chain();
        assert_eq!(chain.read(part(9, 2, 3)), passed_over(PassedOver::OutOfOrder { expected: 1 }));
        chain.read(part(9, 1, 3));
        assert_eq!(chain.read(part(9, 3, 3)), passed_over(PassedOver::OutOfOrder { expected: 2 }));
        chain.read(part(9, 2, 3));
        assert_eq!(offsets(chain.read(part(9, 3, 3))), [1, 2, 3]);
    }

    #[test]
    fn a_step_is_never_put_together_from_parts_that_contradict_each_other() {
        let mut chain = chain();
        let other = |number| {
            let mut other = part(9, number, 2);
            other.outcomes[0].digest = SubmissionDigest([99; 32]);
            other
        };
        chain.read(part(9, 1, 3));
        chain.read(part(9, 2, 3));
        let changed = OutcomesBody { part: Part::new(2, 3).unwrap(), ..other(2) };
        assert_eq!(chain.read(changed), passed_over(PassedOver::Contradicts));
        let back = OutcomesBody { outcomes: part(9, 1, 3).outcomes, ..part(9, 3, 3) };
        assert_eq!(chain.read(back), passed_over(PassedOver::Contradicts));
        // Another first part begins the step anew.
        let anew = OutcomesBody { part: Part::new(1, 3).unwrap(), ..other(1) };
        assert_eq!(chain.read(anew.clone()), Read::Part);
        assert_eq!(chain.read(part(9, 3, 3)), passed_over(PassedOver::OutOfOrder { expected: 2 }));
        chain.read(part(9, 2, 3));
        let Read::Step(step) = chain.read(part(9, 3, 3)) else { panic!() };
        assert_eq!(step.outcomes[0], anew.outcomes[0]);
    }

    #[test]
    fn what_was_left_behind_makes_room_and_what_is_being_written_does_not() {
        let mut chain = chain();
        chain.read(part(100, 1, 9));
        for step in 0..3 * MAX_OPEN_STEPS as u64 {
            assert_eq!(chain.read(part(10 + step, 1, 2)), Read::Part);
            // The owner of this one is at work all the time.
            let number = u32::try_from(step.min(7)).unwrap() + 2;
            assert_eq!(chain.read(part(100, number.min(8), 9)) == Read::Part, step < 7);
        }
        assert_eq!(chain.unfinished().count(), MAX_OPEN_STEPS);
        assert_eq!(chain.read(part(10, 2, 2)), passed_over(PassedOver::OutOfOrder { expected: 1 }));
        assert_eq!(offsets(chain.read(part(100, 9, 9))).len(), 9);
    }

    #[test]
    fn there_is_no_part_zero_and_none_beyond_the_last() {
        for (number, of) in [(0, 0), (0, 1), (2, 1), (1, MAX_PARTS_AND_ONE)] {
            assert_eq!(Part::new(number, of), None);
        }
        assert_eq!(Part::new(1, 1), Some(Part::WHOLE));
    }

    const MAX_PARTS_AND_ONE: u32 = crate::outcome::MAX_PARTS + 1;
}
