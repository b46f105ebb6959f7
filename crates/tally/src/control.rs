//! Control (shard 0): amendments in their gap-free prefix, decisions that concern the nation, and what is in force by them.

use crate::{
    book::OutcomeBook,
    ledger::{Attributes, Cell, ContentEntry, SubmissionNote},
    outcome::{Outcome, OutcomesBody, SubmissionOutcome},
    position::{Generation, PositionPair},
    record::{OpenRecords, Opened},
    shard::{Admission, FOLD_VERSION, admission},
    totals::TallyBody,
};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, KeyHolder},
    decision::{DecisionContent, Ruling},
    definition::{Definition, Holder},
    digest::{ChainDigest, ContentDigest, SubmissionDigest},
    ids::{AuthorityId, ContestIndex, OptionId, ShardId, StationIndex},
    instant::Instant,
    key::{KeyId, PublicKey},
    rules::{self, RuleCode, Severity},
    submission::{Submission, SubmissionBody},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

/// What is in force by the amendments and national decisions before a control position.
#[derive(Debug, Clone)]
pub struct ControlState {
    definition: Arc<Definition>,
    next_offset: u64,
    chain: ChainDigest,
    applied: u32,
    in_prefix: BTreeSet<ContentDigest>,
    fold_version: u32,
    keys: BTreeMap<KeyId, AddedKey>,
    revoked: BTreeMap<KeyId, BTreeSet<SubmissionDigest>>,
    withdrawn: BTreeMap<ContestIndex, BTreeSet<OptionId>>,
    closed: BTreeSet<StationIndex>,
    polls_close: BTreeMap<StationIndex, Instant>,
    severities: BTreeMap<RuleCode, Severity>,
    ties: Vec<DecisionContent>,
    stopped: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct AddedKey {
    key: PublicKey,
    holder: Holder,
    known_from_control: u64,
}

static NOTHING_WITHDRAWN: LazyLock<BTreeSet<OptionId>> = LazyLock::new(BTreeSet::new);

impl ControlState {
    /// The frozen definition with nothing amended: behind the genesis record whose value is `genesis`.
    #[must_use]
    pub fn initial(definition: Arc<Definition>, genesis: &[u8]) -> Self {
        Self {
            next_offset: 1,
            chain: ChainDigest::genesis(genesis),
            applied: 0,
            in_prefix: BTreeSet::new(),
            fold_version: definition.fold_version,
            keys: BTreeMap::new(),
            revoked: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            closed: BTreeSet::new(),
            polls_close: BTreeMap::new(),
            severities: definition.severities.clone(),
            ties: Vec::new(),
            stopped: None,
            definition,
        }
    }

    /// The control position that this state stands at.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Chained digest of control's records before it.
    #[must_use]
    pub fn chain(&self) -> ChainDigest {
        self.chain
    }

    /// How many amendments apply: the gap-free prefix 1 … n.
    #[must_use]
    pub fn amendments_applied(&self) -> u32 {
        self.applied
    }

    /// Why the prefix of amendments stopped although a later one is there: a gap, or two contents under one number.
    #[must_use]
    pub fn amendments_stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// The fold version in force.
    #[must_use]
    pub fn fold_version(&self) -> u32 {
        self.fold_version
    }

    /// The key of this id, of the definition or of an amendment in force.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<PublicKey> {
        match self.definition.key(id) {
            Some((key, _)) => Some(*key),
            None => self.keys.get(id).map(|added| added.key),
        }
    }

    /// Who holds the key.
    #[must_use]
    pub fn holder(&self, id: &KeyId) -> Option<Holder> {
        match self.definition.key(id) {
            Some((_, holder)) => Some(holder),
            None => self.keys.get(id).map(|added| added.holder),
        }
    }

    /// The control position from which the key is known: 1 for one of the frozen definition.
    #[must_use]
    pub fn known_from(&self, id: &KeyId) -> u64 {
        self.keys.get(id).map_or(1, |added| added.known_from_control)
    }

    /// True when the key was revoked and the submission is not named as still valid.
    #[must_use]
    pub fn is_revoked(&self, key: &KeyId, submission: &SubmissionDigest) -> bool {
        self.revoked.get(key).is_some_and(|still_valid| !still_valid.contains(submission))
    }

    /// Options of a contest that withdrew.
    #[must_use]
    pub fn withdrawn(&self, contest: ContestIndex) -> &BTreeSet<OptionId> {
        self.withdrawn.get(&contest).unwrap_or(&NOTHING_WITHDRAWN)
    }

    /// True when an amendment closed the station.
    #[must_use]
    pub fn is_closed(&self, station: StationIndex) -> bool {
        self.closed.contains(&station)
    }

    /// When an amendment says that the station closes.
    #[must_use]
    pub fn polls_close(&self, station: StationIndex) -> Option<Instant> {
        self.polls_close.get(&station).copied()
    }

    /// The severity of a rule now.
    #[must_use]
    pub fn severity(&self, code: RuleCode) -> Severity {
        self.severities.get(&code).copied().unwrap_or_else(|| code.default_severity())
    }

    /// Resolutions of ties in force, ascending by contest.
    #[must_use]
    pub fn tie_resolutions(&self) -> &[DecisionContent] {
        &self.ties
    }

    fn apply(&mut self, content: &AmendmentContent, known_from_control: u64) {
        let definition = Arc::clone(&self.definition);
        let station = |id| definition.station(id).map(|(index, _)| index);
        match &content.change {
            Change::KeyReplaced { holder, key } => {
                let holder = match holder {
                    KeyHolder::Station(id) => station(id).map(Holder::Station),
                    KeyHolder::Authority(id) => definition
                        .authorities
                        .iter()
                        .position(|authority| authority.id == *id)
                        .and_then(|place| u16::try_from(place).ok())
                        .map(Holder::Authority),
                };
                if let Some(holder) = holder.filter(|_| definition.key(&key.id()).is_none()) {
                    self.keys.entry(key.id()).or_insert(AddedKey { key: *key, holder, known_from_control });
                }
            }
            Change::KeyRevoked { key, still_valid } => {
                // Of two revocations of one key the later one says what stays valid.
                self.revoked.insert(*key, still_valid.iter().copied().collect());
            }
            Change::OptionWithdrawn { contest, option } => {
                if let Some((contest, _)) = definition.contest(contest) {
                    self.withdrawn.entry(contest).or_default().insert(option.clone());
                }
            }
            Change::StationClosed { station: id } => self.closed.extend(station(id)),
            Change::PollsClose { station: id, at } => self.polls_close.extend(station(id).map(|index| (index, *at))),
            Change::SeverityChanged { rule, severity } => {
                self.severities.insert(*rule, *severity);
            }
            Change::FoldVersion { version } => self.fold_version = *version,
        }
        self.applied = content.number;
        self.in_prefix.insert(content.digest());
    }
}

/// The fold over control. Its states at every earlier position can be asked again: a publication stands at one of them.
#[derive(Debug)]
pub struct ControlFold {
    definition: Arc<Definition>,
    generation: Generation,
    amendments: Cell<AmendmentContent>,
    decisions: BTreeMap<AuthorityId, Cell<DecisionContent>>,
    commission_protocols: BTreeMap<(AuthorityId, ContestIndex), Cell<()>>,
    probes: Cell<()>,
    refused: BTreeMap<u64, (SubmissionDigest, Vec<RuleCode>)>,
    deferred: Vec<Deferred>,
    /// The state from each position at which something changed, and always the first and the newest.
    states: BTreeMap<u64, Arc<ControlState>>,
    newest: Arc<ControlState>,
    book: OutcomeBook,
}

#[derive(Debug)]
struct Deferred {
    offset: u64,
    digest: SubmissionDigest,
    key: KeyId,
    value: Box<[u8]>,
}

impl ControlFold {
    /// The fold behind the genesis record whose value is `genesis`.
    #[must_use]
    pub fn new(definition: Arc<Definition>, generation: Generation, genesis: &[u8]) -> Self {
        let newest = Arc::new(ControlState::initial(Arc::clone(&definition), genesis));
        Self {
            definition,
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
            let state = Arc::clone(&self.newest);
            let opened = opener.open(&[value], &|key| state.key(key)).pop();
            if let Some(opened) = opened {
                self.admit(offset, opened, value, 1);
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

    fn admit(&mut self, offset: u64, opened: Opened, value: &[u8], known_from_control: u64) {
        match admission(&self.definition, &self.newest, ShardId::CONTROL, opened) {
            Admission::Filed(submission) => self.file(*submission, offset, known_from_control),
            Admission::Refused { digest, rules } => {
                self.refused.insert(offset, (digest, rules));
            }
            Admission::Deferred { digest, key } => {
                self.refused.insert(offset, (digest, vec![RuleCode::UnknownKey]));
                self.deferred.push(Deferred { offset, digest, key, value: value.into() });
            }
        }
    }

    fn file(&mut self, submission: Submission, offset: u64, known_from_control: u64) {
        let content = submission.body.content_digest();
        let (digest, key) = (submission.digest, submission.key);
        let note = |signed_at| SubmissionNote {
            digest,
            offset,
            known_from_control,
            key,
            attributes: Attributes { signed_at, supersedes: None, reason: None, dissent: false, complaints: false },
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
            let (known, unknown) =
                std::mem::take(&mut self.deferred).into_iter().partition(|record| state.key(&record.key).is_some());
            self.deferred = unknown;
            let known: Vec<Deferred> = known;
            if known.is_empty() {
                break;
            }
            for record in known {
                self.refused.remove(&record.offset);
                if let Some(opened) = opener.open(&[&record.value], &|key| state.key(key)).pop() {
                    self.admit(record.offset, opened, &record.value, state.known_from(&record.key));
                } else {
                    self.refused.insert(record.offset, (record.digest, vec![RuleCode::Malformed]));
                }
            }
        }
        self.states.insert(next_offset, Arc::clone(&self.newest));
        self.write_outcomes();
    }

    /// What is in force by the records before `next_offset`.
    fn in_force(&self, next_offset: u64, chain: ChainDigest) -> ControlState {
        let first = self.states.get(&1).unwrap_or(&self.newest);
        let mut state = ControlState { next_offset, chain, ..ControlState::clone(first) };
        let known_from = |key: &KeyId| self.newest.keys.get(key).map_or(next_offset, |added| added.known_from_control);
        for number in 1.. {
            let entries = self.valid_amendments(number, &state);
            let [entry] = entries.as_slice() else {
                state.stopped = self.why_stopped(number, entries.len());
                break;
            };
            let known_from_control = match &entry.content.change {
                Change::KeyReplaced { key, .. } => known_from(&key.id()),
                _ => next_offset,
            };
            state.apply(&entry.content, known_from_control);
        }
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

    /// Of the resolutions of one contest's ties, per premises, the one of the highest number.
    fn ties_in_force(&self, state: &ControlState) -> Vec<DecisionContent> {
        let mut in_force: BTreeMap<_, &DecisionContent> = BTreeMap::new();
        for entry in self.valid_decisions(state) {
            let Ruling::ResolveTie { contest, between, seats, .. } = &entry.content.ruling else { continue };
            let holding = in_force.entry((contest, between, seats)).or_insert(&entry.content);
            if weight_of(&self.definition, &entry.content) > weight_of(&self.definition, holding) {
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
            let mut valid = entries.iter().filter(|entry| !all_revoked(state, entry));
            valid.next().filter(|_| valid.next().is_none())
        })
    }

    fn write_outcomes(&mut self) {
        let mut outcomes = Vec::new();
        for (offset, (digest, rules)) in &self.refused {
            outcomes.push(SubmissionOutcome {
                offset: *offset,
                digest: *digest,
                outcome: Outcome::Refused,
                rules: rules.clone(),
                duplicate_of: None,
            });
        }
        for (number, entry) in self.amendments.entries() {
            entry_outcomes(entry, self.amendment_standing(number, entry), &mut outcomes);
        }
        for (_, entry) in self.decisions.values().flat_map(Cell::entries) {
            entry_outcomes(entry, self.decision_standing(entry), &mut outcomes);
        }
        for cell in self.commission_protocols.values() {
            for (revision, entry) in cell.entries() {
                entry_outcomes(entry, commission_standing(cell, revision), &mut outcomes);
            }
        }
        for (_, entry) in self.probes.entries() {
            entry_outcomes(entry, (Outcome::Counted, None), &mut outcomes);
        }
        for outcome in outcomes {
            self.book.set(outcome);
        }
    }

    fn amendment_standing(&self, number: u32, entry: &ContentEntry<AmendmentContent>) -> (Outcome, Option<RuleCode>) {
        let all = |bad: &dyn Fn(&SubmissionNote) -> bool| entry.submissions.iter().all(bad);
        if self.newest.in_prefix.contains(&entry.digest) {
            return (Outcome::Counted, None);
        }
        if all(&|note| self.newest.is_revoked(&note.key, &note.digest)) {
            return (Outcome::Held, Some(RuleCode::KeyRevoked));
        }
        // Below the end of the prefix only a key that a higher number brought can have signed another content.
        if number <= self.newest.applied || all(&|note| self.newest.key(&note.key).is_none()) {
            return (Outcome::Refused, Some(RuleCode::UnknownKey));
        }
        if self.valid_amendments(number, &self.newest).len() > 1 {
            return (Outcome::Contested, Some(RuleCode::ContestedNumber));
        }
        (Outcome::Held, Some(RuleCode::AmendmentGap))
    }

    fn decision_standing(&self, entry: &ContentEntry<DecisionContent>) -> (Outcome, Option<RuleCode>) {
        if all_revoked(&self.newest, entry) {
            return (Outcome::Held, Some(RuleCode::KeyRevoked));
        }
        let under_this_number = self.decisions.get(&entry.content.author).map(|cell| cell.at(entry.content.number));
        let valid = under_this_number.into_iter().flatten().filter(|other| !all_revoked(&self.newest, other)).count();
        if valid > 1 {
            return (Outcome::Contested, Some(RuleCode::ContestedNumber));
        }
        if !self.newest.ties.contains(&entry.content) {
            return (Outcome::Superseded, Some(RuleCode::OverruledByDecision));
        }
        (Outcome::Counted, None)
    }
}

fn all_revoked<C>(state: &ControlState, entry: &ContentEntry<C>) -> bool {
    entry.submissions.iter().all(|note| state.is_revoked(&note.key, &note.digest))
}

/// Rank of the author, number, digest: the greater holds.
fn weight_of(definition: &Definition, decision: &DecisionContent) -> (u8, u32, [u8; 32]) {
    let rank = definition.authority(&decision.author).map_or(0, |authority| rules::authority_rank(&authority.role));
    (rank, decision.number, decision.digest().0)
}

/// Contents of one revision contest each other; a higher revision supersedes the lower ones.
pub(crate) fn commission_standing(cell: &Cell<()>, revision: u32) -> (Outcome, Option<RuleCode>) {
    let highest = cell.by_number().next_back().map_or(0, |(number, _)| number);
    if revision < highest {
        return (Outcome::Superseded, Some(RuleCode::SupersededByRevision));
    }
    if cell.at(revision).len() > 1 {
        return (Outcome::Contested, Some(RuleCode::ContestedRevision));
    }
    (Outcome::Counted, None)
}

/// One outcome for each submission of a content: the first in the log has its standing, the others are duplicates.
pub(crate) fn entry_outcomes<C>(
    entry: &ContentEntry<C>,
    (standing, rule): (Outcome, Option<RuleCode>),
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    entry_outcomes_with(entry, standing, &Vec::from_iter(rule), outcomes);
}

/// The same with any number of rules.
pub(crate) fn entry_outcomes_with<C>(
    entry: &ContentEntry<C>,
    standing: Outcome,
    rules: &[RuleCode],
    outcomes: &mut Vec<SubmissionOutcome>,
) {
    let Some(first) = entry.submissions.iter().map(|note| note.offset).min() else { return };
    for note in &entry.submissions {
        let is_first = note.offset == first;
        outcomes.push(SubmissionOutcome {
            offset: note.offset,
            digest: note.digest,
            outcome: if is_first { standing } else { Outcome::Duplicate },
            rules: if is_first { rules.to_vec() } else { vec![RuleCode::SameContent] },
            duplicate_of: (!is_first).then_some(first),
        });
    }
}
