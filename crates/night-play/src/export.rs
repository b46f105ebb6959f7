//! A generation of the log as plain files, and their recount.

use crate::records::Records;
use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_record_log::{LogError, RecordLog, TopicName, topics::TopicSet};
use hattama_recount::{
    Options, RecountError, Recounted,
    export_format::{ExportError, ExportMeta, ExportWriter, Manifest, Topic},
    recount,
};
use std::{collections::BTreeMap, path::Path};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Exported<'a> {
    /// The log.
    pub log: &'a RecordLog,
    /// The definition's files as stored.
    pub files: &'a DefinitionFiles,
    /// The same, loaded.
    pub definition: &'a Definition,
    /// Which generation of the log.
    pub generation: u32,
}

/// Why there is no export, or no recount of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportingError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// What was written cannot be counted.
    #[error(transparent)]
    Recount(#[from] RecountError),
    /// The recount's thread has died.
    #[error("the recount did not end: {0}")]
    Died(#[from] tokio::task::JoinError),
}

impl Exported<'_> {
    /// Writes the definition and all four topics into an empty folder, which tells that `program` wrote it.
    ///
    /// # Errors
    /// When the log cannot be read or the folder cannot be written.
    pub async fn write(self, program: &str, out: &Path) -> Result<Manifest, ExportingError> {
        let Self { log, files, definition, generation } = self;
        let topics = TopicSet::new(definition.id.as_str(), generation)?;
        let mut export = ExportWriter::create(out)?;
        export.definition(files)?;
        for topic in Topic::ALL {
            for partition in 0..topic.partitions(definition.shards) {
                let mut writer = export.partition(topic, partition)?;
                let mut records = Records::from(log, name_of(topic, &topics), partition, 0);
                while let Some(record) = records.next().await? {
                    writer.append(&record.value)?;
                }
                writer.close()?;
            }
        }
        Ok(export.finish(ExportMeta {
            election: definition.id.clone(),
            core_digest: definition.core_digest,
            generation,
            // One version for all programs of the project.
            build: BTreeMap::from([(program.to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
        })?)
    }

    /// The same, and counts what was written again.
    ///
    /// # Errors
    /// As [`Exported::write`], and when the export cannot be counted.
    pub async fn recounted(self, program: &str, out: &Path) -> Result<Recounted, ExportingError> {
        self.write(program, out).await?;
        let out = out.to_owned();
        // It is all computation: other tasks go on meanwhile.
        Ok(tokio::task::spawn_blocking(move || recount(&out, Options::default())).await??)
    }
}

fn name_of(topic: Topic, topics: &TopicSet) -> &TopicName {
    match topic {
        Topic::Submissions => &topics.submissions,
        Topic::Outcomes => &topics.outcomes,
        Topic::Tallies => &topics.tallies,
        Topic::Publications => &topics.publications,
    }
}
