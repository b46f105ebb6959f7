//! Answers in the words of the interface: receipts, refusals, "later".

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use hattama_election::rules::RuleCode;
use hattama_proto::gateway::v1;
use hattama_wire::{outcome_to_proto, position_to_proto};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{BadRequest, ErrorDetail, ErrorInfo, RetryInfo, StatusExt as _};

use crate::admission::{Fault, Refused};
use crate::book::{Receipt, Standing};
use crate::limits::{RETRY_AFTER_MILLISECONDS, UNKNOWN_KEY_RETRY_MILLISECONDS};
use crate::metrics;

/// Whose rule codes the reasons of `google.rpc.ErrorInfo` are.
const ERROR_DOMAIN: &str = "hattama";

/// Where the message type of a refusal is found, as `google.protobuf.Any` spells it.
const REFUSAL_TYPE: &str = "type.googleapis.com/hattama.gateway.v1.Refusal";

/// Why a submission has no receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoReceipt {
    /// It is impossible.
    Refused(Refused),
    /// A limit was reached; nothing was decided.
    Later(Limit),
    /// The journal is gone, and this gateway stops.
    Failed(String),
}

/// A limit that is answered with "later".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Submissions that the log lacks.
    Outbox,
    /// Submissions of one key that are being worked on.
    InFlightPerKey,
    /// Open `SubmitStream` calls.
    SubmitStreams,
}

impl Limit {
    /// The limit as the interface and metrics spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Outbox => "outbox_submissions",
            Self::InFlightPerKey => "in_flight_per_key",
            Self::SubmitStreams => "submit_streams",
        }
    }

    /// The answer of a unary call.
    pub(crate) fn status(self) -> Status {
        metrics::later(self.as_str());
        let text = format!("the limit {} is reached; nothing was kept: send it again later", self.as_str());
        let details: Vec<ErrorDetail> = vec![
            ErrorInfo::new("LATER", ERROR_DOMAIN, [("limit".to_owned(), self.as_str().to_owned())]).into(),
            RetryInfo::new(Some(milliseconds(RETRY_AFTER_MILLISECONDS))).into(),
        ];
        Status::with_error_details_vec(Code::ResourceExhausted, text, details)
    }

    fn later(self) -> v1::Later {
        metrics::later(self.as_str());
        v1::Later { retry_after_milliseconds: RETRY_AFTER_MILLISECONDS, limit: self.as_str().to_owned() }
    }
}

impl NoReceipt {
    /// The answer of `Submit`.
    pub(crate) fn status(self) -> Status {
        match self {
            Self::Refused(refused) => refusal_status(&refused),
            Self::Later(limit) => limit.status(),
            Self::Failed(text) => Status::unavailable(text),
        }
    }

    /// The answer of `SubmitStream`.
    ///
    /// # Errors
    /// The stream ends, since the gateway stops.
    pub(crate) fn answer(self) -> Result<v1::submit_stream_response::Answer, Status> {
        match self {
            Self::Refused(refused) => Ok(v1::submit_stream_response::Answer::Refusal(refusal(&refused))),
            Self::Later(limit) => Ok(v1::submit_stream_response::Answer::Later(limit.later())),
            Self::Failed(text) => Err(Status::unavailable(text)),
        }
    }
}

/// The violations of faults.
pub(crate) fn violations(faults: &[Fault]) -> Vec<v1::Violation> {
    faults.iter().map(violation).collect()
}

/// A receipt as this gateway answers it.
pub(crate) fn receipt(receipt: &Receipt, generation: u32, gateway: &str) -> v1::Receipt {
    let position = receipt.offset.map(|offset| v1::LogPosition { generation, partition: receipt.shard.0, offset });
    v1::Receipt {
        digest: Bytes::copy_from_slice(&receipt.digest.0),
        content: Bytes::copy_from_slice(&receipt.content.0),
        state: state(receipt).into(),
        position,
        counted_in: receipt.counted_in,
        standing: receipt.standing.as_ref().map(standing),
        received_at_milliseconds: receipt.received_at_milliseconds,
        gateway: gateway.to_owned(),
    }
}

fn state(receipt: &Receipt) -> v1::ReceiptState {
    if receipt.counted_in.is_some() {
        return v1::ReceiptState::Counted;
    }
    if receipt.standing.is_some() {
        return v1::ReceiptState::Outcome;
    }
    match receipt.offset {
        Some(_) => v1::ReceiptState::Logged,
        None => v1::ReceiptState::Received,
    }
}

fn standing(standing: &Standing) -> v1::Standing {
    v1::Standing {
        outcome: outcome_to_proto(standing.outcome).into(),
        rules: standing.rules.iter().map(|rule| rule.as_str().to_owned()).collect(),
        at: Some(position_to_proto(standing.at)),
        duplicate_of: standing.duplicate_of.map(|digest| Bytes::copy_from_slice(&digest.0)).unwrap_or_default(),
    }
}

fn violation(fault: &Fault) -> v1::Violation {
    let text = fault.rule.rule().text;
    v1::Violation {
        rule: fault.rule.as_str().to_owned(),
        severity: fault.severity.as_str().to_owned(),
        field: fault.field.clone(),
        written: fault.written,
        expected: fault.expected,
        text: Some(v1::Text { kk: text.kk.to_owned(), ru: text.ru.to_owned(), en: text.en.to_owned() }),
    }
}

fn refusal(refused: &Refused) -> v1::Refusal {
    refused.faults.iter().for_each(|fault| metrics::refusal(fault.rule));
    v1::Refusal {
        digest: refused.digest.map(|digest| Bytes::copy_from_slice(&digest.0)).unwrap_or_default(),
        violations: violations(&refused.faults),
    }
}

/// INVALID_ARGUMENT with the refusal itself, and the same in the customary `google.rpc` details.
fn refusal_status(refused: &Refused) -> Status {
    let rule = refused.faults.first().map_or(RuleCode::Malformed, |fault| fault.rule);
    let text = match refused.faults.as_slice() {
        [only] => format!("the submission is refused: {}", description(only)),
        many => format!("the submission is refused for {} reasons, the first: {rule}", many.len()),
    };
    let fields = refused.faults.iter().map(|fault| tonic_types::FieldViolation::new(&fault.field, description(fault)));
    let mut details: Vec<ErrorDetail> = vec![
        ErrorInfo::new(rule.as_str(), ERROR_DOMAIN, HashMap::new()).into(),
        BadRequest::new(fields.collect::<Vec<_>>()).into(),
    ];
    if refused.faults.iter().any(|fault| fault.rule == RuleCode::UnknownKey) {
        // An amendment may be on its way that this gateway has not read yet.
        details.push(RetryInfo::new(Some(milliseconds(UNKNOWN_KEY_RETRY_MILLISECONDS))).into());
    }
    let status = Status::with_error_details_vec(Code::InvalidArgument, text, details);
    with_detail(&status, REFUSAL_TYPE, refusal(refused).encode_to_vec())
}

fn description(fault: &Fault) -> String {
    let rule = fault.rule;
    match (&fault.detail, fault.written, fault.expected) {
        (Some(detail), ..) => format!("{rule}: {detail}"),
        (None, Some(written), Some(expected)) => format!("{rule}: {written} is written, expected {expected}"),
        (None, Some(written), None) => format!("{rule}: {written} is written"),
        (None, None, _) => format!("{rule}: {}", rule.rule().text.en),
    }
}

/// The status with one more detail; details of types that a client does not know are passed over by it.
fn with_detail(status: &Status, type_url: &str, value: Vec<u8>) -> Status {
    let Ok(mut details) = tonic_types::Status::decode(status.details()) else { return status.clone() };
    details.details.push(prost_types::Any { type_url: type_url.to_owned(), value });
    Status::with_details(status.code(), status.message(), details.encode_to_vec().into())
}

fn milliseconds(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}
