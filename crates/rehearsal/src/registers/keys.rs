//! Rehearsal keys (`docs/definition.md`): anyone can derive them from the seed that the definition prints.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use sha2::{Digest as _, Sha256};

/// Keeps these keys apart from everything else that is hashed.
const CONTEXT: &[u8] = b"hattama/rehearsal-key/1";

/// Whose key it is: the first part of `<role>/<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRole {
    /// A polling station; the id is the station's.
    Station,
    /// A territorial commission; the id is the territory's.
    Territorial,
    /// A district commission; the id is the district's.
    District,
    /// An authority of `election.toml`.
    Authority,
    /// A service of `election.toml`.
    Service,
}

impl KeyRole {
    /// The role as it is hashed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Territorial => "territorial",
            Self::District => "district",
            Self::Authority => "authority",
            Self::Service => "service",
        }
    }
}

/// The private key of `<role>/<id>` under a definition's `key_seed`.
#[must_use]
pub fn rehearsal_key(key_seed: &str, role: KeyRole, id: &str) -> SigningKey {
    let mut hash = Sha256::new();
    hash.update(CONTEXT);
    for part in [key_seed, role.as_str(), id] {
        hash.update((part.len() as u32).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let seed: [u8; 32] = hash.finalize().into();
    SigningKey::from(seed)
}

/// Its public key as the definition writes it: base64url without padding, 43 characters.
#[must_use]
pub fn rehearsal_public_key(key_seed: &str, role: KeyRole, id: &str) -> String {
    let public = VerificationKeyBytes::from(&rehearsal_key(key_seed, role, id));
    URL_SAFE_NO_PAD.encode(<[u8; 32]>::from(public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_seed_role_and_id() {
        let key = rehearsal_public_key("a", KeyRole::Station, "10-0001");
        assert_eq!(key.len(), 43);
        assert_eq!(key, rehearsal_public_key("a", KeyRole::Station, "10-0001"));
        assert_ne!(key, rehearsal_public_key("b", KeyRole::Station, "10-0001"));
        assert_ne!(key, rehearsal_public_key("a", KeyRole::District, "10-0001"));
        assert_ne!(key, rehearsal_public_key("a", KeyRole::Station, "10-0002"));
    }
}
