//! What a record has to be before a ledger sees it.

use crate::{control::ControlState, record::Opened};
use hattama_election::{
    definition::Definition,
    digest::SubmissionDigest,
    ids::ShardId,
    key::KeyId,
    routing::home_shard,
    rules::{self, RuleCode},
    submission::{Submission, SubmissionBody},
};
use std::collections::BTreeSet;

/// What becomes of a record before the ledger sees it.
pub(crate) enum Admission {
    /// It goes into the ledger.
    Filed(Box<Submission>),
    /// It is impossible.
    Refused { digest: SubmissionDigest, rules: Vec<RuleCode> },
    /// Its key is unknown: an amendment may still bring it.
    Deferred { digest: SubmissionDigest, key: KeyId },
}

/// Checks a record against definition and control: who may say what, where it belongs, what cannot be.
pub(crate) fn admission(definition: &Definition, control: &ControlState, shard: ShardId, opened: Opened) -> Admission {
    let submission = match opened {
        Opened::Submission(submission) => submission,
        Opened::Refused { digest, rules } => return Admission::Refused { digest, rules },
        Opened::UnknownKey { digest, key } => return Admission::Deferred { digest, key },
    };
    let digest = submission.digest;
    let refused = |rules: Vec<RuleCode>| Admission::Refused { digest, rules };
    let impossible = impossible(definition, &submission.body);
    if !impossible.is_empty() {
        return refused(impossible);
    }
    let added = || control.added_key(&submission.key).map(|added| added.holder);
    let Some(holder) = definition.key(&submission.key).map(|(_, holder)| holder).or_else(added) else {
        return Admission::Deferred { digest, key: submission.key };
    };
    if !rules::entitled(definition, holder, &submission.body) {
        return refused(vec![RuleCode::NotEntitled]);
    }
    if home_shard(definition, &submission.body) != Some(shard) {
        return refused(vec![RuleCode::WrongShard]);
    }
    Admission::Filed(submission)
}

/// The codes of all that is impossible about a submission, ascending.
fn impossible(definition: &Definition, body: &SubmissionBody) -> Vec<RuleCode> {
    let violations = rules::impossible::submission(definition, body);
    let codes: BTreeSet<RuleCode> = violations.into_iter().map(|violation| violation.code).collect();
    codes.into_iter().collect()
}
