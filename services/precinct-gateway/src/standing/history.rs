//! The steps of a shard's outcomes, and what they say of any offset at any of them.

use std::collections::BTreeSet;

use hattama_tally::{FIRST_POSITION, Outcome, OutcomesBody, PositionPair, SubmissionOutcome};

/// All steps that were applied. They list what is not plainly counted.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: Vec<Step>,
    /// Offset and number of each step that lists it.
    listed: BTreeSet<(u64, usize)>,
}

#[derive(Debug)]
struct Step {
    to: PositionPair,
    /// In ascending order of offset.
    outcomes: Vec<SubmissionOutcome>,
}

impl History {
    /// The next step; each leads further than the one before.
    pub(super) fn push(&mut self, body: OutcomesBody) {
        let number = self.steps.len();
        self.listed.extend(body.outcomes.iter().map(|outcome| (outcome.offset, number)));
        let mut outcomes = body.outcomes;
        outcomes.sort_by_key(|outcome| outcome.offset);
        self.steps.push(Step { to: body.to, outcomes });
    }

    /// Where the chain has come to.
    pub(super) fn end(&self) -> PositionPair {
        self.steps.last().map_or(FIRST_POSITION, |step| step.to)
    }

    /// The number of the step that led to a pair.
    pub(super) fn step_to(&self, pair: PositionPair) -> Option<usize> {
        let order = |pair: &PositionPair| (pair.next_offset, pair.control_next_offset);
        self.steps.binary_search_by_key(&order(&pair), |step| order(&step.to)).ok()
    }

    /// The last word on an offset, and as of which pair; none when no step has covered it. No outcome: it is plainly counted.
    pub(super) fn word(&self, offset: u64) -> Option<(Option<&SubmissionOutcome>, PositionPair)> {
        let (number, outcome) = self.word_at(offset, usize::MAX)?;
        Some((outcome, self.steps.get(number)?.to))
    }

    /// True when it was counted at a step.
    pub(super) fn was_counted(&self, offset: u64, step: usize) -> bool {
        let word = self.word_at(offset, step);
        word.is_some_and(|(_, outcome)| outcome.is_none_or(|outcome| outcome.outcome == Outcome::Counted))
    }

    /// The word on an offset as of a step, and the number of the step that said it.
    fn word_at(&self, offset: u64, step: usize) -> Option<(usize, Option<&SubmissionOutcome>)> {
        let covering = self.steps.partition_point(|step| step.to.next_offset <= offset);
        match self.listed.range((offset, covering)..=(offset, step.max(covering))).next_back() {
            Some((_, number)) if *number <= step => {
                let outcomes = &self.steps.get(*number)?.outcomes;
                let place = outcomes.binary_search_by_key(&offset, |outcome| outcome.offset).ok()?;
                outcomes.get(place).map(|outcome| (*number, Some(outcome)))
            }
            // Covered and not listed is counted.
            _ => (covering <= step && covering < self.steps.len()).then_some((covering, None)),
        }
    }
}
