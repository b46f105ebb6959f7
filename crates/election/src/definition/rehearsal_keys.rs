//! Rehearsal keys: anyone can derive them from the seed that the definition prints, and that is the point of a rehearsal.

use super::RehearsalKeys;
use crate::key::{InvalidKey, PublicKey};
use curve25519_dalek::edwards::EdwardsPoint;
use sha2::{Digest as _, Sha256, Sha512};

/// What the derivation starts with, so that no other use of the seed gives the same keys.
const CONTEXT: &[u8] = b"hattama/rehearsal-key/1";

/// Whose rehearsal key is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyRole {
    /// A station, by its id.
    Station,
    /// The commission of a territory, by the territory's id.
    Territorial,
    /// The commission of a district, by the district's id.
    District,
    /// An authority of `election.toml`, by its id.
    Authority,
    /// A service, by its id.
    Service,
}

impl KeyRole {
    /// The role as the derivation spells it.
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

impl RehearsalKeys {
    /// The Ed25519 seed (private key, RFC 8032) of `<role>/<id>`: `docs/definition.md`, *Rehearsal keys*.
    #[must_use]
    pub fn private_key(&self, role: KeyRole, id: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(CONTEXT);
        for part in [self.key_seed.as_str(), role.as_str(), id] {
            hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// The public key of `<role>/<id>`.
    ///
    /// # Errors
    /// Never for a seed that anyone found: the point would have to be of small order.
    pub fn public_key(&self, role: KeyRole, id: &str) -> Result<PublicKey, InvalidKey> {
        let expanded = Sha512::digest(self.private_key(role, id));
        let mut secret = [0; 32];
        secret.copy_from_slice(&expanded[..32]);
        PublicKey::new(EdwardsPoint::mul_base_clamped(secret).compress().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_key_is_the_one_that_the_documentation_derives() {
        let keys = RehearsalKeys { key_seed: "s".into(), importer: false };
        let written_out = b"hattama/rehearsal-key/1\0\0\0\x01s\0\0\0\x07station\0\0\0\x01x";
        assert_eq!(keys.private_key(KeyRole::Station, "x"), crate::digest::sha256(written_out));
        assert_ne!(keys.public_key(KeyRole::Station, "x"), keys.public_key(KeyRole::Territorial, "x"));
    }

    #[test]
    fn the_public_key_of_a_private_one_is_that_of_rfc_8032() {
        // RFC 8032, 7.1, test 1: what `public_key` does behind the derivation.
        let private = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let private = crate::digest::RecordDigest::from_hex(private).unwrap().0;
        let mut secret = [0; 32];
        secret.copy_from_slice(&Sha512::digest(private)[..32]);
        let point = EdwardsPoint::mul_base_clamped(secret).compress().0;
        assert_eq!(crate::digest::RecordDigest(point).to_string(), public);
    }
}
