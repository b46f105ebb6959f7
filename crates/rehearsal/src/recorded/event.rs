//! What was sent in a recorded night.

use hattama_election::{
    digest::ContentDigest,
    ids::StationId,
    instant::Instant,
    protocol::{Protocol, ProtocolContent},
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};

/// Something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// When.
    pub at: Instant,
    /// What it says.
    pub said: Said,
}

/// What a recorded submission says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A protocol.
    Protocol {
        /// Its content.
        content: Box<ProtocolContent>,
        /// The content that it corrects, when that is in the record too.
        supersedes: Option<ContentDigest>,
    },
    /// A turnout report.
    Turnout(TurnoutContent),
}

impl RecordedEvent {
    /// What is signed: a function of the row alone, so that equal rows are equal bytes. It was signed when it arrived: no
    /// file says more.
    #[must_use]
    pub fn body(&self) -> SubmissionBody {
        match &self.said {
            Said::Turnout(content) => {
                SubmissionBody::Turnout(TurnoutReport { content: content.clone(), signed_at: self.at })
            }
            Said::Protocol { content, supersedes } => SubmissionBody::Protocol(Protocol {
                content: content.as_ref().clone(),
                signed_at: self.at,
                supersedes: *supersedes,
                reason: None,
                correction_authority: None,
                signatories: Vec::new(),
                complaints: None,
                scan: None,
            }),
        }
    }
}

impl Said {
    /// Whose it is.
    #[must_use]
    pub fn station(&self) -> &StationId {
        match self {
            Self::Protocol { content, .. } => &content.station,
            Self::Turnout(content) => &content.station,
        }
    }

    /// The digest of its content.
    #[must_use]
    pub fn content_digest(&self) -> ContentDigest {
        match self {
            Self::Protocol { content, .. } => content.digest(),
            Self::Turnout(content) => content.digest(),
        }
    }
}
