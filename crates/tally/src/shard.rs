//! The fold of a shard: records in, outcomes and a tally out. Its state is a function of its two positions.

mod filing;

use crate::{
    book::OutcomeBook,
    control::ControlState,
    entry_outcomes::{commission_outcomes, entry_outcomes, station_outcomes},
    evaluation::{self, StationEvaluation, Subject},
    ledger::{Cell, StationLedger, SubmissionNote},
    outcome::{Outcome, OutcomesBody, Part, SubmissionOutcome},
    position::{FIRST_POSITION, Generation, PositionPair},
    record::OpenRecords,
    sums::ShardSums,
    totals::TallyBody,
};
use filing::{AddedKeyRecord, Admitted};
use hattama_election::{
    definition::Definition,
    digest::{ChainDigest, ContentDigest},
    ids::{AuthorityId, ContestIndex, ShardId, StationIndex},
    key::KeyId,
};
use rustc_hash::FxHashMap;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The version of the fold in this build. A change of what anything counts for is a new version.
pub const FOLD_VERSION: u32 = 1;

/// The most records of a shard that a fold takes whose key is not of the frozen definition: hundreds of stations with a new
/// key send no more, and gateways let none through whose key is unknown. Later ones are refused for good. Which those are
/// depends on the shard alone, not on when an amendment came, so that every fold refuses the same.
pub const MAX_DEFERRED: usize = 65_536;

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
    by_added_key: BTreeMap<KeyId, Vec<AddedKeyRecord>>,
    by_added_key_count: usize,
    dirty: BTreeSet<usize>,
    /// Which station each filed record was of, ascending by offset.
    touched: Vec<(u64, StationIndex)>,
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
            by_added_key: BTreeMap::new(),
            by_added_key_count: 0,
            dirty: BTreeSet::new(),
            touched: Vec::new(),
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
        // Keys that amendments brought come and go: their records are opened apart, from what is kept of them.
        let definition = Arc::clone(&self.definition);
        let opened = opener.open(values, &|key| definition.key(key).map(|(key, _)| *key));
        for (value, opened) in values.iter().zip(opened) {
            self.chain = self.chain.then(value);
            match self.admit(self.next_offset, opened) {
                Admitted::Filed => {}
                Admitted::Refused { digest, rules } => self.refuse(self.next_offset, digest, rules),
                Admitted::Deferred { digest, key } => self.keep(digest, key, value, opener),
            }
            self.next_offset += 1;
        }
        self.settle();
    }

    /// Moves to a later control state: opens what waited for a key, and evaluates again what amendments touch.
    pub fn advance_control(&mut self, control: Arc<ControlState>, opener: &dyn OpenRecords) {
        let amended = !control.says_the_same_as(&self.control);
        self.control = control;
        if !amended {
            return;
        }
        for (key, mut records) in std::mem::take(&mut self.by_added_key) {
            records.iter_mut().for_each(|record| self.judge(&key, record, opener));
            self.by_added_key.insert(key, records);
        }
        self.note_lapsed_keys();
        self.tell_commission_protocols(None);
        self.tell_probes(None);
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
            part: Part::WHOLE,
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

    /// The stations that records at these offsets are of. Records that waited for a key are left out: they change what a
    /// station comes to when control moves, and then every station is to be looked at.
    pub fn touched(&self, offsets: std::ops::Range<u64>) -> impl Iterator<Item = StationIndex> + '_ {
        let start = self.touched.partition_point(|(offset, _)| *offset < offsets.start);
        self.touched[start..].iter().take_while(move |(offset, _)| *offset < offsets.end).map(|(_, station)| *station)
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

    /// Books what one commission's protocols for a contest come to, or all of them.
    fn tell_commission_protocols(&mut self, of: Option<&(AuthorityId, ContestIndex)>) {
        let mut outcomes = Vec::new();
        for (_, cell) in self.commission_protocols.iter().filter(|(each, _)| of.is_none_or(|of| of == *each)) {
            commission_outcomes(cell, |note| self.control.key(&note.key).is_some(), &mut outcomes);
        }
        outcomes.into_iter().for_each(|outcome| self.book.set(outcome));
    }

    /// Books what one probe comes to, or all of them.
    fn tell_probes(&mut self, of: Option<ContentDigest>) {
        let mut outcomes = Vec::new();
        for (_, entry) in self.probes.entries().filter(|(_, entry)| of.is_none_or(|of| of == entry.digest)) {
            let known = |note: &SubmissionNote| self.control.key(&note.key).is_some();
            entry_outcomes(entry, Outcome::Counted, &[], known, &mut outcomes);
        }
        outcomes.into_iter().for_each(|outcome| self.book.set(outcome));
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
                station_outcomes(ledger, &evaluation, &self.position(), &mut outcomes);
                outcomes.into_iter().for_each(|outcome| self.book.set(outcome));
            }
            self.evaluations[place] = evaluation;
        }
    }
}
