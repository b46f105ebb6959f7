//! Reads an export, streaming: one record in memory, whatever lengths the file announces.

use super::{DEFINITION_FOLDER, FORMAT, MANIFEST, MANIFEST_DIGEST, MAX_RECORD_BYTES, Manifest, Topic};
use hattama_election::{
    definition::{DefinitionFiles, ReadError},
    digest::RecordDigest,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// Bytes read ahead of each file: an election of 4,096 shards has as many files open at once.
const BUFFER_BYTES: usize = 64 << 10;
/// The longest manifest: 4,096 shards in three topics have about 3 MiB.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// Why an export, or a file of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportReadError {
    /// The file system says no.
    #[error("cannot read {path}: {source}; an export is the folder that `hattama export` wrote, with its {MANIFEST}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The manifest is not what an export has.
    #[error("{MANIFEST} cannot be used: {what}")]
    Manifest {
        /// What is wrong and what to do.
        what: String,
    },
    /// The definition cannot be read.
    #[error(transparent)]
    Definition(#[from] ReadError),
    /// A record announces more bytes than any record has.
    #[error(
        "record {record} of {file} at byte {byte} announces {length} bytes, more than {MAX_RECORD_BYTES}: the file is damaged there or before"
    )]
    TooLong {
        /// The file, relative to the export.
        file: String,
        /// The record, from 0.
        record: u64,
        /// Where its length stands.
        byte: u64,
        /// The length.
        length: u64,
    },
    /// The file ends inside a record.
    #[error(
        "{file} ends inside record {record}, which starts at byte {byte}: the file was cut off, or is damaged before"
    )]
    Truncated {
        /// The file, relative to the export.
        file: String,
        /// The record, from 0.
        record: u64,
        /// Where it starts.
        byte: u64,
    },
}

/// An export, opened: its manifest is read.
#[derive(Debug, Clone)]
pub struct Export {
    folder: PathBuf,
    /// What the export says that it holds.
    pub manifest: Manifest,
}

/// What a file of records turned out to be, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Records, genesis included.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 over its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

/// Reads a file of records from its start.
#[derive(Debug)]
pub struct RecordReader {
    file: String,
    path: PathBuf,
    input: BufReader<File>,
    hasher: Sha256,
    next_record: u64,
    next_byte: u64,
}

impl Export {
    /// Opens the export in a folder.
    ///
    /// # Errors
    /// When the manifest cannot be read, is not the one that its digest names, or is of another format.
    pub fn open(folder: &Path) -> Result<Self, ExportReadError> {
        let bytes = read_small(&folder.join(MANIFEST))?;
        let digest = read_small(&folder.join(MANIFEST_DIGEST))?;
        if digest != Manifest::digest_line(&bytes).as_bytes() {
            let what = format!("it is not the one that {MANIFEST_DIGEST} names: one of the two was changed or damaged");
            return Err(ExportReadError::Manifest { what });
        }
        let wrong = |what: String| ExportReadError::Manifest { what };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            let what = format!("its format is `{}`, this build reads `{FORMAT}`", manifest.format.escape_debug());
            return Err(wrong(what));
        }
        if manifest.to_bytes().ok().as_deref() != Some(bytes.as_slice()) {
            return Err(wrong("it is not in the one form that an export writes: was it edited?".into()));
        }
        if let Some(entry) = manifest.records.iter().find(|entry| entry.file != entry.topic.file(entry.partition)) {
            let what = format!("`{}` is no file of {} {}", entry.file.escape_debug(), entry.topic, entry.partition);
            return Err(wrong(what));
        }
        let keys: Vec<_> = manifest.records.iter().map(|entry| (entry.topic, entry.partition)).collect();
        if keys.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(wrong("its partitions do not ascend".into()));
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// The definition's files.
    ///
    /// # Errors
    /// When one cannot be read; a missing one is left out, and the definition's loader names it.
    pub fn definition_files(&self) -> Result<DefinitionFiles, ExportReadError> {
        Ok(DefinitionFiles::read(&self.folder.join(DEFINITION_FOLDER))?)
    }

    /// Reads a partition from its genesis on.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn reader(&self, topic: Topic, partition: u32) -> Result<RecordReader, ExportReadError> {
        let file = topic.file(partition);
        let path = self.folder.join(&file);
        let input = File::open(&path).map_err(|source| ExportReadError::Io { path: path.clone(), source })?;
        Ok(RecordReader {
            file,
            path,
            input: BufReader::with_capacity(BUFFER_BYTES, input),
            hasher: Sha256::new(),
            next_record: 0,
            next_byte: 0,
        })
    }

    /// The value of one record, read from the start of its file: for the few that differ.
    ///
    /// # Errors
    /// When the file cannot be read so far. None when it has fewer records.
    pub fn record(&self, topic: Topic, partition: u32, record: u64) -> Result<Option<Vec<u8>>, ExportReadError> {
        let mut reader = self.reader(topic, partition)?;
        let mut value = Vec::new();
        while reader.read(&mut value)? {
            if reader.next_record() == record + 1 {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

impl RecordReader {
    /// The file, relative to the export.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The number of the record that is read next, from 0: its offset.
    #[must_use]
    pub fn next_record(&self) -> u64 {
        self.next_record
    }

    /// Where the next record starts.
    #[must_use]
    pub fn next_byte(&self) -> u64 {
        self.next_byte
    }

    /// Reads the next record's value into `value`; false at the end of the file.
    ///
    /// # Errors
    /// When the file ends inside the record, or the record announces more than [`MAX_RECORD_BYTES`].
    pub fn read(&mut self, value: &mut Vec<u8>) -> Result<bool, ExportReadError> {
        value.clear();
        let head = self.take(size_of::<u32>())?;
        if head.is_empty() {
            return Ok(false);
        }
        let head: [u8; 4] = head.as_slice().try_into().map_err(|_| self.truncated())?;
        let length = u32::from_be_bytes(head) as usize;
        if length > MAX_RECORD_BYTES {
            let (file, record, byte) = (self.file.clone(), self.next_record, self.next_byte);
            return Err(ExportReadError::TooLong { file, record, byte, length: length as u64 });
        }
        *value = self.take(length)?;
        if value.len() < length {
            return Err(self.truncated());
        }
        self.hasher.update(head);
        self.hasher.update(&*value);
        self.next_record += 1;
        self.next_byte += (head.len() + length) as u64;
        Ok(true)
    }

    /// What has been read, which is the whole file when [`Self::read`] answered false.
    #[must_use]
    pub fn summary(&self) -> FileSummary {
        let digest = RecordDigest(self.hasher.clone().finalize().into());
        FileSummary { records: self.next_record, bytes: self.next_byte, sha256: digest.to_string() }
    }

    /// Up to `length` bytes: fewer at the end of the file.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, ExportReadError> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(length as u64).read_to_end(&mut bytes);
        read.map_err(|source| ExportReadError::Io { path: self.path.clone(), source })?;
        Ok(bytes)
    }

    fn truncated(&self) -> ExportReadError {
        ExportReadError::Truncated { file: self.file.clone(), record: self.next_record, byte: self.next_byte }
    }
}

fn read_small(path: &Path) -> Result<Vec<u8>, ExportReadError> {
    let io_error = |source| ExportReadError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io_error)?;
    file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        let what = format!("{} has more than {MAX_MANIFEST_BYTES} bytes", path.display());
        return Err(ExportReadError::Manifest { what });
    }
    Ok(bytes)
}
