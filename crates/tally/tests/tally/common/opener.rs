//! Opens records from a table: what lies in these logs is a name, and what it says stands here.

use hattama_election::{
    digest::{SubmissionDigest, sha256},
    key::{KeyId, PublicKey},
    rules::RuleCode,
    submission::{Submission, SubmissionBody},
};
use hattama_tally::{OpenRecords, Opened};
use std::collections::HashMap;

/// Something signed. Its digest is the value of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) submission: Submission,
    /// Signed with another key than the one that it names.
    pub(crate) forged: bool,
}

impl Sent {
    /// Signed by the holder of the key. Whatever differs has another digest.
    pub(crate) fn new(key: &PublicKey, body: SubmissionBody) -> Self {
        let digest = SubmissionDigest(sha256(format!("{key} {body:?}").as_bytes()));
        Self { submission: Submission { digest, key: key.id(), body }, forged: false }
    }

    pub(crate) fn forged(key: &PublicKey, body: SubmissionBody) -> Self {
        let digest = SubmissionDigest(sha256(format!("forged {key} {body:?}").as_bytes()));
        Self { submission: Submission { digest, key: key.id(), body }, forged: true }
    }

    /// The value of its record.
    pub(crate) fn value(&self) -> Vec<u8> {
        self.submission.digest.0.to_vec()
    }
}

/// Everything sent, by the value of its record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(HashMap<Vec<u8>, Sent>);

impl Table {
    pub(crate) fn new<'a>(sent: impl IntoIterator<Item = &'a Sent>) -> Self {
        Self(sent.into_iter().map(|sent| (sent.value(), sent.clone())).collect())
    }

    pub(crate) fn get(&self, value: &[u8]) -> Option<&Sent> {
        self.0.get(value)
    }
}

impl OpenRecords for Table {
    fn open(&self, values: &[&[u8]], key: &dyn Fn(&KeyId) -> Option<PublicKey>) -> Vec<Opened> {
        let open = |value: &&[u8]| {
            let Some(Sent { submission, forged }) = self.get(value) else {
                return Opened::Refused { digest: SubmissionDigest(sha256(value)), rules: vec![RuleCode::Malformed] };
            };
            let digest = submission.digest;
            match key(&submission.key) {
                None => Opened::UnknownKey { digest, key: submission.key },
                Some(_) if *forged => Opened::Refused { digest, rules: vec![RuleCode::BadSignature] },
                Some(_) => Opened::Submission(Box::new(submission.clone())),
            }
        };
        values.iter().map(open).collect()
    }
}
