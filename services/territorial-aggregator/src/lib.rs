//! The territorial aggregator: owns shards, folds them, writes their outcomes and tallies, and serves its commissions.
//!
//! It keeps nothing on disk. When it starts to own a shard it reads it from the first record (design, D1), goes on from the
//! last valid outcomes record, and announces itself with a tally. Two aggregators that believe they own one shard do no
//! harm: outcomes are a compare-and-set in the log, and of two tallies the one with the higher positions wins (D4).

mod api;
mod control;
mod error;
mod metrics;
mod owner;
mod ownership;
#[cfg(feature = "planted-panic")]
mod planted;
mod service;
mod settings;
mod status;
mod writer;

pub use error::{OwnError, StartError};
pub use ownership::Ownership;
pub use service::{Config, Running, start};
pub use settings::main;
