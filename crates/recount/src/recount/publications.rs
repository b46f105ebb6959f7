//! Publications in their order, each compared with the merge of what the folds come to at its vector.

use super::{
    claims::PublicationClaim,
    differences::{Differences, Found},
    explain::{self, Explained},
    path::Paths,
    source::Source,
    walk::Walk,
};
use crate::{
    export_format::{ExportReadError, Topic},
    report::{Counts, Subject},
};
use hattama_election::ids::ShardId;
use hattama_tally::{ControlFold, ControlState, FIRST_POSITION, PositionPair, PublicationBody, TallyBody, merge};
use hattama_wire::{decode_publication, encode_publication, publication_digest};
use std::{collections::BTreeMap, thread};

/// The most publications whose difference is explained: each reads the file again, and most follow from the first.
const MAX_EXPLAINED: u64 = 20;

/// Makes every pair that a publication names a stop. Answers how many have none.
pub(crate) fn add_stops(publications: &[PublicationClaim], paths: &mut BTreeMap<ShardId, Paths>) -> u64 {
    let mut unreachable = 0;
    for claim in publications {
        for entry in &claim.vector {
            match paths.entry(entry.shard).or_default().stop(entry.position) {
                Some(stop) => drop(stop.publication.get_or_insert(claim.place)),
                None => unreachable += 1,
            }
        }
    }
    unreachable
}

/// Compares publications while the walks go forward.
pub(crate) struct Merger<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) control: &'a ControlFold,
    /// Control's tallies at the positions that publications name.
    pub(crate) control_tallies: &'a BTreeMap<u64, TallyBody>,
    pub(crate) threads: usize,
    /// Publications that leave out shards at the first position.
    pub(crate) left_out_silent: u64,
    tallies: BTreeMap<ShardId, TallyBody>,
    explained: u64,
}

impl<'a> Merger<'a> {
    pub(crate) fn new(
        source: &'a Source<'a>,
        control: &'a ControlFold,
        control_tallies: &'a BTreeMap<u64, TallyBody>,
        threads: usize,
    ) -> Self {
        Self { source, control, control_tallies, threads, left_out_silent: 0, tallies: BTreeMap::new(), explained: 0 }
    }

    /// Moves every walk that a publication names to its pair, and compares.
    pub(crate) fn compare(
        &mut self,
        claim: &PublicationClaim,
        walks: &mut [Walk<'a>],
        differences: &mut Differences,
        counts: &mut Counts,
    ) -> Result<(), ExportReadError> {
        let pairs: BTreeMap<ShardId, PositionPair> =
            claim.vector.iter().map(|entry| (entry.shard, entry.position)).collect();
        let moved = |walk: &Walk<'a>| pairs.get(&walk.shard).filter(|pair| walk.leads_to(**pair)).copied();
        advance_all(walks, self.control, self.threads, &moved)?;
        for walk in walks.iter() {
            let shard = walk.shard;
            let at = |tally: &TallyBody| pairs.get(&shard) == Some(&tally.position);
            if let Some(tally) = walk.published.as_ref().filter(|tally| at(tally))
                && self.tallies.get(&shard).is_none_or(|before| before.position != tally.position)
            {
                self.tallies.insert(shard, tally.clone());
            }
        }
        if let Some(tally) = pairs.get(&ShardId::CONTROL).and_then(|pair| self.control_tallies.get(&pair.next_offset)) {
            self.tallies.insert(ShardId::CONTROL, tally.clone());
        }
        let control = self.control.state_at(claim.control_next_offset);
        let is_complete =
            pairs.iter().all(|(shard, pair)| self.tallies.get(shard).is_some_and(|tally| tally.position == *pair));
        let Some(control) = control.filter(|_| is_complete) else {
            counts.not_compared += 1;
            differences.add(self.found(claim, "its vector names positions that the export does not reach".into()));
            return Ok(());
        };
        counts.publications_compared += 1;
        self.compare_at(claim, &control, differences)
    }

    fn compare_at(
        &mut self,
        claim: &PublicationClaim,
        control: &ControlState,
        differences: &mut Differences,
    ) -> Result<(), ExportReadError> {
        let expected = match self.merged(&self.tallies, claim, control) {
            Ok(expected) => expected,
            Err(broken) => {
                differences.add(self.found(claim, broken));
                return Ok(());
            }
        };
        let is_claimed = |body: &PublicationBody| {
            publication_digest(&encode_publication(&self.source.definition, body)) == claim.digest
        };
        if is_claimed(&expected) {
            return Ok(());
        }
        if self.without_silent(claim, control).as_ref().is_some_and(is_claimed) {
            self.left_out_silent += 1;
            return Ok(());
        }
        self.explained += 1;
        if self.explained > MAX_EXPLAINED {
            differences.leave_out();
            return Ok(());
        }
        let Explained { what, expected, found } = self.explain(claim, &expected)?;
        differences.add(self.found(claim, what).between(expected, found));
        Ok(())
    }

    fn merged(
        &self,
        tallies: &BTreeMap<ShardId, TallyBody>,
        claim: &PublicationClaim,
        control: &ControlState,
    ) -> Result<PublicationBody, String> {
        let definition = &self.source.definition;
        let nation = merge(definition, tallies).map_err(|broken| format!("a defect of this software: {broken}"))?;
        Ok(nation.publication(definition, self.source.generation, control, claim.sequence, claim.previous))
    }

    /// The same publication without the shards that stand at the first position: whether they have told their empty tally
    /// or nothing yet, the vector is the same, but the stations that are awaited are not.
    fn without_silent(&self, claim: &PublicationClaim, control: &ControlState) -> Option<PublicationBody> {
        let mut tallies = self.tallies.clone();
        tallies.retain(|_, tally| tally.position != FIRST_POSITION);
        (tallies.len() < self.tallies.len()).then(|| self.merged(&tallies, claim, control).ok()).flatten()
    }

    fn explain(&self, claim: &PublicationClaim, expected: &PublicationBody) -> Result<Explained, ExportReadError> {
        let source = self.source;
        let value = source.export.record(Topic::Publications, 0, claim.place.record)?;
        let theirs = value
            .and_then(|value| source.open(Topic::Publications, &value).ok())
            .and_then(|opened| decode_publication(&source.definition, &opened.body).ok());
        Ok(match theirs {
            Some(theirs) => explain::publication(&source.definition, expected, &theirs),
            None => explain::unread(),
        })
    }

    fn found(&self, claim: &PublicationClaim, what: String) -> Found {
        let what = format!("publication {}: {what}", claim.sequence);
        Found::new(Subject::Publication, Topic::Publications.file(0), what).at(0, claim.place.record, claim.place.byte)
    }
}

/// Moves walks to where `target` says, in as many threads.
fn advance_all<'a>(
    walks: &mut [Walk<'a>],
    control: &ControlFold,
    threads: usize,
    target: &(dyn Fn(&Walk<'a>) -> Option<PositionPair> + Sync),
) -> Result<(), ExportReadError> {
    for_each_walk(walks, threads, &|walk| match target(walk) {
        Some(pair) => walk.advance(Some(pair), Some(control)),
        None => Ok(()),
    })
}

/// Runs `work` on every walk, spread over threads; the first error is told.
pub(crate) fn for_each_walk<'a>(
    walks: &mut [Walk<'a>],
    threads: usize,
    work: &(dyn Fn(&mut Walk<'a>) -> Result<(), ExportReadError> + Sync),
) -> Result<(), ExportReadError> {
    let share = walks.len().div_ceil(threads.max(1)).max(1);
    if walks.len() <= share {
        return walks.iter_mut().try_for_each(work);
    }
    thread::scope(|scope| {
        let running: Vec<_> =
            walks.chunks_mut(share).map(|walks| scope.spawn(move || walks.iter_mut().try_for_each(work))).collect();
        let mut result = Ok(());
        for handle in running {
            match handle.join() {
                Ok(ended) => result = result.and(ended),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}
