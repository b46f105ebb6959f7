//! What lies at an offset, opened. Opening (decoding, verifying) is done by the shell that reads the log; what is opened
//! is a function of the record's bytes and the keys in force, so that every fold opens it the same way.

use hattama_election::{
    digest::SubmissionDigest,
    key::{KeyId, PublicKey},
    rules::RuleCode,
    submission::Submission,
};

/// A record, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The signature is good and the payload has the right form.
    Submission(Box<Submission>),
    /// Impossible whatever comes later.
    Refused {
        /// Submission digest, or SHA-256 over the value of what is no submission.
        digest: SubmissionDigest,
        /// Why; ascending, at least one.
        rules: Vec<RuleCode>,
    },
    /// Signed with a key that is not known; an amendment may still bring it, so the fold keeps the record.
    UnknownKey {
        /// Submission digest.
        digest: SubmissionDigest,
        /// The key that it names.
        key: KeyId,
    },
}

/// Opens records. Implemented over the wire format, and in tests over a table.
pub trait OpenRecords {
    /// Opens each of `values`, in order; one answer a value. `key` tells the keys in force.
    fn open(&self, values: &[&[u8]], key: &dyn Fn(&KeyId) -> Option<PublicKey>) -> Vec<Opened>;
}
