//! Signing: keys, submissions, and the record that a submission is in the log.

use crate::{
    payload::encode_payload,
    signed::{FORMAT, SignedMessage, submission_digest},
};
use bytes::Bytes;
use ed25519_zebra::VerificationKeyBytes;
use hattama_election::{
    definition::{KeyRole, RehearsalKeys},
    digest::{CoreDigest, SubmissionDigest},
    ids::ElectionId,
    key::{InvalidKey, KeyId, PublicKey},
    submission::SubmissionBody,
};
use hattama_proto::submission::v1;
use prost::Message as _;
use std::fmt;

/// A private key. Shows itself only as the id of its public key.
#[derive(Clone)]
pub struct SigningKey {
    private: ed25519_zebra::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a seed (RFC 8032, 5.1.5: the private key).
    ///
    /// # Errors
    /// Never for an Ed25519 seed: its public key is of large order by construction.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, InvalidKey> {
        let private = ed25519_zebra::SigningKey::from(seed);
        let public = PublicKey::new(VerificationKeyBytes::from(&private).into())?;
        Ok(Self { private, public })
    }

    /// The rehearsal key of `<role>/<id>`: `docs/definition.md`, *Rehearsal keys*.
    ///
    /// # Errors
    /// Never, as [`Self::from_seed`].
    pub fn rehearsal(keys: &RehearsalKeys, role: KeyRole, id: &str) -> Result<Self, InvalidKey> {
        Self::from_seed(keys.private_key(role, id))
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// What signed messages name it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    /// The signature over `message` (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.private.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

/// A submission as it travels: exactly the bytes that were signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSubmission {
    /// The bytes that were signed.
    pub signed: Bytes,
    /// The signature over them.
    pub signature: [u8; 64],
}

impl SignedSubmission {
    /// The digest that it is known by.
    #[must_use]
    pub fn digest(&self) -> SubmissionDigest {
        submission_digest(&self.signed)
    }

    /// The value of its record in the log.
    #[must_use]
    pub fn record_value(&self) -> Bytes {
        self.to_proto().encode_to_vec().into()
    }

    /// The message that carries it.
    #[must_use]
    pub fn to_proto(&self) -> v1::SignedSubmission {
        v1::SignedSubmission { signed: self.signed.clone(), signature: Bytes::copy_from_slice(&self.signature) }
    }

    /// What a message carries; `None` when its signature is not 64 bytes.
    #[must_use]
    pub fn from_proto(message: &v1::SignedSubmission) -> Option<Self> {
        let signature = message.signature.as_ref().try_into().ok()?;
        Some(Self { signed: message.signed.clone(), signature })
    }
}

/// Signs what a submission says. What has a wrong form is signed as it is, and refused when it is opened.
#[must_use]
pub fn sign_submission(
    key: &SigningKey,
    election: &ElectionId,
    core_digest: &CoreDigest,
    body: &SubmissionBody,
) -> SignedSubmission {
    sign_raw(key, election, core_digest, body.kind().as_str(), FORMAT, &encode_payload(body))
}

/// Signs a payload under any kind and format: for tests and vectors of what must be refused.
#[must_use]
pub fn sign_raw(
    key: &SigningKey,
    election: &ElectionId,
    core_digest: &CoreDigest,
    kind: &str,
    format: &str,
    payload: &[u8],
) -> SignedSubmission {
    let election = election.as_str();
    let message = SignedMessage { kind, election, core_digest: *core_digest, key: key.id(), format, payload };
    let signed = message.encode();
    let signature = key.sign(&signed);
    SignedSubmission { signed, signature }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_print_its_seed() {
        let key = SigningKey::from_seed([0xab; 32]).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey({})", key.id()));
        assert!(!shown.contains("abab"));
    }

    #[test]
    fn a_rehearsal_key_signs_for_the_public_key_that_the_definition_derives() {
        let keys = RehearsalKeys { key_seed: "s".into(), importer: false };
        let key = SigningKey::rehearsal(&keys, KeyRole::Station, "x").unwrap();
        assert_eq!(Ok(key.public_key()), keys.public_key(KeyRole::Station, "x"));
    }
}
