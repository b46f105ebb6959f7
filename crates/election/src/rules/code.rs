//! One variant per rule code. Codes are part of every interface and never change their meaning.

use std::fmt;

/// What a rule does when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Looked at by nobody.
    Off,
    /// Counted and marked.
    Flag,
    /// Logged and shown, not counted until corrected or confirmed.
    Hold,
    /// Impossible: never counted.
    Refuse,
}

impl Severity {
    /// The severity as every interface spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Flag => "flag",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

macro_rules! rule_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $text:literal,)+) => {
        /// A rule's code. The number is its place on the wire and is never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum RuleCode { $($(#[$doc])* $variant = $number,)+ }

        impl RuleCode {
            /// Every code, in ascending order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as every interface spells it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

rule_codes! {
    // 1-99: impossible, refused
    /// The record is no submission, or a field of it has the wrong form.
    Malformed = 1 "MALFORMED",
    /// A format, kind or field that this fold does not know, or an encoding that is not canonical.
    Unsupported = 2 "UNSUPPORTED",
    /// Signed for another election.
    ForeignElection = 3 "FOREIGN_ELECTION",
    /// Signed for another frozen definition of this election.
    ForeignCore = 4 "FOREIGN_CORE",
    /// Signed with a key that neither the definition nor an amendment in force names.
    UnknownKey = 5 "UNKNOWN_KEY",
    /// The signature is not good for the key that it names.
    BadSignature = 6 "BAD_SIGNATURE",
    /// The holder of the key may not say this.
    NotEntitled = 7 "NOT_ENTITLED",
    /// No such station.
    UnknownStation = 8 "UNKNOWN_STATION",
    /// Lies in another shard than its station's.
    WrongShard = 9 "WRONG_SHARD",
    /// No such contest, or not held at this station.
    UnknownContest = 10 "UNKNOWN_CONTEST",
    /// No such turnout slot.
    UnknownSlot = 11 "UNKNOWN_SLOT",
    /// The options are not those of the contest.
    OptionsMismatch = 12 "OPTIONS_MISMATCH",
    /// "Against all" is missing where the ballot has it, or written where it has not.
    AgainstAllMismatch = 13 "AGAINST_ALL_MISMATCH",
    /// A line that the form does not have.
    LineNotOnForm = 14 "LINE_NOT_ON_FORM",
    /// A line that the form requires is absent.
    RequiredLineMissing = 15 "REQUIRED_LINE_MISSING",
    /// A count above 9,999,999.
    CountOutOfRange = 16 "COUNT_OUT_OF_RANGE",
    /// A revision that is not 1 to 99.
    RevisionOutOfRange = 17 "REVISION_OUT_OF_RANGE",
    /// A text or list longer than its limit.
    TooLong = 18 "TOO_LONG",
    /// A decision or amendment without a reason.
    ReasonMissing = 19 "REASON_MISSING",
    /// A ruling or change that contradicts itself or names what does not exist.
    RulingImpossible = 20 "RULING_IMPOSSIBLE",

    // 100-199: held until corrected or confirmed
    /// Valid ballots are not the sum of the votes.
    SumOfVotesDiffers = 100 "SUM_OF_VOTES_DIFFERS",
    /// Found ballots are not valid plus invalid.
    FoundDiffersFromCounted = 101 "FOUND_DIFFERS_FROM_COUNTED",
    /// Received ballots are not issued plus unused plus spoiled.
    BallotsUnbalanced = 102 "BALLOTS_UNBALANCED",
    /// On a form without issued ballots: received are not unused plus valid plus invalid.
    ReceivedDiffersFromCounted = 103 "RECEIVED_DIFFERS_FROM_COUNTED",
    /// More ballots found than issued.
    FoundExceedsIssued = 104 "FOUND_EXCEEDS_ISSUED",
    /// More ballots issued than voters.
    IssuedExceedsVoters = 105 "ISSUED_EXCEEDS_VOTERS",
    /// On a form without issued ballots: more found than voters.
    FoundExceedsVoters = 106 "FOUND_EXCEEDS_VOTERS",
    /// A part is larger than its whole.
    PartExceedsWhole = 107 "PART_EXCEEDS_WHOLE",
    /// Signed before the station closed, and not its whole register has voted.
    SignedBeforeClose = 108 "SIGNED_BEFORE_CLOSE",
    /// Signed with a revoked key and not named as still valid.
    KeyRevoked = 109 "KEY_REVOKED",
    /// A turnout report with more voters than the register.
    TurnoutExceedsRegister = 110 "TURNOUT_EXCEEDS_REGISTER",
    /// An amendment whose predecessor is missing.
    AmendmentGap = 111 "AMENDMENT_GAP",

    // 200-299: counted and marked
    /// Fewer ballots found than issued: some were carried away.
    FoundBelowIssued = 200 "FOUND_BELOW_ISSUED",
    /// Invalid ballots are 3 % of the found or more.
    InvalidShareHigh = 201 "INVALID_SHARE_HIGH",
    /// Every voter of the register has voted.
    TurnoutComplete = 202 "TURNOUT_COMPLETE",
    /// A sum is off by a multiple of 9: two digits were likely transposed.
    DigitsTransposed = 203 "DIGITS_TRANSPOSED",
    /// The last turnout report is not the ballots issued.
    IssuedDiffersFromTurnout = 204 "ISSUED_DIFFERS_FROM_TURNOUT",
    /// A turnout report is below an earlier slot's.
    TurnoutFalls = 205 "TURNOUT_FALLS",
    /// List and district ballots of one station are far apart.
    ContestsFarApart = 206 "CONTESTS_FAR_APART",
    /// Votes for an option that withdrew.
    VotesForWithdrawn = 207 "VOTES_FOR_WITHDRAWN",
    /// A correction that names no content of the revision before.
    HistoryIncomplete = 208 "HISTORY_INCOMPLETE",
    /// A member refused to sign or dissented.
    SignatoryDissents = 209 "SIGNATORY_DISSENTS",
    /// Complaints were lodged.
    ComplaintsLodged = 210 "COMPLAINTS_LODGED",
    /// Fails a holding rule and was confirmed by a commission's decision.
    ConfirmedByDecision = 211 "CONFIRMED_BY_DECISION",
    /// A decision names a content that is not there.
    TargetAbsent = 212 "TARGET_ABSENT",

    // 300-399: why something stands as it does
    /// Another content stands under the same revision.
    ContestedRevision = 300 "CONTESTED_REVISION",
    /// A decision annulled it.
    AnnulledByDecision = 301 "ANNULLED_BY_DECISION",
    /// A decision chose another content of this revision.
    SetAsideByDecision = 302 "SET_ASIDE_BY_DECISION",
    /// A higher revision counts.
    SupersededByRevision = 303 "SUPERSEDED_BY_REVISION",
    /// Another decision on the same thing holds over this one.
    OverruledByDecision = 304 "OVERRULED_BY_DECISION",
    /// The same content was there already.
    SameContent = 305 "SAME_CONTENT",
    /// Two different ones under one number.
    ContestedNumber = 306 "CONTESTED_NUMBER",
    /// The premises of a tie's resolution no longer hold.
    PremisesGone = 307 "PREMISES_GONE",
}

impl RuleCode {
    /// The code that `text` spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| u32::from(code.number()) == number)
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for RuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for RuleCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for RuleCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no rule code: see docs/rules.md")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_read_back_and_none_is_twice() {
        for pair in RuleCode::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for &code in RuleCode::ALL {
            assert_eq!(RuleCode::parse(code.as_str()), Some(code));
            assert_eq!(RuleCode::from_number(u32::from(code.number())), Some(code));
        }
    }
}
