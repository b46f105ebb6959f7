//! From exported files alone to every total and seat, bit for bit (promise P6).
//!
//! [`export_format`] is how a log lies in files: `hattama export` writes it, anyone reads it. [`recount()`] folds such an
//! export again and compares everything that the services had signed. [`result`] is the result of a night as one document.
//! Nothing here knows a network: the binary links neither Kafka nor gRPC.

pub mod export_format;
mod recount;
mod report;
pub mod result;

pub use recount::{Options, RecountError, recount};
pub use report::{
    Counts, Difference, LastPublication, MAX_CANDIDATES, MAX_DIFFERENCES, RecordRange, RecountReport, Recounted,
    Subject, Verdict,
};
pub use result::{RESULT_SCHEMA, ResultDocument};
