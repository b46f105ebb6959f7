//! A generation of the log as plain files, so that anyone can check it with nothing but this page.
//!
//! ```text
//! manifest.json                        what there is: records, bytes and SHA-256 of every file
//! manifest.sha256                      SHA-256 of manifest.json, as `sha256sum -c manifest.sha256` reads it
//! definition/                          the seven files of the definition, as stored
//! records/<topic>-<partition>.records  topic: submissions, outcomes, tallies, publications
//! ```
//!
//! A `.records` file holds the values of one partition from offset 0 (the genesis) on, without gaps: each as its length, a
//! u32 in big-endian order, and its bytes. Record n of the file is thus offset n of the partition. Keys, headers and broker
//! time stamps are left out: nothing is folded from them. A reader in Python:
//!
//! ```text
//! import struct
//! def records(path):
//!     with open(path, "rb") as file:
//!         while head := file.read(4):
//!             yield file.read(struct.unpack(">I", head)[0])
//! ```
//!
//! The values are messages of `proto/hattama/log/v1/log.proto` and `proto/hattama/submission/v1/submission.proto`.

mod manifest;
mod reader;
mod writer;

pub(crate) use manifest::hex_sha256;
pub use manifest::{ExportMeta, FORMAT, FileEntry, Manifest, PartitionEntry};
pub use reader::{Export, ExportReadError, FileSummary, RecordReader};
pub use writer::{ExportError, ExportWriter, PartitionWriter};

use std::fmt;

/// The longest record of an export: what every log takes at most, and nothing that a service writes is longer.
pub const MAX_RECORD_BYTES: usize = hattama_wire::limits::MAX_SERVICE_RECORD_BYTES;
/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The name of the file with the manifest's digest.
pub const MANIFEST_DIGEST: &str = "manifest.sha256";
/// The folder of the definition.
pub const DEFINITION_FOLDER: &str = "definition";
/// The folder of the records.
pub const RECORDS_FOLDER: &str = "records";

/// The four topics of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Everything signed that stations and commissions sent; a partition is a shard.
    Submissions,
    /// What became of submissions; a partition is a shard.
    Outcomes,
    /// What each shard adds up to; a partition is a shard.
    Tallies,
    /// What the nation adds up to; one partition.
    Publications,
}

impl Topic {
    /// Every topic, in the order in which a manifest names them.
    pub const ALL: [Self; 4] = [Self::Submissions, Self::Outcomes, Self::Tallies, Self::Publications];

    /// The topic as files and manifest spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submissions => "submissions",
            Self::Outcomes => "outcomes",
            Self::Tallies => "tallies",
            Self::Publications => "publications",
        }
    }

    /// How many partitions the topic has in an election of `shards` shards, control included.
    #[must_use]
    pub fn partitions(self, shards: u32) -> u32 {
        match self {
            Self::Submissions | Self::Outcomes | Self::Tallies => shards,
            Self::Publications => 1,
        }
    }

    /// The file of a partition, relative to the export.
    #[must_use]
    pub fn file(self, partition: u32) -> String {
        format!("{RECORDS_FOLDER}/{self}-{partition}.records")
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
