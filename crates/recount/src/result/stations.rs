//! What every station has sent, and what it stands as.

use hattama_election::{
    definition::Definition,
    digest::ContentDigest,
    form::LineMeaning,
    ids::{AuthorityId, ContestId, OptionId, SlotId, StationId, StationIndex},
    protocol::ProtocolContent,
    rules::RuleCode,
    turnout::TurnoutContent,
};
use hattama_tally::{Cell, CellEvaluation, Outcome, ShardFold, StationState};
use std::collections::BTreeMap;

/// A station: every contest and slot, whether something came or not, and every decision about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StationResult {
    /// The station.
    pub station: StationId,
    /// Contests held there, in the definition's order.
    pub contests: Vec<StationContest>,
    /// Slots, in time order.
    pub turnout: Vec<StationTurnout>,
    /// Decisions about it, ascending by author, number and content.
    pub decisions: Vec<DecisionResult>,
}

/// A contest at a station.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StationContest {
    /// The contest.
    pub contest: ContestId,
    /// What its protocols have come to.
    pub state: StationState,
    /// Every content, ascending by revision and digest.
    pub contents: Vec<ContestContent<ProtocolResult>>,
}

/// A slot at a station.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StationTurnout {
    /// The slot.
    pub slot: SlotId,
    /// What its reports have come to.
    pub state: StationState,
    /// Every content, ascending by revision and digest.
    pub contents: Vec<ContestContent<ReportResult>>,
}

/// A content and what it stands as.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ContestContent<W> {
    /// Its revision.
    pub revision: u8,
    /// Its digest.
    pub content: ContentDigest,
    /// Never `duplicate` or `refused`: those are words on submissions.
    pub standing: Outcome,
    /// Rules that fired, ascending by number.
    pub rules: Vec<RuleCode>,
    /// What is written.
    pub written: W,
}

/// What a protocol says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProtocolResult {
    /// Written lines; what is not written is left out.
    pub lines: BTreeMap<LineMeaning, u32>,
    /// Votes by option.
    pub votes: BTreeMap<OptionId, u32>,
    /// Votes against all, when written.
    pub against_all: Option<u32>,
}

/// What a turnout report says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReportResult {
    /// Voters who had received a ballot.
    pub received_a_ballot: u32,
    /// Voters on the register.
    pub register: u32,
}

/// A decision about a station.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DecisionResult {
    /// Who decided.
    pub author: AuthorityId,
    /// The author's number.
    pub number: u32,
    /// Its digest.
    pub content: ContentDigest,
    /// `counted` when it is in force.
    pub standing: Outcome,
    /// Rules that fired, ascending by number.
    pub rules: Vec<RuleCode>,
}

impl StationResult {
    /// A station of a fold's shard; none for one of another.
    pub(crate) fn of(definition: &Definition, fold: &ShardFold, index: StationIndex) -> Option<Self> {
        let evaluation = fold.evaluation(index)?;
        let ledger = fold.ledger(index);
        let contests = evaluation
            .contests
            .iter()
            .map(|(contest, cell)| StationContest {
                contest: definition.contests[usize::from(contest.0)].id.clone(),
                state: cell.state,
                contents: contents(ledger.and_then(|ledger| ledger.protocols.get(contest)), cell, protocol),
            })
            .collect();
        let turnout = evaluation
            .turnout
            .iter()
            .map(|(slot, cell)| StationTurnout {
                slot: definition.slots[usize::from(slot.0)].id.clone(),
                state: cell.state,
                contents: contents(ledger.and_then(|ledger| ledger.turnout.get(slot)), cell, report),
            })
            .collect();
        let mut decisions: Vec<_> = evaluation
            .decisions
            .iter()
            .map(|decision| DecisionResult {
                author: decision.author.clone(),
                number: decision.number,
                content: decision.content,
                standing: decision.standing,
                rules: decision.rules.clone(),
            })
            .collect();
        decisions.sort_by(|a, b| (&a.author, a.number, a.content).cmp(&(&b.author, b.number, b.content)));
        let station = definition.stations.get(index.0 as usize)?.id.clone();
        Some(Self { station, contests, turnout, decisions })
    }
}

fn contents<C, W>(ledger: Option<&Cell<C>>, cell: &CellEvaluation, write: impl Fn(&C) -> W) -> Vec<ContestContent<W>> {
    let Some(ledger) = ledger else { return Vec::new() };
    let written = |digest: &ContentDigest, revision: u8| {
        let entries = ledger.at(u32::from(revision));
        let place = entries.binary_search_by_key(digest, |entry| entry.digest).ok()?;
        Some(write(&entries[place].content))
    };
    cell.contents
        .iter()
        .filter_map(|content| {
            Some(ContestContent {
                revision: content.revision,
                content: content.content,
                standing: content.standing,
                rules: content.rules.clone(),
                written: written(&content.content, content.revision)?,
            })
        })
        .collect()
}

fn protocol(content: &ProtocolContent) -> ProtocolResult {
    ProtocolResult {
        lines: content.lines.written().collect(),
        votes: content.votes.iter().cloned().collect(),
        against_all: content.against_all,
    }
}

fn report(content: &TurnoutContent) -> ReportResult {
    ReportResult { received_a_ballot: content.received_a_ballot, register: content.register }
}
