//! The fold over control's records.

use super::state::ControlState;
use crate::{
    admission::{Admission, admission},
    book::OutcomeBook,
    entry_outcomes::{commission_outcomes, entry_outcomes},
    ledger::{Attributes, Cell, ContentEntry, SubmissionNote},
    outcome::{Outcome, OutcomesBody, Part, SubmissionOutcome},
    position::{Generation, PositionPair},
    record::{OpenRecords, Opened},
    shard::FOLD_VERSION,
    totals::TallyBody,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent},
    decision::{DecisionContent, Ruling},
    definition::Definition,
    digest::{ChainDigest, SubmissionDigest},
    ids::{AuthorityId, ContestId, ContestIndex, OptionId, ShardId},
    instant::Instant,
    key::KeyId,
    rules::RuleCode,
    submission::{Submission, SubmissionBody},
};
use std::{collections::BTreeMap, sync::Arc};

/// The fold over control. Its states at every earlier position can be asked again: a publication stands at one of them.
#[derive(Debug)]
pub struct ControlFold {
    definition: Arc<Definition>,
    generation: Generation,
    /// Before any amendment.
    unamended: ControlState,
    amendments: Cell<AmendmentContent>,
    decisions: BTreeMap<AuthorityId, Cell<DecisionContent>>,
    commission_protocols: BTreeMap<(AuthorityId, ContestIndex), Cell<()>>,
    probes: Cell<()>,
    refused: BTreeMap<u64, Refused>,
    /// Records whose key was in force at no position yet.
    deferred: Vec<Deferred>,
    /// The state from each position at which something changed, and always the first and the newest.
    states: BTreeMap<u64, Arc<ControlState>>,
    newest: Arc<ControlState>,
    book: OutcomeBook,
}

/// A record that is impossible. One whose key an amendment brought is judged only while that key is in force.
#[derive(Debug)]
struct Refused {
    digest: SubmissionDigest,
    key: Option<KeyId>,
    rules: Vec<RuleCode>,
}

#[derive(Debug)]
struct Deferred {
    offset: u64,
    key: KeyId,
    value: Box<[u8]>,
}

impl ControlFold {
    /// The fold behind the genesis record whose value is `genesis`.
    #[must_use]
    pub fn new(definition: Arc<Definition>, generation: Generation, genesis: &[u8]) -> Self {
        let unamended = ControlState::initial(Arc::clone(&definition), genesis);
        let newest = Arc::new(unamended.clone());
        Self {
            definition,
            unamended,
            generation,
            amendments: Cell::default(),
            decisions: BTreeMap::new(),
            commission_protocols: BTreeMap::new(),
            probes: Cell::default(),
            refused: BTreeMap::new(),
            deferred: Vec::new(),
            states: BTreeMap::from([(1, Arc::clone(&newest))]),
            newest,
            book: OutcomeBook::default(),
        }
    }

    /// The state at the newest position.
    #[must_use]
    pub fn state(&self) -> &Arc<ControlState> {
        &self.newest
    }

    /// The state at an earlier position; none for one that is not reached yet.
    #[must_use]
    pub fn state_at(&self, next_offset: u64) -> Option<Arc<ControlState>> {
        if next_offset > self.newest.next_offset {
            return None;
        }
        self.states.get(&next_offset).cloned()
    }

    /// The position: both of the pair are control's.
    #[must_use]
    pub fn position(&self) -> PositionPair {
        PositionPair { next_offset: self.newest.next_offset, control_next_offset: self.newest.next_offset }
    }

    /// Folds the next records, given by their values, in order.
    ///
    /// One record at a time: an amendment may bring the key of the very next one.
    pub fn apply(&mut self, values: &[&[u8]], opener: &dyn OpenRecords) {
        for value in values {
            let offset = self.newest.next_offset;
            // Keys that amendments brought come and go: their records are opened apart, from what is kept of them.
            let definition = Arc::clone(&self.definition);
            let opened = opener.open(&[value], &|key| definition.key(key).map(|(key, _)| *key)).pop();
            if let Some(opened) = opened {
                self.admit(offset, opened, value, None);
            }
            self.advance(offset + 1, self.newest.chain.then(value), opener);
        }
    }

    /// The outcomes that changed since the last call.
    pub fn take_outcomes(&mut self, from: PositionPair) -> OutcomesBody {
        OutcomesBody {
            election: self.definition.id.clone(),
            core_digest: self.definition.core_digest,
            generation: self.generation,
            shard: ShardId::CONTROL,
            from,
            to: self.position(),
            part: Part::WHOLE,
            outcomes: self.book.take(),
        }
    }

    /// The outcomes that are not plainly counted, ascending by offset.
    pub fn outcomes(&self) -> impl Iterator<Item = &SubmissionOutcome> {
        self.book.notable()
    }

    /// Control's tally: positions, no figures.
    #[must_use]
    pub fn tally(&self) -> TallyBody {
        TallyBody {
            election: self.definition.id.clone(),
            core_digest: self.definition.core_digest,
            generation: self.generation,
            shard: ShardId::CONTROL,
            position: self.position(),
            chain: self.newest.chain,
            control_chain: self.newest.chain,
            fold_version: FOLD_VERSION,
            records: self.book.counts(),
            contests: Vec::new(),
            turnout: Vec::new(),
        }
    }

    fn admit(&mut self, offset: u64, opened: Opened, value: &[u8], added_key: Option<KeyId>) {
        match admission(&self.definition, &self.newest, ShardId::CONTROL, opened) {
            Admission::Filed(submission) => self.file(*submission, offset),
            Admission::Refused { digest, rules } => {
                self.refused.insert(offset, Refused { digest, key: added_key, rules });
            }
            Admission::Deferred { digest, key } => {
                let rules = vec![RuleCode::UnknownKey];
                self.refused.insert(offset, Refused { digest, key: Some(key), rules });
                self.deferred.push(Deferred { offset, key, value: value.into() });
            }
        }
    }

    fn file(&mut self, submission: Submission, offset: u64) {
        let content = submission.body.content_digest();
        let (digest, key) = (submission.digest, submission.key);
        let known = self.newest.in_force(&key);
        let note = |signed_at| SubmissionNote {
            digest,
            offset,
            known_from_control: known.start,
            known_until_control: known.end,
            key,
            attributes: Attributes::plain(signed_at),
        };
        match submission.body {
            SubmissionBody::Amendment(Amendment { content: amendment, signed_at, .. }) => {
                self.amendments.file(amendment.number, content, amendment, note(signed_at));
            }
            SubmissionBody::Decision(decision) => {
                let cell = self.decisions.entry(decision.content.author.clone()).or_default();
                cell.file(decision.content.number, content, decision.content, note(decision.signed_at));
            }
            SubmissionBody::CommissionProtocol(protocol) => {
                let Some((contest, _)) = self.definition.contest(&protocol.content.contest) else { return };
                let cell = self.commission_protocols.entry((protocol.content.author, contest)).or_default();
                cell.file(u32::from(protocol.content.revision), content, (), note(protocol.signed_at));
            }
            SubmissionBody::Probe(_) => self.probes.file(0, content, (), note(Instant(0))),
            SubmissionBody::Protocol(_) | SubmissionBody::Turnout(_) => {}
        }
    }

    /// Moves to the next position: what is in force, records whose key has become known, outcomes.
    fn advance(&mut self, next_offset: u64, chain: ChainDigest, opener: &dyn OpenRecords) {
        // Each round opens records of at least one newly known key, so there are at most as many rounds as such records.
        loop {
            self.newest = Arc::new(self.in_force(next_offset, chain));
            let state = Arc::clone(&self.newest);
            let (known, unknown) = std::mem::take(&mut self.deferred)
                .into_iter()
                .partition(|record| state.key_to_open(&record.key).is_some());
            self.deferred = unknown;
            let known: Vec<Deferred> = known;
            if known.is_empty() {
                break;
            }
            for record in known {
                if let Some(opened) = opener.open(&[&record.value], &|key| state.key_to_open(key)).pop() {
                    self.refused.remove(&record.offset);
                    self.admit(record.offset, opened, &record.value, Some(record.key));
                }
            }
        }
        self.states.insert(next_offset, Arc::clone(&self.newest));
        self.write_outcomes();
    }

    /// What is in force by the records before `next_offset`.
    fn in_force(&self, next_offset: u64, chain: ChainDigest) -> ControlState {
        let mut state = self.unamended.unamended(next_offset, chain, &self.newest);
        for number in 1.. {
            let entries = self.valid_amendments(number, &state);
            let [entry] = entries.as_slice() else {
                state.stopped = self.why_stopped(number, entries.len());
                break;
            };
            state.apply(&entry.content, &self.newest);
        }
        state.note_lapsed(&self.newest);
        state.share_lost(&self.newest);
        state.ties = self.ties_in_force(&state);
        state
    }

    /// The amendments under a number of which a submission was signed with a key that the amendments of lower numbers
    /// leave in force. What a number brings or revokes concerns higher numbers only: nothing can undo its own prefix.
    fn valid_amendments(&self, number: u32, state: &ControlState) -> Vec<&ContentEntry<AmendmentContent>> {
        let good = |note: &SubmissionNote| state.key(&note.key).is_some() && !state.is_revoked(&note.key, &note.digest);
        self.amendments.at(number).iter().filter(|entry| entry.submissions.iter().any(good)).collect()
    }

    fn why_stopped(&self, number: u32, contents: usize) -> Option<String> {
        if contents > 1 {
            return Some(format!("{contents} different amendments have number {number}: none from it on applies"));
        }
        let (next, _) = self.amendments.by_number().find(|(next, _)| *next > number)?;
        Some(format!("amendment {number} is missing or its key is revoked: number {next} waits for it"))
    }

    /// Of the resolutions of one contest's ties, per premises, the weightiest.
    fn ties_in_force(&self, state: &ControlState) -> Vec<DecisionContent> {
        let mut in_force: BTreeMap<_, &DecisionContent> = BTreeMap::new();
        for entry in self.valid_decisions(state) {
            let Some(premises) = premises(&entry.content.ruling) else { continue };
            let holding = in_force.entry(premises).or_insert(&entry.content);
            if weight_of(&entry.content) > weight_of(holding) {
                *holding = &entry.content;
            }
        }
        in_force.into_values().cloned().collect()
    }

    fn valid_decisions<'a>(
        &'a self,
        state: &'a ControlState,
    ) -> impl Iterator<Item = &'a ContentEntry<DecisionContent>> {
        self.decisions.values().flat_map(Cell::by_number).filter_map(|(_, entries)| {
            let mut valid = entries.iter().filter(|entry| is_valid(state, entry));
            valid.next().filter(|_| valid.next().is_none())
        })
    }

    fn write_outcomes(&mut self) {
        let mut outcomes = Vec::new();
        let known = |note: &SubmissionNote| is_known(&self.newest, note);
        for (offset, Refused { digest, key, rules }) in &self.refused {
            let judged = key.is_none_or(|key| self.newest.key(&key).is_some());
            let rules = if judged { rules.clone() } else { vec![RuleCode::UnknownKey] };
            outcomes.push(SubmissionOutcome::refused(*offset, *digest, rules));
        }
        for (number, entry) in self.amendments.entries() {
            let (standing, rule) = self.amendment_standing(number, entry);
            entry_outcomes(entry, standing, rule.as_slice(), known, &mut outcomes);
        }
        for (_, entry) in self.decisions.values().flat_map(Cell::entries) {
            let (standing, rule) = self.decision_standing(entry);
            entry_outcomes(entry, standing, rule.as_slice(), known, &mut outcomes);
        }
        for cell in self.commission_protocols.values() {
            commission_outcomes(cell, known, &mut outcomes);
        }
        for (_, entry) in self.probes.entries() {
            entry_outcomes(entry, Outcome::Counted, &[], known, &mut outcomes);
        }
        for outcome in outcomes {
            self.book.set(outcome);
        }
    }

    fn amendment_standing(&self, number: u32, entry: &ContentEntry<AmendmentContent>) -> (Outcome, Option<RuleCode>) {
        if self.newest.in_prefix.contains(&entry.digest) {
            return (Outcome::Counted, None);
        }
        if !is_valid(&self.newest, entry) {
            return (Outcome::Held, Some(RuleCode::KeyRevoked));
        }
        // Below the end of the prefix only a key that a higher number brought can have signed another content.
        if number <= self.newest.applied {
            return (Outcome::Refused, Some(RuleCode::UnknownKey));
        }
        if self.valid_amendments(number, &self.newest).len() > 1 {
            return (Outcome::Contested, Some(RuleCode::ContestedNumber));
        }
        (Outcome::Held, Some(RuleCode::AmendmentGap))
    }

    fn decision_standing(&self, entry: &ContentEntry<DecisionContent>) -> (Outcome, Option<RuleCode>) {
        if !is_valid(&self.newest, entry) {
            return (Outcome::Held, Some(RuleCode::KeyRevoked));
        }
        let under_this_number = self.decisions.get(&entry.content.author).map(|cell| cell.at(entry.content.number));
        let valid = under_this_number.into_iter().flatten().filter(|other| is_valid(&self.newest, other)).count();
        if valid > 1 {
            return (Outcome::Contested, Some(RuleCode::ContestedNumber));
        }
        let overrules = |other: &DecisionContent| {
            premises(&other.ruling) == premises(&entry.content.ruling)
                && other.author == entry.content.author
                && other.number > entry.content.number
        };
        if self.valid_decisions(&self.newest).any(|other| overrules(&other.content)) {
            return (Outcome::Superseded, Some(RuleCode::OverruledByDecision));
        }
        (Outcome::Counted, None)
    }
}

/// True when the key of a submission is in force.
fn is_known(state: &ControlState, note: &SubmissionNote) -> bool {
    state.key(&note.key).is_some()
}

/// True when a submission of the content was signed with a key in force and not revoked.
fn is_valid<C>(state: &ControlState, entry: &ContentEntry<C>) -> bool {
    entry.submissions.iter().any(|note| is_known(state, note) && !state.is_revoked(&note.key, &note.digest))
}

/// The tie that a ruling resolves. Only the central commission does, so that rank never tells two of them apart.
fn premises(ruling: &Ruling) -> Option<(&ContestId, &[OptionId], u32)> {
    match ruling {
        Ruling::ResolveTie { contest, between, seats, .. } => Some((contest, between, *seats)),
        _ => None,
    }
}

/// Number and author: the greater holds.
fn weight_of(decision: &DecisionContent) -> (u32, &AuthorityId) {
    (decision.number, &decision.author)
}
