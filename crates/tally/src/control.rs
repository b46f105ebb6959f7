//! Control (shard 0): amendments in their gap-free prefix, decisions that concern the nation, and what is in force by them.

mod fold;
mod lost;
mod state;

pub use fold::ControlFold;
pub use lost::LostRecords;
pub use state::ControlState;
