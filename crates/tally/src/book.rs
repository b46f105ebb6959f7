//! The outcomes of a shard's records, and which of them changed since they were last told.

use crate::{
    outcome::{Outcome, SubmissionOutcome},
    totals::RecordCounts,
};
use std::collections::BTreeMap;

/// One byte a record, and the whole outcome of those that are not plainly counted.
#[derive(Debug, Default)]
pub(crate) struct OutcomeBook {
    /// By offset; the genesis at 0 has none.
    by_offset: Vec<Option<Outcome>>,
    notable: BTreeMap<u64, SubmissionOutcome>,
    /// What was last told of each record that was set since: `None` when it was plainly counted, or new.
    told: BTreeMap<u64, Option<SubmissionOutcome>>,
    counts: RecordCounts,
}

impl OutcomeBook {
    /// Sets the outcome of a record.
    pub(crate) fn set(&mut self, outcome: SubmissionOutcome) {
        let Ok(place) = usize::try_from(outcome.offset) else { return };
        let old = self.by_offset.get(place).copied().flatten();
        if old == Some(outcome.outcome) && self.is_told_as(&outcome) {
            return;
        }
        if self.by_offset.len() <= place {
            self.by_offset.resize(place + 1, None);
        }
        self.by_offset[place] = Some(outcome.outcome);
        match old {
            Some(old) => self.counts.by_outcome[old as usize] -= 1,
            None => self.counts.records += 1,
        }
        self.counts.by_outcome[outcome.outcome as usize] += 1;
        let offset = outcome.offset;
        let digest_only =
            SubmissionOutcome { rules: Vec::new(), duplicate_of: None, outcome: Outcome::Counted, ..outcome.clone() };
        let before =
            if outcome.is_plain() { self.notable.remove(&offset) } else { self.notable.insert(offset, outcome) };
        // A record that was plainly counted when last told keeps its digest here, so that it can be told again.
        self.told.entry(offset).or_insert_with(|| before.or_else(|| old.map(|_| digest_only)));
    }

    /// What changed since the last call, ascending by offset. New records that are plainly counted are left out.
    pub(crate) fn take(&mut self) -> Vec<SubmissionOutcome> {
        let told = std::mem::take(&mut self.told);
        told.into_iter()
            .filter_map(|(offset, before)| match (self.notable.get(&offset), before) {
                (Some(now), Some(before)) if *now == before => None,
                (Some(now), _) => Some(now.clone()),
                (None, Some(before)) if !before.is_plain() => Some(SubmissionOutcome {
                    outcome: Outcome::Counted,
                    rules: Vec::new(),
                    duplicate_of: None,
                    ..before
                }),
                (None, _) => None,
            })
            .collect()
    }

    /// Outcomes that are not plainly counted, ascending by offset.
    pub(crate) fn notable(&self) -> impl Iterator<Item = &SubmissionOutcome> {
        self.notable.values()
    }

    /// Records by outcome.
    pub(crate) fn counts(&self) -> RecordCounts {
        self.counts
    }

    fn is_told_as(&self, outcome: &SubmissionOutcome) -> bool {
        match self.notable.get(&outcome.offset) {
            Some(now) => now == outcome,
            None => outcome.is_plain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{digest::SubmissionDigest, rules::RuleCode};

    fn outcome(offset: u64, outcome: Outcome) -> SubmissionOutcome {
        let rules = if outcome == Outcome::Counted { vec![] } else { vec![RuleCode::ContestedRevision] };
        SubmissionOutcome { offset, digest: SubmissionDigest([1; 32]), outcome, rules, duplicate_of: None }
    }

    #[test]
    fn a_plainly_counted_record_is_told_only_when_it_was_something_else_before() {
        let mut book = OutcomeBook::default();
        book.set(outcome(1, Outcome::Counted));
        book.set(outcome(2, Outcome::Held));
        assert_eq!(book.take(), [outcome(2, Outcome::Held)]);
        book.set(outcome(1, Outcome::Contested));
        book.set(outcome(2, Outcome::Counted));
        assert_eq!(book.take(), [outcome(1, Outcome::Contested), outcome(2, Outcome::Counted)]);
        assert_eq!(book.take(), []);
        assert_eq!(book.counts().records, 2);
        assert_eq!(book.counts().by_outcome, [1, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn what_changes_and_changes_back_is_not_told() {
        let mut book = OutcomeBook::default();
        book.set(outcome(1, Outcome::Counted));
        book.take();
        book.set(outcome(1, Outcome::Held));
        book.set(outcome(1, Outcome::Counted));
        assert_eq!(book.take(), []);
    }
}
