//! The recount: from exported files alone to every total and seat, each compared with what the services had signed.
//!
//! One pass. The records of services are read first, for the pairs of positions that they claim something about; then each
//! shard's fold goes forward through those pairs and is compared at each. Publications are merged in their order from
//! what the folds come to at their vectors. Memory holds the folds, one digest a claim, and nothing of what lies behind.

mod claims;
mod differences;
mod explain;
mod fold;
mod genesis;
mod outcomes;
mod path;
mod publications;
mod run;
mod source;
mod walk;

pub use run::{Options, RecountError, recount};
