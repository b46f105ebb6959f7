//! What commissions have ruled about a station: of two rulings on one content the one of the higher commission holds,
//! within one commission the one of the higher number. Two different decisions under one number are contested: neither holds.

use crate::{
    control::ControlState,
    evaluation::DecisionEvaluation,
    ledger::{ContentEntry, StationLedger},
    outcome::Outcome,
    position::PositionPair,
};
use hattama_election::{
    decision::{DecisionContent, Ruling},
    definition::{AuthorityRole, Definition, Station},
    digest::ContentDigest,
    ids::{AuthorityId, ContestIndex},
    rules::{self, RuleCode},
};
use std::collections::{BTreeMap, BTreeSet};

/// What holds for a content by decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ruled {
    /// It does not count, and why.
    pub(crate) removed: Option<Removal>,
    /// It is right as it stands: no longer held.
    pub(crate) confirmed: bool,
}

/// Why a content does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It was annulled.
    Annulled,
    /// Another content of its revision was chosen.
    SetAside,
}

/// What one ruling says of one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It stands and is right.
    Confirmed,
    /// It stands.
    Chosen,
    /// It does not count.
    Removed(Removal),
}

/// The rulings in force at a station.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    by_content: BTreeMap<ContentDigest, BTreeMap<Weight, Word>>,
    by_contest: BTreeMap<ContestIndex, BTreeSet<Weight>>,
}

/// Rank of the commission, number, author: the greater holds. Between two commissions of one rank there is no order but
/// this one, so that what counts is certain; neither overrules the other's decision.
type Weight = (u8, u32, AuthorityId);

/// True when the first is of a higher commission, or of the same one under a higher number.
fn overrules((rank, number, author): &Weight, (other_rank, other_number, other_author): &Weight) -> bool {
    rank > other_rank || (author == other_author && number > other_number)
}

impl Rulings {
    /// What holds for a content of a contest (none for a turnout report): whether it counts, by the weightiest ruling on
    /// it; whether it is confirmed, by a confirmation that no weightier ruling took away.
    pub(crate) fn on(&self, contest: Option<ContestIndex>, content: &ContentDigest) -> Ruled {
        let whole = contest.and_then(|contest| self.by_contest.get(&contest)?.last());
        let mut ruled = Ruled::default();
        let mut annulled_whole = false;
        for (weight, word) in self.by_content.get(content).into_iter().flatten() {
            if !annulled_whole && whole.is_some_and(|whole| whole < weight) {
                annulled_whole = true;
                ruled = Ruled { removed: Some(Removal::Annulled), confirmed: false };
            }
            ruled = match word {
                Word::Confirmed => Ruled { removed: None, confirmed: true },
                Word::Chosen => Ruled { removed: None, ..ruled },
                Word::Removed(removal) => Ruled { removed: Some(*removal), confirmed: false },
            };
        }
        match whole {
            Some(_) if !annulled_whole => Ruled { removed: Some(Removal::Annulled), confirmed: false },
            _ => ruled,
        }
    }
}

/// What the decisions about a station come to at a pair of positions.
pub(crate) fn evaluate(
    definition: &Definition,
    control: &ControlState,
    station: &Station,
    ledger: &StationLedger,
    at: &PositionPair,
) -> (Rulings, Vec<DecisionEvaluation>) {
    let mut rulings = Rulings::default();
    let mut evaluations = Vec::new();
    for (author, cell) in &ledger.decisions {
        let Some(role) = definition.authority(author).map(|authority| authority.role) else { continue };
        for (number, entries) in cell.by_number() {
            let standings = standings(definition, control, station, ledger, role, entries, at);
            for (entry, outcome, code) in standings {
                if outcome == Outcome::Counted {
                    let weight = (rules::authority_rank(&role), number, author.clone());
                    rulings.apply(&entry.content.ruling, definition, &weight);
                }
                evaluations.push(DecisionEvaluation {
                    author: author.clone(),
                    number,
                    content: entry.digest,
                    standing: outcome,
                    rules: code.into_iter().collect(),
                });
            }
        }
    }
    mark_overruled(definition, ledger, &rulings, at, &mut evaluations);
    (rulings, evaluations)
}

/// The decisions of one commission under one number that are visible, and what each stands as by itself: refused, held,
/// contested by another that is neither, or in force.
fn standings<'a>(
    definition: &Definition,
    control: &ControlState,
    station: &Station,
    ledger: &StationLedger,
    role: AuthorityRole,
    entries: &'a [ContentEntry<DecisionContent>],
    at: &PositionPair,
) -> Vec<(&'a ContentEntry<DecisionContent>, Outcome, Option<RuleCode>)> {
    let mut standings: Vec<_> = entries
        .iter()
        .filter(|entry| entry.shown(at).is_some())
        .map(|entry| match scope(definition, station, ledger, role, &entry.content.ruling, at) {
            Scope::Exceeded => (entry, Outcome::Refused, Some(RuleCode::NotEntitled)),
            _ if is_revoked(control, entry, at) => (entry, Outcome::Held, Some(RuleCode::KeyRevoked)),
            Scope::TargetAbsent => (entry, Outcome::Counted, Some(RuleCode::TargetAbsent)),
            Scope::Kept => (entry, Outcome::Counted, None),
        })
        .collect();
    if standings.iter().filter(|(_, standing, _)| *standing == Outcome::Counted).count() > 1 {
        for (_, standing, code) in standings.iter_mut().filter(|(_, standing, _)| *standing == Outcome::Counted) {
            (*standing, *code) = (Outcome::Contested, Some(RuleCode::ContestedNumber));
        }
    }
    standings
}

/// Whether a ruling keeps to what its author decides on.
enum Scope {
    Kept,
    /// As far as its contents are there; one is not, so that nobody can say which contest it is of.
    TargetAbsent,
    Exceeded,
}

fn scope(
    definition: &Definition,
    station: &Station,
    ledger: &StationLedger,
    role: AuthorityRole,
    ruling: &Ruling,
    at: &PositionPair,
) -> Scope {
    let mut scope = Scope::Kept;
    for target in targets(ruling) {
        let contest = ledger.contest_of(&target, at);
        if contest.is_none() && !ledger.has_turnout(&target, at) {
            scope = Scope::TargetAbsent;
        } else if !decides(definition, &role, station, contest) {
            return Scope::Exceeded;
        }
    }
    if let Ruling::AnnulStation { contest, .. } = ruling {
        let contest = definition.contest(contest).map(|(index, _)| index);
        if contest.is_none() || !decides(definition, &role, station, contest) {
            return Scope::Exceeded;
        }
    }
    scope
}

/// True when every submission of a decision was signed with a revoked key: it is held, whatever the rule's severity.
fn is_revoked(control: &ControlState, entry: &ContentEntry<DecisionContent>, at: &PositionPair) -> bool {
    entry.visible(at).all(|note| control.is_revoked(&note.key, &note.digest))
}

/// Whether a commission decides on a contest at a station; turnout reports (no contest) are the territory's.
fn decides(definition: &Definition, role: &AuthorityRole, station: &Station, contest: Option<ContestIndex>) -> bool {
    match contest.and_then(|contest| definition.contests.get(usize::from(contest.0))) {
        Some(contest) => rules::decides_on(role, station, contest),
        None => match role {
            AuthorityRole::Central => true,
            AuthorityRole::Territorial(territory) => *territory == station.territory,
            AuthorityRole::District(_) | AuthorityRole::Operator | AuthorityRole::Importer => false,
        },
    }
}

/// The contents that a ruling names.
fn targets(ruling: &Ruling) -> Vec<ContentDigest> {
    match ruling {
        Ruling::Confirm { content, .. } | Ruling::Annul { content, .. } => vec![*content],
        Ruling::Choose { chosen, set_aside, .. } => std::iter::once(*chosen).chain(set_aside.iter().copied()).collect(),
        Ruling::AnnulStation { .. } | Ruling::ResolveTie { .. } => Vec::new(),
    }
}

impl Rulings {
    fn apply(&mut self, ruling: &Ruling, definition: &Definition, weight: &Weight) {
        match ruling {
            Ruling::Confirm { content, .. } => self.put(*content, weight, Word::Confirmed),
            Ruling::Annul { content, .. } => self.put(*content, weight, Word::Removed(Removal::Annulled)),
            Ruling::Choose { chosen, set_aside, .. } => {
                self.put(*chosen, weight, Word::Chosen);
                set_aside.iter().for_each(|content| self.put(*content, weight, Word::Removed(Removal::SetAside)));
            }
            Ruling::AnnulStation { contest, .. } => {
                if let Some((contest, _)) = definition.contest(contest) {
                    self.by_contest.entry(contest).or_default().insert(weight.clone());
                }
            }
            Ruling::ResolveTie { .. } => {}
        }
    }

    fn put(&mut self, content: ContentDigest, weight: &Weight, word: Word) {
        self.by_content.entry(content).or_default().insert(weight.clone(), word);
    }

    /// True when a weightier ruling was given on a contest as a whole.
    fn overruled_on_contest(&self, contest: ContestIndex, weight: &Weight) -> bool {
        self.by_contest.get(&contest).into_iter().flatten().any(|other| overrules(other, weight))
    }

    /// True when a weightier ruling was given on a content, or on the contest whose content it is.
    fn overruled_on_content(&self, content: &ContentDigest, contest: Option<ContestIndex>, weight: &Weight) -> bool {
        self.by_content.get(content).into_iter().flatten().any(|(other, _)| overrules(other, weight))
            || contest.is_some_and(|contest| self.overruled_on_contest(contest, weight))
    }
}

/// A decision is superseded when on each thing that it names a weightier one was given.
fn mark_overruled(
    definition: &Definition,
    ledger: &StationLedger,
    rulings: &Rulings,
    at: &PositionPair,
    evaluations: &mut [DecisionEvaluation],
) {
    for evaluation in evaluations.iter_mut().filter(|evaluation| evaluation.standing == Outcome::Counted) {
        let Some(role) = definition.authority(&evaluation.author).map(|authority| authority.role) else { continue };
        let entry = ledger.decisions.get(&evaluation.author).and_then(|cell| cell.find(&evaluation.content));
        let Some((_, entry)) = entry else { continue };
        let weight = (rules::authority_rank(&role), evaluation.number, evaluation.author.clone());
        let overruled = match &entry.content.ruling {
            Ruling::AnnulStation { contest, .. } => {
                definition.contest(contest).is_some_and(|(contest, _)| rulings.overruled_on_contest(contest, &weight))
            }
            ruling => targets(ruling)
                .iter()
                .all(|target| rulings.overruled_on_content(target, ledger.contest_of(target, at), &weight)),
        };
        if overruled {
            evaluation.standing = Outcome::Superseded;
            evaluation.rules.push(RuleCode::OverruledByDecision);
            evaluation.rules.sort_unstable();
        }
    }
}
