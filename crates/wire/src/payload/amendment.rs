//! The payload of an amendment. Whether a change makes sense, the rules say against the definition.

use crate::fields::Fields;
use bytes::Bytes;
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder, MAX_LOST_RANGES, MAX_STILL_VALID, RecordRange},
    digest::SubmissionDigest,
    ids::{AuthorityId, ContestId, OptionId, ShardId, StationId},
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{RuleCode, Severity},
};
use hattama_proto::submission::v1::{self, amendment, key_replaced};

pub(super) fn to_proto(amendment: &Amendment) -> v1::Amendment {
    v1::Amendment {
        number: amendment.content.number,
        author: amendment.content.author.as_str().into(),
        reason: amendment.reason.clone(),
        signed_at_seconds: amendment.signed_at.0,
        change: Some(change_to_proto(&amendment.content.change)),
    }
}

pub(super) fn from_proto(message: v1::Amendment, fields: &mut Fields) -> Option<Amendment> {
    let author = fields.id("author", &message.author, AuthorityId::new);
    let reason = fields.reason(message.reason);
    let change = match message.change {
        Some(change) => read_change(change, fields),
        None => {
            fields.note(RuleCode::Malformed, "change", "it is missing");
            None
        }
    };
    Some(Amendment {
        content: AmendmentContent { number: message.number, author: author?, change: change? },
        reason: reason?,
        signed_at: Instant(message.signed_at_seconds),
    })
}

fn change_to_proto(change: &Change) -> amendment::Change {
    match change {
        Change::KeyReplaced { holder, key } => amendment::Change::KeyReplaced(v1::KeyReplaced {
            key: Bytes::copy_from_slice(key.as_bytes()),
            holder: Some(match holder {
                KeyHolder::Station(id) => key_replaced::Holder::Station(id.as_str().into()),
                KeyHolder::Authority(id) => key_replaced::Holder::Authority(id.as_str().into()),
            }),
        }),
        Change::KeyRevoked { key, still_valid } => amendment::Change::KeyRevoked(v1::KeyRevoked {
            key: Bytes::copy_from_slice(&key.0),
            still_valid: still_valid.iter().map(|digest| Bytes::copy_from_slice(&digest.0)).collect(),
        }),
        Change::OptionWithdrawn { contest, option } => amendment::Change::OptionWithdrawn(v1::OptionWithdrawn {
            contest: contest.as_str().into(),
            option: option.as_str().into(),
        }),
        Change::StationClosed { station } => {
            amendment::Change::StationClosed(v1::StationClosed { station: station.as_str().into() })
        }
        Change::PollsClose { station, at } => {
            amendment::Change::PollsClose(v1::PollsClose { station: station.as_str().into(), at_seconds: at.0 })
        }
        Change::SeverityChanged { rule, severity } => amendment::Change::SeverityChanged(v1::SeverityChanged {
            rule: rule.as_str().into(),
            severity: severity.as_str().into(),
        }),
        Change::FoldVersion { version } => amendment::Change::FoldVersion(v1::FoldVersion { version: *version }),
        Change::RecordsLost { generation, ranges } => amendment::Change::RecordsLost(v1::RecordsLost {
            generation: *generation,
            ranges: ranges.iter().map(record_range_to_proto).collect(),
        }),
    }
}

fn read_change(change: amendment::Change, fields: &mut Fields) -> Option<Change> {
    match change {
        amendment::Change::KeyReplaced(message) => read_key_replaced(message, fields),
        amendment::Change::KeyRevoked(message) => read_key_revoked(message, fields),
        amendment::Change::OptionWithdrawn(message) => {
            let contest = fields.id("option_withdrawn.contest", &message.contest, ContestId::new);
            let option = fields.id("option_withdrawn.option", &message.option, OptionId::new);
            Some(Change::OptionWithdrawn { contest: contest?, option: option? })
        }
        amendment::Change::StationClosed(message) => {
            let station = fields.id("station_closed.station", &message.station, StationId::new)?;
            Some(Change::StationClosed { station })
        }
        amendment::Change::PollsClose(message) => {
            let station = fields.id("polls_close.station", &message.station, StationId::new)?;
            Some(Change::PollsClose { station, at: Instant(message.at_seconds) })
        }
        amendment::Change::SeverityChanged(message) => read_severity_changed(&message, fields),
        amendment::Change::FoldVersion(message) => Some(Change::FoldVersion { version: message.version }),
        amendment::Change::RecordsLost(message) => read_records_lost(&message, fields),
    }
}

/// A range of records as a message.
#[must_use]
pub fn record_range_to_proto(range: &RecordRange) -> v1::RecordRange {
    v1::RecordRange { shard: range.shard.0, first: range.first, last: range.last }
}

/// A range of records as a message has it; whether it can be one, nobody has looked.
#[must_use]
pub fn record_range_from_proto(message: &v1::RecordRange) -> RecordRange {
    RecordRange { shard: ShardId(message.shard), first: message.first, last: message.last }
}

fn read_records_lost(message: &v1::RecordsLost, fields: &mut Fields) -> Option<Change> {
    fields.at_most("records_lost.ranges", message.ranges.len(), MAX_LOST_RANGES)?;
    let ranges = message.ranges.iter().map(record_range_from_proto).collect();
    Some(Change::RecordsLost { generation: message.generation, ranges })
}

fn read_key_replaced(message: v1::KeyReplaced, fields: &mut Fields) -> Option<Change> {
    let holder = match message.holder {
        Some(key_replaced::Holder::Station(id)) => {
            fields.id("key_replaced.station", &id, StationId::new).map(KeyHolder::Station)
        }
        Some(key_replaced::Holder::Authority(id)) => {
            fields.id("key_replaced.authority", &id, AuthorityId::new).map(KeyHolder::Authority)
        }
        None => {
            fields.note(RuleCode::Malformed, "key_replaced.holder", "it is missing");
            None
        }
    };
    let key = fields.bytes("key_replaced.key", &message.key).and_then(|bytes| {
        PublicKey::new(bytes).map_err(|error| fields.note(RuleCode::Malformed, "key_replaced.key", error)).ok()
    });
    Some(Change::KeyReplaced { holder: holder?, key: key? })
}

fn read_key_revoked(message: v1::KeyRevoked, fields: &mut Fields) -> Option<Change> {
    let key = fields.bytes("key_revoked.key", &message.key);
    let few = fields.at_most("key_revoked.still_valid", message.still_valid.len(), MAX_STILL_VALID);
    let still_valid = fields.list(message.still_valid, |fields, place, digest| {
        fields.bytes(format_args!("key_revoked.still_valid[{place}]"), &digest).map(SubmissionDigest)
    });
    few?;
    Some(Change::KeyRevoked { key: KeyId(key?), still_valid: still_valid? })
}

/// A rule or severity that is not known may be known to a newer binary: not half-understood either.
fn read_severity_changed(message: &v1::SeverityChanged, fields: &mut Fields) -> Option<Change> {
    let rule = RuleCode::parse(&message.rule);
    if rule.is_none() {
        fields.note(RuleCode::Unsupported, "severity_changed.rule", "no such rule is known");
    }
    let severity =
        [Severity::Off, Severity::Flag, Severity::Hold].into_iter().find(|known| known.as_str() == message.severity);
    if severity.is_none() {
        fields.note(RuleCode::Unsupported, "severity_changed.severity", "it is not off, flag or hold");
    }
    Some(Change::SeverityChanged { rule: rule?, severity: severity? })
}
