//! What the nation adds up to, numbered.

use crate::{
    position::{Generation, PositionPair},
    totals::{LineTotal, RecordCounts, StationCounts},
};
use hattama_election::{
    digest::{BodyDigest, CoreDigest, PublicationDigest},
    form::LineMeaning,
    ids::{ContestIndex, ElectionId, ShardId, SlotIndex},
};

/// The largest encoded publication body; the rest is re-derived from the log (design, D5).
pub const MAX_PUBLICATION_BYTES: usize = 4 << 10;

/// The position of one shard in a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorEntry {
    /// The shard.
    pub shard: ShardId,
    /// The pair of positions of its tally.
    pub position: PositionPair,
}

/// The nation's figures of a contest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestFigures {
    /// The contest.
    pub contest: ContestIndex,
    /// Stations.
    pub stations: StationCounts,
    /// Σ votes for all options and against all.
    pub votes_sum: u64,
    /// Votes against all.
    pub against_all: u64,
    /// A seat is open until a commission decides.
    pub decision_needed: bool,
    /// What depends on the method.
    pub detail: FiguresDetail,
}

/// What a contest's figures hold beyond counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "thirty of them in a publication, made once each")]
pub enum FiguresDetail {
    /// Of a list contest.
    List {
        /// Summed lines, by place in [`LineMeaning::ALL`].
        lines: [LineTotal; LineMeaning::ALL.len()],
        /// Votes in ballot order.
        votes: Vec<u64>,
        /// Seats in ballot order, as far as awarded.
        seats: Vec<u32>,
    },
    /// Of a plurality contest.
    Plurality {
        /// Place of the winner so far in ballot order; none when nothing is counted, the seat is open, or there is a tie.
        leader: Option<u32>,
        /// The leading number of votes of an option.
        leader_votes: u64,
        /// The next number of votes.
        runner_up_votes: u64,
    },
}

/// The nation's turnout at a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotFigures {
    /// The slot.
    pub slot: SlotIndex,
    /// Stations.
    pub stations: u64,
    /// Stations with a report for this very slot.
    pub reported: u64,
    /// Σ voters who had received a ballot.
    pub received_a_ballot: u64,
    /// Σ register.
    pub register: u64,
}

/// What the nation adds up to at a vector of positions. Holds no time, build or host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationBody {
    /// Election.
    pub election: ElectionId,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// Generation.
    pub generation: Generation,
    /// The number that it is known by.
    pub sequence: u64,
    /// Digest of the publication before.
    pub previous: Option<PublicationDigest>,
    /// A pair of positions for each shard, ascending, control included.
    pub vector: Vec<VectorEntry>,
    /// The control position that the nation itself stands at.
    pub control_next_offset: u64,
    /// Contests in the definition's order.
    pub contests: Vec<ContestFigures>,
    /// Turnout slots in time order.
    pub turnout: Vec<SlotFigures>,
    /// Digest over the totals of all regions, territories and districts.
    pub units_digest: BodyDigest,
    /// Records by outcome, over all shards.
    pub records: RecordCounts,
}

impl PublicationBody {
    /// True when this vector is nowhere below `other`'s and somewhere above it (design, D5).
    #[must_use]
    pub fn is_beyond(&self, other: &Self) -> bool {
        let covered = self.vector.len() == other.vector.len()
            && self
                .vector
                .iter()
                .zip(&other.vector)
                .all(|(new, old)| new.shard == old.shard && new.position.covers(&old.position))
            && self.control_next_offset >= other.control_next_offset;
        covered && (self.vector != other.vector || self.control_next_offset > other.control_next_offset)
    }
}
