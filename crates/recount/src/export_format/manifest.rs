//! The manifest: what an export holds.

use super::Topic;
use hattama_election::{digest::CoreDigest, ids::ElectionId};
use std::collections::BTreeMap;

/// The format that this build writes and reads.
pub const FORMAT: &str = "hattama/export/1";

/// What an export is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportMeta {
    /// Election.
    pub election: ElectionId,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// Generation of the log, from 1.
    pub generation: u32,
    /// Versions of the build that exports, by program; information only.
    pub build: BTreeMap<String, String>,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// Election id.
    pub election: String,
    /// Core digest, 64 hexadecimal digits.
    pub core_digest: String,
    /// Generation of the log, from 1.
    pub generation: u32,
    /// Versions of the build that exported, by program; information only.
    pub build: BTreeMap<String, String>,
    /// The definition's files, ascending by path.
    pub definition: Vec<FileEntry>,
    /// The partitions, ascending by topic (in the order of [`Topic::ALL`]) and number.
    pub records: Vec<PartitionEntry>,
}

/// A file of the definition.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path, relative to the export.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 over its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

/// A file of records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionEntry {
    /// Path, relative to the export.
    pub file: String,
    /// Topic.
    pub topic: Topic,
    /// Partition.
    pub partition: u32,
    /// Records, genesis included.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 over its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// The entry of a partition.
    #[must_use]
    pub fn partition(&self, topic: Topic, partition: u32) -> Option<&PartitionEntry> {
        self.records.iter().find(|entry| entry.topic == topic && entry.partition == partition)
    }

    /// The bytes of `manifest.json`: indented JSON and a line end. A manifest has no other form.
    ///
    /// # Errors
    /// Never: every field is text or a number.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The line of `manifest.sha256` for a manifest's bytes.
    #[must_use]
    pub fn digest_line(bytes: &[u8]) -> String {
        format!("{}  {}\n", hex_sha256(bytes), super::MANIFEST)
    }
}

/// SHA-256 as 64 hexadecimal digits.
pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    hattama_election::digest::RecordDigest(hattama_election::digest::sha256(bytes)).to_string()
}
