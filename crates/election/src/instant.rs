//! An instant of the election's world, in whole seconds. It orders nothing: it is compared with closing times and embargoes.

use std::fmt;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no instant: write it like 2023-03-19T20:00:00+06:00")]
pub struct InvalidInstant {
    /// What was given.
    pub text: String,
}

impl Instant {
    /// The instant that an RFC 3339 text with an offset names.
    ///
    /// # Errors
    /// When the text is no such instant.
    pub fn parse(text: &str) -> Result<Self, InvalidInstant> {
        text.parse::<jiff::Timestamp>()
            .map(|timestamp| Self(timestamp.as_second()))
            .map_err(|_| InvalidInstant { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_keeps_its_offset_in_mind() {
        assert_eq!(Instant::parse("2023-03-19T20:00:00+06:00"), Instant::parse("2023-03-19T19:00:00+05:00"));
        assert!(Instant::parse("2023-03-19 20:00").is_err());
    }
}
