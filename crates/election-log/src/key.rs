//! The keys that services sign with.

use hattama_election::{
    definition::{Definition, KeyRole, ServiceRole},
    key::{InvalidKey, KeyId},
};
use hattama_service_kit::secret::{self, SecretError};
use hattama_wire::SigningKey;
use std::path::Path;

/// A service has no key that it may sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file.
    #[error(transparent)]
    File(#[from] SecretError),
    /// The key itself.
    #[error(transparent)]
    Invalid(#[from] InvalidKey),
    /// An official election derives no keys.
    #[error("an official election has no rehearsal keys: give --key-file")]
    FileMissing,
    /// Nobody has this role.
    #[error("the definition names no service of role {0}: add it to `[[services]]` of election.toml")]
    NoService(ServiceRole),
    /// A key that the definition does not name for this role: nobody would believe what it signs.
    #[error(
        "key {key} is not that of a service of role {role}: give the key of one that the definition names in `[[services]]`"
    )]
    Foreign {
        /// Its id.
        key: KeyId,
        /// The role that it should have.
        role: ServiceRole,
    },
}

/// The key in the file, else the rehearsal key of the definition's first service of the role.
///
/// # Errors
/// When the file holds none, or nothing can be derived.
pub fn service_key(definition: &Definition, role: ServiceRole, file: Option<&Path>) -> Result<SigningKey, KeyError> {
    match file {
        Some(path) => Ok(SigningKey::from_seed(secret::read_seed(path)?)?),
        None => rehearsal_service_key(definition, role),
    }
}

/// The rehearsal key of the definition's first service of a role.
///
/// # Errors
/// When the election is official, or no service has the role.
pub fn rehearsal_service_key(definition: &Definition, role: ServiceRole) -> Result<SigningKey, KeyError> {
    let keys = definition.rehearsal.as_ref().ok_or(KeyError::FileMissing)?;
    let service = definition.services.iter().find(|service| service.role == role).ok_or(KeyError::NoService(role))?;
    Ok(SigningKey::rehearsal(keys, KeyRole::Service, service.id.as_str())?)
}

/// Whether the definition names this key for a service of this role.
///
/// # Errors
/// [`KeyError::Foreign`] if not.
pub fn check_service_key(definition: &Definition, role: ServiceRole, key: &SigningKey) -> Result<(), KeyError> {
    let key = key.id();
    match definition.services.iter().any(|service| service.role == role && service.key.id() == key) {
        true => Ok(()),
        false => Err(KeyError::Foreign { key, role }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;

    #[test]
    fn a_rehearsals_keys_are_those_that_the_definition_names_for_the_role() {
        let definition = sample::definition();
        let key = service_key(&definition, ServiceRole::National, None).unwrap();
        check_service_key(&definition, ServiceRole::National, &key).unwrap();
        let refused = check_service_key(&definition, ServiceRole::Aggregator, &key).unwrap_err();
        assert!(refused.to_string().contains(&key.id().to_string()), "{refused}");
    }

    #[test]
    fn a_key_file_wins_over_the_rehearsals_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n").unwrap();
        let definition = sample::definition();
        let key = service_key(&definition, ServiceRole::National, Some(file.path())).unwrap();
        assert_eq!(key.id(), SigningKey::from_seed([1; 32]).unwrap().id());
    }
}
