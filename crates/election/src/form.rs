//! The form of a contest: which lines its protocol has, each with a standard meaning.

use crate::{ids::FormId, text::Text};
use std::fmt;

/// The standard meanings of a protocol's lines. Votes for options and "against all" are no lines: every contest has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineMeaning {
    /// Voters on the list, without those added on the day.
    VotersListed,
    /// Voters added to the list on the day.
    VotersAdded,
    /// Ballots that the commission received.
    BallotsReceived,
    /// Ballots issued to voters, everywhere.
    BallotsIssued,
    /// Of the issued: outside the premises (a part, not a summand).
    IssuedOutside,
    /// Of the issued: on absentee certificates (a part, not a summand).
    IssuedAbsentee,
    /// Ballots never issued, cancelled after the vote.
    BallotsUnused,
    /// Ballots spoiled by voters or commission, and replaced.
    BallotsSpoiled,
    /// Ballots found in all boxes.
    BallotsFound,
    /// Of the found: in portable boxes (a part, not a summand).
    FoundPortable,
    /// Invalid ballots.
    BallotsInvalid,
    /// Valid ballots, "against all" included.
    BallotsValid,
}

impl LineMeaning {
    /// Every meaning, in the order of a paper protocol.
    pub const ALL: [Self; 12] = [
        Self::VotersListed,
        Self::VotersAdded,
        Self::BallotsReceived,
        Self::BallotsIssued,
        Self::IssuedOutside,
        Self::IssuedAbsentee,
        Self::BallotsUnused,
        Self::BallotsSpoiled,
        Self::BallotsFound,
        Self::FoundPortable,
        Self::BallotsInvalid,
        Self::BallotsValid,
    ];

    /// The meaning as the definition and every interface spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VotersListed => "voters_listed",
            Self::VotersAdded => "voters_added",
            Self::BallotsReceived => "ballots_received",
            Self::BallotsIssued => "ballots_issued",
            Self::IssuedOutside => "issued_outside",
            Self::IssuedAbsentee => "issued_absentee",
            Self::BallotsUnused => "ballots_unused",
            Self::BallotsSpoiled => "ballots_spoiled",
            Self::BallotsFound => "ballots_found",
            Self::FoundPortable => "found_portable",
            Self::BallotsInvalid => "ballots_invalid",
            Self::BallotsValid => "ballots_valid",
        }
    }
}

impl fmt::Display for LineMeaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure we are of a statement about law or practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Read in a public page of the time.
    Found,
    /// Read in an older edition of the law, which may have been reworded since.
    Older,
    /// Stated by the press of the time.
    Press,
    /// General knowledge, not confirmed.
    Assumed,
    /// Our arithmetic from published figures.
    Derived,
}

impl fmt::Display for Certainty {
    /// As definitions write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Found => "found",
            Self::Older => "older",
            Self::Press => "press",
            Self::Assumed => "assumed",
            Self::Derived => "derived",
        })
    }
}

/// One line of a form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormLine {
    /// What the line means.
    pub meaning: LineMeaning,
    /// Whether a protocol without it is refused. Absent is not zero.
    pub required: bool,
    /// How sure we are that the paper has this line.
    pub source: Certainty,
    /// The label that the paper has.
    pub label: Text,
}

/// The lines of a contest's protocol, in the order of the paper. No meaning occurs twice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its id.
    #[serde(deserialize_with = "crate::definition::ids_from_toml::id")]
    pub id: FormId,
    /// Its lines.
    pub lines: Vec<FormLine>,
}

impl Form {
    /// The line of this meaning, when the form has it.
    #[must_use]
    pub fn line(&self, meaning: LineMeaning) -> Option<&FormLine> {
        self.lines.iter().find(|line| line.meaning == meaning)
    }
}

/// The written lines of a protocol: a count for each meaning, present or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lines([Option<u32>; LineMeaning::ALL.len()]);

impl Lines {
    /// The count written on the line of this meaning; `None` when nothing is written there.
    #[must_use]
    pub fn get(&self, meaning: LineMeaning) -> Option<u32> {
        self.0[meaning as usize]
    }

    /// Writes a count.
    pub fn set(&mut self, meaning: LineMeaning, count: u32) {
        self.0[meaning as usize] = Some(count);
    }

    /// Makes a line absent.
    pub fn clear(&mut self, meaning: LineMeaning) {
        self.0[meaning as usize] = None;
    }

    /// The lines with something written, in the order of [`LineMeaning::ALL`].
    pub fn written(&self) -> impl Iterator<Item = (LineMeaning, u32)> + '_ {
        LineMeaning::ALL.into_iter().filter_map(|meaning| Some((meaning, self.get(meaning)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_not_zero() {
        let mut lines = Lines::default();
        assert_eq!(lines.get(LineMeaning::BallotsFound), None);
        lines.set(LineMeaning::BallotsFound, 0);
        assert_eq!(lines.get(LineMeaning::BallotsFound), Some(0));
        assert_eq!(lines.written().collect::<Vec<_>>(), [(LineMeaning::BallotsFound, 0)]);
    }

    #[test]
    fn every_meaning_stands_at_its_own_place() {
        for (place, meaning) in LineMeaning::ALL.into_iter().enumerate() {
            assert_eq!(meaning as usize, place);
        }
    }
}
