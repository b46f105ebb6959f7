//! The precinct gateway: takes signed submissions, keeps them, and brings them into the log.
//!
//! A submission is checked as an aggregator will check it, committed to the journal on this gateway's disk (RECEIVED), and
//! appended to its shard by the outbox until the log acknowledges it (LOGGED). Then its receipt follows the shard's outcomes
//! and the nation's publications. Nothing that has a receipt depends on the log being there: an outage of it fills the
//! outbox. A log that lost what it had acknowledged is an alarm; its next generation is filled from the journal (design, D7,
//! D8).

mod admission;
mod answers;
mod book;
mod follow;
mod gateway;
mod journal;
pub mod limits;
mod losses;
mod metrics;
mod outbox;
mod reconcile;
mod service;
mod settings;
mod standing;
mod start;

pub use follow::WrongLog;
pub use journal::{Identity, JournalError, JournalledPublication, read_newest_publications};
pub use settings::main;
pub use start::{Config, Running, StartError, start};
