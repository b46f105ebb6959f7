//! What is signed: seven parts, each as u32 big-endian length and bytes (design, D6).

use crate::fields::FieldError;
use bytes::{BufMut as _, Bytes, BytesMut};
use hattama_election::{
    digest::{CoreDigest, SubmissionDigest, sha256},
    key::KeyId,
    rules::RuleCode,
};

/// What every signed submission starts with.
pub const CONTEXT: &str = "hattama/submission/1";
/// The one format of payloads: canonical protobuf.
pub const FORMAT: &str = "protobuf/1";

/// Signed bytes, taken apart. Nothing is said yet about whether election, kind and format are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedMessage<'a> {
    /// Kind.
    pub kind: &'a str,
    /// Election id.
    pub election: &'a str,
    /// Frozen definition.
    pub core_digest: CoreDigest,
    /// The key that it names.
    pub key: KeyId,
    /// Format of the payload.
    pub format: &'a str,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> SignedMessage<'a> {
    /// Takes signed bytes apart: exactly seven parts with nothing behind.
    ///
    /// # Errors
    /// `UNSUPPORTED` for another context, `MALFORMED` for anything that is not seven parts of the right form.
    pub fn parse(signed: &'a [u8]) -> Result<Self, FieldError> {
        let mut rest = signed;
        if take(&mut rest, "context")? != CONTEXT.as_bytes() {
            let detail = format_args!("it is not `{CONTEXT}`");
            return Err(FieldError::new(RuleCode::Unsupported, "signed.context", detail));
        }
        let message = Self {
            kind: take_text(&mut rest, "kind")?,
            election: take_text(&mut rest, "election")?,
            core_digest: CoreDigest(take_fixed(&mut rest, "core_digest")?),
            key: KeyId(take_fixed(&mut rest, "key")?),
            format: take_text(&mut rest, "format")?,
            payload: take(&mut rest, "payload")?,
        };
        if !rest.is_empty() {
            return Err(malformed("payload", format!("{} bytes lie behind it", rest.len())));
        }
        Ok(message)
    }

    /// The bytes to sign.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        frame(&[
            CONTEXT.as_bytes(),
            self.kind.as_bytes(),
            self.election.as_bytes(),
            &self.core_digest.0,
            &self.key.0,
            self.format.as_bytes(),
            self.payload,
        ])
    }
}

/// The digest that a submission is known by: SHA-256 over the bytes that were signed.
#[must_use]
pub fn submission_digest(signed: &[u8]) -> SubmissionDigest {
    SubmissionDigest(sha256(signed))
}

/// Each part behind its length as u32 big-endian.
pub(crate) fn frame(parts: &[&[u8]]) -> Bytes {
    let mut framed = BytesMut::with_capacity(parts.iter().map(|part| part.len() + size_of::<u32>()).sum());
    for part in parts {
        // A part of 4 GiB is far above every limit of a record, so whatever stands here no one takes it.
        framed.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
        framed.put_slice(part);
    }
    framed.freeze()
}

fn take<'a>(rest: &mut &'a [u8], part: &str) -> Result<&'a [u8], FieldError> {
    let (length, behind) = rest.split_first_chunk().ok_or_else(|| malformed(part, "its length is missing".into()))?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > behind.len() {
        return Err(malformed(part, format!("{length} bytes are announced and {} are there", behind.len())));
    }
    let (bytes, behind) = behind.split_at(length);
    *rest = behind;
    Ok(bytes)
}

fn take_text<'a>(rest: &mut &'a [u8], part: &str) -> Result<&'a str, FieldError> {
    std::str::from_utf8(take(rest, part)?).map_err(|_| malformed(part, "it is no UTF-8".into()))
}

fn take_fixed<const N: usize>(rest: &mut &[u8], part: &str) -> Result<[u8; N], FieldError> {
    let bytes = take(rest, part)?;
    bytes.try_into().map_err(|_| malformed(part, format!("{} bytes where {N} are expected", bytes.len())))
}

fn malformed(part: &str, detail: String) -> FieldError {
    FieldError::new(RuleCode::Malformed, format_args!("signed.{part}"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> SignedMessage<'_> {
        SignedMessage {
            kind: "protocol",
            election: "sample",
            core_digest: CoreDigest([7; 32]),
            key: KeyId([9; 16]),
            format: FORMAT,
            payload,
        }
    }

    #[test]
    fn seven_parts_read_back() {
        for payload in [&b""[..], b"x", &[0; 1_000]] {
            assert_eq!(SignedMessage::parse(&message(payload).encode()), Ok(message(payload)));
        }
    }

    #[test]
    fn every_shortening_and_every_byte_behind_is_malformed() {
        let signed = message(b"payload").encode();
        for end in 0..signed.len() {
            assert_eq!(SignedMessage::parse(&signed[..end]).unwrap_err().rule, RuleCode::Malformed, "{end}");
        }
        let longer = [&signed[..], &[0]].concat();
        assert_eq!(SignedMessage::parse(&longer).unwrap_err().field, "signed.payload");
    }

    #[test]
    fn an_announced_length_is_never_believed() {
        let mut signed = message(b"payload").encode().to_vec();
        signed[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(SignedMessage::parse(&signed).unwrap_err().field, "signed.context");
    }

    #[test]
    fn what_was_signed_as_something_else_is_no_submission() {
        let signed = frame(&[b"hattama/tally/1", &[0; 16], b"body", b"envelope"]);
        assert_eq!(SignedMessage::parse(&signed).unwrap_err().rule, RuleCode::Unsupported);
    }

    #[test]
    fn eight_parts_are_malformed() {
        let signed = [&message(b"payload").encode()[..], &frame(&[b""])].concat();
        assert_eq!(SignedMessage::parse(&signed).unwrap_err().rule, RuleCode::Malformed);
    }
}
