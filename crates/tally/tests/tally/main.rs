//! The fold over whole worlds: against an oracle, under every order and cut of the logs, and against nonsense.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests: what is not as expected has to fail")]

mod amended;
mod case;
mod common;
mod no_panic;
mod oracle;
mod outcome_chain;
mod properties;
mod standing;
