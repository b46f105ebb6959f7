//! Why an event is in the script.

/// Why an event is in the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incident {
    /// A probe before the day begins.
    Probe,
    /// All is well.
    Ordinary,
    /// The same bytes again, through another gateway.
    Repeated,
    /// The same content, signed again.
    SignedAgain,
    /// A sum does not add up; corrected.
    SumWrong,
    /// Two digits are transposed; corrected.
    DigitsTransposed,
    /// A pile of votes lies under the wrong option, every sum is right; corrected.
    PileMoved,
    /// A right protocol, and a wrong correction of it, which a commission annuls.
    BadCorrection,
    /// Two contents under one revision; a commission chooses.
    Contested,
    /// Signed before the close, by a clock that is wrong; a commission confirms.
    SignedEarly,
    /// Complaints were lodged.
    Complaints,
    /// A member dissents.
    Dissent,
    /// A turnout report that never comes: it has no event.
    ReportMissing,
    /// A turnout report below the one before; corrected.
    TurnoutFalls,
    /// The last turnout report is not the ballots issued.
    LastReportDiffers,
    /// A station's key is replaced.
    KeyReplaced,
    /// A station stays open longer.
    StaysOpen,
    /// For a station that does not exist.
    UnknownStation,
    /// An option is missing.
    WrongOptions,
    /// Signed by somebody else in a station's name.
    Forged,
    /// Signed for another election.
    OtherElection,
    /// A number of eight digits.
    CountOutOfRange,
    /// Bytes that mean nothing.
    Garbage,
    /// A station's turnout report, presented as its protocol.
    PresentedAsProtocol,
    /// A station's protocol, copied into another shard.
    WrongShard,
}
