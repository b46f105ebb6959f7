//! The commands beside `rehearse`.

pub mod definition;
pub mod export;
pub mod generation;
pub mod give_up;
pub mod import;
pub mod missing;
pub mod recount;
pub mod topics;
