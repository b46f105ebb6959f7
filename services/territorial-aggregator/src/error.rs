//! What can go wrong, for a person to read.

use hattama_election::ids::ShardId;
use hattama_election_log::{GenesisError, KeyError};
use hattama_record_log::LogError;
use hattama_tally::PositionPair;
use hattama_wire::TooManyParts;

/// Why an aggregator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log could not be read.
    #[error("the log of generation {generation} cannot be read: {source}")]
    Log {
        /// Which.
        generation: u32,
        /// Why.
        source: LogError,
    },
    /// A partition does not begin as it must.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A shard that the definition does not have.
    #[error("shard {shard} does not exist: the definition has shards 0 to {last}; name some of these, or none for all")]
    NoSuchShard {
        /// The shard.
        shard: ShardId,
        /// The last one.
        last: u32,
    },
    /// Nobody would believe its tallies.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The gRPC server could not be bound.
    #[error("the gRPC server does not start: {0}")]
    Listen(#[from] hattama_service_kit::listen::ListenError),
}

/// Why a shard cannot be owned any longer.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The log failed.
    #[error("shard {shard}: {source}")]
    Log {
        /// The shard.
        shard: ShardId,
        /// Why.
        source: LogError,
    },
    /// A partition does not begin as it must.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A record that this aggregator wrote is larger than a record may be.
    #[error(
        "shard {shard}: {what} at offset {} (control {}) has {bytes} bytes, at most {limit} fit: split the shard's region into more shards for the next election",
        at.next_offset,
        at.control_next_offset
    )]
    TooLarge {
        /// The shard.
        shard: ShardId,
        /// An outcomes record or a tally.
        what: &'static str,
        /// Where the fold stands.
        at: PositionPair,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More outcomes changed at once than may be told.
    #[error(
        "shard {shard}: at offset {} (control {}) {source}: split the shard's region into more shards for the next election",
        at.next_offset,
        at.control_next_offset
    )]
    TooManyParts {
        /// The shard.
        shard: ShardId,
        /// Where the fold stands.
        at: PositionPair,
        /// How many.
        source: TooManyParts,
    },
    /// The log ends below what outcomes claim: records are gone.
    #[error(
        "shard {shard}: outcomes claim that submissions of partition {partition} were read up to offset {claimed}, but it ends at {end}: records were lost; write nothing more to this log, keep it and the gateways' journals as they are, and ask for help (docs/promises.md, data loss)"
    )]
    DataLoss {
        /// The shard.
        shard: ShardId,
        /// The partition that is too short: the shard's own, or control's.
        partition: ShardId,
        /// The next offset that was claimed.
        claimed: u64,
        /// Where the partition ends.
        end: u64,
    },
    /// Control has ended: the service stops.
    #[error("shard {shard}: control is followed no longer: see why in the error before, then start the service again")]
    ControlGone {
        /// The shard.
        shard: ShardId,
    },
}

impl OwnError {
    /// What the log said, if that was it.
    pub(crate) fn log_error(&self) -> Option<&LogError> {
        match self {
            Self::Log { source, .. } | Self::Genesis(GenesisError::Log { source, .. }) => Some(source),
            _ => None,
        }
    }
}
