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

/// Which record of a step: steps that are too large for one record are written as several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    number: u32,
    of: u32,
}

/// The most records that a step is written as. One holds some twenty thousand outcomes: all together five million, half of
/// what a million stations send in a night to all shards.
pub const MAX_PARTS: u32 = 256;

impl Part {
    /// The only one.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Number `number` of `of`. None unless 1 ≤ `number` ≤ `of` ≤ [`MAX_PARTS`].
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (1 <= number && number <= of && of <= MAX_PARTS).then_some(Self { number, of })
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of
    }
}

/// A step: what changed between two pairs of positions; or one part of it. [`crate::OutcomeChain`] says which are valid.
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
    /// Which part of the step; [`Part::WHOLE`] of one that is not split.
    pub part: Part,
    /// Every submission whose outcome differs between the two, in ascending order of offset; of a part, its share of them.
    pub outcomes: Vec<SubmissionOutcome>,
}
