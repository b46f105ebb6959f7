//! What this gateway's submissions in one shard stand as, from the shard's records, its outcomes and the nation's publications.
//!
//! Outcomes form a chain of steps, each leading from one pair of positions to the next; all of them are kept, and everything
//! that is told is looked up in them. So it makes no difference when a submission came to be known here: what lies before
//! what was read stands as if it had been known from the start. A publication names, for the shard, a pair that the chain
//! went through; a submission is counted in it when its offset lies before the pair and it was counted at that very step.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use hattama_election::digest::SubmissionDigest;
use hattama_tally::{Outcome, OutcomesBody, PositionPair};

use crate::book::Standing;
use crate::limits::MAX_WAITING_PUBLICATIONS;

use self::history::History;

mod history;

/// The offset of the first record behind the genesis.
const FIRST_OFFSET: u64 = 1;

/// The standings of a shard.
#[derive(Debug, Default)]
pub(crate) struct ShardStandings {
    /// The submission digest of each record behind the genesis, in their order: what a duplicate repeats is asked of memory,
    /// not of the log. 32 bytes a record; the nine million of a million stations are 288 MB over all shards.
    records: Vec<SubmissionDigest>,
    /// The chain as far as it is applied.
    history: History,
    /// Steps that wait until the records before their end are read.
    next: VecDeque<OutcomesBody>,
    /// This gateway's submissions by offset, each once.
    own: BTreeMap<u64, Own>,
    offsets: HashMap<SubmissionDigest, u64>,
    /// Offsets that have a standing and no publication yet.
    uncounted: BTreeSet<u64>,
    /// Publications whose pair the chain has not reached, ascending.
    waiting: VecDeque<Named>,
    /// The last one that was settled.
    newest: Option<Named>,
}

/// A publication names a pair of the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) sequence: u64,
    pub(crate) pair: PositionPair,
}

#[derive(Debug, Clone, Copy)]
struct Own {
    digest: SubmissionDigest,
    is_counted: bool,
}

/// What became known of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// The very same signed bytes lie at an earlier offset too, sent by another gateway: there they have their standing.
    LiesAt { digest: SubmissionDigest, offset: u64 },
    /// What it stands as.
    Stands { digest: SubmissionDigest, standing: Standing },
    /// The first publication that counted it.
    CountedIn { digest: SubmissionDigest, sequence: u64 },
}

impl ShardStandings {
    /// The next records of the partition, without a gap: their digests, and whether they are this gateway's. A later copy of
    /// one is left out: the first has the standing.
    pub(crate) fn records(&mut self, batch: impl IntoIterator<Item = (SubmissionDigest, bool)>) -> Vec<News> {
        for (digest, is_own) in batch {
            let offset = self.read_to();
            self.records.push(digest);
            if is_own && !self.offsets.contains_key(&digest) {
                self.insert(offset, Own { digest, is_counted: false });
            }
        }
        self.apply_what_is_ready()
    }

    /// The next step of the chain, whole. It is applied when the records before its end are read.
    pub(crate) fn step(&mut self, body: OutcomesBody) -> Vec<News> {
        self.next.push_back(body);
        self.apply_what_is_ready()
    }

    /// True when steps wait for records.
    pub(crate) fn is_behind(&self) -> bool {
        !self.next.is_empty()
    }

    /// A submission of this gateway was found at an offset, by somebody else than the reader of the records. What is not
    /// read yet is told when it is.
    pub(crate) fn found(&mut self, offset: u64, digest: SubmissionDigest) -> Vec<News> {
        let mut news = Vec::new();
        let is_known = self.offsets.get(&digest).is_some_and(|known| *known <= offset);
        if !is_known && self.digest_at(offset) == Some(digest) {
            let later = self.remove(&digest);
            self.insert(offset, later.unwrap_or(Own { digest, is_counted: false }));
            self.tell(offset, &mut news);
            self.count_in_the_newest(&mut news);
        }
        news
    }

    /// Where a submission of this gateway lies.
    pub(crate) fn offset_of(&self, digest: &SubmissionDigest) -> Option<u64> {
        self.offsets.get(digest).copied()
    }

    /// A publication names a pair; publications come in their order.
    pub(crate) fn publication(&mut self, named: Named) -> Vec<News> {
        let mut news = Vec::new();
        if self.waiting.back().is_some_and(|last| last.pair == named.pair) {
            // It adds nothing to the one before it.
            return news;
        }
        self.waiting.push_back(named);
        self.settle_waiting(&mut news);
        if self.waiting.len() > MAX_WAITING_PUBLICATIONS {
            self.waiting.pop_front();
        }
        news
    }

    /// Behind the last record that was read.
    fn read_to(&self) -> u64 {
        FIRST_OFFSET + self.records.len() as u64
    }

    fn digest_at(&self, offset: u64) -> Option<SubmissionDigest> {
        let place = usize::try_from(offset.checked_sub(FIRST_OFFSET)?).ok()?;
        self.records.get(place).copied()
    }

    fn insert(&mut self, offset: u64, own: Own) {
        self.offsets.insert(own.digest, offset);
        self.own.insert(offset, own);
    }

    fn remove(&mut self, digest: &SubmissionDigest) -> Option<Own> {
        let offset = self.offsets.remove(digest)?;
        self.uncounted.remove(&offset);
        self.own.remove(&offset)
    }

    fn apply_what_is_ready(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        let read = self.read_to();
        while let Some(step) = self.next.pop_front_if(|step| step.to.next_offset <= read) {
            self.apply(step, &mut news);
        }
        news
    }

    fn apply(&mut self, step: OutcomesBody, news: &mut Vec<News>) {
        let listed = step.outcomes.iter().map(|outcome| outcome.offset).filter(|offset| self.own.contains_key(offset));
        let covered = self.own.range(step.from.next_offset..step.to.next_offset).map(|(offset, _)| *offset);
        let touched: BTreeSet<u64> = listed.chain(covered).collect();
        self.history.push(step);
        let mut has_moved = false;
        for offset in touched {
            has_moved |= self.tell(offset, news);
        }
        if has_moved {
            self.count_in_the_newest(news);
        }
        self.settle_waiting(news);
    }

    /// Tells what the submission at an offset stands as. True when its bytes lay earlier already, and it now lies there.
    fn tell(&mut self, mut offset: u64, news: &mut Vec<News>) -> bool {
        let mut has_moved = false;
        loop {
            let Some(own) = self.own.get(&offset).copied() else { return has_moved };
            let Some((outcome, at)) = self.history.word(offset) else { return has_moved };
            let first = outcome.and_then(|outcome| outcome.duplicate_of);
            let repeats = first.and_then(|first| self.digest_at(first));
            if let Some(first) = first.filter(|first| *first < offset && repeats == Some(own.digest)) {
                self.remove(&own.digest);
                self.insert(first, own);
                news.push(News::LiesAt { digest: own.digest, offset: first });
                (offset, has_moved) = (first, true);
                continue;
            }
            let standing = Standing {
                outcome: outcome.map_or(Outcome::Counted, |outcome| outcome.outcome),
                rules: outcome.map(|outcome| outcome.rules.clone()).unwrap_or_default(),
                at,
                duplicate_of: repeats,
            };
            news.push(News::Stands { digest: own.digest, standing });
            if !own.is_counted {
                self.uncounted.insert(offset);
            }
            return has_moved;
        }
    }

    fn settle_waiting(&mut self, news: &mut Vec<News>) {
        let end = self.history.end();
        while let Some(named) = self.waiting.pop_front_if(|named| end.covers(&named.pair)) {
            self.settle(named, news);
        }
    }

    /// Submissions that moved to an earlier offset may be counted by what was published before.
    fn count_in_the_newest(&mut self, news: &mut Vec<News>) {
        if let Some(newest) = self.newest {
            self.settle(newest, news);
        }
    }

    /// Names the publication in the receipts of all that were counted at its pair. A pair that the chain did not go through
    /// says nothing certain: then a later publication will.
    fn settle(&mut self, named: Named, news: &mut Vec<News>) {
        let Some(step) = self.history.step_to(named.pair) else { return };
        let before = self.uncounted.range(..named.pair.next_offset).copied();
        let counted: Vec<u64> = before.filter(|offset| self.history.was_counted(*offset, step)).collect();
        for offset in counted {
            self.uncounted.remove(&offset);
            if let Some(own) = self.own.get_mut(&offset) {
                own.is_counted = true;
                news.push(News::CountedIn { digest: own.digest, sequence: named.sequence });
            }
        }
        self.newest = Some(named);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
