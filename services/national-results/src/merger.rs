//! What the national service knows and what it would publish next: tallies and publications in, drafts and snapshots out.
//! Pure: the shell reads the log, appends the drafts and hands out the snapshots.

use crate::{
    chain::{Chain, NotNext},
    metrics,
    nation::{Snapshot, guarded, merged, without_figures},
    records::{LoggedPublication, LoggedTally},
    tallies::{ShardTallies, Verdict},
};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::PublicationDigest, ids::ShardId};
use hattama_tally::{
    ControlState, FIRST_POSITION, Generation, InvariantBroken, MAX_PUBLICATION_BYTES, Nation, PositionPair,
    PublicationBody, TallyBody, check_publication,
};
use hattama_wire::{Genesis, encode_publication, publication_digest};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

/// Finds the control state at a position, when the fold has reached it.
pub(crate) type ControlAt<'a> = &'a dyn Fn(u64) -> Option<Arc<ControlState>>;

/// A publication to append.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Its number, should it be the next valid one.
    pub sequence: u64,
    /// Canonical bytes of its body.
    pub bytes: Bytes,
}

/// The nation as one replica sees it.
#[derive(Debug)]
pub(crate) struct Merger {
    definition: Arc<Definition>,
    generation: Generation,
    shards: BTreeMap<ShardId, ShardTallies>,
    /// A tally was read: before that and before the first record of control there is nothing to publish.
    heard: bool,
    chain: Chain,
    /// Valid publications whose tallies or control state have not all been read yet, at most `limit`.
    waiting: VecDeque<Arc<LoggedPublication>>,
    limit: usize,
    /// The highest number of those that wait no more; 0 before the first.
    passed: u64,
    drafted: Option<(PublicationDigest, Arc<Nation>)>,
    stopped: Option<String>,
}

impl Merger {
    /// Nothing read yet. `initial` are the tallies of all shards without any record: what a shard that has told nothing
    /// stands with, so that a vector alone decides what a publication says. At most `limit` publications wait.
    pub(crate) fn new(definition: Arc<Definition>, genesis: &Genesis, initial: Vec<TallyBody>, limit: usize) -> Self {
        let shards = initial
            .into_iter()
            .map(|body| (body.shard, ShardTallies::new(LoggedTally::own(&definition, body))))
            .collect();
        Self {
            generation: genesis.generation,
            chain: Chain::new(genesis),
            shards,
            heard: false,
            waiting: VecDeque::new(),
            limit,
            passed: 0,
            drafted: None,
            stopped: None,
            definition,
        }
    }

    /// All shards, control too.
    pub(crate) fn shards(&self) -> &BTreeMap<ShardId, ShardTallies> {
        &self.shards
    }

    /// Why nothing is published any more; none while it goes on.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// The last valid publication that was read; its figures may follow.
    pub(crate) fn tip(&self) -> Option<&Arc<LoggedPublication>> {
        self.chain.tip()
    }

    /// True when a valid publication of this number or a later one is shown, or was found to be none that can be.
    pub(crate) fn has_passed(&self, sequence: u64) -> bool {
        self.passed >= sequence
    }

    /// Stops publishing for good; reading goes on (design, D12). The first reason is kept.
    pub(crate) fn stop(&mut self, why: String) {
        if self.stopped.is_none() {
            tracing::error!(
                why,
                "publishing stops, reading goes on: compare this replica with another one and with a recount of the \
                 log, replace what is wrong, then start the service again"
            );
            self.stopped = Some(why);
        }
    }

    /// Takes the next tally of a shard.
    pub(crate) fn take_tally(&mut self, shard: ShardId, tally: LoggedTally) -> Option<Verdict> {
        self.heard = true;
        let (last, waiting) = (self.last_position(shard), &self.waiting);
        let tallies = self.shards.get_mut(&shard)?;
        Some(tallies.take(tally, last, |position| is_named(waiting, shard, position)))
    }

    /// The replica's own fold comes to the same as a tally.
    pub(crate) fn confirm(&mut self, shard: ShardId, tally: Arc<LoggedTally>) {
        if let Some(shard) = self.shards.get_mut(&shard) {
            shard.confirm(tally);
        }
    }

    /// Stops a shard for good, the others go on.
    pub(crate) fn freeze(&mut self, shard: ShardId, why: String) {
        let last = self.last_position(shard);
        if let Some(shard) = self.shards.get_mut(&shard) {
            shard.freeze(why, last);
        }
    }

    /// Takes the next publication of the log that a national service signed.
    ///
    /// # Errors
    /// When it is not the next valid one.
    pub(crate) fn take_publication(
        &mut self,
        publication: LoggedPublication,
    ) -> Result<Arc<LoggedPublication>, NotNext> {
        let publication = self.chain.take(publication)?;
        self.waiting.push_back(Arc::clone(&publication));
        if self.waiting.len() > self.limit {
            self.waiting.pop_front();
        }
        Ok(publication)
    }

    /// The next publication to show, once all that it stands on has been read. Ask again until there is none.
    pub(crate) fn next_snapshot(&mut self, control_at: ControlAt<'_>) -> Option<Snapshot> {
        let publication = self.next_complete(control_at)?;
        self.passed = publication.body.sequence;
        let control = control_at(publication.body.control_next_offset)?;
        let nation = self.nation_of(&publication, &control);
        for entry in &publication.body.vector {
            let waiting = &self.waiting;
            if let Some(shard) = self.shards.get_mut(&entry.shard) {
                shard.publish(entry.position, |position| is_named(waiting, entry.shard, position));
            }
        }
        match nation {
            Ok(nation) => Some(Snapshot { publication, nation, control }),
            Err(broken) => {
                self.stop(format!("publication {}: {}", publication.body.sequence, without_figures(&broken)));
                None
            }
        }
    }

    /// What to publish next: none when nothing has moved, something is still to be read, or publishing has stopped.
    pub(crate) fn draft(&mut self, control: &Arc<ControlState>) -> Option<Draft> {
        if self.stopped.is_some() || !self.has_moved(control) {
            return None;
        }
        match self.draft_checked(control) {
            Ok(draft) => Some(draft),
            Err(broken) => {
                self.stop(without_figures(&broken));
                None
            }
        }
    }

    /// Where the last valid publication stands with a shard.
    fn last_position(&self, shard: ShardId) -> PositionPair {
        self.chain.tip().and_then(|tip| position_of(&tip.body, shard)).unwrap_or(FIRST_POSITION)
    }

    /// The first waiting publication of which everything has been read. When a tally of it was never read, the newest
    /// stands for all before it.
    fn next_complete(&mut self, control_at: ControlAt<'_>) -> Option<Arc<LoggedPublication>> {
        let is_complete = |publication: &LoggedPublication| {
            control_at(publication.body.control_next_offset).is_some() && self.tallies_of(&publication.body).is_some()
        };
        if self.waiting.front().is_some_and(|first| is_complete(first)) {
            return self.waiting.pop_front();
        }
        if self.waiting.back().is_some_and(|last| is_complete(last)) {
            return self.waiting.drain(..).next_back();
        }
        None
    }

    fn tallies_of(&self, body: &PublicationBody) -> Option<Vec<&Arc<LoggedTally>>> {
        body.vector.iter().map(|entry| self.shards.get(&entry.shard)?.at(entry.position)).collect()
    }

    /// The nation that a publication stands on, from the tallies at its vector. Its figures must be theirs, whoever wrote it.
    fn nation_of(
        &mut self,
        publication: &LoggedPublication,
        control: &ControlState,
    ) -> Result<Arc<Nation>, InvariantBroken> {
        if let Some((_, nation)) = self.drafted.take().filter(|(digest, _)| *digest == publication.digest) {
            return Ok(nation);
        }
        let body = &publication.body;
        let tallies = bodies(self.tallies_of(body).unwrap_or_default());
        guarded(|| {
            let nation = merged(&self.definition, &tallies)?;
            let again = nation.publication(&self.definition, self.generation, control, body.sequence, body.previous);
            if again != *body {
                let what = "its figures are not those of the tallies at its vector".to_owned();
                return Err(InvariantBroken { id: "nation", what });
            }
            Ok(Arc::new(nation))
        })
    }

    /// True when the newest tallies and control make a vector beyond the last one, and control has reached every tally.
    fn has_moved(&self, control: &ControlState) -> bool {
        let reached = control.next_offset();
        let positions = || self.shards.values().map(|shard| shard.newest().body.position);
        if positions().any(|position| position.control_next_offset > reached) {
            return false;
        }
        let Some(tip) = self.chain.tip() else {
            return self.heard || reached > FIRST_POSITION.control_next_offset;
        };
        let covered = positions().zip(&tip.body.vector).all(|(new, old)| new.covers(&old.position));
        let moved = positions().zip(&tip.body.vector).any(|(new, old)| new != old.position);
        covered && reached >= tip.body.control_next_offset && (moved || reached > tip.body.control_next_offset)
    }

    fn draft_checked(&mut self, control: &ControlState) -> Result<Draft, InvariantBroken> {
        let started = Instant::now();
        let sequence = self.chain.next_sequence();
        let tallies = bodies(self.shards.values().map(ShardTallies::newest));
        let (nation, bytes) = guarded(|| {
            let nation = merged(&self.definition, &tallies)?;
            let body = nation.publication(&self.definition, self.generation, control, sequence, self.chain.previous());
            check_publication(&body, self.chain.tip().map(|tip| &tip.body), &nation)?;
            let bytes = encode_publication(&self.definition, &body);
            if bytes.len() > MAX_PUBLICATION_BYTES {
                let what = format!("{} bytes, at most {MAX_PUBLICATION_BYTES} are possible", bytes.len());
                return Err(InvariantBroken { id: "size", what });
            }
            Ok((Arc::new(nation), bytes))
        })?;
        ::metrics::histogram!(metrics::MERGE_SECONDS).record(started.elapsed());
        self.drafted = Some((publication_digest(&bytes), nation));
        Ok(Draft { sequence, bytes })
    }
}

fn bodies<'a>(tallies: impl IntoIterator<Item = &'a Arc<LoggedTally>>) -> BTreeMap<ShardId, TallyBody> {
    tallies.into_iter().map(|tally| (tally.body.shard, tally.body.clone())).collect()
}

fn position_of(body: &PublicationBody, shard: ShardId) -> Option<PositionPair> {
    body.vector.iter().find(|entry| entry.shard == shard).map(|entry| entry.position)
}

/// True when a publication that waits names a tally at this position.
fn is_named(waiting: &VecDeque<Arc<LoggedPublication>>, shard: ShardId, position: PositionPair) -> bool {
    waiting.iter().any(|publication| position_of(&publication.body, shard) == Some(position))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::{definition::sample, digest::ChainDigest};
    use hattama_tally::{ControlFold, FiguresDetail, ShardFold};

    const GENERATION: Generation = Generation(1);
    const SHARD: ShardId = ShardId(1);

    struct Rig {
        definition: Arc<Definition>,
        control: Arc<ControlState>,
        merger: Merger,
    }

    /// A rig and a shard's tally at any position: the figures are those of no record.
    fn rig() -> Rig {
        let definition = Arc::new(sample::definition());
        let control_fold = ControlFold::new(Arc::clone(&definition), GENERATION, b"genesis");
        let control = Arc::clone(control_fold.state());
        let shards = (1..definition.shards).map(|shard| {
            let state = Arc::clone(&control);
            ShardFold::new(Arc::clone(&definition), GENERATION, ShardId(shard), b"genesis", state).tally()
        });
        let initial = std::iter::once(control_fold.tally()).chain(shards).collect();
        let genesis = Genesis::first(&definition, GENERATION);
        Rig { merger: Merger::new(Arc::clone(&definition), &genesis, initial, 1_000), control, definition }
    }

    impl Rig {
        fn tally(&self, next_offset: u64) -> LoggedTally {
            let mut body = self.merger.shards()[&SHARD].newest().body.clone();
            body.position.next_offset = next_offset;
            body.records.records = next_offset - 1;
            body.records.by_outcome = [next_offset - 1, 0, 0, 0, 0, 0, 0];
            body.chain = ChainDigest([next_offset.to_le_bytes()[0]; 32]);
            LoggedTally::own(&self.definition, body)
        }

        fn snapshot(&mut self) -> Option<Snapshot> {
            let control = Arc::clone(&self.control);
            self.merger.next_snapshot(&|next_offset| (next_offset == 1).then(|| Arc::clone(&control)))
        }

        /// A publication that another replica made of its own tallies.
        fn of_another(&self, other: &mut Self) -> LoggedPublication {
            let draft = other.merger.draft(&self.control).unwrap();
            let body = hattama_wire::decode_publication(&self.definition, &draft.bytes).unwrap();
            LoggedPublication { body, digest: publication_digest(&draft.bytes), written_at_milliseconds: 7 }
        }
    }

    #[test]
    fn a_publication_is_shown_once_its_tallies_are_read() {
        let (mut here, mut there) = (rig(), rig());
        there.merger.take_tally(SHARD, there.tally(5));
        let publication = here.of_another(&mut there);
        here.merger.take_publication(publication.clone()).unwrap();
        assert!(here.snapshot().is_none() && !here.merger.has_passed(1));
        here.merger.take_tally(SHARD, here.tally(5));
        assert_eq!(*here.snapshot().unwrap().publication, publication);
        assert!(here.merger.has_passed(1) && !here.merger.has_passed(2));
        assert!(here.merger.draft(&here.control).is_none(), "nothing has moved beyond it");
    }

    #[test]
    fn of_publications_whose_tally_was_never_read_the_newest_stands_for_all() {
        let (mut here, mut there) = (rig(), rig());
        for next_offset in [5, 6, 7] {
            there.merger.take_tally(SHARD, there.tally(next_offset));
            let publication = here.of_another(&mut there);
            there.merger.take_publication(publication.clone()).unwrap();
            here.merger.take_publication(publication).unwrap();
        }
        here.merger.take_tally(SHARD, here.tally(6));
        assert!(here.snapshot().is_none());
        here.merger.take_tally(SHARD, here.tally(7));
        assert_eq!(here.snapshot().unwrap().publication.body.sequence, 3);
        assert!(here.snapshot().is_none() && here.merger.has_passed(3));
        assert_eq!(here.merger.stopped(), None);
    }

    #[test]
    fn a_publication_with_other_figures_than_its_tallies_stops_publishing_and_is_not_shown() {
        let (mut here, mut there) = (rig(), rig());
        there.merger.take_tally(SHARD, there.tally(5));
        let mut publication = here.of_another(&mut there);
        let FiguresDetail::List { votes, .. } = &mut publication.body.contests[0].detail else { panic!() };
        votes[0] += 1;
        here.merger.take_publication(publication).unwrap();
        here.merger.take_tally(SHARD, here.tally(5));
        assert!(here.snapshot().is_none());
        assert!(here.merger.stopped().unwrap().contains("publication 1"), "{:?}", here.merger.stopped());
        here.merger.take_tally(SHARD, here.tally(6));
        assert!(here.merger.draft(&here.control).is_none());
    }

    #[test]
    fn a_broken_sum_stops_publishing_and_its_reason_shows_no_votes() {
        let mut here = rig();
        let mut tally = here.tally(5);
        tally.body.contests[0].units[0].1.votes[0] = 4_242;
        here.merger.take_tally(SHARD, tally);
        assert!(here.merger.draft(&here.control).is_none());
        let why = here.merger.stopped().unwrap();
        assert!(why.contains("conservation") && why.contains("shard 1"), "{why}");
        assert!(!why.contains("4242"), "{why}");
    }

    #[test]
    fn a_tally_ahead_of_control_waits_for_control() {
        let mut here = rig();
        let mut tally = here.tally(5);
        tally.body.position.control_next_offset = 2;
        here.merger.take_tally(SHARD, tally);
        assert!(here.merger.draft(&here.control).is_none());
        assert_eq!(here.merger.stopped(), None);
    }
}
