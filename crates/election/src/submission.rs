//! Anything signed that enters the log, parsed: its kind, who signed it, and what it says.

use crate::{
    amendment::Amendment,
    decision::Decision,
    digest::{CanonicalHasher, ContentDigest, SubmissionDigest},
    form::Lines,
    ids::{AuthorityId, ContestId, OptionId, ServiceId, ShardId, StationId},
    instant::Instant,
    key::KeyId,
    protocol::Protocol,
    turnout::TurnoutReport,
};
use std::fmt;

/// The six kinds of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A station's protocol for one contest.
    Protocol,
    /// A station's turnout report for one slot.
    Turnout,
    /// A commission's own protocol over its scope.
    CommissionProtocol,
    /// A commission's decision.
    Decision,
    /// An amendment of the definition.
    Amendment,
    /// A probe: walks the whole way and counts for nothing.
    Probe,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Protocol, Self::Turnout, Self::CommissionProtocol, Self::Decision, Self::Amendment, Self::Probe];

    /// The kind as it stands in signed bytes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Turnout => "turnout",
            Self::CommissionProtocol => "commission-protocol",
            Self::Decision => "decision",
            Self::Amendment => "amendment",
            Self::Probe => "probe",
        }
    }

    /// The kind that `text` spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A submission whose signature is good for the key that it names and whose payload has the right form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// SHA-256 of the signed bytes.
    pub digest: SubmissionDigest,
    /// The key that signed it.
    pub key: KeyId,
    /// What it says.
    pub body: SubmissionBody,
}

/// What a submission says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmissionBody {
    /// A station's protocol.
    Protocol(Protocol),
    /// A station's turnout report.
    Turnout(TurnoutReport),
    /// A commission's protocol.
    CommissionProtocol(CommissionProtocol),
    /// A decision.
    Decision(Decision),
    /// An amendment.
    Amendment(Amendment),
    /// A probe.
    Probe(Probe),
}

impl SubmissionBody {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Protocol(_) => Kind::Protocol,
            Self::Turnout(_) => Kind::Turnout,
            Self::CommissionProtocol(_) => Kind::CommissionProtocol,
            Self::Decision(_) => Kind::Decision,
            Self::Amendment(_) => Kind::Amendment,
            Self::Probe(_) => Kind::Probe,
        }
    }

    /// The digest of its content.
    #[must_use]
    pub fn content_digest(&self) -> ContentDigest {
        match self {
            Self::Protocol(protocol) => protocol.content.digest(),
            Self::Turnout(report) => report.content.digest(),
            Self::CommissionProtocol(protocol) => protocol.content.digest(),
            Self::Decision(decision) => decision.content.digest(),
            Self::Amendment(amendment) => amendment.content.digest(),
            Self::Probe(probe) => probe.digest(),
        }
    }
}

/// A commission's own signed protocol: its scope, the contents it covers, and its totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissionProtocol {
    /// What it says.
    pub content: CommissionProtocolContent,
    /// When it was signed.
    pub signed_at: Instant,
}

/// The most stations that one commission protocol may name; larger scopes name a digest over the list instead.
pub const MAX_COVERED: usize = 1_000;

/// Author, contest, revision, contents covered and totals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommissionProtocolContent {
    /// The commission; its scope follows from the definition.
    pub author: AuthorityId,
    /// The contest.
    pub contest: ContestId,
    /// From 1, at most [`crate::protocol::MAX_REVISION`].
    pub revision: u8,
    /// How many station protocols it covers.
    pub covered_count: u32,
    /// SHA-256 over the covered contents' digests in ascending order.
    pub covered_digest: ContentDigest,
    /// The covered contents, in ascending order, when they are at most [`MAX_COVERED`]; else empty.
    pub covered: Vec<ContentDigest>,
    /// The totals of the lines.
    pub lines: Lines64,
    /// Votes by option, in ascending order of ids.
    pub votes: Vec<(OptionId, u64)>,
    /// Votes against all.
    pub against_all: Option<u64>,
}

/// Sums of written lines: like [`Lines`], but over many stations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lines64([Option<u64>; crate::form::LineMeaning::ALL.len()]);

impl Lines64 {
    /// The sum of a line; `None` when no protocol has it written.
    #[must_use]
    pub fn get(&self, meaning: crate::form::LineMeaning) -> Option<u64> {
        self.0[meaning as usize]
    }

    /// Writes a sum.
    pub fn set(&mut self, meaning: crate::form::LineMeaning, sum: u64) {
        self.0[meaning as usize] = Some(sum);
    }

    /// The lines with something written, in the order of the paper.
    pub fn written(&self) -> impl Iterator<Item = (crate::form::LineMeaning, u64)> + '_ {
        crate::form::LineMeaning::ALL.into_iter().filter_map(|meaning| Some((meaning, self.get(meaning)?)))
    }
}

impl From<&Lines> for Lines64 {
    fn from(lines: &Lines) -> Self {
        let mut sums = Self::default();
        lines.written().for_each(|(meaning, count)| sums.set(meaning, u64::from(count)));
        sums
    }
}

impl CommissionProtocolContent {
    /// The digest of the content.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let mut hasher = CanonicalHasher::new("hattama/content/commission-protocol/1")
            .text(self.author.as_str())
            .text(self.contest.as_str())
            .number(u64::from(self.revision))
            .number(u64::from(self.covered_count))
            .bytes(&self.covered_digest.0)
            .number(self.covered.len() as u64);
        for content in &self.covered {
            hasher = hasher.bytes(&content.0);
        }
        for meaning in crate::form::LineMeaning::ALL {
            hasher = hasher.optional(self.lines.get(meaning));
        }
        hasher = hasher.number(self.votes.len() as u64);
        for (option, votes) in &self.votes {
            hasher = hasher.text(option.as_str()).number(*votes);
        }
        ContentDigest(hasher.optional(self.against_all).finish())
    }
}

/// A probe: sent to see the whole way work. It has an outcome and counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Who asks.
    pub from: ProbeSender,
    /// Through which shard.
    pub shard: ShardId,
    /// What tells it from the sender's other probes.
    pub nonce: u64,
}

/// Who may send a probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeSender {
    /// A station, through its own shard.
    Station(StationId),
    /// A service.
    Service(ServiceId),
    /// A commission or office.
    Authority(AuthorityId),
}

impl Probe {
    fn digest(&self) -> ContentDigest {
        let hasher = CanonicalHasher::new("hattama/content/probe/1");
        let hasher = match &self.from {
            ProbeSender::Station(station) => hasher.text("station").text(station.as_str()),
            ProbeSender::Service(service) => hasher.text("service").text(service.as_str()),
            ProbeSender::Authority(authority) => hasher.text("authority").text(authority.as_str()),
        };
        ContentDigest(hasher.number(u64::from(self.shard.0)).number(self.nonce).finish())
    }
}
