//! The aggregator as a service: started on a log in memory, fed with signed submissions, read through log and gRPC.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod answers;
mod chain;
mod exits;
mod freezing;
mod owners;
mod process;
mod reading;
mod recounting;
mod rig;
mod sharing;
mod splitting;
mod starting;
mod unknown;
