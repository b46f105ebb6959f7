//! The catalogue of rules: every reason for which a submission is refused, held or flagged (design, D9).

mod code;

pub use code::{RuleCode, Severity};
