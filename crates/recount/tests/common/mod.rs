//! A small night over the sample definition: everything that a log can hold, signed as stations and services sign it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside the test functions")]
#![expect(dead_code, reason = "each test file uses its part")]

pub mod submissions;
pub mod written;

use bytes::Bytes;
use hattama_election::{
    definition::{Definition, DefinitionFiles, KeyRole, core_digest, sample},
    ids::ShardId,
};
use hattama_recount::{
    Options, RecountError, Recounted,
    export_format::{Export, ExportMeta, ExportWriter, Manifest, RecordReader, Topic},
    recount,
};
use hattama_tally::{ControlFold, FIRST_POSITION, FiguresDetail, Generation, PositionPair, ShardFold};
use hattama_wire::{
    Envelope, Genesis, RecordOpener, ServiceContext, SigningKey, decode_publication, decode_tally, encode_genesis,
    encode_publication, encode_tally, open_service, sign_service,
};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};
use written::Written;

pub const GENERATION: Generation = Generation(1);

/// Values by partition, the genesis first.
pub type Partitions = Vec<Vec<Bytes>>;

#[derive(Clone)]
pub struct Night {
    pub definition: Arc<Definition>,
    pub topics: BTreeMap<Topic, Partitions>,
}

/// A generator of small numbers, the same for the same seed.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub fn genesis(definition: &Definition) -> Bytes {
    encode_genesis(&Genesis::first(definition, GENERATION))
}

pub fn service_key(id: &str) -> SigningKey {
    SigningKey::rehearsal(&sample::keys(), KeyRole::Service, id).unwrap()
}

pub fn envelope() -> Envelope {
    Envelope { instance: "test".into(), written_at_milliseconds: 1, build: "0".into(), frozen: None }
}

/// Lets services work on submissions that are all there, in random batches, until everything is published.
pub fn serve(submissions: Partitions, seed: u64) -> Night {
    serve_in_batches(submissions, &mut Chance::new(seed), 4)
}

/// The same, with at most `most` records a batch.
pub fn serve_in_batches(submissions: Partitions, chance: &mut Chance, most: u64) -> Night {
    let mut services = Services::new(Arc::new(sample::definition()), &submissions);
    // Every owner announces itself.
    (0..submissions.len()).for_each(|shard| services.write_tally(shard));
    services.work(submissions, chance, most)
}

/// The same, with owners that say nothing before they have read something.
pub fn serve_unannounced(submissions: Partitions, chance: &mut Chance) -> Night {
    Services::new(Arc::new(sample::definition()), &submissions).work(submissions, chance, 4)
}

struct Services {
    opener: RecordOpener,
    control: ControlFold,
    control_position: PositionPair,
    shards: BTreeMap<usize, ShardFold>,
    positions: BTreeMap<usize, PositionPair>,
    written: Written,
}

impl Services {
    fn new(definition: Arc<Definition>, submissions: &Partitions) -> Self {
        let control = ControlFold::new(Arc::clone(&definition), GENERATION, &submissions[0][0]);
        let shards: BTreeMap<usize, ShardFold> = (1..submissions.len())
            .map(|shard| {
                let id = ShardId(shard as u32);
                let state = Arc::clone(control.state());
                (shard, ShardFold::new(Arc::clone(&definition), GENERATION, id, &submissions[shard][0], state))
            })
            .collect();
        Self {
            opener: RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest },
            control,
            control_position: FIRST_POSITION,
            positions: shards.keys().map(|shard| (*shard, FIRST_POSITION)).collect(),
            shards,
            written: Written::new(&definition),
        }
    }

    /// Works until everything is published.
    fn work(mut self, submissions: Partitions, chance: &mut Chance, most: u64) -> Night {
        while !self.is_done(&submissions) {
            let shard = chance.below(submissions.len() as u64) as usize;
            self.step(shard, &submissions, 1 + chance.below(most), chance.below(2) == 0);
            if chance.below(3) == 0 {
                self.written.publish(self.control.state());
            }
        }
        self.written.publish(self.control.state());
        self.written.night(submissions)
    }

    fn is_done(&self, submissions: &Partitions) -> bool {
        let end = submissions[0].len() as u64;
        self.control.position().next_offset == end
            && self.shards.iter().all(|(shard, fold)| {
                fold.position()
                    == PositionPair { next_offset: submissions[*shard].len() as u64, control_next_offset: end }
            })
    }

    fn step(&mut self, shard: usize, submissions: &Partitions, most: u64, moves_control: bool) {
        if shard == 0 {
            let at = self.control.position().next_offset as usize;
            let values: Vec<&[u8]> = submissions[0].iter().skip(at).take(most as usize).map(AsRef::as_ref).collect();
            if values.is_empty() {
                return;
            }
            self.control.apply(&values, &self.opener);
            let body = self.control.take_outcomes(self.control_position);
            self.control_position = body.to;
            self.written.outcomes(&body);
            return self.write_tally(0);
        }
        let fold = self.shards.get_mut(&shard).unwrap();
        if moves_control {
            fold.advance_control(Arc::clone(self.control.state()), &self.opener);
        }
        let at = fold.position().next_offset as usize;
        let values: Vec<&[u8]> = submissions[shard].iter().skip(at).take(most as usize).map(AsRef::as_ref).collect();
        fold.apply(&values, &self.opener);
        let from = self.positions[&shard];
        if fold.position() == from {
            return;
        }
        let body = fold.take_outcomes(from);
        self.positions.insert(shard, body.to);
        self.written.outcomes(&body);
        self.write_tally(shard);
    }

    fn write_tally(&mut self, shard: usize) {
        let tally = if shard == 0 { self.control.tally() } else { self.shards[&shard].tally() };
        self.written.tally(tally);
    }
}

/// A night whose aggregator moved a vote in the last tally of a shard, and signed it.
pub fn with_wrong_tally(mut night: Night, shard: usize) -> Night {
    let tallies = &mut night.topics.get_mut(&Topic::Tallies).unwrap()[shard];
    let last = tallies.last_mut().unwrap();
    let key = service_key("aggregator");
    let opened = open_service(ServiceContext::Tally, last, |_| Some(key.public_key())).unwrap();
    let mut body = decode_tally(&night.definition, &opened.body).unwrap();
    for (_, totals) in &mut body.contests[0].units {
        totals.votes[0] += 1;
        totals.votes[1] -= 1;
    }
    *last = sign_service(ServiceContext::Tally, &key, encode_tally(&night.definition, &body), &envelope());
    night
}

/// A night whose national service moved a vote in the last publication, and signed it.
pub fn with_wrong_publication(mut night: Night) -> Night {
    let publications = &mut night.topics.get_mut(&Topic::Publications).unwrap()[0];
    let last = publications.last_mut().unwrap();
    let key = service_key("national");
    let opened = open_service(ServiceContext::Publication, last, |_| Some(key.public_key())).unwrap();
    let mut body = decode_publication(&night.definition, &opened.body).unwrap();
    let FiguresDetail::List { votes, .. } = &mut body.contests[0].detail else { panic!() };
    votes[0] += 1;
    votes[1] -= 1;
    let bytes = encode_publication(&night.definition, &body);
    *last = sign_service(ServiceContext::Publication, &key, bytes, &envelope());
    night
}

/// Exports a night of the sample.
pub fn export(night: &Night, folder: &Path) {
    export_with(&sample::definition_files(), night, folder);
}

/// Exports a night of the definition that these files are.
pub fn export_with(files: &DefinitionFiles, night: &Night, folder: &Path) {
    let mut writer = ExportWriter::create(folder).unwrap();
    writer.definition(files).unwrap();
    for (topic, partitions) in &night.topics {
        for (partition, values) in partitions.iter().enumerate() {
            let mut records = writer.partition(*topic, partition as u32).unwrap();
            values.iter().for_each(|value| records.append(value).unwrap());
            records.close().unwrap();
        }
    }
    writer
        .finish(ExportMeta {
            election: night.definition.id.clone(),
            core_digest: night.definition.core_digest,
            generation: GENERATION.0,
            build: BTreeMap::from([("hattama-recount".into(), env!("CARGO_PKG_VERSION").into())]),
        })
        .unwrap();
}

pub fn check(folder: &Path) -> Result<Recounted, RecountError> {
    recount(folder, Options::default())
}

/// Makes manifest and digest fit to files that were changed behind them.
pub fn remake_manifest(folder: &Path) {
    let bytes = fs::read(folder.join("manifest.json")).unwrap();
    let mut manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
    manifest.core_digest = core_digest(&DefinitionFiles::read(&folder.join("definition")).unwrap()).to_string();
    for entry in &mut manifest.definition {
        (entry.bytes, entry.sha256) = size_and_digest(&folder.join(&entry.file));
    }
    for entry in &mut manifest.records {
        (entry.bytes, entry.sha256) = size_and_digest(&folder.join(&entry.file));
        entry.records = count_records(&fs::read(folder.join(&entry.file)).unwrap());
    }
    write_manifest(folder, &manifest);
}

pub fn write_manifest(folder: &Path, manifest: &Manifest) {
    let bytes = manifest.to_bytes().unwrap();
    fs::write(folder.join("manifest.sha256"), Manifest::digest_line(&bytes)).unwrap();
    fs::write(folder.join("manifest.json"), bytes).unwrap();
}

fn size_and_digest(path: &Path) -> (u64, String) {
    let bytes = fs::read(path).unwrap();
    let digest = hattama_election::digest::RecordDigest(hattama_election::digest::sha256(&bytes));
    (bytes.len() as u64, digest.to_string())
}

/// The ten lines of the documentation, in Rust.
pub fn count_records(bytes: &[u8]) -> u64 {
    let mut records = 0;
    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let Some(behind) = behind.get(u32::from_be_bytes(*head) as usize..) else { break };
        rest = behind;
        records += 1;
    }
    records
}

/// Where each record of a file starts, and the file's end.
pub fn record_starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    while at < bytes.len() {
        at += 4 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        starts.push(at);
    }
    starts
}

pub fn reader(folder: &Path, topic: Topic, partition: u32) -> RecordReader {
    Export::open(folder).unwrap().reader(topic, partition).unwrap()
}
