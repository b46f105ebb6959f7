//! Where in a log: generations and positions.

/// A generation of the log; positions of two generations cannot be compared (design, D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

/// The next offset to read of a shard's partition and of control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct PositionPair {
    /// Of the shard's own partition.
    pub next_offset: u64,
    /// Of control.
    pub control_next_offset: u64,
}

/// Behind the two genesis records: where every fold starts.
pub const FIRST_POSITION: PositionPair = PositionPair { next_offset: 1, control_next_offset: 1 };

impl PositionPair {
    /// True when neither position is below `other`'s.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.next_offset >= other.next_offset && self.control_next_offset >= other.control_next_offset
    }

    /// True when it covers `other` and is not equal to it.
    #[must_use]
    pub fn is_beyond(&self, other: &Self) -> bool {
        self != other && self.covers(other)
    }
}
