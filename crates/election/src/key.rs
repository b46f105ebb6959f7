//! Public keys and their short names.

use crate::digest::sha256;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// An Ed25519 public key that is a point of the curve and not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The first 16 bytes of SHA-256 over a public key: what a signed message names its key by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

/// Why bytes are no usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not 32 bytes, or not base64url without padding.
    #[error("a key is 32 bytes in base64url without padding: 43 characters")]
    Form,
    /// No point of the curve.
    #[error("these 32 bytes are no point of the curve: the key was damaged in transit")]
    NoPoint,
    /// A point of small order: anybody could sign for it.
    #[error("this key is of small order: anybody could sign for it; make a new one")]
    SmallOrder,
}

impl PublicKey {
    /// The key in `bytes`.
    ///
    /// # Errors
    /// When they are no point of the curve, or one of small order (which ZIP-215 verification would accept).
    pub fn new(bytes: [u8; 32]) -> Result<Self, InvalidKey> {
        let point = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress().ok_or(InvalidKey::NoPoint)?;
        if point.is_small_order() {
            return Err(InvalidKey::SmallOrder);
        }
        Ok(Self(bytes))
    }

    /// The key that 43 characters of base64url spell.
    ///
    /// # Errors
    /// When they spell none, or a weak one.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Form)?;
        Self::new(bytes.try_into().map_err(|_| InvalidKey::Form)?)
    }

    /// The 32 bytes (RFC 8032, 5.1.5).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its short name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = sha256(&self.0);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        KeyId(id)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl KeyId {
    /// The id in `bytes`, when they are 16.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_small_order_is_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::new(identity), Err(InvalidKey::SmallOrder));
        assert_eq!(PublicKey::new([0; 32]), Err(InvalidKey::SmallOrder));
    }

    #[test]
    fn a_key_reads_back_from_its_text() {
        let base = PublicKey::new(curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED.0).unwrap();
        assert_eq!(PublicKey::parse(&base.to_string()), Ok(base));
        assert_eq!(PublicKey::parse("short"), Err(InvalidKey::Form));
    }
}
