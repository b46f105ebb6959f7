//! What owners claim of outcomes: the chain of their steps, each of one record or several.

use super::{
    claims::{Opened, open, text},
    differences::{Differences, Found},
    path::Paths,
    source::{Place, Source},
};
use crate::{
    export_format::{ExportReadError, Topic},
    report::{Counts, Subject},
};
use hattama_election::{digest::sha256, ids::ShardId};
use hattama_tally::{OutcomeChain, OutcomesBody, Part, PassedOver, PositionPair, Read, UnfinishedStep};
use hattama_wire::{decode_outcomes, encode_outcomes};
use std::collections::BTreeMap;

const TOPIC: Topic = Topic::Outcomes;

/// A step of a shard's outcomes.
#[derive(Debug)]
pub(crate) struct OutcomesClaim {
    /// Of the records that it was written as.
    pub(crate) places: Vec<Place>,
    pub(crate) from: PositionPair,
    /// SHA-256 over the body of the whole step.
    pub(crate) digest: [u8; 32],
}

impl OutcomesClaim {
    /// How many records there are.
    pub(crate) fn records(&self) -> u64 {
        self.places.len() as u64
    }
}

/// Reads a shard's outcomes: the steps of the chain become stops of the first way. Answers the steps at its end that are not
/// whole.
pub(crate) fn read_outcomes(
    source: &Source<'_>,
    shard: ShardId,
    paths: &mut Paths,
    differences: &mut Differences,
    counts: &mut Counts,
) -> Result<Vec<UnfinishedStep>, ExportReadError> {
    let mut reading = Reading::new(source, shard);
    source.read_through(TOPIC, shard.0, differences, counts, |place, value, differences, counts| {
        let decode = |bytes: &[u8]| decode_outcomes(&source.definition, bytes).map_err(|error| error.to_string());
        let of = |body: &OutcomesBody| (body.generation.0, Some(body.shard));
        let opened = open(source, (TOPIC, shard.0), place, value, decode, of, differences, counts);
        if let Some(Opened { body, .. }) = opened {
            reading.take(place, body, paths, differences, counts);
        }
    })?;
    reading.end(differences);
    Ok(reading.chain.unfinished().collect())
}

/// A step at the end of the outcomes that is not whole, although a tally stands where it leads to: its owner wrote that when
/// the last part was acknowledged.
pub(crate) fn missing_at_the_end(shard: ShardId, step: UnfinishedStep) -> Found {
    let UnfinishedStep { to, read } = step;
    let what = format!("{} at its end, and a tally stands there", missing_part(read.number() + 1, read, to));
    let found = Found::new(Subject::Outcomes, TOPIC.file(shard.0), what).of_partition(shard.0);
    found.between(part_text(read.number() + 1, read), "the end of the file")
}

/// A file of outcomes on its way.
struct Reading {
    shard: ShardId,
    chain: OutcomeChain,
    /// Where the parts lie of steps that are not whole, by where they lead to and in how many parts.
    places: BTreeMap<StepKey, Vec<Place>>,
    /// The first part since the head whose predecessor was not read.
    gap: Option<Gap>,
    is_broken: bool,
}

type StepKey = (u64, u64, u32);

struct Gap {
    place: Place,
    to: PositionPair,
    expected: u32,
    found: Part,
}

impl Reading {
    fn new(source: &Source<'_>, shard: ShardId) -> Self {
        let chain = OutcomeChain::new(source.generation, shard);
        Self { shard, chain, places: BTreeMap::new(), gap: None, is_broken: false }
    }

    fn take(
        &mut self,
        place: Place,
        body: OutcomesBody,
        paths: &mut Paths,
        differences: &mut Differences,
        counts: &mut Counts,
    ) {
        if self.is_broken {
            counts.not_compared += 1;
            return;
        }
        let head = self.chain.head();
        let (from, to, part) = (body.from, body.to, body.part);
        match self.chain.read(body) {
            Read::Part => self.keep(place, to, part, counts),
            Read::Step(step) => {
                self.note(place, to, part);
                let places = self.places.remove(&key(to, part)).unwrap_or_default();
                self.claim(&step, places, paths, counts);
            }
            Read::PassedOver(PassedOver::Second | PassedOver::Again) => counts.lost_races += 1,
            Read::PassedOver(PassedOver::Ahead) => {
                self.is_broken = true;
                differences.add(self.hole_before(place, from));
            }
            Read::PassedOver(PassedOver::Nowhere) => {
                let found = self.found(place, PassedOver::Nowhere.to_string());
                differences.add(found.between(format!("beyond {}", text(head)), text(to)));
            }
            Read::PassedOver(PassedOver::OutOfOrder { expected }) => {
                // A rival's remainder, unless the chain does not go on without it.
                counts.lost_races += 1;
                self.gap.get_or_insert(Gap { place, to, expected, found: part });
            }
            Read::PassedOver(why @ (PassedOver::Contradicts | PassedOver::Foreign)) => {
                let what = format!("{why}: equal positions have equal bytes");
                differences
                    .add(self.found(place, what).between("the same part as before", part_text(part.number(), part)));
            }
        }
    }

    /// Notes where a part lies, and forgets with the chain what later steps have made room of.
    fn keep(&mut self, place: Place, to: PositionPair, part: Part, counts: &mut Counts) {
        self.note(place, to, part);
        let open: Vec<StepKey> = self.chain.unfinished().map(|step| key(step.to, step.read)).collect();
        self.places.retain(|key, places| {
            let is_open = open.contains(key);
            counts.lost_races += if is_open { 0 } else { places.len() as u64 };
            is_open
        });
    }

    fn note(&mut self, place: Place, to: PositionPair, part: Part) {
        let places = self.places.entry(key(to, part)).or_default();
        // A first part that says something else begins the step anew.
        places.truncate(part.number() as usize - 1);
        places.push(place);
    }

    /// A step that is whole leaves the parts of its rivals behind.
    fn claim(&mut self, step: &OutcomesBody, places: Vec<Place>, paths: &mut Paths, counts: &mut Counts) {
        let rivals = std::mem::take(&mut self.places);
        counts.lost_races += rivals.into_values().map(|places| places.len() as u64).sum::<u64>();
        self.gap = None;
        let digest = sha256(&encode_outcomes(step));
        match paths.stop(step.to) {
            Some(stop) => stop.outcomes = Some(OutcomesClaim { places, from: step.from, digest }),
            None => counts.not_compared += places.len() as u64,
        }
    }

    /// A record starts where the chain has not come to.
    fn hole_before(&self, place: Place, from: PositionPair) -> Found {
        if let Some(gap) = &self.gap {
            return self.gap_found(gap);
        }
        if let Some(UnfinishedStep { to, read }) = self.chain.unfinished().find(|step| step.to == from) {
            let what = missing_part(read.number() + 1, read, to);
            return self.found(place, format!("{what} before it")).between(text(self.chain.head()), text(from));
        }
        let what = "it does not start where the last valid one ends: a record between them is missing or out of order";
        self.found(place, what).between(text(self.chain.head()), text(from))
    }

    fn gap_found(&self, gap: &Gap) -> Found {
        let what = missing_part(gap.expected, gap.found, gap.to);
        let found = self.found(gap.place, format!("{what} or out of order before it"));
        found.between(part_text(gap.expected, gap.found), part_text(gap.found.number(), gap.found))
    }

    fn end(&self, differences: &mut Differences) {
        if let Some(gap) = self.gap.as_ref().filter(|_| !self.is_broken) {
            differences.add(self.gap_found(gap));
        }
    }

    fn found(&self, place: Place, what: impl Into<String>) -> Found {
        Found::new(Subject::Outcomes, TOPIC.file(self.shard.0), what).at(self.shard.0, place.record, place.byte)
    }
}

fn key(to: PositionPair, part: Part) -> StepKey {
    (to.next_offset, to.control_next_offset, part.of())
}

fn missing_part(number: u32, part: Part, to: PositionPair) -> String {
    format!("{} of the outcomes up to {} is missing", part_text(number, part), text(to))
}

fn part_text(number: u32, part: Part) -> String {
    format!("part {number} of {}", part.of())
}
