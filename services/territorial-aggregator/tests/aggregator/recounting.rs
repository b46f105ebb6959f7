//! The log of a rig as an export, and its recount.

use crate::rig::{GENERATION, Rig, genesis};
use bytes::Bytes;
use hattama_election::{definition::sample, ids::ShardId};
use hattama_recount::{
    Options, RecountReport,
    export_format::{ExportMeta, ExportWriter, Topic},
    recount,
};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Exports all topics, each partition after `change`.
pub async fn export(rig: &Rig, mut change: impl FnMut(Topic, u32, &mut Vec<Bytes>)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ExportWriter::create(folder.path()).unwrap();
    writer.definition(&sample::definition_files()).unwrap();
    for topic in Topic::ALL {
        let name = match topic {
            Topic::Submissions => &rig.topics.submissions,
            Topic::Outcomes => &rig.topics.outcomes,
            Topic::Tallies => &rig.topics.tallies,
            Topic::Publications => &rig.topics.publications,
        };
        for partition in 0..topic.partitions(rig.definition.shards) {
            let records = rig.records(name, ShardId(partition)).await;
            let behind = records.into_iter().map(|record| record.value);
            let mut values: Vec<Bytes> =
                std::iter::once(genesis(&rig.definition, GENERATION.0)).chain(behind).collect();
            change(topic, partition, &mut values);
            let mut file = writer.partition(topic, partition).unwrap();
            values.iter().for_each(|value| file.append(value).unwrap());
            file.close().unwrap();
        }
    }
    let (election, core_digest) = (rig.definition.id.clone(), rig.definition.core_digest);
    writer.finish(ExportMeta { election, core_digest, generation: GENERATION.0, build: BTreeMap::new() }).unwrap();
    folder
}

/// What a recount of an export says.
pub fn recounted(folder: &TempDir) -> RecountReport {
    recount(folder.path(), Options::default()).unwrap().report
}
