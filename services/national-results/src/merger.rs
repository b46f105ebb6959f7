//! What the national service knows and what it would publish next: tallies and publications in, drafts and snapshots out.
//! Pure: the shell reads the log, appends the drafts and hands out the snapshots.

use crate::{
    chain::{Chain, NotNext},
    metrics,
    records::{LoggedPublication, LoggedTally},
    tallies::{ShardTallies, Verdict},
};
use bytes::Bytes;
use hattama_election::{
    definition::Definition,
    digest::PublicationDigest,
    ids::ShardId,
};
use hattama_tally::{
    ControlState, FIRST_POSITION, Generation, InvariantBroken, MAX_PUBLICATION_BYTES, Nation, PositionPair,
    PublicationBody, TallyBody, check_publication, check_tally, merge,
};
use hattama_wire::{Genesis, encode_publication, publication_digest};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// Publications whose merged nation is at hand at once (design, D15); of older ones only the vector is.
pub const MAX_SNAPSHOTS: usize = 1_000;

/// Finds the control state at a position, when the fold has reached it.
pub(crate) type ControlAt<'a> = &'a dyn Fn(u64) -> Option<Arc<ControlState>>;

/// A valid publication and all that it stands on.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// As it lies in the log.
    pub publication: Arc<LoggedPublication>,
    /// The merge of the tallies at its vector.
    pub nation: Arc<Nation>,
    /// What was in force.
    pub control: Arc<ControlState>,
}

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
    /// Valid publications whose tallies or control state have not all been read yet, at most [`MAX_SNAPSHOTS`].
    waiting: VecDeque<Arc<LoggedPublication>>,
    drafted: Option<(PublicationDigest, Arc<Nation>)>,
    stopped: Option<String>,
}

impl Merger {
    /// Nothing read yet. `initial` are the tallies of all shards without any record: what a shard that has told nothing
    /// stands with, so that a vector alone decides what a publication says.
    pub(crate) fn new(definition: Arc<Definition>, genesis: &Genesis, initial: Vec<TallyBody>) -> Self {
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

    /// True when every valid publication that was read is shown or passed.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.waiting.is_empty()
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
        if self.waiting.len() > MAX_SNAPSHOTS {
            self.waiting.pop_front();
        }
        Ok(publication)
    }

    /// The next publication to show, once all that it stands on has been read. Ask again until there is none.
    pub(crate) fn next_snapshot(&mut self, control_at: ControlAt<'_>) -> Option<Snapshot> {
        let publication = self.next_complete(control_at)?;
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
        let tallies = self.tallies_of(body).unwrap_or_default();
        guarded(|| {
            let nation = merged(&self.definition, tallies.into_iter())?;
            let again =
                nation.publication(&self.definition, self.generation, control, body.sequence, body.previous);
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
        let (nation, bytes) = guarded(|| {
            let nation = merged(&self.definition, self.shards.values().map(ShardTallies::newest))?;
            let body =
                nation.publication(&self.definition, self.generation, control, sequence, self.chain.previous());
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

/// Adds up tallies, each checked by itself.
fn merged<'a>(
    definition: &Definition,
    tallies: impl Iterator<Item = &'a Arc<LoggedTally>>,
) -> Result<Nation, InvariantBroken> {
    let tallies: BTreeMap<ShardId, TallyBody> = tallies.map(|tally| (tally.body.shard, tally.body.clone())).collect();
    for (shard, tally) in &tallies {
        check_tally(tally).map_err(|broken| InvariantBroken { what: format!("shard {shard}: {}", broken.what), ..broken })?;
    }
    merge(definition, &tallies)
}

/// No input may panic a fold (design, D12): a panic is a broken invariant.
fn guarded<T>(arithmetic: impl FnOnce() -> Result<T, InvariantBroken>) -> Result<T, InvariantBroken> {
    catch_unwind(AssertUnwindSafe(arithmetic)).unwrap_or_else(|_| {
        Err(InvariantBroken { id: "panic", what: "the arithmetic panicked; the log line before says where".to_owned() })
    })
}

/// A broken invariant in words that may go into a log line: votes may be under embargo.
fn without_figures(broken: &InvariantBroken) -> String {
    match broken.id {
        "conservation" => {
            let shard = broken.what.split(": ").next().filter(|what| what.starts_with("shard ")).unwrap_or("the nation");
            format!("invariant conservation is broken in {shard}: its regions and territories have different sums")
        }
        _ => broken.to_string(),
    }
}

fn position_of(body: &PublicationBody, shard: ShardId) -> Option<PositionPair> {
    body.vector.iter().find(|entry| entry.shard == shard).map(|entry| entry.position)
}

/// True when a publication that waits names a tally at this position.
fn is_named(waiting: &VecDeque<Arc<LoggedPublication>>, shard: ShardId, position: PositionPair) -> bool {
    waiting.iter().any(|publication| position_of(&publication.body, shard) == Some(position))
}
