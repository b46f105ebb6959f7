//! The catalogue of rules: every reason for which a submission is refused, held or flagged (design, D9), and the checks
//! that find them. Checks are pure functions that report every rule that fires; severities are the caller's business.

mod catalogue;
mod code;
pub mod content;
mod entitlement;
pub mod impossible;
pub mod station;
pub mod submission_attributes;
mod transposition;
mod violation;

pub use catalogue::{Rule, RuleText, catalogue_markdown};
pub use code::{RuleCode, Severity};
pub use entitlement::{authority_rank, decides_on, entitled};
pub use transposition::likely_transposition;
pub use violation::{Field, Violation};
