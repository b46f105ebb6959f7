//! One fold on its way forward through the positions that something is claimed of.

use super::{
    claims::{TallyClaim, text},
    differences::{Differences, Found},
    explain::{self, Explained},
    fold::{CountingOpener, Fold},
    outcomes::OutcomesClaim,
    path::{Path, Stop},
    source::{Place, Source, unreadable},
};
use crate::{
    export_format::{ExportReadError, RecordReader, Topic},
    report::{Counts, RecordRange, Subject},
};
use hattama_election::{digest::sha256, ids::ShardId};
use hattama_tally::{ControlFold, OutcomesBody, PositionPair, ShardFold, TallyBody, check_tally};
use hattama_wire::{RecordOpener, decode_outcomes, decode_tally, encode_outcomes, encode_tally};

/// Records folded together: as many as signatures are verified together.
const BATCH_RECORDS: u64 = hattama_wire::limits::MAX_BATCH as u64;
/// The most differences of one way that are explained: each reads a file again, and most follow from the first.
const MAX_EXPLAINED: u64 = 20;

/// A fold on its way. Only the first way of a shard is counted and goes to the end of the file.
pub(crate) struct Walk<'a> {
    source: &'a Source<'a>,
    pub(crate) shard: ShardId,
    is_first: bool,
    path: Path,
    reader: RecordReader,
    opener: CountingOpener,
    pub(crate) fold: Fold,
    /// The tally at the last stop of a publication.
    pub(crate) published: Option<TallyBody>,
    pub(crate) differences: Differences,
    pub(crate) counts: Counts,
    /// Everything was folded.
    pub(crate) is_whole: bool,
    /// Up to here the exported tallies agree.
    agreed_up_to: u64,
    /// A tally was folded from other records: so were all that follow.
    has_other_records: bool,
    explained: u64,
    stuck: bool,
    damaged: bool,
}

impl<'a> Walk<'a> {
    /// A walk behind the genesis. None when the genesis cannot be read.
    pub(crate) fn new(
        source: &'a Source<'a>,
        shard: ShardId,
        path: Path,
        is_first: bool,
        control: Option<&ControlFold>,
    ) -> Result<Option<Self>, ExportReadError> {
        let mut reader = source.export.reader(Topic::Submissions, shard.0)?;
        let mut genesis = Vec::new();
        if !reader.read(&mut genesis)? {
            return Ok(None);
        }
        let definition = source.definition.clone();
        let fold = match control {
            None => Fold::Control(Box::new(ControlFold::new(definition, source.generation, &genesis))),
            Some(control) => {
                let Some(first) = control.state_at(1) else { return Ok(None) };
                Fold::Shard(Box::new(ShardFold::new(definition, source.generation, shard, &genesis, first)))
            }
        };
        let opener =
            RecordOpener { election: source.definition.id.clone(), core_digest: source.definition.core_digest };
        Ok(Some(Self {
            source,
            shard,
            is_first,
            path,
            reader,
            opener: CountingOpener::new(opener),
            fold,
            published: None,
            differences: Differences::default(),
            counts: Counts { records: 1, ..Counts::default() },
            is_whole: false,
            agreed_up_to: 1,
            has_other_records: false,
            explained: 0,
            stuck: false,
            damaged: false,
        }))
    }

    /// True when the walk has a publication's stop at this pair ahead, or stands at it.
    pub(crate) fn leads_to(&self, pair: PositionPair) -> bool {
        self.published.as_ref().is_some_and(|tally| tally.position == pair) || self.path.has(pair)
    }

    /// Goes on to `limit`, or to the last stop, and compares at each.
    pub(crate) fn advance(
        &mut self,
        limit: Option<PositionPair>,
        control: Option<&ControlFold>,
    ) -> Result<(), ExportReadError> {
        while let Some((pair, stop)) = self.path.next_up_to(limit) {
            if self.stuck {
                let outcomes = stop.outcomes.as_ref().map_or(0, OutcomesClaim::records);
                self.counts.not_compared += stop.tallies.len() as u64 + outcomes;
                self.differences.leave_out();
                continue;
            }
            match self.move_to(pair, control)? {
                None => self.compare(pair, stop)?,
                Some(why) => {
                    self.stuck = true;
                    self.tell_stuck(pair, &stop, &why);
                }
            }
        }
        Ok(())
    }

    /// Goes on to the last stop and to the end of the file, under the newest control state. True when all was folded.
    pub(crate) fn finish(&mut self, control: Option<&ControlFold>) -> Result<bool, ExportReadError> {
        self.advance(None, control)?;
        if !self.is_first {
            return Ok(false);
        }
        if let Some(control) = control {
            self.fold.advance_control(control.state().clone(), &self.opener);
        }
        self.read_up_to(u64::MAX)?;
        if self.damaged {
            return Ok(false);
        }
        self.source.check_file(Topic::Submissions, self.shard.0, &self.reader, &mut self.differences);
        self.check_own_sums();
        let refused = hattama_tally::Outcome::Refused as usize;
        self.counts.submissions = self.fold.position().next_offset - 1;
        self.counts.submissions_refused = self.fold.tally().records.by_outcome[refused];
        self.counts.signatures_verified = self.opener.verified();
        Ok(true)
    }

    /// Moves the fold exactly to a pair; otherwise says why it cannot stand there.
    fn move_to(
        &mut self,
        pair: PositionPair,
        control: Option<&ControlFold>,
    ) -> Result<Option<String>, ExportReadError> {
        if let Some(control) = control {
            let Some(state) = control.state_at(pair.control_next_offset) else {
                return Ok(Some(format!("control has only {} records", control.state().next_offset())));
            };
            self.fold.advance_control(state, &self.opener);
        }
        self.read_up_to(pair.next_offset)?;
        let at = self.fold.position().next_offset;
        Ok((at != pair.next_offset).then(|| format!("{} has only {at} records", Topic::Submissions.file(self.shard.0))))
    }

    /// Folds the records up to an offset, or to the end of the file.
    fn read_up_to(&mut self, next_offset: u64) -> Result<(), ExportReadError> {
        while !self.damaged && self.reader.next_record() < next_offset {
            let wanted = (next_offset - self.reader.next_record()).min(BATCH_RECORDS);
            let mut batch = Vec::new();
            let mut is_end = false;
            for _ in 0..wanted {
                let mut value = Vec::new();
                match self.reader.read(&mut value) {
                    Ok(true) => batch.push(value),
                    Ok(false) => is_end = true,
                    Err(error) => {
                        let found = unreadable(self.shard.0, error)?;
                        self.damaged = true;
                        if self.is_first {
                            self.differences.add(found);
                        }
                    }
                }
                if is_end || self.damaged {
                    break;
                }
            }
            let values: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
            self.fold.apply(&values, &self.opener);
            self.counts.records += values.len() as u64;
            if self.is_first {
                (self.source.progress)(values.len() as u64);
            }
            if is_end {
                break;
            }
        }
        Ok(())
    }

    fn compare(&mut self, pair: PositionPair, stop: Stop) -> Result<(), ExportReadError> {
        if let Some(claim) = stop.outcomes {
            self.compare_outcomes(&claim)?;
        }
        if stop.tallies.is_empty() && stop.publication.is_none() {
            return Ok(());
        }
        let tally = self.fold.tally();
        if !stop.tallies.is_empty() {
            let digest = sha256(&encode_tally(&self.source.definition, &tally));
            let mut agrees = true;
            for claim in &stop.tallies {
                self.counts.tallies_compared += 1;
                if claim.digest != digest {
                    agrees = false;
                    self.explain_tally(&tally, claim)?;
                }
            }
            if agrees {
                self.agreed_up_to = pair.next_offset;
            }
        }
        if stop.publication.is_some() {
            self.published = Some(tally);
        }
        Ok(())
    }

    fn compare_outcomes(&mut self, claim: &OutcomesClaim) -> Result<(), ExportReadError> {
        let body = self.fold.take_outcomes(claim.from);
        self.counts.outcomes_compared += claim.records();
        if sha256(&encode_outcomes(&body)) == claim.digest {
            return Ok(());
        }
        if !self.may_explain() {
            return Ok(());
        }
        let (theirs, first_offsets) = self.read_step_again(claim)?;
        let (offset, Explained { what, expected, found }) = match &theirs {
            Some(theirs) => explain::outcomes(&body, theirs),
            None => (None, explain::unread()),
        };
        let Some(place) = place_of(claim, &first_offsets, offset) else { return Ok(()) };
        let station = match offset {
            Some(offset) => self.source.station_of_record(self.shard, offset)?,
            None => None,
        };
        let about = offset.map(|offset| self.range(offset, offset));
        let difference = self.found(Subject::Outcomes, Topic::Outcomes, place, what);
        self.differences.add(difference.between(expected, found).about(about).station(station));
        Ok(())
    }

    /// The whole step, and the first offset that each of its parts lists; no step when a part cannot be read.
    fn read_step_again(
        &self,
        claim: &OutcomesClaim,
    ) -> Result<(Option<OutcomesBody>, Vec<Option<u64>>), ExportReadError> {
        let mut step: Option<OutcomesBody> = None;
        let mut first_offsets = Vec::new();
        for place in &claim.places {
            let bytes = self.read_again(Topic::Outcomes, *place)?;
            let part = bytes.and_then(|bytes| decode_outcomes(&self.source.definition, &bytes).ok());
            let Some(part) = part else { return Ok((None, Vec::new())) };
            first_offsets.push(part.outcomes.first().map(|outcome| outcome.offset));
            match &mut step {
                Some(step) => step.outcomes.extend(part.outcomes),
                None => step = Some(part),
            }
        }
        Ok((step, first_offsets))
    }

    fn explain_tally(&mut self, tally: &TallyBody, claim: &TallyClaim) -> Result<(), ExportReadError> {
        if self.has_other_records || !self.may_explain() {
            self.differences.leave_out();
            return Ok(());
        }
        let theirs = self.read_again(Topic::Tallies, claim.place)?;
        let theirs = theirs.and_then(|bytes| decode_tally(&self.source.definition, &bytes).ok());
        let Explained { what, expected, found } = theirs
            .as_ref()
            .map_or_else(explain::unread, |theirs| explain::tally(&self.source.definition, tally, theirs));
        let mut difference = self.found(Subject::Tally, Topic::Tallies, claim.place, what).between(expected, found);
        if let Some(theirs) = theirs.filter(|theirs| theirs.chain != tally.chain) {
            self.has_other_records = true;
            let definition = &self.source.definition;
            let range = (self.agreed_up_to, tally.position.next_offset);
            let candidates = self.source.stations_of_range(self.shard, range, |id| {
                let station = definition.station(id);
                station.is_some_and(|(_, station)| explain::may_come_from(definition, tally, &theirs, station))
            })?;
            let about = (range.1 > range.0).then(|| self.range(range.0, range.1 - 1));
            difference = difference.about(about).candidates(candidates);
        }
        self.differences.add(difference);
        Ok(())
    }

    /// Our own arithmetic: what is summed step by step is what all stations come to.
    fn check_own_sums(&mut self) {
        let tally = self.fold.tally();
        let again = match &self.fold {
            Fold::Control(_) => Ok(()),
            Fold::Shard(fold) if fold.tally_from_stations() != tally => {
                Err("the sum over its stations is another than the running one".to_owned())
            }
            Fold::Shard(_) => Ok(()),
        };
        if let Err(broken) = again.and_then(|()| check_tally(&tally).map_err(|broken| broken.to_string())) {
            let what = format!("a defect of this software: {broken}");
            self.differences.add(Found::new(Subject::Tally, Topic::Submissions.file(self.shard.0), what));
        }
    }

    fn may_explain(&mut self) -> bool {
        self.explained += 1;
        if self.explained > MAX_EXPLAINED {
            self.differences.leave_out();
        }
        self.explained <= MAX_EXPLAINED
    }

    fn tell_stuck(&mut self, pair: PositionPair, stop: &Stop, why: &str) {
        let (subject, topic, place) = match stop {
            Stop { outcomes: Some(OutcomesClaim { places, .. }), .. } if !places.is_empty() => {
                (Subject::Outcomes, Topic::Outcomes, places[0])
            }
            Stop { tallies, .. } if !tallies.is_empty() => (Subject::Tally, Topic::Tallies, tallies[0].place),
            Stop { publication: Some(place), .. } => (Subject::Publication, Topic::Publications, *place),
            Stop { .. } => return,
        };
        let what = format!("it says to know records that are not in the export: {why}");
        let at = self.fold.position();
        self.differences.add(self.found(subject, topic, place, what).between(text(at), text(pair)));
    }

    fn found(&self, subject: Subject, topic: Topic, place: Place, what: String) -> Found {
        let partition = if topic == Topic::Publications { 0 } else { self.shard.0 };
        Found::new(subject, topic.file(partition), what).at(partition, place.record, place.byte)
    }

    fn range(&self, first: u64, last: u64) -> RecordRange {
        RecordRange { file: Topic::Submissions.file(self.shard.0), first, last }
    }

    fn read_again(&self, topic: Topic, place: Place) -> Result<Option<bytes::Bytes>, ExportReadError> {
        let value = self.source.export.record(topic, self.shard.0, place.record)?;
        Ok(value.and_then(|value| self.source.open(topic, &value).ok()).map(|opened| opened.body))
    }
}

/// Of a step's records the one that speaks of an offset, or would if it did; the first when that is not known.
fn place_of(claim: &OutcomesClaim, first_offsets: &[Option<u64>], offset: Option<u64>) -> Option<Place> {
    let before = |first: &Option<u64>| first.is_some_and(|first| offset.is_some_and(|offset| first <= offset));
    let part = first_offsets.iter().rposition(before).unwrap_or(0);
    claim.places.get(part).copied()
}
