//! The wire contract, compiled: what is signed, what lies in the log, and the three gRPC interfaces.
//!
//! The `.proto` files under `proto/hattama/` are the contract; their comments are the documentation of these types.

mod generated {
    include!(concat!(env!("OUT_DIR"), "/_all.rs"));
}

pub use generated::hattama::{aggregator, gateway, log, national, submission};

/// The encoded descriptors of all files, imports and comments included: what gRPC reflection serves.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
