//! Opening records of submissions: from bytes in the log to what they say, or why they say nothing.
//!
//! A record's answer is a function of its bytes, of election and core, and of the key that its key id names. The order of
//! the checks is fixed, because the first that fails decides: size, record, framing, context, kind, election, core, format,
//! key, signature, payload. Cheap ones that need no key come first; what a payload says is looked at only when its
//! signature is good, so that nobody is blamed for what another wrote.

use crate::{
    fields::FieldError,
    limits::MAX_SUBMISSION_BYTES,
    payload::{decode_canonical, decode_payload},
    signed::{FORMAT, SignedMessage, submission_digest},
    verify::{Claim, verify_all},
};
use bytes::Bytes;
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest, sha256},
    ids::ElectionId,
    key::{KeyId, PublicKey},
    rules::RuleCode,
    submission::{Kind, Submission},
};
use hattama_proto::submission::v1;
use hattama_tally::{OpenRecords, Opened};
use std::{collections::BTreeSet, fmt};

/// Tells the key of an id, when it is in force.
pub type KeyLookup<'a> = &'a dyn Fn(&KeyId) -> Option<PublicKey>;

/// Opens the submissions of one election under one core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOpener {
    /// The election.
    pub election: ElectionId,
    /// Its frozen definition.
    pub core_digest: CoreDigest,
}

/// Why a record is no submission that can be looked at further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    /// Submission digest; of a record that is no submission, SHA-256 over its value.
    pub digest: SubmissionDigest,
    /// The key that it names, when that is not known: an amendment may still bring it.
    pub unknown_key: Option<KeyId>,
    /// What is wrong; at least one.
    pub errors: Vec<FieldError>,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "submission {} is refused", self.digest.short())?;
        self.errors.iter().try_for_each(|error| write!(f, "; {error}"))
    }
}

impl std::error::Error for OpenError {}

impl RecordOpener {
    /// Opens one record's value, and tells in detail what is wrong.
    ///
    /// # Errors
    /// When [`OpenRecords::open`] would answer anything but [`Opened::Submission`].
    pub fn open_one(&self, value: &[u8], key: KeyLookup<'_>) -> Result<Submission, OpenError> {
        let Examined { claim, contents } = self.examine(value, key)?;
        contents.read(claim.holds())
    }

    /// Every check that needs no elliptic curve.
    fn examine(&self, value: &[u8], key: KeyLookup<'_>) -> Result<Examined, OpenError> {
        let (signed, signature) =
            read_record(value).map_err(|error| OpenError::new(SubmissionDigest(sha256(value)), error))?;
        let digest = submission_digest(&signed);
        let (message, kind) = self.read_signed(&signed).map_err(|error| OpenError::new(digest, error))?;
        let Some(public) = key(&message.key) else {
            let detail = format_args!("no key {} is in force", message.key);
            let error = FieldError::new(RuleCode::UnknownKey, "signed.key", detail);
            return Err(OpenError { unknown_key: Some(message.key), ..OpenError::new(digest, error) });
        };
        let claim = Claim::new(&public, &signature, &signed);
        let payload = signed.slice_ref(message.payload);
        Ok(Examined { claim, contents: Contents { digest, key: message.key, kind, payload } })
    }

    fn read_signed<'a>(&self, signed: &'a [u8]) -> Result<(SignedMessage<'a>, Kind), FieldError> {
        let message = SignedMessage::parse(signed)?;
        let Some(kind) = Kind::parse(message.kind) else {
            return Err(FieldError::new(RuleCode::Unsupported, "signed.kind", "no such kind is known"));
        };
        if message.election != self.election.as_str() {
            let detail = format_args!("it is signed for another election than {}", self.election);
            return Err(FieldError::new(RuleCode::ForeignElection, "signed.election", detail));
        }
        if message.core_digest != self.core_digest {
            let detail = format_args!("{} is not the core {}", message.core_digest.short(), self.core_digest.short());
            return Err(FieldError::new(RuleCode::ForeignCore, "signed.core_digest", detail));
        }
        if message.format != FORMAT {
            let detail = format_args!("it is not `{FORMAT}`");
            return Err(FieldError::new(RuleCode::Unsupported, "signed.format", detail));
        }
        Ok((message, kind))
    }
}

impl OpenRecords for RecordOpener {
    fn open(&self, values: &[&[u8]], key: KeyLookup<'_>) -> Vec<Opened> {
        let mut claims = Vec::with_capacity(values.len());
        let examined: Vec<Result<Contents, OpenError>> = values
            .iter()
            .map(|value| {
                let Examined { claim, contents } = self.examine(value, key)?;
                claims.push(claim);
                Ok(contents)
            })
            .collect();
        let mut verdicts = verify_all(&claims).into_iter();
        examined
            .into_iter()
            .map(|examined| examined.and_then(|contents| contents.read(verdicts.next().unwrap_or(false))))
            .map(|read| match read {
                Ok(submission) => Opened::Submission(Box::new(submission)),
                Err(error) => error.into_opened(),
            })
            .collect()
    }
}

/// A record whose signature is still to be verified.
struct Examined {
    claim: Claim,
    contents: Contents,
}

struct Contents {
    digest: SubmissionDigest,
    key: KeyId,
    kind: Kind,
    payload: Bytes,
}

impl Contents {
    fn read(self, signature_holds: bool) -> Result<Submission, OpenError> {
        let Self { digest, key, kind, payload } = self;
        if !signature_holds {
            let detail = format_args!("it is not good for key {key}: were the signed bytes changed on the way?");
            return Err(OpenError::new(digest, FieldError::new(RuleCode::BadSignature, "signature", detail)));
        }
        match decode_payload(kind, &payload) {
            Ok(body) => Ok(Submission { digest, key, body }),
            Err(errors) => Err(OpenError { digest, unknown_key: None, errors }),
        }
    }
}

impl OpenError {
    fn new(digest: SubmissionDigest, error: FieldError) -> Self {
        Self { digest, unknown_key: None, errors: vec![error] }
    }

    fn into_opened(self) -> Opened {
        if let Some(key) = self.unknown_key {
            return Opened::UnknownKey { digest: self.digest, key };
        }
        let rules: BTreeSet<RuleCode> = self.errors.iter().map(|error| error.rule).collect();
        Opened::Refused { digest: self.digest, rules: rules.into_iter().collect() }
    }
}

/// The signed bytes and the signature of a record. Whatever is no such record is malformed: its wrapping has no versions.
fn read_record(value: &[u8]) -> Result<(Bytes, [u8; 64]), FieldError> {
    if value.len() > MAX_SUBMISSION_BYTES {
        let detail = format_args!("{} bytes where at most {MAX_SUBMISSION_BYTES} are expected", value.len());
        return Err(FieldError::new(RuleCode::TooLong, "", detail));
    }
    let message: v1::SignedSubmission =
        decode_canonical(value).map_err(|error| FieldError { rule: RuleCode::Malformed, ..error })?;
    let found = message.signature.len();
    let signature = message.signature.as_ref().try_into().map_err(|_| {
        FieldError::new(RuleCode::Malformed, "signature", format_args!("{found} bytes where 64 are expected"))
    })?;
    Ok((message.signed, signature))
}
