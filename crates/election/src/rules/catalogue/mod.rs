//! The catalogue: for every code its severity, what it checks, the law or practice behind it, and what people read.

mod flagged;
mod held;
mod markdown;
mod refused;
mod standing;

pub use markdown::catalogue_markdown;

use super::{RuleCode, Severity};
use crate::form::Certainty;

/// One rule as the catalogue has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code.
    pub code: RuleCode,
    /// What it does unless the definition or an amendment says otherwise.
    pub default_severity: Severity,
    /// What must be true lest it fires or, for a code that only explains, what is the case; one English line.
    pub checks: &'static str,
    /// The law (articles of the Constitutional Law on Elections) or practice behind it, or this system's design.
    pub source: &'static str,
    /// How sure we are of the source; `Derived` where it is arithmetic or this system's own design.
    pub certainty: Certainty,
    /// What a member of a commission reads.
    pub text: RuleText,
}

/// A rule in plain words: what is the matter, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleText {
    /// Kazakh.
    pub kk: &'static str,
    /// Russian.
    pub ru: &'static str,
    /// English.
    pub en: &'static str,
}

impl RuleCode {
    /// The rule of this code.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        match self {
            Self::Malformed => &refused::MALFORMED,
            Self::Unsupported => &refused::UNSUPPORTED,
            Self::ForeignElection => &refused::FOREIGN_ELECTION,
            Self::ForeignCore => &refused::FOREIGN_CORE,
            Self::UnknownKey => &refused::UNKNOWN_KEY,
            Self::BadSignature => &refused::BAD_SIGNATURE,
            Self::NotEntitled => &refused::NOT_ENTITLED,
            Self::UnknownStation => &refused::UNKNOWN_STATION,
            Self::WrongShard => &refused::WRONG_SHARD,
            Self::UnknownContest => &refused::UNKNOWN_CONTEST,
            Self::UnknownSlot => &refused::UNKNOWN_SLOT,
            Self::OptionsMismatch => &refused::OPTIONS_MISMATCH,
            Self::AgainstAllMismatch => &refused::AGAINST_ALL_MISMATCH,
            Self::LineNotOnForm => &refused::LINE_NOT_ON_FORM,
            Self::RequiredLineMissing => &refused::REQUIRED_LINE_MISSING,
            Self::CountOutOfRange => &refused::COUNT_OUT_OF_RANGE,
            Self::RevisionOutOfRange => &refused::REVISION_OUT_OF_RANGE,
            Self::TooLong => &refused::TOO_LONG,
            Self::ReasonMissing => &refused::REASON_MISSING,
            Self::RulingImpossible => &refused::RULING_IMPOSSIBLE,
            Self::SumOfVotesDiffers => &held::SUM_OF_VOTES_DIFFERS,
            Self::FoundDiffersFromCounted => &held::FOUND_DIFFERS_FROM_COUNTED,
            Self::BallotsUnbalanced => &held::BALLOTS_UNBALANCED,
            Self::ReceivedDiffersFromCounted => &held::RECEIVED_DIFFERS_FROM_COUNTED,
            Self::FoundExceedsIssued => &held::FOUND_EXCEEDS_ISSUED,
            Self::IssuedExceedsVoters => &held::ISSUED_EXCEEDS_VOTERS,
            Self::FoundExceedsVoters => &held::FOUND_EXCEEDS_VOTERS,
            Self::PartExceedsWhole => &held::PART_EXCEEDS_WHOLE,
            Self::SignedBeforeClose => &held::SIGNED_BEFORE_CLOSE,
            Self::KeyRevoked => &held::KEY_REVOKED,
            Self::TurnoutExceedsRegister => &held::TURNOUT_EXCEEDS_REGISTER,
            Self::AmendmentGap => &held::AMENDMENT_GAP,
            Self::FoundBelowIssued => &flagged::FOUND_BELOW_ISSUED,
            Self::InvalidShareHigh => &flagged::INVALID_SHARE_HIGH,
            Self::TurnoutComplete => &flagged::TURNOUT_COMPLETE,
            Self::DigitsTransposed => &flagged::DIGITS_TRANSPOSED,
            Self::IssuedDiffersFromTurnout => &flagged::ISSUED_DIFFERS_FROM_TURNOUT,
            Self::TurnoutFalls => &flagged::TURNOUT_FALLS,
            Self::ContestsFarApart => &flagged::CONTESTS_FAR_APART,
            Self::VotesForWithdrawn => &flagged::VOTES_FOR_WITHDRAWN,
            Self::HistoryIncomplete => &flagged::HISTORY_INCOMPLETE,
            Self::SignatoryDissents => &flagged::SIGNATORY_DISSENTS,
            Self::ComplaintsLodged => &flagged::COMPLAINTS_LODGED,
            Self::ConfirmedByDecision => &flagged::CONFIRMED_BY_DECISION,
            Self::TargetAbsent => &flagged::TARGET_ABSENT,
            Self::ContestedRevision => &standing::CONTESTED_REVISION,
            Self::AnnulledByDecision => &standing::ANNULLED_BY_DECISION,
            Self::SetAsideByDecision => &standing::SET_ASIDE_BY_DECISION,
            Self::SupersededByRevision => &standing::SUPERSEDED_BY_REVISION,
            Self::OverruledByDecision => &standing::OVERRULED_BY_DECISION,
            Self::SameContent => &standing::SAME_CONTENT,
            Self::ContestedNumber => &standing::CONTESTED_NUMBER,
            Self::PremisesGone => &standing::PREMISES_GONE,
        }
    }

    /// Its severity unless the definition or an amendment says otherwise.
    #[must_use]
    pub fn default_severity(self) -> Severity {
        self.rule().default_severity
    }

    /// Whether the definition or an amendment may give it this severity. Its default is always allowed.
    ///
    /// What is impossible stays refused. Rules on several submissions may only flag: one station's submission must not
    /// hold back another (design, D9). Codes that explain a standing decide nothing and cannot be changed.
    #[must_use]
    pub fn may_change_to(self, severity: Severity) -> bool {
        if severity == self.default_severity() {
            return true;
        }
        match self {
            Self::AmendmentGap | Self::ConfirmedByDecision | Self::TargetAbsent => false,
            _ if self.looks_at_several_submissions() => severity == Severity::Off,
            _ if (100..300).contains(&self.number()) => severity != Severity::Refuse,
            _ => false,
        }
    }

    /// Whether the rule compares several submissions of a station, so that it may only flag.
    #[must_use]
    pub fn looks_at_several_submissions(self) -> bool {
        matches!(
            self,
            Self::IssuedDiffersFromTurnout | Self::TurnoutFalls | Self::ContestsFarApart | Self::HistoryIncomplete
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVERITIES: [Severity; 4] = [Severity::Off, Severity::Flag, Severity::Hold, Severity::Refuse];

    #[test]
    fn every_code_has_its_own_rule_with_the_severity_of_its_hundred() {
        for &code in RuleCode::ALL {
            let rule = code.rule();
            assert_eq!(rule.code, code);
            let expected = match code.number() {
                0..100 => Severity::Refuse,
                100..200 => Severity::Hold,
                _ => Severity::Flag,
            };
            assert_eq!(rule.default_severity, expected, "{code}");
        }
    }

    #[test]
    fn every_rule_is_said_in_one_line_and_in_three_different_languages() {
        for &code in RuleCode::ALL {
            let Rule { checks, source, text: RuleText { kk, ru, en }, .. } = *code.rule();
            for said in [checks, source, kk, ru, en] {
                assert!(!said.is_empty() && said.trim() == said, "{code}: {said}");
                assert!(!said.contains(['|', '\n']), "{code}: would break the table of docs/rules.md: {said}");
            }
            for said in [kk, ru, en] {
                assert!(said.ends_with('.') && said.chars().count() >= 40, "{code} says too little: {said}");
            }
            assert!(kk.contains(['қ', 'ғ', 'ң', 'ө', 'ү', 'ұ', 'і', 'ә']), "{code}: not Kazakh: {kk}");
            assert!(!ru.contains(['қ', 'ғ', 'ң', 'ө', 'ү', 'ұ', 'і', 'ә']), "{code}: not Russian: {ru}");
            assert!(en.chars().all(|c| !('\u{400}'..'\u{530}').contains(&c)), "{code}: not English: {en}");
        }
    }

    #[test]
    fn no_two_rules_read_the_same() {
        let english: std::collections::BTreeSet<_> = RuleCode::ALL.iter().map(|code| code.rule().text.en).collect();
        let checks: std::collections::BTreeSet<_> = RuleCode::ALL.iter().map(|code| code.rule().checks).collect();
        assert_eq!((english.len(), checks.len()), (RuleCode::ALL.len(), RuleCode::ALL.len()));
    }

    #[test]
    fn only_what_looks_at_one_submission_may_be_made_to_hold() {
        let allowed = |code: RuleCode| SEVERITIES.map(|severity| code.may_change_to(severity));
        for &code in RuleCode::ALL {
            let expected = match code.number() {
                0..100 => [false, false, false, true],
                111 => [false, false, true, false],
                211 | 212 | 300.. => [false, true, false, false],
                204 | 205 | 206 | 208 => [true, true, false, false],
                _ => [true, true, true, false],
            };
            assert_eq!(allowed(code), expected, "{code}: off, flag, hold, refuse");
        }
    }
}
