//! Reading fields strictly: each wrong one is named, with the rule that it breaks.

use crate::limits::MAX_FIELD_ERRORS;
use hattama_election::{
    ids::InvalidId,
    protocol::{MAX_COUNT, MAX_REASON_BYTES, MAX_REVISION},
    rules::RuleCode,
};
use std::fmt::{self, Display};

/// A field that has the wrong form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The rule that it breaks.
    pub rule: RuleCode,
    /// The field, like `lines.ballots_valid`; empty when it is the whole.
    pub field: String,
    /// What was found and what is expected.
    pub detail: String,
}

impl FieldError {
    /// An error of one field.
    pub(crate) fn new(rule: RuleCode, field: impl Display, detail: impl Display) -> Self {
        Self { rule, field: field.to_string(), detail: detail.to_string() }
    }
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "{}: {}", self.rule, self.detail),
            field => write!(f, "{} at {field}: {}", self.rule, self.detail),
        }
    }
}

/// Reads fields and gathers what is wrong. A reader answers `None` for what it noted as wrong.
#[derive(Default)]
pub(crate) struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Notes an error. Above the limit only rules that are not named yet, so that none of them is lost.
    pub(crate) fn note(&mut self, rule: RuleCode, field: impl Display, detail: impl Display) {
        if self.errors.len() < MAX_FIELD_ERRORS || self.errors.iter().all(|error| error.rule != rule) {
            self.errors.push(FieldError::new(rule, field, detail));
        }
    }

    /// What was read, when nothing was wrong. Where something is not understood, only that is reported: whatever else was
    /// found rests on half an understanding.
    pub(crate) fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<FieldError>> {
        match read {
            Some(read) if self.errors.is_empty() => return Ok(read),
            None if self.errors.is_empty() => self.note(RuleCode::Malformed, "", "a part is missing"),
            _ => {}
        }
        if self.errors.iter().any(|error| error.rule == RuleCode::Unsupported) {
            self.errors.retain(|error| error.rule == RuleCode::Unsupported);
        }
        Err(self.errors)
    }

    pub(crate) fn id<T>(
        &mut self,
        field: impl Display,
        text: &str,
        new: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Option<T> {
        new(text).map_err(|error| self.note(RuleCode::Malformed, field, error)).ok()
    }

    /// Bytes of a fixed length: a digest, a key, a key id.
    pub(crate) fn bytes<const N: usize>(&mut self, field: impl Display, bytes: &[u8]) -> Option<[u8; N]> {
        let found = bytes.len();
        let read = bytes.try_into().ok();
        if read.is_none() {
            self.note(RuleCode::Malformed, field, format_args!("{found} bytes where {N} are expected"));
        }
        read
    }

    pub(crate) fn revision(&mut self, revision: u32) -> Option<u8> {
        match u8::try_from(revision) {
            Ok(revision @ 1..=MAX_REVISION) => Some(revision),
            _ => {
                let detail = format_args!("{revision} is not 1 to {MAX_REVISION}");
                self.note(RuleCode::RevisionOutOfRange, "revision", detail);
                None
            }
        }
    }

    pub(crate) fn count(&mut self, field: impl Display, count: u32) -> Option<u32> {
        if count > MAX_COUNT {
            self.note(RuleCode::CountOutOfRange, field, format_args!("{count} is above {MAX_COUNT}"));
            return None;
        }
        Some(count)
    }

    pub(crate) fn text(&mut self, field: impl Display, text: String, limit_bytes: usize) -> Option<String> {
        if text.len() > limit_bytes {
            let detail = format_args!("{} bytes where at most {limit_bytes} are expected", text.len());
            self.note(RuleCode::TooLong, field, detail);
            return None;
        }
        Some(text)
    }

    /// A reason that has to be given.
    pub(crate) fn reason(&mut self, reason: String) -> Option<String> {
        if reason.trim().is_empty() {
            self.note(RuleCode::ReasonMissing, "reason", "a reason has to be given");
            return None;
        }
        self.text("reason", reason, MAX_REASON_BYTES)
    }

    pub(crate) fn optional<A, B>(
        &mut self,
        value: Option<A>,
        read: impl FnOnce(&mut Self, A) -> Option<B>,
    ) -> Option<Option<B>> {
        match value {
            None => Some(None),
            Some(value) => read(self, value).map(Some),
        }
    }

    /// Every item of a list, each with its place; all are read, so that all that is wrong is named.
    pub(crate) fn list<A, B>(
        &mut self,
        values: impl IntoIterator<Item = A>,
        mut read: impl FnMut(&mut Self, usize, A) -> Option<B>,
    ) -> Option<Vec<B>> {
        let mut items = Some(Vec::new());
        for (place, value) in values.into_iter().enumerate() {
            match (read(self, place, value), &mut items) {
                (Some(item), Some(items)) => items.push(item),
                _ => items = None,
            }
        }
        items
    }

    /// A list no longer than its limit.
    pub(crate) fn at_most(&mut self, field: impl Display, length: usize, limit: usize) -> Option<()> {
        if length > limit {
            let detail = format_args!("{length} items where at most {limit} are expected");
            self.note(RuleCode::TooLong, field, detail);
            return None;
        }
        Some(())
    }

    /// Keys that ascend, none twice.
    pub(crate) fn ascending<K: Ord + Display>(
        &mut self,
        field: impl Display,
        keys: impl IntoIterator<Item = K>,
    ) -> Option<()> {
        let mut last: Option<K> = None;
        for key in keys {
            if let Some(last) = last.filter(|last| *last >= key) {
                self.note(RuleCode::Malformed, field, format_args!("{key} comes behind {last}: they must ascend"));
                return None;
            }
            last = Some(key);
        }
        Some(())
    }

    /// An enum's value that is unspecified or that this binary does not know.
    pub(crate) fn unknown_enum(&mut self, field: impl Display, number: i32) {
        match number {
            0 => self.note(RuleCode::Malformed, field, "it is not specified"),
            _ => self.note(RuleCode::Unsupported, field, format_args!("{number} is not known")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_errors_are_cut_but_no_rule_is_lost() {
        let mut fields = Fields::default();
        for place in 0..1_000 {
            fields.note(RuleCode::Malformed, format_args!("votes[{place}]"), "wrong");
        }
        fields.note(RuleCode::TooLong, "reason", "long");
        fields.note(RuleCode::TooLong, "reason", "long");
        let errors = fields.finish(Some(())).unwrap_err();
        assert_eq!(errors.len(), MAX_FIELD_ERRORS + 1);
        assert_eq!(errors.last().unwrap().rule, RuleCode::TooLong);
    }

    #[test]
    fn what_is_not_understood_stands_alone() {
        let mut fields = Fields::default();
        fields.note(RuleCode::CountOutOfRange, "register", "large");
        fields.unknown_enum("lines[0].meaning", 77);
        let errors = fields.finish(None::<()>).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.rule).collect::<Vec<_>>(), [RuleCode::Unsupported]);
    }

    #[test]
    fn equal_neighbours_do_not_ascend() {
        assert!(Fields::default().ascending("votes", [1, 2, 3]).is_some());
        assert!(Fields::default().ascending("votes", [1, 1]).is_none());
        assert!(Fields::default().ascending("votes", [2, 1]).is_none());
    }
}
