//! Whether a submission is impossible, asked exactly as an aggregator asks it, and what a protocol would be held or flagged
//! for.

use bytes::Bytes;
use hattama_election::definition::Definition;
use hattama_election::digest::SubmissionDigest;
use hattama_election::form::LineMeaning;
use hattama_election::ids::ShardId;
use hattama_election::protocol::Protocol;
use hattama_election::routing::home_shard;
use hattama_election::rules::{self, Field, RuleCode, Severity, Violation};
use hattama_election::submission::{Submission, SubmissionBody};
use hattama_proto::submission::v1::SignedSubmission;
use hattama_tally::ControlState;
use hattama_wire::limits::MAX_SUBMISSION_BYTES;
use hattama_wire::{FieldError, RecordOpener, submission_digest};
use prost::Message as _;

/// A submission as it would lie in the log. Nothing is said yet about what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) digest: SubmissionDigest,
    /// The value of its record.
    pub(crate) value: Bytes,
}

/// A submission that is not impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) submission: Submission,
    pub(crate) shard: ShardId,
}

/// Why a submission is impossible: at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// None when it is no submission at all.
    pub(crate) digest: Option<SubmissionDigest>,
    pub(crate) faults: Vec<Fault>,
}

/// A rule that fires on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: RuleCode,
    pub(crate) severity: Severity,
    pub(crate) field: String,
    pub(crate) written: Option<u64>,
    pub(crate) expected: Option<u64>,
    /// What exactly is wrong, where that is known in words.
    pub(crate) detail: Option<String>,
}

impl Candidate {
    /// What was sent, as it would lie in the log.
    ///
    /// # Errors
    /// There is nothing, or more than a record takes.
    pub(crate) fn new(sent: Option<&SignedSubmission>) -> Result<Self, Refused> {
        let refused = |rule, detail: String| Refused {
            digest: None,
            faults: vec![Fault { detail: Some(detail), ..Fault::refuse(rule, "submission") }],
        };
        let Some(sent) = sent.filter(|sent| !sent.signed.is_empty()) else {
            return Err(refused(RuleCode::Malformed, "nothing signed was sent".to_owned()));
        };
        let bytes = sent.encoded_len();
        if bytes > MAX_SUBMISSION_BYTES {
            let detail = format!("{bytes} bytes where at most {MAX_SUBMISSION_BYTES} are expected");
            return Err(refused(RuleCode::TooLong, detail));
        }
        Ok(Self { digest: submission_digest(&sent.signed), value: sent.encode_to_vec().into() })
    }
}

/// Opens and verifies a submission, and checks it against definition and control.
///
/// # Errors
/// It is impossible.
pub(crate) fn admit(
    definition: &Definition,
    control: &ControlState,
    candidate: &Candidate,
) -> Result<Admitted, Refused> {
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    let submission = opener.open_one(&candidate.value, &|key| control.key(key)).map_err(|error| Refused {
        digest: Some(error.digest),
        faults: error.errors.into_iter().map(Fault::from).collect(),
    })?;
    let refused = |faults| Refused { digest: Some(candidate.digest), faults };
    let impossible = rules::impossible::submission(definition, &submission.body);
    if !impossible.is_empty() {
        return Err(refused(impossible.into_iter().map(|fault| Fault::new(fault, Severity::Refuse)).collect()));
    }
    let holder = control.holder(&submission.key);
    if !holder.is_some_and(|holder| rules::entitled(definition, holder, &submission.body)) {
        return Err(refused(vec![Fault::refuse(RuleCode::NotEntitled, "signed.key")]));
    }
    match home_shard(definition, &submission.body) {
        Some(shard) => Ok(Admitted { submission, shard }),
        None => Err(refused(vec![Fault::refuse(RuleCode::WrongShard, "submission")])),
    }
}

/// What would hold or flag an admitted submission, of the rules that look at it alone; in ascending order of rules.
pub(crate) fn held_or_flagged(definition: &Definition, control: &ControlState, submission: &Submission) -> Vec<Fault> {
    let mut violations = match &submission.body {
        SubmissionBody::Protocol(protocol) => of_protocol(definition, control, protocol),
        SubmissionBody::Turnout(report) => rules::content::turnout(&report.content),
        _ => Vec::new(),
    };
    if control.is_revoked(&submission.key, &submission.digest) {
        violations.push(named(RuleCode::KeyRevoked, "signed.key"));
    }
    violations.sort_by_key(|violation| violation.code);
    violations
        .into_iter()
        .map(|violation| {
            let severity = control.severity(violation.code);
            Fault::new(violation, severity)
        })
        .filter(|fault| fault.severity != Severity::Off)
        .collect()
}

fn of_protocol(definition: &Definition, control: &ControlState, protocol: &Protocol) -> Vec<Violation> {
    let content = &protocol.content;
    let station = definition.station(&content.station);
    let contest = definition.contest(&content.contest);
    let (Some((station_index, station)), Some((contest_index, contest))) = (station, contest) else {
        return Vec::new();
    };
    let form = definition.form_of(station, contest);
    let mut violations = rules::content::protocol(form, content, control.withdrawn(contest_index));
    let polls_close = control.polls_close(station_index).unwrap_or(station.polls_close);
    let attributes = rules::submission_attributes::protocol(protocol, polls_close);
    violations.extend(attributes.into_iter().map(|rule| named(rule, attribute_field(rule))));
    violations
}

fn attribute_field(rule: RuleCode) -> &'static str {
    match rule {
        RuleCode::SignedBeforeClose => "signed_at_seconds",
        RuleCode::SignatoryDissents => "signatories",
        RuleCode::ComplaintsLodged => "complaints",
        _ => "",
    }
}

fn named(code: RuleCode, field: &'static str) -> Violation {
    Violation { code, field: Field::Named(field), written: None, expected: None }
}

impl Fault {
    fn refuse(rule: RuleCode, field: &str) -> Self {
        Self { rule, severity: Severity::Refuse, field: field.to_owned(), written: None, expected: None, detail: None }
    }

    fn new(violation: Violation, severity: Severity) -> Self {
        Self {
            written: violation.written,
            expected: violation.expected,
            severity,
            ..Self::refuse(violation.code, &field_path(&violation.field))
        }
    }
}

/// The field by its path in the payload: lines are fields of `lines`.
fn field_path(field: &Field) -> String {
    match field {
        Field::Line(meaning) => format!("lines.{}", LineMeaning::as_str(*meaning)),
        other => other.to_string(),
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        Self { detail: Some(error.detail), ..Self::refuse(error.rule, &error.field) }
    }
}
