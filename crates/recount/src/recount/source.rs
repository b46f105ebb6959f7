//! What every part of a recount works on: the export, its definition, and how records are read and opened.

use super::differences::{Differences, Found};
use crate::{
    export_format::{Export, ExportReadError, RecordReader, Topic},
    report::{Counts, MAX_CANDIDATES, Subject},
};
use hattama_election::{
    definition::Definition,
    ids::{ShardId, StationId},
    submission::{Kind, SubmissionBody},
};
use hattama_proto::submission::v1::SignedSubmission;
use hattama_tally::Generation;
use hattama_wire::{
    OpenedServiceRecord, ServiceContext, ServiceRecordError, SignedMessage, decode_payload, open_service,
};
use prost::Message as _;
use std::sync::Arc;

/// The export of one generation under its definition.
pub(crate) struct Source<'a> {
    pub(crate) export: &'a Export,
    pub(crate) definition: Arc<Definition>,
    pub(crate) generation: Generation,
    /// Told how many records were read since it was last told.
    pub(crate) progress: &'a (dyn Fn(u64) + Sync),
}

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) record: u64,
    pub(crate) byte: u64,
}

impl Source<'_> {
    /// True when the partition is exported.
    pub(crate) fn has(&self, topic: Topic, partition: u32) -> bool {
        self.export.manifest.partition(topic, partition).is_some()
    }

    /// Opens a record that a service signed.
    pub(crate) fn open(&self, topic: Topic, value: &[u8]) -> Result<OpenedServiceRecord, ServiceRecordError> {
        let context = match topic {
            Topic::Submissions | Topic::Outcomes => ServiceContext::Outcomes,
            Topic::Tallies => ServiceContext::Tally,
            Topic::Publications => ServiceContext::Publication,
        };
        open_service(context, value, |key| context.key(&self.definition, key))
    }

    /// Reads a partition behind its genesis to its end, and compares the file with the manifest.
    pub(crate) fn read_through(
        &self,
        topic: Topic,
        partition: u32,
        differences: &mut Differences,
        counts: &mut Counts,
        mut each: impl FnMut(Place, &[u8], &mut Differences, &mut Counts),
    ) -> Result<(), ExportReadError> {
        let mut reader = self.export.reader(topic, partition)?;
        let mut value = Vec::new();
        loop {
            let place = Place { record: reader.next_record(), byte: reader.next_byte() };
            match reader.read(&mut value) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return unreadable(partition, error).map(|found| differences.add(found)),
            }
            counts.records += 1;
            (self.progress)(1);
            if place.record > 0 {
                each(place, &value, differences, counts);
            }
        }
        self.check_file(topic, partition, &reader, differences);
        Ok(())
    }

    /// Compares a file that was read to its end with what the manifest says of it.
    pub(crate) fn check_file(
        &self,
        topic: Topic,
        partition: u32,
        reader: &RecordReader,
        differences: &mut Differences,
    ) {
        let Some(entry) = self.export.manifest.partition(topic, partition) else { return };
        let found = reader.summary();
        if (entry.records, entry.bytes, entry.sha256.as_str()) == (found.records, found.bytes, found.sha256.as_str()) {
            return;
        }
        let text = |records, bytes, sha256: &str| format!("{records} records, {bytes} bytes, SHA-256 {sha256}");
        differences.add(
            Found::new(
                Subject::Manifest,
                reader.file(),
                "the file is not the one that was exported: it was changed or damaged afterwards, export or copy it again",
            )
            .of_partition(partition)
            .between(
                text(entry.records, entry.bytes, &entry.sha256),
                text(found.records, found.bytes, &found.sha256),
            ),
        );
    }

    /// The station that a submission is about, whether it is valid or not.
    pub(crate) fn station_of_record(&self, shard: ShardId, offset: u64) -> Result<Option<StationId>, ExportReadError> {
        match self.export.record(Topic::Submissions, shard.0, offset) {
            Ok(value) => Ok(value.as_deref().and_then(station_of_value)),
            Err(error @ ExportReadError::Io { .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The stations that the submissions from `first` up to, without, `end` are about, ascending, each once; those that
    /// `wanted` names, at most [`MAX_CANDIDATES`].
    pub(crate) fn stations_of_range(
        &self,
        shard: ShardId,
        (first, end): (u64, u64),
        wanted: impl Fn(&StationId) -> bool,
    ) -> Result<Vec<StationId>, ExportReadError> {
        let mut stations = std::collections::BTreeSet::new();
        let mut reader = self.export.reader(Topic::Submissions, shard.0)?;
        let mut value = Vec::new();
        while reader.next_record() < end {
            match reader.read(&mut value) {
                Ok(true) => {}
                Err(error @ ExportReadError::Io { .. }) => return Err(error),
                Ok(false) | Err(_) => break,
            }
            if reader.next_record() > first {
                stations.extend(station_of_value(&value).filter(|station| wanted(station)));
            }
        }
        Ok(stations.into_iter().take(MAX_CANDIDATES).collect())
    }
}

/// A damaged file as a difference; a file system that says no stays an error.
pub(crate) fn unreadable(partition: u32, error: ExportReadError) -> Result<Found, ExportReadError> {
    let (file, record, byte) = match &error {
        ExportReadError::TooLong { file, record, byte, .. } | ExportReadError::Truncated { file, record, byte } => {
            (file.clone(), *record, *byte)
        }
        _ => return Err(error),
    };
    let found = Found::new(Subject::Unreadable, file, error.to_string()).at(partition, record, byte);
    Ok(found.between("a whole record", "a damaged file: nothing behind this place can be read"))
}

/// The station that a submission names, its signature unseen: for telling people where to look, never for counting.
fn station_of_value(value: &[u8]) -> Option<StationId> {
    let record = SignedSubmission::decode(value).ok()?;
    let message = SignedMessage::parse(&record.signed).ok()?;
    match decode_payload(Kind::parse(message.kind)?, message.payload).ok()? {
        SubmissionBody::Protocol(protocol) => Some(protocol.content.station),
        SubmissionBody::Turnout(report) => Some(report.content.station),
        SubmissionBody::Decision(decision) => decision.content.ruling.station().cloned(),
        SubmissionBody::CommissionProtocol(_) | SubmissionBody::Amendment(_) | SubmissionBody::Probe(_) => None,
    }
}
