//! Before anything is folded: the definition is the exported one, and every partition starts with the same genesis.

use super::{
    differences::{Differences, Found},
    source::unreadable,
};
use crate::{
    export_format::{DEFINITION_FOLDER, Export, ExportReadError, MANIFEST, Topic},
    report::Subject,
};
use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_wire::{Genesis, decode_genesis};
use std::collections::BTreeMap;

/// Compares the definition's files with the manifest.
pub(crate) fn check_definition_files(export: &Export, files: &DefinitionFiles, differences: &mut Differences) {
    let listed: BTreeMap<&str, _> =
        export.manifest.definition.iter().map(|entry| (entry.file.as_str(), entry)).collect();
    for name in DefinitionFiles::NAMES {
        let file = format!("{DEFINITION_FOLDER}/{name}");
        let found = files.get(name).map(|bytes| (bytes.len() as u64, crate::export_format::hex_sha256(bytes)));
        let expected = listed.get(file.as_str()).map(|entry| (entry.bytes, entry.sha256.clone()));
        if found == expected {
            continue;
        }
        let text = |entry: Option<(u64, String)>| match entry {
            Some((bytes, sha256)) => format!("{bytes} bytes, SHA-256 {sha256}"),
            None => "no such file".to_owned(),
        };
        let what = "the file is not the one that was exported: it was changed or damaged afterwards";
        differences.add(Found::new(Subject::Definition, file, what).between(text(expected), text(found)));
    }
}

/// Compares election and core with the manifest.
pub(crate) fn check_core(export: &Export, definition: &Definition, differences: &mut Differences) {
    let manifest = &export.manifest;
    if manifest.core_digest != definition.core_digest.to_string() {
        let what = "the definition's core digest is not the manifest's: the definition was changed after the export";
        let found = Found::new(Subject::Definition, DEFINITION_FOLDER, what);
        differences.add(found.between(definition.core_digest, &manifest.core_digest));
    }
    if manifest.election != definition.id.as_str() {
        let found = Found::new(Subject::Definition, MANIFEST, "it names another election than the definition");
        differences.add(found.between(&definition.id, &manifest.election));
    }
}

/// Reads the first record of every partition: they are all the same record, and of this election, core and generation.
///
/// # Errors
/// When a file cannot be read. None when there is no genesis to go by: then a difference says why.
pub(crate) fn check_geneses(
    export: &Export,
    definition: &Definition,
    differences: &mut Differences,
) -> Result<Option<Genesis>, ExportReadError> {
    let mut values = Vec::new();
    for entry in &export.manifest.records {
        match read_first(export, entry.topic, entry.partition) {
            Ok(Some(value)) => values.push((entry, value)),
            Ok(None) => differences.add(
                Found::new(
                    Subject::Genesis,
                    &entry.file,
                    "it has no genesis record: the partition is empty or cut off",
                )
                .at(entry.partition, 0, 0)
                .between("a genesis record", "nothing"),
            ),
            Err(error) => differences.add(unreadable(entry.partition, error)?),
        }
    }
    let mut votes: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (_, value) in &values {
        *votes.entry(value).or_default() += 1;
    }
    // One damaged genesis among many is the odd one, not all the others.
    let Some(usual) = votes.into_iter().max_by_key(|(_, count)| *count).map(|(value, _)| value.to_vec()) else {
        return Ok(None);
    };
    let mut genesis = None;
    for (entry, value) in &values {
        let what = match decode_genesis(definition, value) {
            Err(error) => format!("it is no genesis of this election: {error}"),
            Ok(found) if found.generation.0 != export.manifest.generation => {
                format!("it is of generation {}, the manifest says {}", found.generation.0, export.manifest.generation)
            }
            Ok(_) if *value != usual => "it is not the genesis of the other partitions".to_owned(),
            Ok(found) => {
                genesis = Some(found);
                continue;
            }
        };
        let found = Found::new(Subject::Genesis, &entry.file, what).at(entry.partition, 0, 0);
        differences.add(found.between(hex(&usual), hex(value)));
    }
    Ok(genesis)
}

fn read_first(export: &Export, topic: Topic, partition: u32) -> Result<Option<Vec<u8>>, ExportReadError> {
    export.record(topic, partition, 0)
}

fn hex(bytes: &[u8]) -> String {
    format!("record with SHA-256 {}", crate::export_format::hex_sha256(bytes))
}
