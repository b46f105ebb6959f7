//! The protocol: what a commission writes and signs for one contest when the count is over.

use crate::{
    digest::{CanonicalHasher, ContentDigest, ScanDigest},
    form::Lines,
    ids::{ContestId, OptionId, StationId},
    instant::Instant,
};

/// The largest count that a line or an option may have: seven digits, a hundred times any real station.
pub const MAX_COUNT: u32 = 9_999_999;
/// The largest revision: a station that corrects itself a hundred times needs people, not software.
pub const MAX_REVISION: u8 = 99;
/// The longest reason, in bytes.
pub const MAX_REASON_BYTES: usize = 1_000;
/// The most signatories: chair, deputy, secretary and members.
pub const MAX_SIGNATORIES: usize = 32;
/// The longest name of a signatory, in bytes.
pub const MAX_SIGNATORY_NAME_BYTES: usize = 200;

/// A protocol as written, checked for form only: its numbers may contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// What the station says: this alone decides what it counts for.
    pub content: ProtocolContent,
    /// When the commission signed, by the station's own clock.
    pub signed_at: Instant,
    /// The content that this one corrects, as its author names it; absent on a first protocol.
    pub supersedes: Option<ContentDigest>,
    /// Why it was corrected, at most [`MAX_REASON_BYTES`].
    pub reason: Option<String>,
    /// By whose authority it was corrected, in words, at most [`MAX_REASON_BYTES`].
    pub correction_authority: Option<String>,
    /// Who signed, refused or dissented.
    pub signatories: Vec<Signatory>,
    /// How many complaints were lodged; absent is not zero.
    pub complaints: Option<u32>,
    /// SHA-256 of the paper's scan.
    pub scan: Option<ScanDigest>,
}

/// Station, contest, revision and every written line and option (design, D3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtocolContent {
    /// The station.
    pub station: StationId,
    /// The contest.
    pub contest: ContestId,
    /// 1 for the first protocol, at most [`MAX_REVISION`].
    pub revision: u8,
    /// The written lines.
    pub lines: Lines,
    /// Votes by option, in ascending order of the options' ids, each id once.
    pub votes: Vec<(OptionId, u32)>,
    /// Votes against all, when written.
    pub against_all: Option<u32>,
}

impl ProtocolContent {
    /// The digest that decisions and corrections name this content by.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let mut hasher = CanonicalHasher::new("hattama/content/protocol/1")
            .text(self.station.as_str())
            .text(self.contest.as_str())
            .number(u64::from(self.revision));
        for meaning in crate::form::LineMeaning::ALL {
            hasher = hasher.optional(self.lines.get(meaning).map(u64::from));
        }
        hasher = hasher.number(self.votes.len() as u64);
        for (option, votes) in &self.votes {
            hasher = hasher.text(option.as_str()).number(u64::from(*votes));
        }
        ContentDigest(hasher.optional(self.against_all.map(u64::from)).finish())
    }

    /// Votes for all options and against all; cannot overflow below 2³² options of [`MAX_COUNT`].
    #[must_use]
    pub fn sum_of_votes(&self) -> u64 {
        let options: u64 = self.votes.iter().map(|(_, votes)| u64::from(*votes)).sum();
        options + u64::from(self.against_all.unwrap_or(0))
    }
}

/// One member of the commission and what that member did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatory {
    /// The office held.
    pub role: SignatoryRole,
    /// The name as on the paper; may be empty in a rehearsal.
    pub name: String,
    /// What the member did.
    pub stance: SignatoryStance,
}

/// The office of a member of a commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatoryRole {
    /// The chair.
    Chair,
    /// The deputy chair.
    DeputyChair,
    /// The secretary.
    Secretary,
    /// A member without office.
    Member,
}

/// What a member of a commission did with the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatoryStance {
    /// Signed.
    Signed,
    /// Refused to sign.
    Refused,
    /// Signed with a dissenting opinion.
    Dissenting,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::LineMeaning;

    fn content() -> ProtocolContent {
        ProtocolContent {
            station: StationId::new("s1").unwrap(),
            contest: ContestId::new("c").unwrap(),
            revision: 1,
            lines: Lines::default(),
            votes: vec![(OptionId::new("a").unwrap(), 3), (OptionId::new("b").unwrap(), 4)],
            against_all: Some(1),
        }
    }

    #[test]
    fn every_written_figure_changes_the_content_digest() {
        let base = content();
        let mut others = vec![content(), content(), content(), content(), content()];
        others[0].revision = 2;
        others[1].lines.set(LineMeaning::BallotsFound, 0);
        others[2].votes[0].1 = 4;
        others[3].against_all = None;
        others[4].against_all = Some(0);
        for other in &others {
            assert_ne!(base.digest(), other.digest());
        }
        assert_eq!(base.digest(), content().digest());
        assert_eq!(base.sum_of_votes(), 8);
    }
}
