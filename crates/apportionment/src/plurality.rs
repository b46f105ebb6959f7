//! One seat to the candidate with the most votes, with an "against all" line.

use serde::Serialize;

use crate::input::{InputError, OptionId, check_ids};
use crate::rules::{Source, Sourced};
use crate::tie::{ResolutionReport, Resolver, Tie, TieResolution, TieStage};

/// What happens when more votes (or as many) are against all than for the strongest candidate.
///
/// No law was found for more, nor for as many. Equal votes elect nobody between candidates either, so level is read as
/// ahead, never as a win: the reading that awards a seat would be the one that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgainstAllAhead {
    /// The seat stays open: [`PluralityOutcome::AgainstAllAhead`]. For where no law was found.
    SeatOpen,
    /// The line elects nobody and prevents nobody.
    Ignored,
}

/// The rules of a contest for one seat by plurality.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PluralityRules {
    /// The law behind plurality.
    pub source: Source,
    /// What the law says of equal votes.
    pub tie: Source,
    /// What "against all" does.
    pub against_all_ahead: Sourced<AgainstAllAhead>,
}

/// A candidate and their votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub id: OptionId,
    /// Votes.
    pub votes: u64,
}

impl Candidate {
    /// A candidate with their votes.
    pub fn new(id: impl Into<String>, votes: u64) -> Self {
        Self { id: OptionId::new(id), votes }
    }
}

/// The figures of the contest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PluralityInput {
    /// Candidates in ballot order, which is the order of the output; it never decides.
    pub candidates: Vec<Candidate>,
    /// Votes against all; `None` where the ballot has no such line.
    pub against_all: Option<u64>,
    /// Decisions on ties, in any order.
    pub resolved: Vec<TieResolution>,
}

/// The whole result of the contest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluralityResult {
    /// The rules applied, each with its source.
    pub rules: PluralityRules,
    /// Every candidate, in ballot order.
    pub candidates: Vec<CandidateResult>,
    /// Votes against all, as given.
    pub against_all: Option<u64>,
    /// Who won, or why nobody has yet.
    pub outcome: PluralityOutcome,
    /// What became of each decision, in the order given.
    pub resolutions: Vec<ResolutionReport>,
}

/// A candidate and their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CandidateResult {
    /// Who.
    pub id: OptionId,
    /// Votes.
    pub votes: u64,
    /// Place among the candidates, 1 for the most votes; equal votes share a place.
    pub rank: u32,
}

/// Who won, or why nobody has yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PluralityOutcome {
    /// One candidate is elected.
    Winner {
        /// Who.
        option: OptionId,
        /// Votes more than the next candidate; all their votes if there is no other. 0 after a decision on a tie.
        lead: u64,
        /// The next, those with equal votes together; none if there is no other.
        ahead_of: Vec<OptionId>,
        /// Whether a decision on a tie chose the winner.
        by_decision: bool,
    },
    /// Equal votes for the first place.
    DecisionNeeded {
        /// The tie.
        tie: Tie,
    },
    /// Against all is ahead of every candidate, or level with the strongest: the seat is open.
    AgainstAllAhead {
        /// Votes against all.
        against_all: u64,
        /// The strongest candidates, in ballot order; several with equal votes, none if nobody stands.
        strongest: Vec<OptionId>,
        /// How many votes against all is ahead of them; 0 for level.
        lead: u64,
        /// What the law says of it.
        law: Source,
    },
    /// No candidate has a vote: nobody is elected.
    NoVotes,
}

/// Finds the winner of one seat.
///
/// # Errors
/// [`InputError`] for a repeated candidate or more candidates than a call takes.
pub fn plurality(rules: &PluralityRules, input: &PluralityInput) -> Result<PluralityResult, InputError> {
    check_ids(input.candidates.iter().map(|candidate| &candidate.id))?;
    let mut resolver = Resolver::new(&input.resolved);
    let outcome = decide(rules, input, &mut resolver);
    Ok(PluralityResult {
        rules: rules.clone(),
        candidates: input.candidates.iter().map(|candidate| place(candidate, input)).collect(),
        against_all: input.against_all,
        outcome,
        resolutions: resolver.report(),
    })
}

fn decide(rules: &PluralityRules, input: &PluralityInput, resolver: &mut Resolver<'_>) -> PluralityOutcome {
    let most = input.candidates.iter().map(|candidate| candidate.votes).max().unwrap_or(0);
    let strongest = with_votes(input, most);
    let against_all = input.against_all.unwrap_or(0);
    let counts = rules.against_all_ahead.value == AgainstAllAhead::SeatOpen;
    // level counts as ahead: see `AgainstAllAhead`
    if counts && against_all > 0 && against_all >= most {
        let law = rules.against_all_ahead.source.clone();
        return PluralityOutcome::AgainstAllAhead { against_all, strongest, lead: against_all - most, law };
    }
    if most == 0 {
        return PluralityOutcome::NoVotes;
    }
    if let [winner] = strongest.as_slice() {
        return won(input, winner.clone(), most);
    }
    let tie = Tie { stage: TieStage::Plurality, between: strongest, seats: 1, choose: 1, law: rules.tie.clone() };
    let chosen = resolver.winners(&tie).and_then(|chosen| chosen.into_iter().next());
    match chosen {
        None => PluralityOutcome::DecisionNeeded { tie },
        Some(option) => {
            let ahead_of = tie.between.into_iter().filter(|other| *other != option).collect();
            PluralityOutcome::Winner { option, lead: 0, ahead_of, by_decision: true }
        }
    }
}

fn won(input: &PluralityInput, option: OptionId, most: u64) -> PluralityOutcome {
    let others = input.candidates.iter().filter(|candidate| candidate.id != option);
    let next = others.map(|candidate| candidate.votes).max();
    let ahead_of = next.map_or_else(Vec::new, |votes| with_votes(input, votes));
    PluralityOutcome::Winner { option, lead: most - next.unwrap_or(0), ahead_of, by_decision: false }
}

fn with_votes(input: &PluralityInput, votes: u64) -> Vec<OptionId> {
    let those = input.candidates.iter().filter(|candidate| candidate.votes == votes);
    those.map(|candidate| candidate.id.clone()).collect()
}

fn place(candidate: &Candidate, input: &PluralityInput) -> CandidateResult {
    let ahead = input.candidates.iter().filter(|other| other.votes > candidate.votes).count();
    let rank = u32::try_from(ahead + 1).unwrap_or(u32::MAX);
    CandidateResult { id: candidate.id.clone(), votes: candidate.votes, rank }
}
