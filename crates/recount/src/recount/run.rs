//! The recount from beginning to end.

use super::{
    claims::{PublicationClaim, read_publications, read_tallies},
    differences::{Differences, Found},
    fold::Fold,
    genesis::{check_core, check_definition_files, check_geneses},
    outcomes::{missing_at_the_end, read_outcomes},
    path::{Path as Way, Paths},
    publications::{Merger, add_stops, for_each_walk},
    source::Source,
    walk::Walk,
};
use crate::{
    export_format::{Export, ExportReadError, RECORDS_FOLDER, Topic},
    report::{Counts, LastPublication, RecountReport, Recounted, Subject, Verdict},
    result::ResultDocument,
};
use hattama_election::{
    definition::{Definition, LoadErrors},
    ids::ShardId,
};
use hattama_tally::{ControlFold, FOLD_VERSION, Generation, LostRecords, ShardFold, TallyBody};
use hattama_wire::Genesis;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a recount is run. What it comes to does not depend on it.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Threads that fold shards; at least one.
    pub threads: usize,
    /// Told, from any thread, how many records were read since it was last told.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { threads: 1, progress: &|_| {} }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// Why nothing can be recounted.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    /// The folder is no export, or cannot be read.
    #[error(transparent)]
    Read(#[from] ExportReadError),
    /// The definition cannot be loaded.
    #[error("the definition in the export does not load:\n{0}")]
    Definition(LoadErrors),
    /// An amendment put a fold into force that this build does not have.
    #[error("fold version {in_force} is in force, this build knows {FOLD_VERSION}: recount with a newer build")]
    FoldVersion {
        /// The version in force.
        in_force: u32,
    },
    /// The result cannot be put into JSON.
    #[error("cannot encode the result: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Recomputes every total and seat from the export in a folder, and compares everything that its services had signed.
///
/// # Errors
/// When the folder is no usable export. Files that are there but wrong are differences, not errors.
pub fn recount(folder: &Path, options: Options<'_>) -> Result<Recounted, RecountError> {
    let export = Export::open(folder)?;
    let mut run =
        Run { export: &export, differences: Differences::default(), remarks: Vec::new(), counts: Counts::default() };
    let Some((definition, genesis)) = run.check_beginning(folder)? else {
        run.remarks.push("nothing further was compared: that has to be put right first".into());
        return Ok(run.finish(Ended::default()));
    };
    let generation = genesis.generation;
    let source = Source { export: &export, definition, generation, progress: options.progress };
    let ended = run.fold_and_compare(&source, &genesis, options.threads)?;
    Ok(run.finish(ended))
}

struct Run<'a> {
    export: &'a Export,
    differences: Differences,
    remarks: Vec<String>,
    counts: Counts,
}

/// Control, folded to its end, and its tallies where publications stand.
struct WalkedControl {
    fold: ControlFold,
    tallies: BTreeMap<u64, TallyBody>,
}

/// What a run came to.
#[derive(Default)]
struct Ended {
    result: Option<(ResultDocument, hattama_election::digest::RecordDigest)>,
    last_publication: Option<LastPublication>,
}

impl Run<'_> {
    /// Definition, core and geneses. None when a difference there makes every other comparison idle.
    fn check_beginning(&mut self, folder: &Path) -> Result<Option<(Arc<Definition>, Genesis)>, RecountError> {
        let files = self.export.definition_files()?;
        check_definition_files(self.export, &files, &mut self.differences);
        let definition = match Definition::load(&files) {
            Ok(definition) => Arc::new(definition),
            Err(_) if !self.differences.is_empty() => return Ok(None),
            Err(errors) => return Err(RecountError::Definition(errors)),
        };
        check_core(self.export, &definition, &mut self.differences);
        self.check_files(folder, &definition)?;
        if !self.differences.is_empty() {
            return Ok(None);
        }
        let genesis = check_geneses(self.export, &definition, &mut self.differences)?;
        Ok(genesis.filter(|_| self.differences.is_empty()).map(|genesis| (definition, genesis)))
    }

    /// Every file that there must be is named, and every file that is named or lies there is one.
    fn check_files(&mut self, folder: &Path, definition: &Definition) -> Result<(), RecountError> {
        let manifest = &self.export.manifest;
        let mut add = |file: &str, what: &str| self.differences.add(Found::new(Subject::Manifest, file, what));
        for topic in Topic::ALL {
            let partitions = topic.partitions(definition.shards);
            let missing: Vec<u32> =
                (0..partitions).filter(|partition| manifest.partition(topic, *partition).is_none()).collect();
            match (topic, missing.as_slice()) {
                (_, []) => {}
                (Topic::Submissions, [first, ..]) => {
                    add(&topic.file(*first), "it is not exported: without all submissions there is no recount");
                }
                (_, missing) if missing.len() == partitions as usize => {
                    self.remarks.push(format!("no {topic} are exported: there are none to compare with"));
                }
                (_, missing) => {
                    let text =
                        format!("{topic} of shards {missing:?} are not exported: there are none to compare with");
                    self.remarks.push(text);
                }
            }
            for entry in manifest.records.iter().filter(|entry| entry.topic == topic && entry.partition >= partitions) {
                add(&entry.file, "the definition has no such shard");
            }
        }
        for name in file_names(&folder.join(RECORDS_FOLDER))? {
            let file = format!("{RECORDS_FOLDER}/{name}");
            if !manifest.records.iter().any(|entry| entry.file == file) {
                add(&file, "the manifest does not name it: it is not part of the export");
            }
        }
        for entry in manifest.records.iter().filter(|entry| !folder.join(&entry.file).is_file()) {
            add(&entry.file, "the manifest names it, and it is not there");
        }
        Ok(())
    }

    fn fold_and_compare(
        &mut self,
        source: &Source<'_>,
        genesis: &Genesis,
        threads: usize,
    ) -> Result<Ended, RecountError> {
        let mut highest = BTreeMap::new();
        let mut paths = self.read_claims(source, &mut highest)?;
        let publications = if source.has(Topic::Publications, 0) {
            read_publications(source, genesis, &mut self.differences, &mut self.counts)?
        } else {
            Vec::new()
        };
        let unreachable = add_stops(&publications, &mut paths);
        if self.counts.not_compared + unreachable > 0 {
            self.remarks
                .push("some records stand at positions that no fold can visit in a few goes: not compared".into());
        }
        let control_way = paths.remove(&ShardId::CONTROL).unwrap_or_default();
        let Some(WalkedControl { fold: control, tallies: control_tallies }) =
            self.walk_control(source, control_way, &publications)?
        else {
            return Ok(Ended::default());
        };
        if control.state().fold_version() != FOLD_VERSION {
            return Err(RecountError::FoldVersion { in_force: control.state().fold_version() });
        }
        let mut walks = start_walks(source, paths, &control)?;
        let mut merger = Merger::new(source, &control, &control_tallies, threads);
        for claim in &publications {
            merger.compare(claim, &mut walks, &mut self.differences, &mut self.counts)?;
        }
        if merger.left_out_silent > 0 {
            let text = format!("{} publications leave out shards that had told nothing yet", merger.left_out_silent);
            self.remarks.push(text);
        }
        for_each_walk(&mut walks, threads, &|walk| walk.finish(Some(&control)).map(|whole| walk.is_whole = whole))?;
        self.end(source, walks, &control, &publications, &highest)
    }

    /// Reads outcomes and tallies of every shard for the positions that they claim something about.
    fn read_claims(
        &mut self,
        source: &Source<'_>,
        highest: &mut BTreeMap<ShardId, u64>,
    ) -> Result<BTreeMap<ShardId, Paths>, RecountError> {
        let mut paths = BTreeMap::new();
        for shard in (0..source.definition.shards).map(ShardId) {
            let ways: &mut Paths = paths.entry(shard).or_default();
            let mut unfinished = Vec::new();
            if source.has(Topic::Outcomes, shard.0) {
                unfinished = read_outcomes(source, shard, ways, &mut self.differences, &mut self.counts)?;
            }
            if source.has(Topic::Tallies, shard.0) {
                let (up_to, frozen) = read_tallies(source, shard, ways, &mut self.differences, &mut self.counts)?;
                highest.insert(shard, up_to);
                if let Some(why) = frozen {
                    self.remarks.push(format!("shard {shard} says that it is frozen: {why}"));
                }
            }
            for step in unfinished {
                match ways.have_tally(step.to) {
                    true => self.differences.add(missing_at_the_end(shard, step)),
                    false => {
                        self.remarks.push(format!("shard {shard}: outcomes end inside a step: its owner stopped there"))
                    }
                }
            }
        }
        Ok(paths)
    }

    /// Folds control to its end. None when its file cannot be read.
    fn walk_control(
        &mut self,
        source: &Source<'_>,
        paths: Paths,
        publications: &[PublicationClaim],
    ) -> Result<Option<WalkedControl>, RecountError> {
        let way = paths.into_inner().into_iter().next().unwrap_or_default();
        let Some(mut walk) = Walk::new(source, ShardId::CONTROL, way, true, None)? else { return Ok(None) };
        let mut tallies = BTreeMap::new();
        for claim in publications {
            let Some(entry) = claim.vector.iter().find(|entry| entry.shard == ShardId::CONTROL) else { continue };
            walk.advance(Some(entry.position), None)?;
            if let Some(tally) = &walk.published {
                tallies.entry(tally.position.next_offset).or_insert_with(|| tally.clone());
            }
        }
        let is_whole = walk.finish(None)?;
        self.differences.append(std::mem::take(&mut walk.differences));
        self.counts.add(&walk.counts);
        match walk.fold {
            Fold::Control(control) if is_whole => {
                if let Some(why) = control.state().amendments_stopped() {
                    self.remarks.push(why.to_owned());
                }
                self.remarks.extend(control.state().lost_records().map(given_up));
                Ok(Some(WalkedControl { fold: *control, tallies }))
            }
            _ => Ok(None),
        }
    }

    fn end(
        &mut self,
        source: &Source<'_>,
        walks: Vec<Walk<'_>>,
        control: &ControlFold,
        publications: &[PublicationClaim],
        highest: &BTreeMap<ShardId, u64>,
    ) -> Result<Ended, RecountError> {
        let mut folds: BTreeMap<ShardId, Box<ShardFold>> = BTreeMap::new();
        for mut walk in walks {
            self.differences.append(std::mem::take(&mut walk.differences));
            self.counts.add(&walk.counts);
            match walk.fold {
                Fold::Shard(fold) if walk.is_whole => drop(folds.insert(walk.shard, fold)),
                _ => {}
            }
        }
        for (shard, up_to) in highest {
            let end = match folds.get(shard) {
                Some(fold) => fold.position().next_offset,
                None if *shard == ShardId::CONTROL => control.position().next_offset,
                None => continue,
            };
            if end > *up_to {
                let behind = end - up_to;
                self.remarks.push(format!(
                    "shard {shard}: {behind} records lie behind its last tally, nobody says what they come to"
                ));
            }
        }
        let last_publication = publications.last().map(|claim| LastPublication {
            sequence: claim.sequence,
            digest: claim.digest,
            covers_everything: claim.control_next_offset == control.position().next_offset
                && claim.vector.iter().all(|entry| match folds.get(&entry.shard) {
                    Some(fold) => fold.position() == entry.position,
                    None => entry.shard == ShardId::CONTROL && entry.position == control.position(),
                }),
        });
        if last_publication.is_some_and(|last| !last.covers_everything) {
            self.remarks
                .push("the last publication does not cover every record: the figures here are of all records".into());
        }
        let is_complete = folds.len() as u64 + 1 == u64::from(source.definition.shards);
        let result = if is_complete { self.result(source, &folds, control)? } else { None };
        Ok(Ended { result, last_publication })
    }

    fn result(
        &mut self,
        source: &Source<'_>,
        folds: &BTreeMap<ShardId, Box<ShardFold>>,
        control: &ControlFold,
    ) -> Result<Option<(ResultDocument, hattama_election::digest::RecordDigest)>, RecountError> {
        let folds: Vec<&ShardFold> = folds.values().map(AsRef::as_ref).collect();
        match ResultDocument::build(&source.definition, &folds, control.state()) {
            Ok(result) => {
                let digest = result.digest()?;
                Ok(Some((result, digest)))
            }
            Err(broken) => {
                let what = format!("a defect of this software: {broken}");
                self.differences.add(Found::new(Subject::Publication, Topic::Publications.file(0), what));
                Ok(None)
            }
        }
    }

    fn finish(self, ended: Ended) -> Recounted {
        let verdict = if self.differences.is_empty() { Verdict::Match } else { Verdict::Mismatch };
        let (differences, differences_left_out) = self.differences.finish();
        let (result, result_digest) = ended.result.unzip();
        let manifest = &self.export.manifest;
        let report = RecountReport {
            verdict,
            election: manifest.election.clone(),
            core_digest: manifest.core_digest.clone(),
            generation: manifest.generation,
            differences,
            differences_left_out,
            remarks: self.remarks,
            counts: self.counts,
            last_publication: ended.last_publication,
            figures: result.as_ref().map(|result: &ResultDocument| result.figures.clone()),
            result_digest,
        };
        Recounted { report, result }
    }
}

fn start_walks<'a>(
    source: &'a Source<'a>,
    paths: BTreeMap<ShardId, Paths>,
    control: &ControlFold,
) -> Result<Vec<Walk<'a>>, ExportReadError> {
    let mut walks = Vec::new();
    for (shard, paths) in paths {
        let ways: Vec<Way> = paths.into_inner();
        for (place, way) in ways.into_iter().enumerate() {
            if let Some(walk) = Walk::new(source, shard, way, place == 0, Some(control))? {
                walks.push(walk);
            }
        }
    }
    Ok(walks)
}

/// The result is without what only these records said, and nothing else in it shows that.
fn given_up((Generation(generation), lost): (Generation, &LostRecords)) -> String {
    let amendments: Vec<String> = lost.amendments().map(|number| number.to_string()).collect();
    let (count, amendments) = (lost.count(), amendments.join(", "));
    format!("{count} records of generation {generation} are given up as lost by amendment {amendments}")
}

fn file_names(folder: &Path) -> Result<Vec<String>, ExportReadError> {
    let io_error = |source| ExportReadError::Io { path: PathBuf::from(folder), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io_error)? {
        names.push(entry.map_err(io_error)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
