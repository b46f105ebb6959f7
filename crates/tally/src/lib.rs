//! From submissions to the nation's figures: ledger, shard fold, control, outcomes, tallies, merge, publications, invariants.
//!
//! What a station counts for is a function of the set of its valid submissions, never of their order (design, D3). A shard's
//! tally is a function of two positions (D4), a publication of a vector of them (D5). Pure: records come in, bodies go out.

mod admission;
mod book;
mod control;
mod decisions;
mod entry_outcomes;
mod evaluation;
mod invariant;
mod ledger;
mod nation;
mod offsets;
mod outcome;
mod outcome_chain;
mod position;
mod publication;
mod record;
mod seats;
mod shard;
mod sums;
mod totals;

pub use control::{ControlFold, ControlState, LostRecords};
pub use evaluation::{CellEvaluation, ContentEvaluation, DecisionEvaluation, StationEvaluation, StationState};
pub use invariant::{InvariantBroken, check_publication, check_tally};
pub use ledger::{Attributes, Cell, ContentEntry, StationLedger, SubmissionNote};
pub use nation::{Nation, NationalContest, merge};
pub use offsets::OffsetSet;
pub use outcome::{MAX_PARTS, Outcome, OutcomesBody, Part, SubmissionOutcome};
pub use outcome_chain::{MAX_OPEN_STEPS, OutcomeChain, PassedOver, Read, UnfinishedStep};
pub use position::{FIRST_POSITION, Generation, PositionPair};
pub use publication::{
    ContestFigures, FiguresDetail, MAX_PUBLICATION_BYTES, PublicationBody, SlotFigures, VectorEntry,
};
pub use record::{OpenRecords, Opened};
pub use seats::{ContestSeats, seats_of};
pub use shard::{FOLD_VERSION, MAX_DEFERRED, ShardFold};
pub use totals::{ContestTotals, LineTotal, RecordCounts, StationCounts, TallyBody, TurnoutTotals, Unit, UnitTotals};
