//! What a shard adds up to: totals by contest and unit, turnout by slot and unit.

use crate::position::{Generation, PositionPair};
use hattama_election::{
    definition::{DistrictIndex, RegionIndex, TerritoryIndex},
    digest::{ChainDigest, CoreDigest},
    form::LineMeaning,
    ids::{ContestIndex, ElectionId, ShardId, SlotIndex},
};

/// A unit that figures are summed over. Regions, territories and districts nest in stations, not in each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A region.
    Region(RegionIndex),
    /// A territory.
    Territory(TerritoryIndex),
    /// A district.
    District(DistrictIndex),
}

/// The sum of a line and how many counted protocols have it written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineTotal {
    /// The sum.
    pub sum: u64,
    /// How many have it.
    pub written: u64,
}

/// Stations by what their protocols for a contest have come to; `expected` is the sum of the five that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StationCounts {
    /// Stations where the contest is held; closed ones without a protocol excepted.
    pub expected: u64,
    /// With a counted protocol.
    pub counted: u64,
    /// Not counted, because held.
    pub held: u64,
    /// Not counted, because contested.
    pub contested: u64,
    /// Not counted, because annulled.
    pub annulled: u64,
    /// Without any protocol.
    pub missing: u64,
    /// Counted with a revision above 1.
    pub corrected: u64,
    /// Counted with at least one flag.
    pub flagged: u64,
    /// Counted, with a higher revision held beside it.
    pub held_beside: u64,
    /// Counted, with a higher revision contested beside it.
    pub contested_beside: u64,
    /// Voters on the definition's registers of the expected stations.
    pub register_expected: u64,
    /// Voters on the definition's registers of the counted stations.
    pub register_counted: u64,
}

/// Totals of a contest over a unit, or over the nation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitTotals {
    /// Its stations.
    pub stations: StationCounts,
    /// Summed lines, by place in [`LineMeaning::ALL`].
    pub lines: [LineTotal; LineMeaning::ALL.len()],
    /// Votes in ballot order.
    pub votes: Vec<u64>,
    /// Votes against all.
    pub against_all: u64,
}

/// Totals of a contest in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestTotals {
    /// The contest.
    pub contest: ContestIndex,
    /// By unit, ascending: regions, territories, districts.
    pub units: Vec<(Unit, UnitTotals)>,
}

/// Turnout of a unit (region or territory) at a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnoutTotals {
    /// The slot.
    pub slot: SlotIndex,
    /// The unit.
    pub unit: Unit,
    /// Its stations.
    pub stations: u64,
    /// Of these, with a counted report for this very slot.
    pub reported: u64,
    /// Σ voters who had received a ballot; a silent station stands with its last earlier slot, else 0.
    pub received_a_ballot: u64,
    /// Σ register; a silent station stands with its last earlier slot's, else the definition's.
    pub register: u64,
}

/// Records of a shard by outcome; `records` is the sum of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct RecordCounts {
    /// All records but the genesis.
    pub records: u64,
    /// By outcome, by place in [`crate::Outcome::ALL`].
    pub by_outcome: [u64; 7],
}

/// What a shard adds up to at a pair of positions. Equal positions have equal bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyBody {
    /// Election.
    pub election: ElectionId,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// Generation.
    pub generation: Generation,
    /// Shard.
    pub shard: ShardId,
    /// Folded up to here.
    pub position: PositionPair,
    /// Chained digest of the shard's records before `position.next_offset`.
    pub chain: ChainDigest,
    /// Chained digest of control's records before `position.control_next_offset`.
    pub control_chain: ChainDigest,
    /// Version of the fold.
    pub fold_version: u32,
    /// Records by outcome.
    pub records: RecordCounts,
    /// Totals by contest, ascending; control has none.
    pub contests: Vec<ContestTotals>,
    /// Turnout by slot and unit, ascending; control has none.
    pub turnout: Vec<TurnoutTotals>,
}

impl StationCounts {
    /// All counts as one list, for sums and differences.
    #[must_use]
    pub fn as_array(&self) -> [u64; 12] {
        [
            self.expected,
            self.counted,
            self.held,
            self.contested,
            self.annulled,
            self.missing,
            self.corrected,
            self.flagged,
            self.held_beside,
            self.contested_beside,
            self.register_expected,
            self.register_counted,
        ]
    }

    /// The counts of such a list.
    #[must_use]
    pub fn from_array(counts: [u64; 12]) -> Self {
        let [
            expected,
            counted,
            held,
            contested,
            annulled,
            missing,
            corrected,
            flagged,
            held_beside,
            contested_beside,
            register_expected,
            register_counted,
        ] = counts;
        Self {
            expected,
            counted,
            held,
            contested,
            annulled,
            missing,
            corrected,
            flagged,
            held_beside,
            contested_beside,
            register_expected,
            register_counted,
        }
    }

    /// Adds another unit's counts.
    pub fn add(&mut self, other: &Self) {
        let mut sums = self.as_array();
        sums.iter_mut().zip(other.as_array()).for_each(|(sum, count)| *sum += count);
        *self = Self::from_array(sums);
    }
}

impl UnitTotals {
    /// Nothing yet, with a place for each option.
    #[must_use]
    pub fn empty(options: usize) -> Self {
        Self { votes: vec![0; options], ..Self::default() }
    }

    /// Adds another unit's totals of the same contest.
    pub fn add(&mut self, other: &Self) {
        self.stations.add(&other.stations);
        for (sum, line) in self.lines.iter_mut().zip(&other.lines) {
            sum.sum += line.sum;
            sum.written += line.written;
        }
        self.votes.iter_mut().zip(&other.votes).for_each(|(sum, votes)| *sum += votes);
        self.against_all += other.against_all;
    }

    /// The total of a line.
    #[must_use]
    pub fn line(&self, meaning: LineMeaning) -> LineTotal {
        self.lines[meaning as usize]
    }

    /// Votes for all options and against all.
    #[must_use]
    pub fn sum_of_votes(&self) -> u64 {
        self.votes.iter().sum::<u64>() + self.against_all
    }
}

impl RecordCounts {
    /// Adds another shard's counts.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.by_outcome.iter_mut().zip(other.by_outcome).for_each(|(sum, count)| *sum += count);
    }
}
