//! Decisions: what a commission rules on contents, stations and ties. Each is signed, numbered and gives a reason.

use crate::{
    digest::{CanonicalHasher, ContentDigest},
    ids::{AuthorityId, ContestId, OptionId, StationId},
    instant::Instant,
};

/// The most contents that one choice may set aside: more under one revision is a case for people.
pub const MAX_SET_ASIDE: usize = 64;
/// The most options that one tie may lie between.
pub const MAX_TIED_OPTIONS: usize = 64;

/// A decision as signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is decided.
    pub content: DecisionContent,
    /// Why, in words; never empty, at most [`crate::protocol::MAX_REASON_BYTES`].
    pub reason: String,
    /// When it was signed.
    pub signed_at: Instant,
}

/// Author, number and ruling. Of two rulings on one thing the one of the higher commission holds, within one commission
/// the one of the higher number; two different decisions of one author under one number are contested and neither holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecisionContent {
    /// The commission.
    pub author: AuthorityId,
    /// Its own numbering, from 1; gaps are allowed.
    pub number: u32,
    /// The ruling.
    pub ruling: Ruling,
}

/// What a commission may rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruling {
    /// The content is right as it stands: it is no longer held.
    Confirm {
        /// The station.
        station: StationId,
        /// The content.
        content: ContentDigest,
    },
    /// The content does not count. The next lower one does, unless annulled as well.
    Annul {
        /// The station.
        station: StationId,
        /// The content.
        content: ContentDigest,
    },
    /// Nothing of this station counts in this contest, whatever was or will be sent.
    AnnulStation {
        /// The station.
        station: StationId,
        /// The contest.
        contest: ContestId,
    },
    /// Of contents contested under one revision, one stands and those named are set aside.
    Choose {
        /// The station.
        station: StationId,
        /// The content that stands.
        chosen: ContentDigest,
        /// The contents that do not, in ascending order; at least one, at most [`MAX_SET_ASIDE`].
        set_aside: Vec<ContentDigest>,
    },
    /// A tie is resolved. Void when its premises (the options tied, the seats open) no longer hold.
    ResolveTie {
        /// The contest.
        contest: ContestId,
        /// The options tied, in ascending order; at least two, at most [`MAX_TIED_OPTIONS`].
        between: Vec<OptionId>,
        /// How many seats they are tied for.
        seats: u32,
        /// Who gets them, in ascending order; as many as `seats`.
        winners: Vec<OptionId>,
    },
}

impl Ruling {
    /// The station that the ruling concerns; none for a tie, which concerns the nation.
    #[must_use]
    pub fn station(&self) -> Option<&StationId> {
        match self {
            Self::Confirm { station, .. }
            | Self::Annul { station, .. }
            | Self::AnnulStation { station, .. }
            | Self::Choose { station, .. } => Some(station),
            Self::ResolveTie { .. } => None,
        }
    }
}

impl DecisionContent {
    /// The digest that tells this decision from another under the same number.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let hasher = CanonicalHasher::new("hattama/content/decision/1")
            .text(self.author.as_str())
            .number(u64::from(self.number));
        ContentDigest(self.ruling.hash_into(hasher).finish())
    }
}

impl Ruling {
    fn hash_into(&self, hasher: CanonicalHasher) -> CanonicalHasher {
        match self {
            Self::Confirm { station, content } => hasher.text("confirm").text(station.as_str()).bytes(&content.0),
            Self::Annul { station, content } => hasher.text("annul").text(station.as_str()).bytes(&content.0),
            Self::AnnulStation { station, contest } => {
                hasher.text("annul-station").text(station.as_str()).text(contest.as_str())
            }
            Self::Choose { station, chosen, set_aside } => set_aside.iter().fold(
                hasher.text("choose").text(station.as_str()).bytes(&chosen.0).number(set_aside.len() as u64),
                |hasher, content| hasher.bytes(&content.0),
            ),
            Self::ResolveTie { contest, between, seats, winners } => {
                let hasher = hasher.text("resolve-tie").text(contest.as_str()).number(u64::from(*seats));
                let hasher = between
                    .iter()
                    .fold(hasher.number(between.len() as u64), |hasher, option| hasher.text(option.as_str()));
                winners.iter().fold(hasher.number(winners.len() as u64), |hasher, option| hasher.text(option.as_str()))
            }
        }
    }
}
