//! What this gateway's submissions in one shard stand as, from the shard's outcomes and the nation's publications.
//!
//! Outcomes form a chain of steps, each leading from one pair of positions to the next. A publication names, for the shard, a
//! pair that the chain went through; a submission is counted in it when its offset lies before the pair and it was counted
//! at that very step. Outcomes may be ahead of publications, so what it was at earlier steps is kept until a publication
//! has counted it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hattama_election::digest::SubmissionDigest;
use hattama_election::rules::RuleCode;
use hattama_tally::{FIRST_POSITION, Outcome, OutcomesBody, PositionPair, SubmissionOutcome};

use crate::limits::{MAX_STEPS, MAX_WAITING_PUBLICATIONS};

/// The standings of a shard.
#[derive(Debug)]
pub(crate) struct ShardStandings {
    /// Where the chain of outcomes has come to.
    end: PositionPair,
    /// The pairs that publications may still name, ascending; the first is step number `first_step`.
    steps: VecDeque<PositionPair>,
    first_step: u64,
    /// This gateway's submissions by offset.
    own: BTreeMap<u64, Own>,
    offsets: BTreeMap<SubmissionDigest, u64>,
    /// Offsets that have a standing and no publication yet.
    uncounted: BTreeSet<u64>,
    /// Publications whose pair the chain has not reached, ascending.
    waiting: VecDeque<Named>,
    newest: Option<Named>,
}

/// A publication names a pair of the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) sequence: u64,
    pub(crate) pair: PositionPair,
}

#[derive(Debug)]
struct Own {
    digest: SubmissionDigest,
    /// From which steps on it was counted, or was not; ascending. Empty once a publication has counted it.
    counted: Vec<(u64, bool)>,
    last: Option<Word>,
}

/// The word of an outcomes record on a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) outcome: Outcome,
    pub(crate) rules: Vec<RuleCode>,
    pub(crate) at: PositionPair,
    /// Of a duplicate: the offset of the first one.
    pub(crate) duplicate_of: Option<u64>,
}

/// What became known of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// What it stands as.
    Stands { digest: SubmissionDigest, offset: u64, word: Word },
    /// The first publication that counted it.
    CountedIn { digest: SubmissionDigest, sequence: u64 },
}

impl ShardStandings {
    /// Behind the genesis records, with nothing of this gateway.
    pub(crate) fn new() -> Self {
        Self {
            end: FIRST_POSITION,
            steps: VecDeque::new(),
            first_step: 0,
            own: BTreeMap::new(),
            offsets: BTreeMap::new(),
            uncounted: BTreeSet::new(),
            waiting: VecDeque::new(),
            newest: None,
        }
    }

    /// A submission of this gateway lies at this offset, which no outcomes cover yet. A later copy of one is left out: the
    /// first has the standing.
    pub(crate) fn locate(&mut self, offset: u64, digest: SubmissionDigest) {
        if !self.offsets.contains_key(&digest) {
            self.insert(offset, Own { digest, counted: Vec::new(), last: None });
        }
    }

    /// Where a submission lies.
    pub(crate) fn offset_of(&self, digest: &SubmissionDigest) -> Option<u64> {
        self.offsets.get(digest).copied()
    }

    /// This gateway's submission at an offset.
    pub(crate) fn digest_at(&self, offset: u64) -> Option<SubmissionDigest> {
        self.own.get(&offset).map(|own| own.digest)
    }

    /// The next step of the chain, whole.
    pub(crate) fn apply(&mut self, body: &OutcomesBody) -> Vec<News> {
        let step = self.step_to(body.to);
        let listed: BTreeMap<u64, &SubmissionOutcome> =
            body.outcomes.iter().map(|outcome| (outcome.offset, outcome)).collect();
        let covered = body.from.next_offset..body.to.next_offset;
        let touched: BTreeSet<u64> = listed
            .keys()
            .copied()
            .filter(|offset| self.own.contains_key(offset))
            .chain(self.own.range(covered).map(|(offset, _)| *offset))
            .collect();
        let mut news = Vec::new();
        for offset in touched {
            let word = match listed.get(&offset) {
                Some(outcome) => Word {
                    outcome: outcome.outcome,
                    rules: outcome.rules.clone(),
                    at: body.to,
                    duplicate_of: outcome.duplicate_of,
                },
                None => Word { outcome: Outcome::Counted, rules: Vec::new(), at: body.to, duplicate_of: None },
            };
            news.extend(self.stands(offset, step, word));
        }
        self.settle_waiting(&mut news);
        news
    }

    /// A publication names a pair; publications come in their order.
    pub(crate) fn publication(&mut self, named: Named) -> Vec<News> {
        let mut news = Vec::new();
        if self.waiting.back().is_some_and(|last| last.pair == named.pair) {
            // It adds nothing to the one before it.
            return news;
        }
        if self.waiting.is_empty() && self.end.covers(&named.pair) {
            self.settle(named, &mut news);
            return news;
        }
        self.waiting.push_back(named);
        if self.waiting.len() > MAX_WAITING_PUBLICATIONS {
            self.waiting.pop_front();
        }
        news
    }

    /// Takes over submissions that were found to lie at earlier offsets, from standings that have folded the same chain to
    /// the same end.
    pub(crate) fn adopt(&mut self, earlier: Self) -> Vec<News> {
        let mut news = Vec::new();
        for (offset, own) in earlier.own {
            if let Some(later) = self.offsets.remove(&own.digest) {
                self.own.remove(&later);
                self.uncounted.remove(&later);
            }
            let digest = own.digest;
            if let Some(word) = own.last.clone() {
                self.uncounted.insert(offset);
                news.push(News::Stands { digest, offset, word });
            }
            self.insert(offset, own);
        }
        if let Some(newest) = self.newest {
            self.settle(newest, &mut news);
        }
        news
    }

    fn insert(&mut self, offset: u64, own: Own) {
        self.offsets.insert(own.digest, offset);
        self.own.insert(offset, own);
    }

    fn stands(&mut self, offset: u64, step: u64, word: Word) -> Option<News> {
        let own = self.own.get_mut(&offset)?;
        let first = own.last.replace(word.clone()).is_none();
        if first {
            self.uncounted.insert(offset);
        }
        if self.uncounted.contains(&offset) {
            let counted = word.outcome == Outcome::Counted;
            if own.counted.last().is_none_or(|(_, last)| *last != counted) {
                own.counted.push((step, counted));
            }
        }
        Some(News::Stands { digest: own.digest, offset, word })
    }

    /// The number of the step that leads to `pair`.
    fn step_to(&mut self, pair: PositionPair) -> u64 {
        if self.end != pair || self.steps.is_empty() {
            self.steps.push_back(pair);
        }
        self.end = pair;
        if self.steps.len() > MAX_STEPS {
            self.steps.pop_front();
            self.first_step += 1;
        }
        self.first_step + self.steps.len() as u64 - 1
    }

    fn settle_waiting(&mut self, news: &mut Vec<News>) {
        while let Some(named) = self.waiting.front().copied().filter(|named| self.end.covers(&named.pair)) {
            self.waiting.pop_front();
            self.settle(named, news);
        }
    }

    /// Names the publication in the receipts of all that were counted at its pair. A pair that the chain did not go through
    /// says nothing certain: then a later publication will.
    fn settle(&mut self, named: Named, news: &mut Vec<News>) {
        let order = |pair: &PositionPair| (pair.next_offset, pair.control_next_offset);
        let Ok(place) = self.steps.binary_search_by_key(&order(&named.pair), order) else { return };
        let step = self.first_step + place as u64;
        let counted: Vec<u64> = self
            .uncounted
            .range(..named.pair.next_offset)
            .copied()
            .filter(|offset| self.own.get(offset).is_some_and(|own| own.counted_at(step)))
            .collect();
        for offset in counted {
            self.uncounted.remove(&offset);
            if let Some(own) = self.own.get_mut(&offset) {
                own.counted = Vec::new();
                news.push(News::CountedIn { digest: own.digest, sequence: named.sequence });
            }
        }
        // No later publication names an earlier pair.
        self.steps.drain(..place);
        self.first_step = step;
        self.newest = Some(named);
    }
}

impl Own {
    fn counted_at(&self, step: u64) -> bool {
        self.counted.iter().rev().find(|(from, _)| *from <= step).is_some_and(|(_, counted)| *counted)
    }
}

#[cfg(test)]
mod tests;
