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
    by_contest: BTreeMap<ContestIndex, Weight>,
}

/// Rank of the commission, number, digest: the greater holds. The digest only tells apart two commissions of one rank.
type Weight = (u8, u32, ContentDigest);

impl Rulings {
    /// What holds for a content of a contest (none for a turnout report): whether it counts, by the weightiest ruling on
    /// it; whether it is confirmed, by a confirmation that no weightier ruling took away.
    pub(crate) fn on(&self, contest: Option<ContestIndex>, content: &ContentDigest) -> Ruled {
        let whole = contest.and_then(|contest| self.by_contest.get(&contest));
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
            let visible: Vec<_> = entries.iter().filter(|entry| entry.shown(at).is_some()).collect();
            let valid = visible.iter().filter(|entry| !is_revoked(control, entry, at)).count();
            for entry in &visible {
                let (outcome, code) = standing(definition, control, station, ledger, role, valid, entry, at);
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
    valid_under_this_number: usize,
    entry: &ContentEntry<DecisionContent>,
    at: &PositionPair,
) -> (Outcome, Option<RuleCode>) {
    if is_revoked(control, entry, at) {
        return (Outcome::Held, Some(RuleCode::KeyRevoked));
    }
    if valid_under_this_number > 1 {
        return (Outcome::Contested, Some(RuleCode::ContestedNumber));
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
    fn apply(&mut self, ruling: &Ruling, definition: &Definition, weight: Weight) {
        match ruling {
            Ruling::Confirm { content, .. } => self.put(*content, weight, Word::Confirmed),
            Ruling::Annul { content, .. } => self.put(*content, weight, Word::Removed(Removal::Annulled)),
            Ruling::Choose { chosen, set_aside, .. } => {
                self.put(*chosen, weight, Word::Chosen);
                set_aside.iter().for_each(|content| self.put(*content, weight, Word::Removed(Removal::SetAside)));
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

    fn put(&mut self, content: ContentDigest, weight: Weight, word: Word) {
        self.by_content.entry(content).or_default().insert(weight, word);
    }

    /// True when this ruling, given with this weight, still holds for anything that it names.
    fn holds(&self, ruling: &Ruling, weight: &Weight, definition: &Definition) -> bool {
        if let Ruling::AnnulStation { contest, .. } = ruling {
            let contest = definition.contest(contest).map(|(index, _)| index);
            return contest.is_some_and(|contest| self.by_contest.get(&contest) == Some(weight));
        }
        targets(ruling).iter().any(|target| {
            let words = self.by_content.get(target);
            words.is_some_and(|words| matches!(words.last_key_value(), Some((last, _)) if last == weight))
        })
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
