//! The turnout report: how many voters had received a ballot at a slot.

use crate::{
    digest::{CanonicalHasher, ContentDigest},
    ids::{SlotId, StationId},
    instant::Instant,
};

/// A turnout report as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnoutReport {
    /// What the station says.
    pub content: TurnoutContent,
    /// The station's own time when it signed.
    pub signed_at: Instant,
}

/// Station, slot, revision and the two figures (design, D3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TurnoutContent {
    /// The station.
    pub station: StationId,
    /// The slot.
    pub slot: SlotId,
    /// 1 for the first report of a slot, at most [`crate::protocol::MAX_REVISION`].
    pub revision: u8,
    /// Voters who had received a ballot, cumulative.
    pub received_a_ballot: u32,
    /// Voters on the register at that instant.
    pub register: u32,
}

impl TurnoutContent {
    /// The digest that decisions name this content by.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        ContentDigest(
            CanonicalHasher::new("hattama/content/turnout/1")
                .text(self.station.as_str())
                .text(self.slot.as_str())
                .number(u64::from(self.revision))
                .number(u64::from(self.received_a_ballot))
                .number(u64::from(self.register))
                .finish(),
        )
    }
}
