//! Who signs in a rehearsal, and with which key. Keys are derived when they are needed: that costs less than a signature.

use super::{Action, Event, ScriptError};
use bytes::Bytes;
use hattama_election::{
    definition::{AuthorityRole, Definition, KeyRole, Purpose, RehearsalKeys},
    digest::{SubmissionDigest, sha256},
    ids::{AuthorityId, ServiceId, StationIndex},
    key::InvalidKey,
};
use hattama_wire::{SignedSubmission, SigningKey, sign_submission};

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// A station, with the key of the definition.
    Station(StationIndex),
    /// A station, with the key that an amendment gave it.
    StationWithNewKey(StationIndex),
    /// A commission or office.
    Authority(AuthorityId),
    /// A service.
    Service(ServiceId),
}

/// Every rehearsal key of a definition.
#[derive(Debug, Clone)]
pub struct RehearsalKeyring(RehearsalKeys);

/// An event's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// The value of its record in the log.
    pub value: Bytes,
    /// What it is known by: the submission digest; of what is no submission, SHA-256 over the value.
    pub digest: SubmissionDigest,
    /// What a client sends to a gateway; none for what is no submission.
    pub submission: Option<SignedSubmission>,
}

impl RehearsalKeyring {
    /// The keys of a definition.
    ///
    /// # Errors
    /// When the definition is official, or names no seed (design, D16).
    pub fn new(definition: &Definition) -> Result<Self, ScriptError> {
        let not_a_rehearsal = || ScriptError::NotARehearsal { election: definition.id.clone() };
        if definition.purpose != Purpose::Rehearsal {
            return Err(not_a_rehearsal());
        }
        definition.rehearsal.clone().map(Self).ok_or_else(not_a_rehearsal)
    }

    /// The key of a signer; `None` for one that the definition does not have.
    ///
    /// # Errors
    /// Never for a seed that anyone found, as [`SigningKey::from_seed`].
    pub fn key(&self, definition: &Definition, signer: &Signer) -> Result<Option<SigningKey>, InvalidKey> {
        let Some((role, id)) = role_and_id(definition, signer) else { return Ok(None) };
        SigningKey::rehearsal(&self.0, role, &id).map(Some)
    }
}

impl Event {
    /// The bytes of this event, always the same.
    ///
    /// # Errors
    /// When its signer is not in the definition: the script is of another one.
    pub fn sign(&self, keyring: &RehearsalKeyring, definition: &Definition) -> Result<SignedEvent, ScriptError> {
        match &self.action {
            Action::Send { signer, body } => {
                let key = keyring.key(definition, signer)?.ok_or_else(|| ScriptError::foreign("an event's signer"))?;
                Ok(sign_submission(&key, &definition.id, &definition.core_digest, body).into())
            }
            Action::SendSigned(submission) => Ok(submission.clone().into()),
            Action::Raw(value) => {
                let digest = SubmissionDigest(sha256(value));
                Ok(SignedEvent { value: value.clone(), digest, submission: None })
            }
        }
    }
}

impl From<SignedSubmission> for SignedEvent {
    fn from(submission: SignedSubmission) -> Self {
        Self { value: submission.record_value(), digest: submission.digest(), submission: Some(submission) }
    }
}

fn role_and_id(definition: &Definition, signer: &Signer) -> Option<(KeyRole, String)> {
    let station = |index: &StationIndex| definition.stations.get(index.0 as usize).map(|station| station.id.as_str());
    match signer {
        Signer::Station(index) => Some((KeyRole::Station, station(index)?.to_owned())),
        // no station's id has a slash, so that this is nobody else's key
        Signer::StationWithNewKey(index) => Some((KeyRole::Station, format!("{}/2", station(index)?))),
        Signer::Service(id) => Some((KeyRole::Service, id.as_str().to_owned())),
        Signer::Authority(id) => Some(match definition.authority(id)?.role {
            AuthorityRole::Territorial(place) => {
                (KeyRole::Territorial, definition.territories.get(usize::from(place.0))?.id.as_str().to_owned())
            }
            AuthorityRole::District(place) => {
                (KeyRole::District, definition.districts.get(usize::from(place.0))?.id.as_str().to_owned())
            }
            AuthorityRole::Central | AuthorityRole::Operator | AuthorityRole::Importer => {
                (KeyRole::Authority, id.as_str().to_owned())
            }
        }),
    }
}
