//! `hattama export`: everything that a recount needs, as plain files.

use crate::{
    cli::ExportArgs,
    rehearse::directory::{Directory, definition_of, log_of},
};
use hattama_election::definition::{Definition, DefinitionFiles};
use hattama_record_log::{RecordLog, TopicName, topics::TopicSet};
use hattama_recount::export_format::{ExportMeta, ExportWriter, Manifest, Topic};
use hattama_tally::Generation;
use std::{collections::BTreeMap, error::Error, path::Path, process::ExitCode};

/// Records read at a time: bounds memory, whatever the log holds.
const BATCH_RECORDS: usize = 1_024;

/// Exports the log of a rehearsal's folder.
pub fn run(args: &ExportArgs) -> Result<ExitCode, Box<dyn Error>> {
    let marker = Directory::marker(&args.log_dir)?
        .ok_or_else(|| format!("{} holds no rehearsal: name the --log-dir of one", args.log_dir.display()))?;
    let files = DefinitionFiles::read(&definition_of(&args.log_dir))?;
    let definition = Definition::load(&files)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let manifest = runtime.block_on(async {
        let log = RecordLog::open_embedded(&log_of(&args.log_dir)).await?;
        let topics = TopicSet::new(definition.id.as_str(), marker.generation)?;
        let manifest = write(&log, &topics, &files, &definition, Generation(marker.generation), &args.out).await?;
        log.close().await?;
        Ok::<_, Box<dyn Error>>(manifest)
    })?;
    let records: u64 = manifest.records.iter().map(|partition| partition.records).sum();
    println!("{records} records in {} files: {}", manifest.records.len(), args.out.display());
    println!("Next: hattama recount {}", args.out.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes all four topics of a generation, and the definition.
pub async fn write(
    log: &RecordLog,
    topics: &TopicSet,
    files: &DefinitionFiles,
    definition: &Definition,
    generation: Generation,
    out: &Path,
) -> Result<Manifest, Box<dyn Error>> {
    let mut export = ExportWriter::create(out)?;
    export.definition(files)?;
    for topic in Topic::ALL {
        let name = name_of(topic, topics);
        for partition in 0..topic.partitions(definition.shards) {
            let mut writer = export.partition(topic, partition)?;
            let mut reader = log.reader(name, partition, 0);
            loop {
                let batch = reader.next_batch_now(BATCH_RECORDS).await?;
                if batch.is_empty() {
                    break;
                }
                for record in batch {
                    writer.append(&record.value)?;
                }
            }
            writer.close()?;
        }
    }
    let meta = ExportMeta {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        generation: generation.0,
        build: BTreeMap::from([("hattama".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
    };
    Ok(export.finish(meta)?)
}

fn name_of(topic: Topic, topics: &TopicSet) -> &TopicName {
    match topic {
        Topic::Submissions => &topics.submissions,
        Topic::Outcomes => &topics.outcomes,
        Topic::Tallies => &topics.tallies,
        Topic::Publications => &topics.publications,
    }
}
