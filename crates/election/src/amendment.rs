//! Amendments: what changes in the frozen definition on the day. They apply as the gap-free prefix 1 … n (design, D10).

use crate::{
    digest::{CanonicalHasher, ContentDigest, SubmissionDigest},
    ids::{AuthorityId, ContestId, OptionId, ShardId, StationId},
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{RuleCode, Severity},
};

/// The most submissions that one revocation may keep valid: what a station sends in a night, many times over.
pub const MAX_STILL_VALID: usize = 256;

/// The most ranges that one amendment gives up as lost: at most 30 bytes each on the wire, half of what a submission may have.
/// Several amendments add up.
pub const MAX_LOST_RANGES: usize = 1_024;

/// An amendment as signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// What changes.
    pub content: AmendmentContent,
    /// Why, in words; never empty, at most [`crate::protocol::MAX_REASON_BYTES`].
    pub reason: String,
    /// When it was signed.
    pub signed_at: Instant,
}

/// Number, author and change. Two different contents under one number stop the prefix there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmendmentContent {
    /// 1, 2, 3 … over the whole election.
    pub number: u32,
    /// Who signs: the central commission or the operator.
    pub author: AuthorityId,
    /// The change.
    pub change: Change,
}

/// Whose key an amendment concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyHolder {
    /// A station.
    Station(StationId),
    /// A commission or office.
    Authority(AuthorityId),
}

/// Records of a shard's submissions that lie one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordRange {
    /// The shard.
    pub shard: ShardId,
    /// Offset of the first, from 1: at 0 lies the genesis.
    pub first: u64,
    /// Offset of the last; not below the first.
    pub last: u64,
}

/// What an amendment may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// From now on the holder may also sign with this key. The old one stays good until it is revoked.
    KeyReplaced {
        /// Whose.
        holder: KeyHolder,
        /// The new key.
        key: PublicKey,
    },
    /// What was signed with this key is held, but for the submissions named.
    KeyRevoked {
        /// The key.
        key: KeyId,
        /// What stays valid, in ascending order, at most [`MAX_STILL_VALID`].
        still_valid: Vec<SubmissionDigest>,
    },
    /// A candidate or list withdrew: votes for it are flagged, and it wins nothing.
    OptionWithdrawn {
        /// The contest.
        contest: ContestId,
        /// The option.
        option: OptionId,
    },
    /// A station was closed: nothing is awaited from it any more. What it signed stays.
    StationClosed {
        /// The station.
        station: StationId,
    },
    /// A station stays open until another instant.
    PollsClose {
        /// The station.
        station: StationId,
        /// When it closes.
        at: Instant,
    },
    /// A rule gets another severity.
    SeverityChanged {
        /// The rule.
        rule: RuleCode,
        /// Its severity from now on.
        severity: Severity,
    },
    /// The fold version in force. A binary that does not know it refuses to own a shard.
    FoldVersion {
        /// The version.
        version: u32,
    },
    /// Records of an earlier generation of the log will not come again: nothing waits for them any more. It changes no figure.
    RecordsLost {
        /// The generation that they lay in, from 1.
        generation: u32,
        /// Which, ascending and none twice, at most [`MAX_LOST_RANGES`].
        ranges: Vec<RecordRange>,
    },
}

impl AmendmentContent {
    /// The digest that tells this amendment from another under the same number.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let hasher = CanonicalHasher::new("hattama/content/amendment/1")
            .number(u64::from(self.number))
            .text(self.author.as_str());
        ContentDigest(self.change.hash_into(hasher).finish())
    }
}

impl Change {
    fn hash_into(&self, hasher: CanonicalHasher) -> CanonicalHasher {
        match self {
            Self::KeyReplaced { holder, key } => {
                let hasher = hasher.text("key-replaced");
                let hasher = match holder {
                    KeyHolder::Station(station) => hasher.text("station").text(station.as_str()),
                    KeyHolder::Authority(authority) => hasher.text("authority").text(authority.as_str()),
                };
                hasher.bytes(key.as_bytes())
            }
            Self::KeyRevoked { key, still_valid } => still_valid
                .iter()
                .fold(hasher.text("key-revoked").bytes(&key.0).number(still_valid.len() as u64), |hasher, digest| {
                    hasher.bytes(&digest.0)
                }),
            Self::OptionWithdrawn { contest, option } => {
                hasher.text("option-withdrawn").text(contest.as_str()).text(option.as_str())
            }
            Self::StationClosed { station } => hasher.text("station-closed").text(station.as_str()),
            Self::PollsClose { station, at } => {
                hasher.text("polls-close").text(station.as_str()).number(at.0.cast_unsigned())
            }
            Self::SeverityChanged { rule, severity } => {
                hasher.text("severity-changed").text(rule.as_str()).text(severity.as_str())
            }
            Self::FoldVersion { version } => hasher.text("fold-version").number(u64::from(*version)),
            Self::RecordsLost { generation, ranges } => ranges.iter().fold(
                hasher.text("records-lost").number(u64::from(*generation)).number(ranges.len() as u64),
                |hasher, range| hasher.number(u64::from(range.shard.0)).number(range.first).number(range.last),
            ),
        }
    }
}
