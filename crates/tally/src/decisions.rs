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
    ids::ContestIndex,
    rules::{self, RuleCode},
};
use std::collections::BTreeMap;

/// What holds for a content by decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Right as it stands.
    Confirmed,
    /// Does not count.
    Annulled,
    /// Another content of its revision was chosen.
    SetAside,
    /// It was chosen.
    Chosen,
}

/// The rulings in force at a station.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    by_content: BTreeMap<ContentDigest, (Weight, Effect)>,
    by_contest: BTreeMap<ContestIndex, Weight>,
}

/// Rank of the commission, number, digest: the greater holds. The digest only tells apart two commissions of one rank.
type Weight = (u8, u32, ContentDigest);

impl Rulings {
    /// What holds for a content of a contest (none for a turnout report).
    pub(crate) fn effect(&self, contest: Option<ContestIndex>, content: &ContentDigest) -> Option<Effect> {
        let own = self.by_content.get(content);
        let whole = contest.and_then(|contest| self.by_contest.get(&contest));
        match (own, whole) {
            (Some((weight, effect)), Some(other)) if weight > other => Some(*effect),
            (_, Some(_)) => Some(Effect::Annulled),
            (Some((_, effect)), None) => Some(*effect),
            (None, None) => None,
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
            let visible: Vec<_> = entries.iter().filter(|entry| entry.shown(at).is_some()).collect();
            for entry in &visible {
                let (outcome, code) = standing(definition, control, station, ledger, role, visible.len(), entry, at);
                if outcome == Outcome::Counted {
                    rulings.apply(
                        &entry.content.ruling,
                        definition,
                        (rules::authority_rank(&role), number, entry.digest),
                    );
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
    mark_overruled(definition, ledger, &rulings, &mut evaluations);
    (rulings, evaluations)
}

#[expect(clippy::too_many_arguments, reason = "a decision's standing depends on all of these and on nothing else")]
fn standing(
    definition: &Definition,
    control: &ControlState,
    station: &Station,
    ledger: &StationLedger,
    role: AuthorityRole,
    under_this_number: usize,
    entry: &ContentEntry<DecisionContent>,
    at: &PositionPair,
) -> (Outcome, Option<RuleCode>) {
    if under_this_number > 1 {
        return (Outcome::Contested, Some(RuleCode::ContestedNumber));
    }
    if entry.visible(at).all(|note| control.is_revoked(&note.key, &note.digest)) {
        return (Outcome::Held, Some(RuleCode::KeyRevoked));
    }
    let mut absent = false;
    for target in targets(&entry.content.ruling) {
        let contest = ledger.contest_of(&target, at);
        if contest.is_none() && !ledger.has_turnout(&target, at) {
            absent = true;
            continue;
        }
        if !decides(definition, &role, station, contest) {
            return (Outcome::Refused, Some(RuleCode::NotEntitled));
        }
    }
    if let Ruling::AnnulStation { contest, .. } = &entry.content.ruling {
        let contest = definition.contest(contest).map(|(index, _)| index);
        if contest.is_none() || !decides(definition, &role, station, contest) {
            return (Outcome::Refused, Some(RuleCode::NotEntitled));
        }
    }
    (Outcome::Counted, absent.then_some(RuleCode::TargetAbsent))
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
    fn apply(&mut self, ruling: &Ruling, definition: &Definition, weight: Weight) {
        match ruling {
            Ruling::Confirm { content, .. } => self.put(*content, weight, Effect::Confirmed),
            Ruling::Annul { content, .. } => self.put(*content, weight, Effect::Annulled),
            Ruling::Choose { chosen, set_aside, .. } => {
                self.put(*chosen, weight, Effect::Chosen);
                set_aside.iter().for_each(|content| self.put(*content, weight, Effect::SetAside));
            }
            Ruling::AnnulStation { contest, .. } => {
                if let Some((contest, _)) = definition.contest(contest) {
                    let holding = self.by_contest.entry(contest).or_insert(weight);
                    *holding = weight.max(*holding);
                }
            }
            Ruling::ResolveTie { .. } => {}
        }
    }

    fn put(&mut self, content: ContentDigest, weight: Weight, effect: Effect) {
        let holding = self.by_content.entry(content).or_insert((weight, effect));
        if weight > holding.0 {
            *holding = (weight, effect);
        }
    }

    /// True when this ruling, given with this weight, still holds for anything that it names.
    fn holds(&self, ruling: &Ruling, weight: &Weight, definition: &Definition) -> bool {
        if let Ruling::AnnulStation { contest, .. } = ruling {
            let contest = definition.contest(contest).map(|(index, _)| index);
            return contest.is_some_and(|contest| self.by_contest.get(&contest) == Some(weight));
        }
        targets(ruling).iter().any(|target| self.by_content.get(target).is_some_and(|(holding, _)| holding == weight))
    }
}

/// A decision of which nothing holds any more is superseded.
fn mark_overruled(
    definition: &Definition,
    ledger: &StationLedger,
    rulings: &Rulings,
    evaluations: &mut [DecisionEvaluation],
) {
    for evaluation in evaluations.iter_mut().filter(|evaluation| evaluation.standing == Outcome::Counted) {
        let Some(role) = definition.authority(&evaluation.author).map(|authority| authority.role) else { continue };
        let Some(entry) = ledger.decisions.get(&evaluation.author).and_then(|cell| cell.find(&evaluation.content))
        else {
            continue;
        };
        let weight = (rules::authority_rank(&role), evaluation.number, evaluation.content);
        if !rulings.holds(&entry.1.content.ruling, &weight, definition) {
            evaluation.standing = Outcome::Superseded;
            evaluation.rules.push(RuleCode::OverruledByDecision);
            evaluation.rules.sort_unstable();
        }
    }
}
