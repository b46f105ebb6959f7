//! The national results as a service: started on a log in memory, fed with signed submissions and tallies, asked over gRPC.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod embargo;
mod publishing;
mod replicas;
mod rig;
mod stations;
mod stopping;
