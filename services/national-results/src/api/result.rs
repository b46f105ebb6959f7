//! The nation at a glance, a contest's totals, and turnout: from one publication each.

use super::{Api, reference_of};
use crate::{embargo, nation::Snapshot, ratios};
use hattama_election::{definition::Units, ids::SlotIndex, instant::Instant};
use hattama_proto::{
    log::v1 as log,
    national::v1::{ContestSummary, GetContestResultResponse, GetNationalResultResponse, GetTurnoutResponse, Ratio},
};
use hattama_tally::{ContestFigures, FIRST_POSITION, PublicationBody, SlotFigures, Unit};
use hattama_wire::{
    record_counts_to_proto, slot_figures_to_proto, turnout_totals_to_proto, unit_from_proto, vector_entry_to_proto,
};
use tonic::Status;

impl Api {
    /// The nation at a glance.
    pub(super) fn national_result(&self, snapshot: &Snapshot) -> GetNationalResultResponse {
        let body = &snapshot.publication.body;
        let states = self.archive.states();
        let restoring = self.restoring(Some(snapshot));
        let at_other_control =
            |position: hattama_tally::PositionPair| position.control_next_offset != body.control_next_offset;
        GetNationalResultResponse {
            publication: Some(reference_of(snapshot)),
            status: if restoring.is_some() { "restoring" } else { self.status(body) }.to_owned(),
            turnouts: self.main_turnouts(snapshot),
            contests: body.contests.iter().map(|figures| self.summary(snapshot, figures)).collect(),
            turnout: body.turnout.iter().map(|slot| slot_figures_to_proto(&self.definition, slot)).collect(),
            records: Some(record_counts_to_proto(&body.records)),
            frozen_shards: states.frozen.keys().map(|shard| shard.0).collect(),
            shards_at_other_control: body
                .vector
                .iter()
                .filter(|entry| at_other_control(entry.position))
                .map(|entry| entry.shard.0)
                .collect(),
            shards_checked: count(self.archive.confirmed(&body.vector, &self.station_shards)),
            shards: count(self.station_shards.len()),
            vector: body.vector.iter().map(vector_entry_to_proto).collect(),
            restoring,
            lost_records: self.lost_records(&snapshot.control),
        }
    }

    /// A contest's totals for the nation and by unit.
    pub(super) fn contest_result(&self, snapshot: &Snapshot, id: &str) -> Result<GetContestResultResponse, Status> {
        let (index, contest) = self.contest(id)?;
        let embargoed = self.is_embargoed(contest);
        let totals = snapshot.nation.contest(index).ok_or_else(|| Status::internal("the merge lacks this contest"))?;
        let shown = |unit, totals| embargo::totals(&self.definition, unit, totals, embargoed);
        let slots = &snapshot.publication.body.turnout;
        Ok(GetContestResultResponse {
            publication: Some(reference_of(snapshot)),
            nation: Some(shown(None, &totals.nation)),
            units: totals.units.iter().map(|(unit, totals)| shown(Some(*unit), totals)).collect(),
            embargoed,
            turnouts: ratios::of_contest(&self.definition, contest, &totals.nation, slots, embargoed),
        })
    }

    /// The unit of a question for turnout; none is the nation.
    pub(super) fn turnout_unit(&self, unit: Option<&log::Unit>) -> Result<Option<Unit>, Status> {
        let Some(unit) = unit.filter(|unit| unit.unit.is_some()) else { return Ok(None) };
        let unit = unit_from_proto(&self.definition, unit).map_err(|error| Status::not_found(error.to_string()))?;
        if matches!(unit, Unit::District(_)) {
            return Err(Status::invalid_argument("turnout is summed by region and territory, not by district"));
        }
        Ok(Some(unit))
    }

    /// Turnout by slot, of the nation with its regions, or of a region or territory.
    pub(super) fn turnout(&self, snapshot: &Snapshot, unit: Option<Unit>) -> GetTurnoutResponse {
        let publication = Some(reference_of(snapshot));
        if let Some(unit) = unit {
            let slots = self.unit_turnout(snapshot, |other| *other == unit);
            return GetTurnoutResponse { publication, slots, regions: Vec::new() };
        }
        let slots = snapshot.publication.body.turnout.iter().map(|slot| self.nation_turnout(slot)).collect();
        let regions = self.unit_turnout(snapshot, |unit| matches!(unit, Unit::Region(_)));
        GetTurnoutResponse { publication, slots, regions }
    }

    fn unit_turnout(&self, snapshot: &Snapshot, is_wanted: impl Fn(&Unit) -> bool) -> Vec<log::TurnoutTotals> {
        let wanted = snapshot.nation.turnout.iter().filter(|((_, unit), _)| is_wanted(unit));
        wanted.map(|(_, totals)| turnout_totals_to_proto(&self.definition, totals)).collect()
    }

    fn nation_turnout(&self, figures: &SlotFigures) -> log::TurnoutTotals {
        let SlotIndex(slot) = figures.slot;
        log::TurnoutTotals {
            slot: self.definition.slots[usize::from(slot)].id.to_string(),
            unit: None,
            stations: figures.stations,
            reported: figures.reported,
            received_a_ballot: figures.received_a_ballot,
            register: figures.register,
        }
    }

    fn summary(&self, snapshot: &Snapshot, figures: &ContestFigures) -> ContestSummary {
        let contest = &self.definition.contests[usize::from(figures.contest.0)];
        let embargoed = self.is_embargoed(contest);
        let slots = &snapshot.publication.body.turnout;
        let turnouts = snapshot
            .nation
            .contest(figures.contest)
            .map(|totals| ratios::of_contest(&self.definition, contest, &totals.nation, slots, embargoed));
        ContestSummary {
            figures: Some(embargo::figures(&self.definition, figures, embargoed)),
            embargoed,
            turnouts: turnouts.unwrap_or_default(),
        }
    }

    /// Of the first contest that is held everywhere, else of the first.
    fn main_turnouts(&self, snapshot: &Snapshot) -> Vec<Ratio> {
        let contests = &snapshot.publication.body.contests;
        let units = |figures: &&ContestFigures| &self.definition.contests[usize::from(figures.contest.0)].units;
        let national = contests.iter().find(|figures| matches!(units(figures), Units::All));
        national.or(contests.first()).map(|figures| self.summary(snapshot, figures).turnouts).unwrap_or_default()
    }

    /// `all_counted`: every station of every contest has a counted protocol. `polls_open`: none has, and the last station
    /// has not closed. Else `counting`.
    fn status(&self, body: &PublicationBody) -> &'static str {
        let told = |entry: &&hattama_tally::VectorEntry| self.station_shards.contains(&entry.shard);
        let all_told = body.vector.iter().filter(told).all(|entry| entry.position != FIRST_POSITION);
        let is_whole = |figures: &ContestFigures| figures.stations.counted == figures.stations.expected;
        if all_told && body.contests.iter().all(is_whole) {
            return "all_counted";
        }
        let last_close = self.definition.stations.iter().map(|station| station.polls_close).max();
        let is_open = last_close.is_some_and(|Instant(close)| self.clock.now().as_second() < close);
        let none_counted = body.contests.iter().all(|figures| figures.stations.counted == 0);
        if is_open && none_counted { "polls_open" } else { "counting" }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
