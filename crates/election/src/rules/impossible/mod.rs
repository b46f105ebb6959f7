//! What cannot be: a submission with such a fault is refused, and each fault names its field. Empty means fine.
//!
//! These checks ask whether a submission makes sense against the frozen definition; whether its numbers agree with each
//! other is for `content`, and whether its signer may say this is for `entitled`.

mod amendments;
mod decisions;
mod figures;

pub use amendments::amendment;
pub use decisions::decision;
pub use figures::{commission_protocol, covered_digest, protocol, turnout};

use super::{Field, RuleCode, Violation};
use crate::{
    definition::Definition,
    ids::ShardId,
    protocol::{MAX_COUNT, MAX_REASON_BYTES, MAX_REVISION},
    submission::{Probe, ProbeSender, SubmissionBody},
};

/// The most faults that one answer names: more than a form has fields, and an answer stays short whatever was sent.
pub const MAX_VIOLATIONS: usize = 64;

/// What is impossible in a submission, whatever its kind.
#[must_use]
pub fn submission(definition: &Definition, body: &SubmissionBody) -> Vec<Violation> {
    match body {
        SubmissionBody::Protocol(body) => protocol(definition, body),
        SubmissionBody::Turnout(body) => turnout(definition, body),
        SubmissionBody::CommissionProtocol(body) => commission_protocol(definition, body),
        SubmissionBody::Decision(body) => decision(definition, body),
        SubmissionBody::Amendment(body) => amendment(definition, body),
        SubmissionBody::Probe(body) => probe(definition, body),
    }
}

/// What is impossible in a probe: a sender that does not exist, a shard that is not its own or does not exist.
#[must_use]
pub fn probe(definition: &Definition, probe: &Probe) -> Vec<Violation> {
    let own_shard: Option<ShardId> = match &probe.from {
        ProbeSender::Station(id) => match definition.station(id) {
            Some((_, station)) => Some(station.shard),
            None => return vec![Violation::named(RuleCode::UnknownStation, "from")],
        },
        ProbeSender::Service(id) if !definition.services.iter().any(|service| service.id == *id) => {
            return vec![Violation::named(RuleCode::Malformed, "from")];
        }
        ProbeSender::Authority(id) if definition.authority(id).is_none() => {
            return vec![Violation::named(RuleCode::Malformed, "from")];
        }
        ProbeSender::Service(_) | ProbeSender::Authority(_) => None,
    };
    let fits = own_shard.map_or(probe.shard.0 < definition.shards, |own| own == probe.shard);
    let fault = Violation {
        written: Some(u64::from(probe.shard.0)),
        expected: own_shard.map(|own| u64::from(own.0)),
        ..Violation::named(RuleCode::WrongShard, "shard")
    };
    if fits { Vec::new() } else { vec![fault] }
}

/// Gathers faults, at most [`MAX_VIOLATIONS`].
#[derive(Default)]
struct Faults(Vec<Violation>);

impl Faults {
    fn push(&mut self, violation: Violation) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(violation);
        }
    }

    fn named(&mut self, code: RuleCode, field: &'static str) {
        self.push(Violation::named(code, field));
    }

    /// A fault unless `fine`.
    fn require(&mut self, fine: bool, code: RuleCode, field: &'static str) {
        if !fine {
            self.named(code, field);
        }
    }

    fn at_most(&mut self, code: RuleCode, field: Field, written: u64, limit: u64) {
        if written > limit {
            self.push(Violation::numbers(code, field, written, limit));
        }
    }

    fn count(&mut self, field: Field, written: u32) {
        self.at_most(RuleCode::CountOutOfRange, field, u64::from(written), u64::from(MAX_COUNT));
    }

    fn length(&mut self, field: &'static str, length: usize, limit: usize) {
        self.at_most(RuleCode::TooLong, Field::Named(field), length as u64, limit as u64);
    }

    fn revision(&mut self, written: u8) {
        if !(1..=MAX_REVISION).contains(&written) {
            let fault = Violation::named(RuleCode::RevisionOutOfRange, "revision");
            self.push(Violation { written: Some(u64::from(written)), ..fault });
        }
    }

    fn reason(&mut self, reason: &str) {
        self.require(!reason.trim().is_empty(), RuleCode::ReasonMissing, "reason");
        self.length("reason", reason.len(), MAX_REASON_BYTES);
    }
}

/// Whether each item is above the one before: ascending, and none twice.
fn ascends<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests;
