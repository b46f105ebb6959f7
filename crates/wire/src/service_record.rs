//! Records that services sign: a body that is compared, an envelope that is not (design, D4).

use crate::{
    SigningKey,
    fields::FieldError,
    limits::{MAX_ENVELOPE_TEXT_BYTES, MAX_SERVICE_RECORD_BYTES},
    payload::decode_canonical,
    signed::frame,
    verify::Claim,
};
use bytes::Bytes;
use hattama_election::{
    definition::{Definition, Holder, ServiceRole},
    key::{KeyId, PublicKey},
};
use hattama_proto::log::v1;
use prost::Message as _;

/// What a service's record is signed as, so that none can be read as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceContext {
    /// A record of outcomes.
    Outcomes,
    /// A tally.
    Tally,
    /// A publication.
    Publication,
}

impl ServiceContext {
    /// The context as it stands in signed bytes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outcomes => "hattama/outcomes/1",
            Self::Tally => "hattama/tally/1",
            Self::Publication => "hattama/publication/1",
        }
    }

    /// The role of the services whose records of this kind are believed.
    #[must_use]
    pub fn signer(self) -> ServiceRole {
        match self {
            Self::Outcomes | Self::Tally => ServiceRole::Aggregator,
            Self::Publication => ServiceRole::National,
        }
    }

    /// The key of this id, when the definition has it as that of a service which may sign such records.
    #[must_use]
    pub fn key(self, definition: &Definition, id: &KeyId) -> Option<PublicKey> {
        let (key, Holder::Service(place)) = definition.key(id)? else {
            return None;
        };
        let service = definition.services.get(usize::from(place))?;
        (service.role == self.signer()).then_some(*key)
    }
}

/// Who wrote a service record. Not part of what is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Instance name of the service.
    pub instance: String,
    /// When, by the instance's clock, milliseconds since 1970 UTC.
    pub written_at_milliseconds: i64,
    /// Version and commit of the binary.
    pub build: String,
    /// Why the shard no longer moves, with the offset; none when it is live.
    pub frozen: Option<String>,
}

/// A service record whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedServiceRecord {
    /// The key that signed it.
    pub key: KeyId,
    /// Canonical bytes of the body.
    pub body: Bytes,
    /// Who wrote it.
    pub envelope: Envelope,
}

/// Why a record is not believed. Such a record is ignored and counted, wherever it came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceRecordError {
    /// Larger than any service writes.
    #[error("the record has {bytes} bytes, more than {MAX_SERVICE_RECORD_BYTES}: it was not written by a service")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No service record.
    #[error("the record is no service record: {0}")]
    Encoding(FieldError),
    /// A key id or signature of the wrong length.
    #[error("the record's {field} has {bytes} bytes: it was not written by a service")]
    Length {
        /// Which field.
        field: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// Signed with a key that may not sign such records.
    #[error("key {key} may not sign this: is another service writing to this topic?")]
    UnknownKey {
        /// The key that it names.
        key: KeyId,
    },
    /// The signature is not good.
    #[error(
        "the signature is not good for key {key}: the record was changed after it was signed, or signed as another kind"
    )]
    BadSignature {
        /// The key that it names.
        key: KeyId,
    },
    /// The envelope cannot be read.
    #[error("the envelope cannot be read: {detail}")]
    Envelope {
        /// Why.
        detail: String,
    },
}

/// The value of a record that a service signs. Texts of the envelope are cut at [`MAX_ENVELOPE_TEXT_BYTES`].
#[must_use]
pub fn sign_service(context: ServiceContext, key: &SigningKey, body: Bytes, envelope: &Envelope) -> Bytes {
    let envelope = Bytes::from(envelope_to_proto(envelope).encode_to_vec());
    let key_id = key.id();
    let signature = key.sign(&signed_bytes(context, &key_id, &body, &envelope));
    let record = v1::ServiceRecord {
        body,
        envelope,
        key_id: Bytes::copy_from_slice(&key_id.0),
        signature: Bytes::copy_from_slice(&signature),
    };
    record.encode_to_vec().into()
}

/// Opens a record that a service signed. `key` tells the keys that are believed: see [`ServiceContext::key`].
///
/// # Errors
/// When the record is none, or is not signed as this context by such a key.
pub fn open_service(
    context: ServiceContext,
    value: &[u8],
    key: impl Fn(&KeyId) -> Option<PublicKey>,
) -> Result<OpenedServiceRecord, ServiceRecordError> {
    if value.len() > MAX_SERVICE_RECORD_BYTES {
        return Err(ServiceRecordError::TooLarge { bytes: value.len() });
    }
    let record: v1::ServiceRecord = decode_canonical(value).map_err(ServiceRecordError::Encoding)?;
    let length = |field, bytes: &Bytes| ServiceRecordError::Length { field, bytes: bytes.len() };
    let key_id = KeyId::from_slice(&record.key_id).ok_or_else(|| length("key id", &record.key_id))?;
    let signature = record.signature.as_ref().try_into().map_err(|_| length("signature", &record.signature))?;
    let public = key(&key_id).ok_or(ServiceRecordError::UnknownKey { key: key_id })?;
    let signed = signed_bytes(context, &key_id, &record.body, &record.envelope);
    if !Claim::new(&public, &signature, &signed).holds() {
        return Err(ServiceRecordError::BadSignature { key: key_id });
    }
    Ok(OpenedServiceRecord { key: key_id, envelope: read_envelope(&record.envelope)?, body: record.body })
}

fn signed_bytes(context: ServiceContext, key: &KeyId, body: &[u8], envelope: &[u8]) -> Bytes {
    frame(&[context.as_str().as_bytes(), &key.0, body, envelope])
}

fn envelope_to_proto(envelope: &Envelope) -> v1::Envelope {
    v1::Envelope {
        instance: cut(&envelope.instance),
        written_at_milliseconds: envelope.written_at_milliseconds,
        build: cut(&envelope.build),
        frozen: envelope.frozen.is_some(),
        frozen_reason: envelope.frozen.as_deref().map(cut).unwrap_or_default(),
    }
}

/// An envelope is information only: a field that a newer binary adds to it is passed over.
fn read_envelope(bytes: &[u8]) -> Result<Envelope, ServiceRecordError> {
    let message =
        v1::Envelope::decode(bytes).map_err(|error| ServiceRecordError::Envelope { detail: error.to_string() })?;
    Ok(Envelope {
        instance: cut(&message.instance),
        written_at_milliseconds: message.written_at_milliseconds,
        build: cut(&message.build),
        frozen: message.frozen.then(|| cut(&message.frozen_reason)),
    })
}

/// The text up to its limit, not inside a character.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_ENVELOPE_TEXT_BYTES)].to_owned()
}
