//! A publication outside its log: its record, opened and believed.

use crate::{BodyError, ServiceContext, ServiceRecordError, decode_publication, open_service, publication_digest};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::PublicationDigest};
use hattama_tally::PublicationBody;

/// A publication as a national service of the definition signed it. Whether it was valid in its log, its keeper has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPublication {
    /// What it says.
    pub body: PublicationBody,
    /// Its digest.
    pub digest: PublicationDigest,
    /// When it was written, by its writer's clock, milliseconds since 1970 UTC.
    pub written_at_milliseconds: i64,
    /// The value of its record.
    pub record: Bytes,
}

/// A record is no publication of this election.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptPublicationError {
    /// No national service of the definition signed it.
    #[error(transparent)]
    Record(#[from] ServiceRecordError),
    /// Signed, but not understood.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl KeptPublication {
    /// Opens the value of a record.
    ///
    /// # Errors
    /// When no national service of the definition signed it, or it is not understood.
    pub fn open(definition: &Definition, record: &Bytes) -> Result<Self, KeptPublicationError> {
        let context = ServiceContext::Publication;
        let opened = open_service(context, record, |key| context.key(definition, key))?;
        Ok(Self {
            body: decode_publication(definition, &opened.body)?,
            digest: publication_digest(&opened.body),
            written_at_milliseconds: opened.envelope.written_at_milliseconds,
            record: record.clone(),
        })
    }
}
