//! For tests of a service's binary, which fail by panicking: what it says of its settings, a run of it, and calls to it.
//!
//! Only with the feature `testing`, which nothing but `[dev-dependencies]` asks for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: they panic where a test fails")]

mod binary;
mod calls;
mod figures;
mod instant;
mod running;

use std::time::Duration;

pub use binary::Binary;
pub use calls::{assert_health_and_reflection, assert_sigterm_answers_calls_in_flight, connect};
pub use figures::{holds, holds_text};
pub use instant::one_second_before_and_after;
pub use running::Running;

/// What the log of a service with a gRPC server says where it is.
pub const GRPC_LISTENS: &str = "grpc listens";
/// Longer than anything takes here, however busy the machine is; over it a test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);
