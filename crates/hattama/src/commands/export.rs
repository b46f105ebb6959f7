//! `hattama export`: everything that a recount needs, as plain files.

use crate::{
    cli::ExportArgs,
    output::print,
    rehearse::directory::{Directory, definition_of, log_of},
};
use hattama_election::{
    definition::{Definition, DefinitionFiles, Purpose},
    instant::Instant,
};
use hattama_night_play::export::Exported;
use hattama_record_log::{
    KafkaSettings, ReadLimit, RecordLog,
    topics::{TopicSet, newest_generation},
};
use hattama_recount::export_format::Manifest;
use hattama_wire::{ServiceContext, open_service};
use std::{error::Error, path::Path, process::ExitCode};

/// What the exporting client is called in the brokers' logs.
const CLIENT: &str = "export";
/// What an export says that wrote it.
pub const PROGRAM: &str = "hattama";

/// Exports a log: that of a rehearsal's folder, or one on a Kafka cluster.
pub fn run(args: &ExportArgs) -> Result<ExitCode, Box<dyn Error>> {
    // One of both is there: the command line requires it.
    let out = args.out.as_ref().or(args.out_flag.as_ref()).ok_or("name the folder to write into")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let manifest = match args.kafka.kafka(CLIENT)? {
        Some(kafka) => runtime.block_on(from_cluster(args, kafka, out))?,
        None => runtime.block_on(from_folder(&args.log_dir, out))?,
    };
    let records: u64 = manifest.records.iter().map(|partition| partition.records).sum();
    print(format_args!("{records} records in {} files: {}", manifest.records.len(), out.display()));
    print(format_args!("Next: hattama recount {}", out.display()));
    Ok(ExitCode::SUCCESS)
}

async fn from_cluster(args: &ExportArgs, kafka: KafkaSettings, out: &Path) -> Result<Manifest, Box<dyn Error>> {
    let files = DefinitionFiles::read(&args.definition)?;
    let definition = Definition::load(&files)?;
    // An auditor may write nowhere.
    let log = RecordLog::connect_kafka(KafkaSettings { read_only: true, ..kafka }).await?;
    let generation = match args.generation {
        Some(generation) => generation,
        None => newest_generation(&log, definition.id.as_str()).await?.ok_or_else(|| {
            format!("the cluster has no topics of {}: check --definition and --brokers", definition.id)
        })?,
    };
    export(log, &files, &definition, generation, out).await
}

async fn from_folder(folder: &Path, out: &Path) -> Result<Manifest, Box<dyn Error>> {
    let marker = Directory::marker(folder)?
        .ok_or_else(|| format!("{} holds no rehearsal: name the --log-dir of one", folder.display()))?;
    if marker.on_kafka {
        return Err(format!(
            "the log of the rehearsal in {} lies on a Kafka cluster: give --brokers, --definition {} and --generation {}",
            folder.display(),
            definition_of(folder).display(),
            marker.generation
        )
        .into());
    }
    let files = DefinitionFiles::read(&definition_of(folder))?;
    let definition = Definition::load(&files)?;
    let log = RecordLog::open_embedded(&log_of(folder)).await?;
    export(log, &files, &definition, marker.generation, out).await
}

/// Writes one generation, when its votes may leave, and closes the log.
async fn export(
    log: RecordLog,
    files: &DefinitionFiles,
    definition: &Definition,
    generation: u32,
    out: &Path,
) -> Result<Manifest, Box<dyn Error>> {
    let topics = TopicSet::new(definition.id.as_str(), generation)?;
    refuse_under_embargo(definition, time_of_the_night(&log, &topics, definition).await?)?;
    let manifest = Exported { log: &log, files, definition, generation }.write(PROGRAM, out).await?;
    log.close().await?;
    Ok(manifest)
}

/// What time it is for the embargo. A rehearsal has a clock of its own, which its newest publication was written by; before
/// the first one, and of an official election, it is the real time.
async fn time_of_the_night(
    log: &RecordLog,
    topics: &TopicSet,
    definition: &Definition,
) -> Result<Instant, hattama_record_log::LogError> {
    let real = Instant(jiff::Timestamp::now().as_second());
    let end = log.end(&topics.publications, 0).await?;
    if definition.purpose != Purpose::Rehearsal || end < 2 {
        return Ok(real);
    }
    let newest = log.read(&topics.publications, 0, end - 1, ReadLimit { records: 1, ..ReadLimit::default() }).await?;
    let key = |id: &_| ServiceContext::Publication.key(definition, id);
    let opened = newest.first().and_then(|record| open_service(ServiceContext::Publication, &record.value, key).ok());
    Ok(opened.map_or(real, |opened| Instant(opened.envelope.written_at_milliseconds / 1_000)))
}

/// An export holds every vote: it leaves no earlier than any other figure (design, section 4, *Embargo*).
fn refuse_under_embargo(definition: &Definition, now: Instant) -> Result<(), String> {
    match definition.contests.iter().find(|contest| contest.is_embargoed(now)) {
        None => Ok(()),
        Some(contest) => Err(format!(
            "votes of {} are under embargo until {}: export then; until it ends the log is for services and auditors only",
            contest.id, contest.embargo_until
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;

    #[test]
    fn nothing_is_exported_until_the_second_in_which_the_last_embargo_ends() {
        let definition = sample::definition();
        let last = definition.contests.iter().map(|contest| contest.embargo_until).max().unwrap();
        let error = refuse_under_embargo(&definition, Instant(last.0 - 1)).unwrap_err();
        assert!(error.contains("under embargo until"), "{error}");
        assert_eq!(refuse_under_embargo(&definition, last), Ok(()));
    }
}
