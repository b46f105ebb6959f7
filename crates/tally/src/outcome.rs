//! What became of a submission.

use crate::position::{Generation, PositionPair};
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest},
    ids::{ElectionId, ShardId},
    rules::RuleCode,
};

/// The word on a submission at a pair of positions (design, D8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It counts, perhaps with flags. Of a decision or amendment: it is in force.
    Counted,
    /// Shown, not counted, until corrected or confirmed.
    Held,
    /// Its content was there already; it shares that content's standing.
    Duplicate,
    /// A higher revision counts, or another decision holds over it.
    Superseded,
    /// Another content stands under its revision or number.
    Contested,
    /// A decision took it out.
    Annulled,
    /// Impossible; never counted.
    Refused,
}

impl Outcome {
    /// Every outcome, in the order of the wire.
    pub const ALL: [Self; 7] =
        [Self::Counted, Self::Held, Self::Duplicate, Self::Superseded, Self::Contested, Self::Annulled, Self::Refused];

    /// The outcome as every interface spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Held => "held",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Contested => "contested",
            Self::Annulled => "annulled",
            Self::Refused => "refused",
        }
    }
}

/// The outcome of one record of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionOutcome {
    /// Its offset in the shard's partition.
    pub offset: u64,
    /// Its submission digest; of a record that is no submission, SHA-256 over its value.
    pub digest: SubmissionDigest,
    /// What became of it.
    pub outcome: Outcome,
    /// Rules that fired, ascending, each once.
    pub rules: Vec<RuleCode>,
    /// Of a duplicate: the offset of the first submission with its content.
    pub duplicate_of: Option<u64>,
}

impl SubmissionOutcome {
    /// The outcome of a record that is impossible.
    pub(crate) fn refused(offset: u64, digest: SubmissionDigest, rules: Vec<RuleCode>) -> Self {
        Self { offset, digest, outcome: Outcome::Refused, rules, duplicate_of: None }
    }

    /// True when it is what a reader assumes of a submission that no record lists: counted without a flag.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.outcome == Outcome::Counted && self.rules.is_empty()
    }
}

/// What changed between two pairs of positions. Valid when `from` is the last valid one's `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomesBody {
    /// Election.
    pub election: ElectionId,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// Generation.
    pub generation: Generation,
    /// Shard.
    pub shard: ShardId,
    /// From here.
    pub from: PositionPair,
    /// To here.
    pub to: PositionPair,
    /// Every submission whose outcome differs between the two, in ascending order of offset.
    pub outcomes: Vec<SubmissionOutcome>,
}
