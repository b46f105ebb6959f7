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
use hattama_night_play::{export::Exported, records::Records};
use hattama_record_log::{
    KafkaSettings, LogError, RecordLog,
    topics::{TopicSet, newest_generation},
};
use hattama_recount::export_format::Manifest;
use hattama_wire::{ServiceContext, open_service};
use std::{error::Error, path::Path, process::ExitCode};

/// What the exporting client is called in the brokers' logs.
const CLIENT: &str = "export";
/// Behind the genesis.
const FIRST_PUBLICATION: u64 = 1;
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

/// What time it is for the embargo. A rehearsal has a clock of its own, which its newest publication was written by: the
/// newest that a national service signed, whatever else somebody put behind it. Before the first one, and of an official
/// election, it is the real time.
async fn time_of_the_night(log: &RecordLog, topics: &TopicSet, definition: &Definition) -> Result<Instant, LogError> {
    let mut newest = None;
    let mut records = Records::from(log, &topics.publications, 0, FIRST_PUBLICATION);
    while definition.purpose == Purpose::Rehearsal
        && let Some(record) = records.next().await?
    {
        let key = |id: &_| ServiceContext::Publication.key(definition, id);
        if let Ok(opened) = open_service(ServiceContext::Publication, &record.value, key) {
            newest = newest.max(Some(opened.envelope.written_at_milliseconds));
        }
    }
    let real = jiff::Timestamp::now().as_second();
    Ok(Instant(newest.map_or(real, |milliseconds| milliseconds / 1_000)))
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
    use hattama_election::definition::{KeyRole, sample};
    use hattama_election_log::create_generation;
    use hattama_record_log::NewRecord;
    use hattama_tally::Generation;
    use hattama_wire::{Envelope, Genesis, SigningKey, sign_service};

    /// A log of generation 1, with records of publications that these services wrote at these instants.
    async fn log_with(definition: &Definition, written: &[(&str, Instant)]) -> (RecordLog, TopicSet) {
        let (log, topics) = (RecordLog::memory(), TopicSet::new(definition.id.as_str(), 1).unwrap());
        create_generation(&log, definition, &Genesis::first(definition, Generation(1))).await.unwrap();
        for (service, at) in written {
            let key = SigningKey::rehearsal(&sample::keys(), KeyRole::Service, service).unwrap();
            let envelope = Envelope { written_at_milliseconds: at.0 * 1_000, ..Envelope::default() };
            let value = sign_service(ServiceContext::Publication, &key, "figures".into(), &envelope);
            log.append(&topics.publications, 0, NewRecord::of_value(value)).await.unwrap();
        }
        (log, topics)
    }

    fn last_embargo(definition: &Definition) -> Instant {
        definition.contests.iter().map(|contest| contest.embargo_until).max().unwrap()
    }

    fn real_time() -> Instant {
        Instant(jiff::Timestamp::now().as_second())
    }

    #[test]
    fn nothing_is_exported_until_the_second_in_which_the_last_embargo_ends() {
        let definition = sample::definition();
        let last = last_embargo(&definition);
        let error = refuse_under_embargo(&definition, Instant(last.0 - 1)).unwrap_err();
        assert!(error.contains("under embargo until"), "{error}");
        assert_eq!(refuse_under_embargo(&definition, last), Ok(()));
    }

    #[tokio::test]
    async fn a_rehearsals_export_is_refused_one_second_before_by_its_own_clock_and_written_one_second_after() {
        let (files, definition) = (sample::definition_files(), sample::definition());
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("export");
        let last = last_embargo(&definition).0;

        let (log, _) = log_with(&definition, &[("national", Instant(last - 2)), ("national", Instant(last - 1))]).await;
        let error = export(log, &files, &definition, 1, &out).await.unwrap_err().to_string();
        assert!(error.contains("under embargo until"), "{error}");
        assert!(!out.exists(), "something was written");

        let (log, _) = log_with(&definition, &[("national", Instant(last - 1)), ("national", Instant(last + 1))]).await;
        let manifest = export(log, &files, &definition, 1, &out).await.unwrap();
        assert_eq!(manifest.records.iter().map(|partition| partition.records).max(), Some(3));
    }

    #[tokio::test]
    async fn the_time_is_real_for_an_official_election_and_before_anything_is_published() {
        let definition = sample::definition();
        let last = last_embargo(&definition);
        let mut official = sample::definition();
        official.purpose = Purpose::Official;
        for (definition, written) in [(&definition, &[][..]), (&official, &[("national", last)])] {
            let (log, topics) = log_with(definition, written).await;
            let before = real_time();
            let time = time_of_the_night(&log, &topics, definition).await.unwrap();
            assert!(before <= time && time <= real_time(), "{time}");
        }
    }

    #[tokio::test]
    async fn the_time_of_a_publication_that_another_service_forged_is_not_believed() {
        let definition = sample::definition();
        let after = Instant(last_embargo(&definition).0 + 1);
        let (log, topics) = log_with(&definition, &[("gateway", after)]).await;
        let before = real_time();
        let time = time_of_the_night(&log, &topics, &definition).await.unwrap();
        assert!(before <= time && time <= real_time(), "{time}");
    }

    #[tokio::test]
    async fn what_is_no_publication_ends_no_embargo() {
        let definition = sample::definition();
        let last = last_embargo(&definition);
        let (log, topics) = log_with(&definition, &[("national", Instant(last.0 - 1)), ("gateway", last)]).await;
        log.append(&topics.publications, 0, NewRecord::of_value("no publication")).await.unwrap();
        assert_eq!(time_of_the_night(&log, &topics, &definition).await.unwrap(), Instant(last.0 - 1));
    }
}
