//! An export of a night, and its recount.

use crate::night::Night;
use hattama_record_log::{RecordLog, topics::TopicSet};
use hattama_recount::{
    Options, Recounted,
    export_format::{ExportMeta, ExportWriter, Topic},
    recount,
};
use std::{collections::BTreeMap, error::Error, path::Path};

/// Records read at a time.
const BATCH_RECORDS: usize = 1_024;

/// Writes all four topics into a folder and counts them again.
///
/// # Errors
/// When the log cannot be read or the folder cannot be written.
pub async fn recounted(
    log: &RecordLog,
    topics: &TopicSet,
    night: &Night,
    generation: u32,
    out: &Path,
) -> Result<Recounted, Box<dyn Error>> {
    let mut export = ExportWriter::create(out)?;
    export.definition(&night.files)?;
    for topic in Topic::ALL {
        let name = match topic {
            Topic::Submissions => &topics.submissions,
            Topic::Outcomes => &topics.outcomes,
            Topic::Tallies => &topics.tallies,
            Topic::Publications => &topics.publications,
        };
        for partition in 0..topic.partitions(night.definition.shards) {
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
    export.finish(ExportMeta {
        election: night.definition.id.clone(),
        core_digest: night.definition.core_digest,
        generation,
        build: BTreeMap::from([("hattama-load-tests".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
    })?;
    let out = out.to_owned();
    Ok(tokio::task::spawn_blocking(move || recount(&out, Options::default())).await??)
}
