//! A topic's name, valid by construction.

use std::fmt;
use std::str::FromStr;

use crate::LogError;

/// The longest topic name, in bytes: Kafka's limit, so that a name suits every implementation.
pub const MAX_TOPIC_NAME_BYTES: usize = 249;

/// The name of a topic, for example `kz-2023.g1.submissions`.
///
/// ASCII letters, digits, `.`, `_` and `-`, at most [`MAX_TOPIC_NAME_BYTES`]: Kafka's rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`LogError::InvalidTopicName`] says which rule the text breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, LogError> {
        let name = name.into();
        match broken_rule(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(LogError::InvalidTopicName { name, reason }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for TopicName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicName {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        Self::new(text)
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > MAX_TOPIC_NAME_BYTES {
        return Some("it is longer than 249 bytes");
    }
    if name == "." || name == ".." {
        return Some("it is only dots");
    }
    if !name.bytes().all(allowed) {
        return Some("only ASCII letters, digits, `.`, `_` and `-` are allowed");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kafka_takes_are_taken() {
        for name in ["kz-2023.g1.submissions", "a", "A_b-c.9", "..."] {
            assert_eq!(TopicName::new(name).unwrap().as_str(), name);
        }
        assert!(TopicName::new("x".repeat(MAX_TOPIC_NAME_BYTES)).is_ok());
    }

    #[test]
    fn names_that_kafka_refuses_are_refused() {
        for name in ["", ".", "..", "a b", "a/b", "хаттама", "a\0", "+1"] {
            let error = TopicName::new(name).unwrap_err();
            assert!(matches!(error, LogError::InvalidTopicName { .. }), "{name}");
        }
        assert!(TopicName::new("x".repeat(MAX_TOPIC_NAME_BYTES + 1)).is_err());
    }
}
