//! The names of things: regions, territories, districts, stations, contests, options, authorities.
//!
//! An id is text of 1 to [`MAX_ID_BYTES`] of `a-z`, `0-9`, `-` and `.`; it cannot be made wrong. Ids are cheap to clone.

use std::{fmt, sync::Arc};

/// The longest id: short enough for a record, long enough to be read aloud.
pub const MAX_ID_BYTES: usize = 32;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no id: an id is 1 to 32 of a-z, 0-9, `-` and `.`")]
pub struct InvalidId {
    /// What was given, shortened to 64 characters.
    pub text: String,
}

/// True when `text` may be an id.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id that `text` spells.
            ///
            /// # Errors
            /// When it is empty, too long or has another character than `a-z 0-9 - .`.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                if is_id(text) {
                    return Ok(Self(text.into()));
                }
                Err(InvalidId { text: text.chars().take(64).collect() })
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(/** An election, e.g. `kz-2023`. */ ElectionId);
id!(/** A region (oblast or city of republican significance), e.g. `kz-10`, or `abroad`. */ RegionId);
id!(/** The area of a rayon or city commission (TEC). */ TerritoryId);
id!(/** A single-mandate district (DEC). */ DistrictId);
id!(/** A station: a place with a commission. */ StationId);
id!(/** A contest: one question on one ballot. */ ContestId);
id!(/** An option of a contest: a list, an independent or a candidate; never "against all". */ OptionId);
id!(/** A turnout slot: an instant of the national clock for which stations report. */ SlotId);
id!(/** A form: which lines the protocol of a contest has. */ FormId);
id!(/** A commission or office that decides, amends or imports. */ AuthorityId);
id!(/** A service whose tallies or publications are believed. */ ServiceId);

/// A shard: the partition that a station's submissions go to. [`ShardId::CONTROL`] is what concerns no single region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct ShardId(pub u32);

impl ShardId {
    /// The shard of amendments and national decisions.
    pub const CONTROL: Self = Self(0);
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A station's place in the definition: stations are numbered in the order of their ids, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationIndex(pub u32);

/// A contest's place in the definition, from 0, in the definition's order (templates expanded in district order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContestIndex(pub u16);

/// A turnout slot's place in the definition, from 0, in time order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotIndex(pub u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_only_small_letters_digits_hyphens_and_dots() {
        assert!(StationId::new("kz-10.0001").is_ok());
        for wrong in ["", "Kz", "a b", "қ", "a_b", &"x".repeat(33)] {
            assert!(StationId::new(wrong).is_err(), "{wrong}");
        }
    }
}
