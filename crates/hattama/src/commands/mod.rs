//! The commands beside `rehearse`.

pub mod definition;
pub mod export;
pub mod generation;
pub mod import;
pub mod recount;
pub mod topics;
