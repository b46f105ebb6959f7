//! Payloads: what a submission says, from and to canonical protobuf bytes.

mod amendment;
mod commission_protocol;
mod decision;
mod lines;
mod probe;
mod protocol;
mod turnout;

pub use amendment::{record_range_from_proto, record_range_to_proto};
pub(crate) use lines::{line_meaning_from_number, line_meaning_number};

use crate::fields::{FieldError, Fields};
use bytes::Bytes;
use hattama_election::{
    rules::RuleCode,
    submission::{Kind, SubmissionBody},
};
use hattama_proto::submission::v1;
use prost::Message;

/// The canonical bytes of what a submission says. What has a wrong form is encoded as it is, and refused when it is read.
#[must_use]
pub fn encode_payload(body: &SubmissionBody) -> Bytes {
    let bytes = match body {
        SubmissionBody::Protocol(body) => protocol::to_proto(body).encode_to_vec(),
        SubmissionBody::Turnout(body) => turnout::to_proto(body).encode_to_vec(),
        SubmissionBody::CommissionProtocol(body) => commission_protocol::to_proto(body).encode_to_vec(),
        SubmissionBody::Decision(body) => decision::to_proto(body).encode_to_vec(),
        SubmissionBody::Amendment(body) => amendment::to_proto(body).encode_to_vec(),
        SubmissionBody::Probe(body) => probe::to_proto(body).encode_to_vec(),
    };
    bytes.into()
}

/// What canonical bytes of a kind say.
///
/// # Errors
/// `MALFORMED` for what is no message of this kind, `UNSUPPORTED` alone for an unknown field or value and for every other
/// encoding than the canonical one; else every field that has the wrong form, at most about
/// [`crate::limits::MAX_FIELD_ERRORS`].
pub fn decode_payload(kind: Kind, payload: &[u8]) -> Result<SubmissionBody, Vec<FieldError>> {
    match kind {
        Kind::Protocol => read(payload, protocol::from_proto).map(SubmissionBody::Protocol),
        Kind::Turnout => read(payload, turnout::from_proto).map(SubmissionBody::Turnout),
        Kind::CommissionProtocol => {
            read(payload, commission_protocol::from_proto).map(SubmissionBody::CommissionProtocol)
        }
        Kind::Decision => read(payload, decision::from_proto).map(SubmissionBody::Decision),
        Kind::Amendment => read(payload, amendment::from_proto).map(SubmissionBody::Amendment),
        Kind::Probe => read::<v1::Probe, _>(payload, probe::from_proto).map(SubmissionBody::Probe),
    }
}

fn read<M: Message + Default, T>(
    payload: &[u8],
    from_proto: impl FnOnce(M, &mut Fields) -> Option<T>,
) -> Result<T, Vec<FieldError>> {
    let message = decode_canonical(payload).map_err(|error| vec![FieldError { field: "payload".into(), ..error }])?;
    let mut fields = Fields::default();
    let read = from_proto(message, &mut fields);
    fields.finish(read)
}

/// The message in `bytes`, when they are its one canonical encoding: what protobuf would silently drop, reorder, merge or
/// shorten does not come back the same.
pub(crate) fn decode_canonical<M: Message + Default>(bytes: &[u8]) -> Result<M, FieldError> {
    let message = M::decode(bytes).map_err(|error| FieldError::new(RuleCode::Malformed, "", error))?;
    if message.encode_to_vec() != bytes {
        let detail = "it has an unknown field or is not in canonical encoding";
        return Err(FieldError::new(RuleCode::Unsupported, "", detail));
    }
    Ok(message)
}
