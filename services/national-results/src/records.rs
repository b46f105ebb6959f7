//! Records that services wrote, opened and believed: tallies and publications.

use bytes::Bytes;
use hattama_election::{
    definition::Definition,
    digest::{BodyDigest, PublicationDigest, sha256},
    ids::ShardId,
};
use hattama_tally::{Generation, PublicationBody, TallyBody};
use hattama_wire::{
    BodyError, ServiceContext, ServiceRecordError, decode_publication, decode_tally, encode_tally, open_service,
    publication_digest,
};

/// A tally as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedTally {
    /// What the shard adds up to.
    pub body: TallyBody,
    /// SHA-256 over its canonical bytes: equal positions must have equal ones.
    pub digest: BodyDigest,
    /// Why its owner says that the shard stands still; none when it is live. Not part of what is compared.
    pub frozen: Option<String>,
}

/// A publication as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedPublication {
    /// What the nation adds up to.
    pub body: PublicationBody,
    /// Digest of its canonical bytes.
    pub digest: PublicationDigest,
    /// When it was written, by its writer's clock, milliseconds since 1970 UTC.
    pub written_at_milliseconds: i64,
}

/// Why a record is ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotBelieved {
    /// Not signed by a service of the definition.
    #[error(transparent)]
    Record(#[from] ServiceRecordError),
    /// Signed, but not understood.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Of another generation, or of another shard than the partition that it lies in.
    #[error("{what}: is another generation writing to this topic?")]
    Elsewhere {
        /// What does not fit.
        what: String,
    },
}

impl LoggedTally {
    /// A tally of our own arithmetic, as if it had been read.
    pub(crate) fn own(definition: &Definition, body: TallyBody) -> Self {
        let digest = BodyDigest(sha256(&encode_tally(definition, &body)));
        Self { body, digest, frozen: None }
    }
}

/// Opens a record of partition `shard` of the tallies.
///
/// # Errors
/// When no aggregator of the definition signed it, or it is not of this shard and generation.
pub(crate) fn open_tally(
    definition: &Definition,
    generation: Generation,
    shard: ShardId,
    value: &[u8],
) -> Result<LoggedTally, NotBelieved> {
    let context = ServiceContext::Tally;
    let opened = open_service(context, value, |key| context.key(definition, key))?;
    let body = decode_tally(definition, &opened.body)?;
    if body.generation != generation || body.shard != shard {
        let what = format!("a tally of shard {}, generation {}, lies in shard {shard}", body.shard, body.generation.0);
        return Err(NotBelieved::Elsewhere { what });
    }
    Ok(LoggedTally { digest: BodyDigest(sha256(&opened.body)), body, frozen: opened.envelope.frozen })
}

/// Opens a record of the publications.
///
/// # Errors
/// When no national service of the definition signed it, or it is not of this generation and of all its shards.
pub(crate) fn open_publication(
    definition: &Definition,
    generation: Generation,
    value: &Bytes,
) -> Result<LoggedPublication, NotBelieved> {
    let context = ServiceContext::Publication;
    let opened = open_service(context, value, |key| context.key(definition, key))?;
    let body = decode_publication(definition, &opened.body)?;
    if body.generation != generation {
        let what = format!("a publication of generation {}", body.generation.0);
        return Err(NotBelieved::Elsewhere { what });
    }
    // Shards ascend without gaps: that many of them are all of them.
    if u32::try_from(body.vector.len()) != Ok(definition.shards) {
        let what = format!("a vector of {} of {} shards", body.vector.len(), definition.shards);
        return Err(NotBelieved::Elsewhere { what });
    }
    let digest = publication_digest(&opened.body);
    Ok(LoggedPublication { body, digest, written_at_milliseconds: opened.envelope.written_at_milliseconds })
}
