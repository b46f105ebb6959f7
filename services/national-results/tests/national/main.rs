//! The national results as a service: started on a log in memory, fed with signed submissions and tallies, asked over gRPC; and as a
//! process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod catching_up;
mod embargo;
mod exits;
mod lost;
mod older;
mod process;
mod publishing;
mod replicas;
mod rig;
mod stations;
mod stopping;
