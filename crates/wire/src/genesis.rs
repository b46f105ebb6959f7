//! The first record of every partition: which election, core and generation its log is of (design, D7).

use crate::{
    body::{BodyError, decode_body, digest_bytes, expect_own},
    kept_publication::KeptPublication,
    publication_body::read_previous,
};
use bytes::Bytes;
use hattama_election::{
    definition::Definition,
    digest::{CoreDigest, PublicationDigest},
    ids::ElectionId,
};
use hattama_proto::log::v1;
use hattama_tally::Generation;
use prost::Message as _;

/// A genesis record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Election.
    pub election: ElectionId,
    /// Generation, from 1.
    pub generation: Generation,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// The last publication of the generation before; none in the first.
    pub last_publication: Option<PublicationDigest>,
    /// The sequence of the first publication of this generation.
    pub first_sequence: u64,
    /// The record of the earlier publication that is shown as "restoring" until all that it counted is counted again.
    pub restoring: Option<Bytes>,
}

impl Genesis {
    /// The genesis of a generation before which nothing was published: that of an election's first one, and of each one in
    /// which a rehearsal is begun anew. A generation that goes on from published figures names the last of them instead.
    #[must_use]
    pub fn first(definition: &Definition, generation: Generation) -> Self {
        Self {
            election: definition.id.clone(),
            generation,
            core_digest: definition.core_digest,
            last_publication: None,
            first_sequence: 1,
            restoring: None,
        }
    }

    /// The publication that is being restored, as a national service of this election signed it. None when there is none, or
    /// when no national service of the definition signed it.
    #[must_use]
    pub fn restoring_publication(&self, definition: &Definition) -> Option<KeptPublication> {
        KeptPublication::open(definition, self.restoring.as_ref()?).ok()
    }
}

/// The value of a genesis record.
#[must_use]
pub fn encode_genesis(genesis: &Genesis) -> Bytes {
    let message = v1::Genesis {
        election: genesis.election.to_string(),
        generation: genesis.generation.0,
        core_digest: digest_bytes(&genesis.core_digest.0),
        last_publication: genesis.last_publication.as_ref().map(|digest| digest_bytes(&digest.0)).unwrap_or_default(),
        first_sequence: genesis.first_sequence,
        restoring: genesis.restoring.clone().unwrap_or_default(),
    };
    message.encode_to_vec().into()
}

/// The genesis record in a value.
///
/// # Errors
/// When it is not canonical, of another election or core, or has no generation or first sequence.
pub fn decode_genesis(definition: &Definition, value: &[u8]) -> Result<Genesis, BodyError> {
    let message: v1::Genesis = decode_body(value)?;
    expect_own(definition, &message.election, &message.core_digest)?;
    if message.generation == 0 {
        return Err(BodyError::field("generation", "generations start at 1"));
    }
    if message.first_sequence == 0 {
        return Err(BodyError::field("first_sequence", "publications are numbered from 1"));
    }
    Ok(Genesis {
        election: definition.id.clone(),
        generation: Generation(message.generation),
        core_digest: definition.core_digest,
        last_publication: read_previous("last_publication", &message.last_publication)?,
        first_sequence: message.first_sequence,
        restoring: Some(message.restoring).filter(|record| !record.is_empty()),
    })
}
