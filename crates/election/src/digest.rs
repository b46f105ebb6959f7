//! SHA-256 digests, each with a type of its own, so that one is never taken for another.

use sha2::{Digest as _, Sha256};
use std::fmt;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The digest in `bytes`, when they are 32.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The digest that 64 hexadecimal digits spell.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; 32];
                (text.len() == 64 && text.is_ascii()).then_some(())?;
                for (i, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
                }
                Some(Self(bytes))
            }

            /// The first 12 hexadecimal digits: enough to tell two apart on a screen.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string().chars().take(12).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

digest!(/** Of the frozen definition: SHA-256 over the sorted lines `path SP sha256` of its files (design, D6). */ CoreDigest);
digest!(/** Of the bytes that were signed (design, D6). */ SubmissionDigest);
digest!(/** Of what a submission says, without who signed when (design, D3). */ ContentDigest);
digest!(/** Of all records of a partition up to a position, chained from its genesis (design, D6). */ ChainDigest);
digest!(/** Of a publication's body (design, D5). */ PublicationDigest);
digest!(/** Of the canonical bytes of a tally's body, or of all regions, territories and districts (design, D4, D5). */ BodyDigest);
digest!(/** Of a record's value as it lies in the log. */ RecordDigest);
digest!(/** Of the paper's scan. */ ScanDigest);

/// SHA-256 over `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl ChainDigest {
    /// The digest of a partition that holds only its genesis record: SHA-256(genesis value).
    #[must_use]
    pub fn genesis(value: &[u8]) -> Self {
        Self(sha256(value))
    }

    /// The digest after one more record: SHA-256(dₙ ‖ SHA-256(value)).
    #[must_use]
    pub fn then(&self, value: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(Sha256::digest(value));
        Self(hasher.finalize().into())
    }
}

/// Feeds values to SHA-256 so that no two different sequences of values have the same bytes.
#[derive(Clone)]
pub struct CanonicalHasher(Sha256);

impl CanonicalHasher {
    /// A hasher for one kind of thing; `context` keeps kinds apart.
    #[must_use]
    pub fn new(context: &str) -> Self {
        Self(Sha256::new()).text(context)
    }

    /// Adds bytes, behind their length as u32 big-endian.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds text, behind its length in bytes.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number as u64 big-endian.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.update(number.to_be_bytes());
        self
    }

    /// Adds a number that may be absent: 0, or 1 and the number.
    #[must_use]
    pub fn optional(mut self, number: Option<u64>) -> Self {
        self.0.update([u8::from(number.is_some())]);
        match number {
            Some(number) => self.number(number),
            None => self,
        }
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_from_its_hexadecimal_text() {
        let digest = SubmissionDigest(sha256(b"x"));
        assert_eq!(SubmissionDigest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(SubmissionDigest::from_hex("00"), None);
        assert_eq!(SubmissionDigest::from_hex(&"zz".repeat(32)), None);
    }

    #[test]
    fn moving_a_byte_between_two_fields_changes_the_canonical_digest() {
        let one = CanonicalHasher::new("t").text("ab").text("c").finish();
        let other = CanonicalHasher::new("t").text("a").text("bc").finish();
        assert_ne!(one, other);
    }
}
