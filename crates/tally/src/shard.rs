//! The fold of a shard: records in, outcomes and a tally out. Its state is a function of its two positions.

use crate::{
    book::OutcomeBook,
    control::{ControlState, commission_standing, entry_outcomes, entry_outcomes_with},
    evaluation::{self, CellEvaluation, StationEvaluation, Subject},
    ledger::{Attributes, Cell, StationLedger, SubmissionNote},
    outcome::{Outcome, OutcomesBody, SubmissionOutcome},
    position::{FIRST_POSITION, Generation, PositionPair},
    record::{OpenRecords, Opened},
    sums::ShardSums,
    totals::TallyBody,
};
use hattama_election::{
    definition::{Definition, Station},
    digest::{ChainDigest, ContentDigest, SubmissionDigest},
    ids::{AuthorityId, ContestIndex, ShardId, StationIndex},
    instant::Instant,
    key::KeyId,
    protocol::{Protocol, SignatoryStance},
    routing::home_shard,
    rules::{self, RuleCode},
    submission::{Submission, SubmissionBody},
};
use rustc_hash::FxHashMap;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The version of the fold in this build. A change of what anything counts for is a new version.
pub const FOLD_VERSION: u32 = 1;

/// The most records that a shard keeps because their key is unknown: gateways let none through, so that more of them means
/// that somebody writes past the gateways. Over it they are refused for good, which a fold from the start repeats.
pub const MAX_DEFERRED: usize = 65_536;

/// What becomes of a record before the ledger sees it.
pub(crate) enum Admission {
    /// It goes into the ledger.
    Filed(Box<Submission>),
    /// It is impossible.
    Refused { digest: SubmissionDigest, rules: Vec<RuleCode> },
    /// Its key is unknown: an amendment may still bring it.
    Deferred { digest: SubmissionDigest, key: KeyId },
}

/// Checks a record against definition and control: who may say what, where it belongs, what cannot be.
pub(crate) fn admission(definition: &Definition, control: &ControlState, shard: ShardId, opened: Opened) -> Admission {
    let submission = match opened {
        Opened::Submission(submission) => submission,
        Opened::Refused { digest, rules } => return Admission::Refused { digest, rules },
        Opened::UnknownKey { digest, key } => return Admission::Deferred { digest, key },
    };
    let digest = submission.digest;
    let refused = |rules: Vec<RuleCode>| Admission::Refused { digest, rules };
    let impossible = impossible(definition, &submission.body);
    if !impossible.is_empty() {
        return refused(impossible);
    }
    let Some(holder) = control.holder(&submission.key) else {
        return Admission::Deferred { digest, key: submission.key };
    };
    if !rules::entitled(definition, holder, &submission.body) {
        return refused(vec![RuleCode::NotEntitled]);
    }
    if home_shard(definition, &submission.body) != Some(shard) {
        return refused(vec![RuleCode::WrongShard]);
    }
    Admission::Filed(submission)
}

/// The codes of all that is impossible about a submission, ascending.
fn impossible(definition: &Definition, body: &SubmissionBody) -> Vec<RuleCode> {
    let violations = rules::impossible::submission(definition, body);
    let codes: BTreeSet<RuleCode> = violations.into_iter().map(|violation| violation.code).collect();
    codes.into_iter().collect()
}

/// A record whose key is unknown.
#[derive(Debug)]
struct Deferred {
    offset: u64,
    value: Box<[u8]>,
}

/// The fold of one shard other than control.
#[derive(Debug)]
pub struct ShardFold {
    definition: Arc<Definition>,
    generation: Generation,
    shard: ShardId,
    control: Arc<ControlState>,
    next_offset: u64,
    chain: ChainDigest,
    /// The shard's stations, ascending, and where each stands below.
    stations: Vec<StationIndex>,
    places: FxHashMap<StationIndex, usize>,
    ledgers: Vec<Option<Box<StationLedger>>>,
    evaluations: Vec<StationEvaluation>,
    commission_protocols: BTreeMap<(AuthorityId, ContestIndex), Cell<()>>,
    probes: Cell<()>,
    deferred: BTreeMap<KeyId, Vec<Deferred>>,
    deferred_count: usize,
    dirty: BTreeSet<usize>,
    sums: ShardSums,
    book: OutcomeBook,
}

impl ShardFold {
    /// The fold behind the shard's genesis record, whose value is `genesis`, under a control state.
    #[must_use]
    pub fn new(
        definition: Arc<Definition>,
        generation: Generation,
        shard: ShardId,
        genesis: &[u8],
        control: Arc<ControlState>,
    ) -> Self {
        let stations: Vec<StationIndex> = definition.stations_of_shard(shard).map(|(index, _)| index).collect();
        let places = stations.iter().enumerate().map(|(place, station)| (*station, place)).collect();
        let mut fold = Self {
            sums: ShardSums::new(&definition, &stations),
            generation,
            shard,
            control,
            next_offset: FIRST_POSITION.next_offset,
            chain: ChainDigest::genesis(genesis),
            ledgers: stations.iter().map(|_| None).collect(),
            evaluations: Vec::with_capacity(stations.len()),
            stations,
            places,
            commission_protocols: BTreeMap::new(),
            probes: Cell::default(),
            deferred: BTreeMap::new(),
            deferred_count: 0,
            dirty: BTreeSet::new(),
            book: OutcomeBook::default(),
            definition,
        };
        for place in 0..fold.stations.len() {
            let evaluation = evaluation::evaluate(&fold.subject(place, &fold.control, fold.position()));
            fold.sums.add(&fold.definition, fold.stations[place], None, &evaluation);
            fold.evaluations.push(evaluation);
        }
        fold
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// The pair of positions that it stands at.
    #[must_use]
    pub fn position(&self) -> PositionPair {
        PositionPair { next_offset: self.next_offset, control_next_offset: self.control.next_offset() }
    }

    /// The control state that it stands at.
    #[must_use]
    pub fn control(&self) -> &Arc<ControlState> {
        &self.control
    }

    /// Folds the shard's next records, given by their values, in order.
    pub fn apply(&mut self, values: &[&[u8]], opener: &dyn OpenRecords) {
        let control = Arc::clone(&self.control);
        let opened = opener.open(values, &|key| control.key(key));
        for (value, opened) in values.iter().zip(opened) {
            self.chain = self.chain.then(value);
            self.admit(self.next_offset, opened, value);
            self.next_offset += 1;
        }
        self.settle();
    }

    /// Moves to a later control state: opens what waited for a key, and evaluates again what amendments touch.
    pub fn advance_control(&mut self, control: Arc<ControlState>, opener: &dyn OpenRecords) {
        let amended = control.amendments_applied() != self.control.amendments_applied()
            || control.amendments_stopped() != self.control.amendments_stopped();
        self.control = control;
        if !amended {
            return;
        }
        let known: Vec<KeyId> = self.deferred.keys().filter(|key| self.control.key(key).is_some()).copied().collect();
        for key in known {
            for Deferred { offset, value } in self.deferred.remove(&key).unwrap_or_default() {
                self.deferred_count -= 1;
                let control = Arc::clone(&self.control);
                if let Some(opened) = opener.open(&[&value], &|key| control.key(key)).pop() {
                    self.admit(offset, opened, &value);
                }
            }
        }
        self.dirty.extend(0..self.stations.len());
        self.settle();
    }

    /// What changed since the last call, as a record that leads from `from` to here.
    pub fn take_outcomes(&mut self, from: PositionPair) -> OutcomesBody {
        OutcomesBody {
            election: self.definition.id.clone(),
            core_digest: self.definition.core_digest,
            generation: self.generation,
            shard: self.shard,
            from,
            to: self.position(),
            outcomes: self.book.take(),
        }
    }

    /// The outcomes that are not plainly counted, ascending by offset.
    pub fn outcomes(&self) -> impl Iterator<Item = &SubmissionOutcome> {
        self.book.notable()
    }

    /// The tally at this position.
    #[must_use]
    pub fn tally(&self) -> TallyBody {
        let (contests, turnout) = self.sums.totals();
        TallyBody {
            election: self.definition.id.clone(),
            core_digest: self.definition.core_digest,
            generation: self.generation,
            shard: self.shard,
            position: self.position(),
            chain: self.chain,
            control_chain: self.control.chain(),
            fold_version: FOLD_VERSION,
            records: self.book.counts(),
            contests,
            turnout,
        }
    }

    /// The same tally, summed again from the stations: the incremental sums must agree with it (invariant `sums`).
    #[must_use]
    pub fn tally_from_stations(&self) -> TallyBody {
        let mut sums = ShardSums::new(&self.definition, &self.stations);
        for (place, evaluation) in self.evaluations.iter().enumerate() {
            sums.add(&self.definition, self.stations[place], self.ledgers[place].as_deref(), evaluation);
        }
        let (contests, turnout) = sums.totals();
        TallyBody { contests, turnout, ..self.tally() }
    }

    /// The shard's stations, ascending.
    #[must_use]
    pub fn stations(&self) -> &[StationIndex] {
        &self.stations
    }

    /// What a station has sent; none when it has sent nothing or is of another shard.
    #[must_use]
    pub fn ledger(&self, station: StationIndex) -> Option<&StationLedger> {
        self.ledgers.get(*self.places.get(&station)?)?.as_deref()
    }

    /// What a station has come to at this position; none when it is of another shard.
    #[must_use]
    pub fn evaluation(&self, station: StationIndex) -> Option<&StationEvaluation> {
        self.evaluations.get(*self.places.get(&station)?)
    }

    /// What a station had come to at an earlier pair of positions, whose control state is given.
    ///
    /// None when the station is of another shard, or `at` is not reached yet.
    #[must_use]
    pub fn evaluation_at(
        &self,
        station: StationIndex,
        at: PositionPair,
        control: &ControlState,
    ) -> Option<StationEvaluation> {
        let place = *self.places.get(&station)?;
        if !self.position().covers(&at) || control.next_offset() != at.control_next_offset {
            return None;
        }
        Some(evaluation::evaluate(&self.subject(place, control, at)))
    }

    fn subject<'a>(&'a self, place: usize, control: &'a ControlState, at: PositionPair) -> Subject<'a> {
        let index = self.stations[place];
        Subject {
            definition: &self.definition,
            control,
            index,
            station: &self.definition.stations[index.0 as usize],
            ledger: self.ledgers.get(place).and_then(Option::as_deref),
            at,
        }
    }

    fn admit(&mut self, offset: u64, opened: Opened, value: &[u8]) {
        match admission(&self.definition, &self.control, self.shard, opened) {
            Admission::Filed(submission) => self.file(*submission, offset),
            Admission::Refused { digest, rules } => self.refuse(offset, digest, rules),
            Admission::Deferred { digest, key } => {
                if self.deferred_count < MAX_DEFERRED {
                    self.deferred_count += 1;
                    self.deferred.entry(key).or_default().push(Deferred { offset, value: value.into() });
                }
                self.refuse(offset, digest, vec![RuleCode::UnknownKey]);
            }
        }
    }

    fn refuse(&mut self, offset: u64, digest: SubmissionDigest, rules: Vec<RuleCode>) {
        self.book.set(SubmissionOutcome { offset, digest, outcome: Outcome::Refused, rules, duplicate_of: None });
    }

    fn file(&mut self, submission: Submission, offset: u64) {
        let content = submission.body.content_digest();
        let note = |attributes| SubmissionNote {
            digest: submission.digest,
            offset,
            known_from_control: self.control.known_from(&submission.key),
            key: submission.key,
            attributes,
        };
        let definition = Arc::clone(&self.definition);
        match submission.body {
            SubmissionBody::Protocol(protocol) => {
                let note = note(attributes_of(&protocol));
                let Some((contest, _)) = definition.contest(&protocol.content.contest) else { return };
                let Some(ledger) = self.ledger_of(definition.station(&protocol.content.station)) else { return };
                let revision = u32::from(protocol.content.revision);
                ledger.protocols.entry(contest).or_default().file(revision, content, protocol.content, note);
            }
            SubmissionBody::Turnout(report) => {
                let note = note(plain(report.signed_at));
                let Some((slot, _)) = definition.slot(&report.content.slot) else { return };
                let Some(ledger) = self.ledger_of(definition.station(&report.content.station)) else { return };
                let revision = u32::from(report.content.revision);
                ledger.turnout.entry(slot).or_default().file(revision, content, report.content, note);
            }
            SubmissionBody::Decision(decision) => {
                let note = note(plain(decision.signed_at));
                let station = decision.content.ruling.station().and_then(|id| definition.station(id));
                let Some(ledger) = self.ledger_of(station) else { return };
                let cell = ledger.decisions.entry(decision.content.author.clone()).or_default();
                cell.file(decision.content.number, content, decision.content, note);
            }
            SubmissionBody::CommissionProtocol(protocol) => {
                let note = note(plain(protocol.signed_at));
                self.file_commission_protocol(protocol, content, note);
            }
            SubmissionBody::Probe(_) => {
                let note = note(plain(Instant(0)));
                self.probes.file(0, content, (), note);
                for entry in self.probes.at(0).iter().filter(|entry| entry.digest == content) {
                    tell(entry, Outcome::Counted, None, &mut self.book);
                }
            }
            SubmissionBody::Amendment(_) => {}
        }
    }

    /// The ledger of a station of this shard, made when it is the first thing heard of it; it will be evaluated again.
    fn ledger_of(&mut self, station: Option<(StationIndex, &Station)>) -> Option<&mut StationLedger> {
        let place = *self.places.get(&station?.0)?;
        self.dirty.insert(place);
        Some(self.ledgers.get_mut(place)?.get_or_insert_default())
    }

    fn file_commission_protocol(
        &mut self,
        protocol: hattama_election::submission::CommissionProtocol,
        content: ContentDigest,
        note: SubmissionNote,
    ) {
        let Some((contest, _)) = self.definition.contest(&protocol.content.contest) else { return };
        let cell = self.commission_protocols.entry((protocol.content.author, contest)).or_default();
        cell.file(u32::from(protocol.content.revision), content, (), note);
        for (revision, entry) in cell.entries() {
            let (standing, rule) = commission_standing(cell, revision);
            tell(entry, standing, rule, &mut self.book);
        }
    }

    /// Evaluates again every station that something touched, and books what changed.
    fn settle(&mut self) {
        for place in std::mem::take(&mut self.dirty) {
            let evaluation = evaluation::evaluate(&self.subject(place, &self.control, self.position()));
            let station = self.stations[place];
            let ledger = self.ledgers[place].as_deref();
            self.sums.subtract(&self.definition, station, ledger, &self.evaluations[place]);
            self.sums.add(&self.definition, station, ledger, &evaluation);
            if let Some(ledger) = ledger {
                let mut outcomes = Vec::new();
                station_outcomes(ledger, &evaluation, &mut outcomes);
                outcomes.into_iter().for_each(|outcome| self.book.set(outcome));
            }
            self.evaluations[place] = evaluation;
        }
    }
}

fn plain(signed_at: Instant) -> Attributes {
    Attributes { signed_at, supersedes: None, reason: None, dissent: false, complaints: false }
}

fn attributes_of(protocol: &Protocol) -> Attributes {
    Attributes {
        signed_at: protocol.signed_at,
        supersedes: protocol.supersedes,
        reason: protocol.reason.as_deref().map(Into::into),
        dissent: protocol.signatories.iter().any(|signatory| signatory.stance != SignatoryStance::Signed),
        complaints: protocol.complaints.is_some_and(|complaints| complaints > 0),
    }
}

fn tell(entry: &crate::ledger::ContentEntry<()>, standing: Outcome, rule: Option<RuleCode>, book: &mut OutcomeBook) {
    let mut outcomes = Vec::new();
    entry_outcomes(entry, (standing, rule), &mut outcomes);
    outcomes.into_iter().for_each(|outcome| book.set(outcome));
}

/// The outcomes of everything that a station has sent.
fn station_outcomes(ledger: &StationLedger, evaluation: &StationEvaluation, outcomes: &mut Vec<SubmissionOutcome>) {
    for (contest, cell) in &evaluation.contests {
        if let Some(contents) = ledger.protocols.get(contest) {
            cell_outcomes(contents, cell, outcomes);
        }
    }
    for (slot, cell) in &evaluation.turnout {
        if let Some(contents) = ledger.turnout.get(slot) {
            cell_outcomes(contents, cell, outcomes);
        }
    }
    for decision in &evaluation.decisions {
        let entry = ledger.decisions.get(&decision.author).and_then(|cell| cell.find(&decision.content));
        if let Some((_, entry)) = entry {
            entry_outcomes_with(entry, decision.standing, &decision.rules, outcomes);
        }
    }
}

fn cell_outcomes<C>(contents: &Cell<C>, evaluation: &CellEvaluation, outcomes: &mut Vec<SubmissionOutcome>) {
    for content in &evaluation.contents {
        let entries = contents.at(u32::from(content.revision));
        if let Ok(place) = entries.binary_search_by_key(&content.content, |entry| entry.digest) {
            entry_outcomes_with(&entries[place], content.standing, &content.rules, outcomes);
        }
    }
}
