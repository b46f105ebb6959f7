//! What a station counts for: a function of the set of its valid submissions, the decisions about it and the amendments in
//! force (design, D3).

mod station_rules;

pub(crate) use station_rules::{counted_protocol, counted_report};

use crate::{
    control::ControlState,
    decisions::{self, Removal, Ruled, Rulings},
    ledger::{Cell, ContentEntry, StationLedger, SubmissionNote},
    outcome::Outcome,
    position::PositionPair,
};
use hattama_election::{
    definition::{Definition, Station},
    digest::ContentDigest,
    ids::{AuthorityId, ContestIndex, SlotIndex, StationIndex},
    protocol::ProtocolContent,
    rules::{self, RuleCode, Severity},
    turnout::TurnoutContent,
};
use std::collections::BTreeSet;

/// What a station's protocols for a contest have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StationState {
    /// A content is counted.
    Counted,
    /// None is counted, one is held.
    Held,
    /// None is counted or held, some are contested.
    Contested,
    /// All that there was has been annulled.
    Annulled,
    /// Nothing has come.
    Missing,
    /// Nothing has come, and the station was closed by an amendment: nothing is awaited.
    Closed,
}

/// A content and what it stands as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEvaluation {
    /// Its revision.
    pub revision: u8,
    /// Its digest.
    pub content: ContentDigest,
    /// Never `Duplicate` or `Refused`: those are words on submissions.
    pub standing: Outcome,
    /// Rules that fired, ascending.
    pub rules: Vec<RuleCode>,
}

/// All contents of one contest or slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellEvaluation {
    /// What they have come to.
    pub state: StationState,
    /// The content that counts.
    pub counted: Option<(u8, ContentDigest)>,
    /// Every content, ascending by revision and digest.
    pub contents: Vec<ContentEvaluation>,
}

/// A decision and what it stands as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionEvaluation {
    /// Who decided.
    pub author: AuthorityId,
    /// The author's number.
    pub number: u32,
    /// Its digest.
    pub content: ContentDigest,
    /// In force: `Counted`.
    pub standing: Outcome,
    /// Rules that fired, ascending.
    pub rules: Vec<RuleCode>,
}

/// What a station has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationEvaluation {
    /// Every contest held there, ascending.
    pub contests: Vec<(ContestIndex, CellEvaluation)>,
    /// Every slot, in time order.
    pub turnout: Vec<(SlotIndex, CellEvaluation)>,
    /// Every decision about it.
    pub decisions: Vec<DecisionEvaluation>,
}

impl CellEvaluation {
    fn empty(state: StationState) -> Self {
        Self { state, counted: None, contents: Vec::new() }
    }

    /// The evaluation of the counted content.
    #[must_use]
    pub fn counted_content(&self) -> Option<&ContentEvaluation> {
        let (_, digest) = self.counted?;
        self.contents.iter().find(|content| content.content == digest)
    }

    /// True when a content of a higher revision than the counted one stands as `standing`.
    #[must_use]
    pub fn has_beside(&self, standing: Outcome) -> bool {
        let Some((revision, _)) = self.counted else { return false };
        self.contents.iter().any(|content| content.revision > revision && content.standing == standing)
    }

    fn mark_counted(&mut self, code: RuleCode, control: &ControlState) {
        let Some((_, digest)) = self.counted else { return };
        if control.severity(code) == Severity::Off {
            return;
        }
        if let Some(content) = self.contents.iter_mut().find(|content| content.content == digest) {
            content.add_rule(code);
        }
    }
}

impl ContentEvaluation {
    fn add_rule(&mut self, code: RuleCode) {
        if let Err(place) = self.rules.binary_search(&code) {
            self.rules.insert(place, code);
        }
    }
}

/// Everything about a station that an evaluation depends on.
pub(crate) struct Subject<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) control: &'a ControlState,
    pub(crate) index: StationIndex,
    pub(crate) station: &'a Station,
    pub(crate) ledger: Option<&'a StationLedger>,
    pub(crate) at: PositionPair,
}

/// Evaluates a station at a pair of positions.
pub(crate) fn evaluate(subject: &Subject<'_>) -> StationEvaluation {
    let (rulings, decisions) = match subject.ledger {
        Some(ledger) => decisions::evaluate(subject.definition, subject.control, subject.station, ledger, &subject.at),
        None => Default::default(),
    };
    let contests = subject
        .definition
        .contests_of(subject.station)
        .map(|contest| (contest, evaluate_contest(subject, &rulings, contest)))
        .collect();
    let turnout = (0..subject.definition.slots.len())
        .filter_map(|slot| u16::try_from(slot).ok().map(SlotIndex))
        .map(|slot| (slot, evaluate_slot(subject, &rulings, slot)))
        .collect();
    let mut evaluation = StationEvaluation { contests, turnout, decisions };
    station_rules::mark_station_rules(subject, &mut evaluation);
    evaluation
}

fn evaluate_contest(subject: &Subject<'_>, rulings: &Rulings, index: ContestIndex) -> CellEvaluation {
    let nothing = if subject.control.is_closed(subject.index) { StationState::Closed } else { StationState::Missing };
    let Some(cell) = subject.ledger.and_then(|ledger| ledger.protocols.get(&index)) else {
        return CellEvaluation::empty(nothing);
    };
    let contest = &subject.definition.contests[usize::from(index.0)];
    let form = subject.definition.form_of(subject.station, contest);
    let withdrawn = subject.control.withdrawn(index);
    evaluate_cell(subject, cell, nothing, |entry| {
        let mut judged = Judged::new(subject.control, rulings.on(Some(index), &entry.digest));
        for violation in rules::content::protocol(form, &entry.content, withdrawn) {
            judged.content_rule(violation.code);
        }
        judge_protocol_submissions(subject, cell, entry, &mut judged);
        judged
    })
}

fn evaluate_slot(subject: &Subject<'_>, rulings: &Rulings, slot: SlotIndex) -> CellEvaluation {
    let Some(cell) = subject.ledger.and_then(|ledger| ledger.turnout.get(&slot)) else {
        return CellEvaluation::empty(StationState::Missing);
    };
    evaluate_cell(subject, cell, StationState::Missing, |entry| {
        let mut judged = Judged::new(subject.control, rulings.on(None, &entry.digest));
        for violation in rules::content::turnout(&entry.content) {
            judged.content_rule(violation.code);
        }
        judged.submissions(entry.visible(&subject.at), |note| {
            [(RuleCode::KeyRevoked, subject.control.is_revoked(&note.key, &note.digest))]
        });
        judged
    })
}

/// Rules on what submissions say beside their content. They hold a content only when every visible submission of it is
/// held for one of them; the one shown is the one with the lowest digest (design, D3).
fn judge_protocol_submissions(
    subject: &Subject<'_>,
    cell: &Cell<ProtocolContent>,
    entry: &ContentEntry<ProtocolContent>,
    judged: &mut Judged<'_>,
) {
    let closes = subject.control.polls_close(subject.index).unwrap_or(subject.station.polls_close);
    let follows = |note: &SubmissionNote| {
        note.attributes.supersedes.is_some_and(|superseded| {
            cell.at(u32::from(entry.content.revision).saturating_sub(1))
                .iter()
                .any(|before| before.digest == superseded && before.shown(&subject.at).is_some())
        })
    };
    judged.submissions(entry.visible(&subject.at), |note| {
        let signed_at = note.attributes.signed_at;
        [
            (
                RuleCode::SignedBeforeClose,
                rules::submission_attributes::signed_before_close(signed_at, closes, &entry.content),
            ),
            (RuleCode::KeyRevoked, subject.control.is_revoked(&note.key, &note.digest)),
            (RuleCode::SignatoryDissents, note.attributes.dissent),
            (RuleCode::ComplaintsLodged, note.attributes.complaints),
            (RuleCode::HistoryIncomplete, entry.content.revision > 1 && !follows(note)),
        ]
    });
}

/// What the rules and rulings say of one content by itself.
struct Judged<'a> {
    control: &'a ControlState,
    ruled: Ruled,
    held: bool,
    rules: BTreeSet<RuleCode>,
}

impl<'a> Judged<'a> {
    fn new(control: &'a ControlState, ruled: Ruled) -> Self {
        Self { control, ruled, held: false, rules: BTreeSet::new() }
    }

    fn content_rule(&mut self, code: RuleCode) {
        let severity = self.control.severity(code);
        if severity != Severity::Off {
            self.rules.insert(code);
            self.held |= severity >= Severity::Hold;
        }
    }

    /// Rules on each submission of the content, ascending by digest: those of the first are shown, and they hold when
    /// every submission is held.
    fn submissions<'n, const N: usize>(
        &mut self,
        notes: impl Iterator<Item = &'n SubmissionNote>,
        fired: impl Fn(&SubmissionNote) -> [(RuleCode, bool); N],
    ) {
        let mut all_held = true;
        for (place, note) in notes.enumerate() {
            let mut held = false;
            for (code, fires) in fired(note) {
                let severity = self.control.severity(code);
                if !fires || severity == Severity::Off {
                    continue;
                }
                held |= severity >= Severity::Hold;
                if place == 0 {
                    self.rules.insert(code);
                }
            }
            all_held &= held;
        }
        self.held |= all_held;
    }

    fn is_removed(&self) -> bool {
        self.ruled.removed.is_some()
    }
}

/// The rule of D3 over one contest or slot: of the contents not held, contested or annulled, the highest revision counts.
fn evaluate_cell<'a, C>(
    subject: &Subject<'a>,
    cell: &Cell<C>,
    nothing: StationState,
    judge: impl Fn(&ContentEntry<C>) -> Judged<'a>,
) -> CellEvaluation
where
    C: HasRevision,
{
    let mut contents = Vec::new();
    let mut counted = None;
    for (_, entries) in cell.by_number() {
        let judged: Vec<_> = entries
            .iter()
            .filter(|entry| entry.shown(&subject.at).is_some())
            .map(|entry| (entry, judge(entry)))
            .collect();
        let standing = judged.iter().filter(|(_, judged)| !judged.is_removed()).count();
        for (entry, judged) in judged {
            let content = stand(entry, judged, standing > 1);
            if content.standing == Outcome::Counted {
                counted = Some((content.revision, content.content));
            }
            contents.push(content);
        }
    }
    supersede_below(&mut contents, counted);
    CellEvaluation { state: state_of(&contents, nothing), counted, contents }
}

/// A content's standing before higher revisions are looked at.
fn stand<C: HasRevision>(entry: &ContentEntry<C>, judged: Judged<'_>, contested: bool) -> ContentEvaluation {
    let mut rules = judged.rules;
    let standing = match judged.ruled.removed {
        Some(Removal::Annulled) => {
            rules.insert(RuleCode::AnnulledByDecision);
            Outcome::Annulled
        }
        Some(Removal::SetAside) => {
            rules.insert(RuleCode::SetAsideByDecision);
            Outcome::Annulled
        }
        None if contested => {
            rules.insert(RuleCode::ContestedRevision);
            Outcome::Contested
        }
        None if judged.held && judged.ruled.confirmed => {
            rules.insert(RuleCode::ConfirmedByDecision);
            Outcome::Counted
        }
        None if judged.held => Outcome::Held,
        None => Outcome::Counted,
    };
    ContentEvaluation {
        revision: entry.content.revision(),
        content: entry.digest,
        standing,
        rules: rules.into_iter().collect(),
    }
}

fn supersede_below(contents: &mut [ContentEvaluation], counted: Option<(u8, ContentDigest)>) {
    let Some((revision, digest)) = counted else { return };
    for content in contents.iter_mut().filter(|content| content.content != digest && content.revision < revision) {
        if content.standing != Outcome::Annulled {
            content.standing = Outcome::Superseded;
            // What else it would have stood as is of no consequence now.
            let why = [RuleCode::ContestedRevision, RuleCode::ConfirmedByDecision];
            content.rules.retain(|code| !why.contains(code));
            content.add_rule(RuleCode::SupersededByRevision);
        }
    }
}

fn state_of(contents: &[ContentEvaluation], nothing: StationState) -> StationState {
    let any = |standing| contents.iter().any(|content| content.standing == standing);
    if any(Outcome::Counted) {
        StationState::Counted
    } else if any(Outcome::Held) {
        StationState::Held
    } else if any(Outcome::Contested) {
        StationState::Contested
    } else if any(Outcome::Annulled) {
        StationState::Annulled
    } else {
        nothing
    }
}

/// What every content of a cell has.
pub(crate) trait HasRevision {
    fn revision(&self) -> u8;
}

impl HasRevision for ProtocolContent {
    fn revision(&self) -> u8 {
        self.revision
    }
}

impl HasRevision for TurnoutContent {
    fn revision(&self) -> u8 {
        self.revision
    }
}
