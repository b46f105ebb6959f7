//! What all bodies of the log share: their errors, and the checks of election, core, digests and positions.

use crate::{fields::FieldError, payload::decode_canonical};
use bytes::Bytes;
use hattama_election::{definition::Definition, digest::CoreDigest, ids::ShardId, protocol::MAX_COUNT};
use hattama_proto::log::v1;
use hattama_tally::PositionPair;
use prost::Message;
use std::fmt::Display;

/// The largest figure that a body may hold: what a million stations, the most that a definition has, can write on one line.
/// A figure summed over 4,096 shards stays far inside 64 bits.
pub const MAX_FIGURE: u64 = MAX_COUNT as u64 * 1_000_000;

/// Why bytes are no body of this election.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No such message, or not in its canonical encoding.
    #[error("the body is not in canonical encoding: {0}")]
    Encoding(FieldError),
    /// Of another election.
    #[error("the body is of election `{found}`: is this the log of another one?")]
    ForeignElection {
        /// The election that it names.
        found: String,
    },
    /// Of another frozen definition of this election.
    #[error("the body is of core {found}: was the definition changed after the start?")]
    ForeignCore {
        /// The core that it names.
        found: CoreDigest,
    },
    /// A field that is not what the definition and the contract expect.
    #[error("{field} of the body: {detail}")]
    Field {
        /// The field, like `contests[0].units[2].votes`.
        field: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl BodyError {
    pub(crate) fn field(field: impl Display, detail: impl Display) -> Self {
        Self::Field { field: field.to_string(), detail: detail.to_string() }
    }

    /// The same error of a field inside `outer`.
    pub(crate) fn within(self, outer: impl Display) -> Self {
        match self {
            Self::Field { field, detail } => Self::Field { field: format!("{outer}.{field}"), detail },
            other => other,
        }
    }
}

pub(crate) fn decode_body<M: Message + Default>(bytes: &[u8]) -> Result<M, BodyError> {
    decode_canonical(bytes).map_err(BodyError::Encoding)
}

/// Refuses what is of another election or core.
pub(crate) fn expect_own(definition: &Definition, election: &str, core_digest: &[u8]) -> Result<(), BodyError> {
    if election != definition.id.as_str() {
        return Err(BodyError::ForeignElection { found: election.chars().take(64).collect() });
    }
    let found = CoreDigest(read_digest("core_digest", core_digest)?);
    if found != definition.core_digest {
        return Err(BodyError::ForeignCore { found });
    }
    Ok(())
}

pub(crate) fn digest_bytes(digest: &[u8; 32]) -> Bytes {
    Bytes::copy_from_slice(digest)
}

pub(crate) fn read_digest(field: &str, bytes: &[u8]) -> Result<[u8; 32], BodyError> {
    let found = bytes.len();
    bytes.try_into().map_err(|_| BodyError::field(field, format_args!("{found} bytes where 32 are expected")))
}

pub(crate) fn read_shard(definition: &Definition, shard: u32) -> Result<ShardId, BodyError> {
    if shard >= definition.shards {
        return Err(BodyError::field("shard", format_args!("{shard} is none of {}", definition.shards)));
    }
    Ok(ShardId(shard))
}

pub(crate) fn read_figure(field: impl Display, figure: u64) -> Result<u64, BodyError> {
    if figure > MAX_FIGURE {
        return Err(BodyError::field(field, format_args!("{figure} is above {MAX_FIGURE}")));
    }
    Ok(figure)
}

/// A pair of positions as a message.
#[must_use]
pub fn position_to_proto(position: PositionPair) -> v1::PositionPair {
    v1::PositionPair { next_offset: position.next_offset, control_next_offset: position.control_next_offset }
}

/// The pair of positions of a message.
#[must_use]
pub fn position_from_proto(message: &v1::PositionPair) -> PositionPair {
    PositionPair { next_offset: message.next_offset, control_next_offset: message.control_next_offset }
}

pub(crate) fn read_position(field: &str, message: Option<&v1::PositionPair>) -> Result<PositionPair, BodyError> {
    message.map(position_from_proto).ok_or_else(|| missing(field))
}

pub(crate) fn missing(field: impl Display) -> BodyError {
    BodyError::field(field, "it is missing")
}

/// Items that ascend, none twice.
pub(crate) fn expect_ascending<K: Ord>(field: &str, keys: &[K]) -> Result<(), BodyError> {
    match keys.windows(2).position(|pair| pair[0] >= pair[1]) {
        Some(place) => {
            let detail = "it is not above the one before: the order is the definition's, each once";
            Err(BodyError::field(format_args!("{field}[{}]", place + 1), detail))
        }
        None => Ok(()),
    }
}

/// Every item of a list; the error names its place.
pub(crate) fn read_list<A, B>(
    field: &str,
    items: &[A],
    read: impl Fn(&A) -> Result<B, BodyError>,
) -> Result<Vec<B>, BodyError> {
    let read = |(place, item)| read(item).map_err(|error| error.within(format_args!("{field}[{place}]")));
    items.iter().enumerate().map(read).collect()
}
