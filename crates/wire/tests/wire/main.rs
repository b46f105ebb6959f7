//! The wire as others see it: what is written reads back, and nothing else is read.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests: what is not as expected has to fail")]

mod any_body;
mod bodies;
mod common;
mod opening;
mod payloads;
mod service_records;
mod splitting;
