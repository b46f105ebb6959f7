//! Totals, counts and units from and to messages: of tallies and publications, and of the services' answers.

use crate::{
    body::{BodyError, expect_ascending, missing, read_figure, read_list},
    payload::{line_meaning_from_number, line_meaning_number},
};
use hattama_election::{
    definition::{Contest, Definition, DistrictIndex, RegionIndex, TerritoryIndex},
    form::LineMeaning,
    ids::{ContestId, ContestIndex, SlotId, SlotIndex},
};
use hattama_proto::log::v1::{self, unit};
use hattama_tally::{LineTotal, Outcome, RecordCounts, StationCounts, TurnoutTotals, Unit, UnitTotals};

/// Totals of lines, by place in [`LineMeaning::ALL`].
pub type LineTotals = [LineTotal; LineMeaning::ALL.len()];

/// An outcome as an enum's value.
#[must_use]
pub fn outcome_to_proto(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::Counted => v1::Outcome::Counted,
        Outcome::Held => v1::Outcome::Held,
        Outcome::Duplicate => v1::Outcome::Duplicate,
        Outcome::Superseded => v1::Outcome::Superseded,
        Outcome::Contested => v1::Outcome::Contested,
        Outcome::Annulled => v1::Outcome::Annulled,
        Outcome::Refused => v1::Outcome::Refused,
    }
}

/// The outcome of an enum's number; `None` when it is unspecified or not known.
#[must_use]
pub fn outcome_from_proto(number: i32) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| i32::from(outcome_to_proto(*outcome)) == number)
}

/// A unit by its id.
///
/// # Panics
/// When the unit is of another definition.
#[must_use]
pub fn unit_to_proto(definition: &Definition, unit: Unit) -> v1::Unit {
    let unit = match unit {
        Unit::Region(index) => unit::Unit::Region(definition.regions[usize::from(index.0)].id.to_string()),
        Unit::Territory(index) => unit::Unit::Territory(definition.territories[usize::from(index.0)].id.to_string()),
        Unit::District(index) => unit::Unit::District(definition.districts[usize::from(index.0)].id.to_string()),
    };
    v1::Unit { unit: Some(unit) }
}

/// The unit that a message names.
///
/// # Errors
/// When it names none of the definition.
pub fn unit_from_proto(definition: &Definition, message: &v1::Unit) -> Result<Unit, BodyError> {
    let known = match &message.unit {
        Some(unit::Unit::Region(id)) => {
            place(&definition.regions, |region| region.id.as_str() == id).map(|index| Unit::Region(RegionIndex(index)))
        }
        Some(unit::Unit::Territory(id)) => place(&definition.territories, |territory| territory.id.as_str() == id)
            .map(|index| Unit::Territory(TerritoryIndex(index))),
        Some(unit::Unit::District(id)) => place(&definition.districts, |district| district.id.as_str() == id)
            .map(|index| Unit::District(DistrictIndex(index))),
        None => None,
    };
    known.ok_or_else(|| BodyError::field("unit", "the definition has no such unit"))
}

/// Counts of stations as a message.
#[must_use]
pub fn station_counts_to_proto(counts: &StationCounts) -> v1::StationCounts {
    v1::StationCounts {
        expected: counts.expected,
        counted: counts.counted,
        held: counts.held,
        contested: counts.contested,
        annulled: counts.annulled,
        missing: counts.missing,
        corrected: counts.corrected,
        flagged: counts.flagged,
        held_beside: counts.held_beside,
        contested_beside: counts.contested_beside,
        register_expected: counts.register_expected,
        register_counted: counts.register_counted,
    }
}

/// Counts of stations from a message.
///
/// # Errors
/// When a count is above [`crate::MAX_FIGURE`].
pub fn station_counts_from_proto(message: &v1::StationCounts) -> Result<StationCounts, BodyError> {
    let counts = StationCounts {
        expected: message.expected,
        counted: message.counted,
        held: message.held,
        contested: message.contested,
        annulled: message.annulled,
        missing: message.missing,
        corrected: message.corrected,
        flagged: message.flagged,
        held_beside: message.held_beside,
        contested_beside: message.contested_beside,
        register_expected: message.register_expected,
        register_counted: message.register_counted,
    };
    counts.as_array().into_iter().try_for_each(|count| read_figure("stations", count).map(drop))?;
    Ok(counts)
}

/// Counts of records as a message.
#[must_use]
pub fn record_counts_to_proto(counts: &RecordCounts) -> v1::RecordCounts {
    let [counted, held, duplicate, superseded, contested, annulled, refused] = counts.by_outcome;
    v1::RecordCounts { records: counts.records, counted, held, duplicate, superseded, contested, annulled, refused }
}

/// Counts of records from a message.
///
/// # Errors
/// When a count is above [`crate::MAX_FIGURE`].
pub fn record_counts_from_proto(message: &v1::RecordCounts) -> Result<RecordCounts, BodyError> {
    let by_outcome = [
        message.counted,
        message.held,
        message.duplicate,
        message.superseded,
        message.contested,
        message.annulled,
        message.refused,
    ];
    let records = message.records;
    by_outcome.into_iter().chain([records]).try_for_each(|count| read_figure("records", count).map(drop))?;
    Ok(RecordCounts { records, by_outcome })
}

/// The lines that some counted protocol has written, as messages.
#[must_use]
pub fn line_totals_to_proto(lines: &LineTotals) -> Vec<v1::LineTotal> {
    let written = LineMeaning::ALL.into_iter().zip(lines).filter(|(_, line)| line.written > 0);
    written
        .map(|(meaning, line)| v1::LineTotal {
            meaning: line_meaning_number(meaning),
            sum: line.sum,
            written: line.written,
        })
        .collect()
}

/// Totals of lines from messages.
///
/// # Errors
/// When a meaning is not known, is out of order, or is written nowhere.
pub fn line_totals_from_proto(messages: &[v1::LineTotal]) -> Result<LineTotals, BodyError> {
    let lines = read_list("lines", messages, |line| {
        let meaning = line_meaning_from_number(line.meaning)
            .ok_or_else(|| BodyError::field("meaning", format_args!("{} is not known", line.meaning)))?;
        if line.written == 0 {
            return Err(BodyError::field("written", "a line that is written nowhere is left out"));
        }
        let sum = read_figure("sum", line.sum)?;
        Ok((meaning, LineTotal { sum, written: read_figure("written", line.written)? }))
    })?;
    expect_ascending("lines", &lines.iter().map(|(meaning, _)| *meaning).collect::<Vec<_>>())?;
    let mut totals = LineTotals::default();
    lines.into_iter().for_each(|(meaning, line)| totals[meaning as usize] = line);
    Ok(totals)
}

/// Totals of a contest over a unit, as a message; without a unit they are the nation's.
///
/// # Panics
/// When the unit is of another definition.
#[must_use]
pub fn unit_totals_to_proto(definition: &Definition, unit: Option<Unit>, totals: &UnitTotals) -> v1::UnitTotals {
    v1::UnitTotals {
        unit: unit.map(|unit| unit_to_proto(definition, unit)),
        stations: Some(station_counts_to_proto(&totals.stations)),
        lines: line_totals_to_proto(&totals.lines),
        votes: totals.votes.clone(),
        against_all: totals.against_all,
    }
}

/// Totals of a contest over a unit, from a message; without a unit they are the nation's.
///
/// # Errors
/// When a field is missing, is not of this definition and contest, or is above [`crate::MAX_FIGURE`].
pub fn unit_totals_from_proto(
    definition: &Definition,
    contest: &Contest,
    message: &v1::UnitTotals,
) -> Result<(Option<Unit>, UnitTotals), BodyError> {
    let unit = message.unit.as_ref().map(|unit| unit_from_proto(definition, unit)).transpose()?;
    let stations = message.stations.as_ref().ok_or_else(|| missing("stations"))?;
    let totals = UnitTotals {
        stations: station_counts_from_proto(stations)?,
        lines: line_totals_from_proto(&message.lines)?,
        votes: votes_from_proto(contest, &message.votes)?,
        against_all: read_figure("against_all", message.against_all)?,
    };
    Ok((unit, totals))
}

/// Votes in ballot order: one number for each option.
pub(crate) fn votes_from_proto(contest: &Contest, votes: &[u64]) -> Result<Vec<u64>, BodyError> {
    if votes.len() != contest.options.len() {
        let (found, expected) = (votes.len(), contest.options.len());
        return Err(BodyError::field("votes", format_args!("{found} numbers where {expected} options are")));
    }
    votes.iter().map(|votes| read_figure("votes", *votes)).collect()
}

/// Turnout of a unit at a slot, as a message.
///
/// # Panics
/// When slot or unit are of another definition.
#[must_use]
pub fn turnout_totals_to_proto(definition: &Definition, turnout: &TurnoutTotals) -> v1::TurnoutTotals {
    v1::TurnoutTotals {
        slot: definition.slots[usize::from(turnout.slot.0)].id.to_string(),
        unit: Some(unit_to_proto(definition, turnout.unit)),
        stations: turnout.stations,
        reported: turnout.reported,
        received_a_ballot: turnout.received_a_ballot,
        register: turnout.register,
    }
}

/// Turnout of a unit at a slot, from a message.
///
/// # Errors
/// When slot or unit are not of this definition, or a figure is above [`crate::MAX_FIGURE`].
pub fn turnout_totals_from_proto(
    definition: &Definition,
    message: &v1::TurnoutTotals,
) -> Result<TurnoutTotals, BodyError> {
    let unit = message.unit.as_ref().ok_or_else(|| missing("unit"))?;
    Ok(TurnoutTotals {
        slot: slot_from_proto(definition, &message.slot)?,
        unit: unit_from_proto(definition, unit)?,
        stations: read_figure("stations", message.stations)?,
        reported: read_figure("reported", message.reported)?,
        received_a_ballot: read_figure("received_a_ballot", message.received_a_ballot)?,
        register: read_figure("register", message.register)?,
    })
}

/// The contest of an id.
pub(crate) fn contest_from_proto<'a>(
    definition: &'a Definition,
    id: &str,
) -> Result<(ContestIndex, &'a Contest), BodyError> {
    let known = ContestId::new(id).ok().and_then(|id| definition.contest(&id));
    known.ok_or_else(|| BodyError::field("contest", "the definition has no such contest"))
}

/// The slot of an id.
pub(crate) fn slot_from_proto(definition: &Definition, id: &str) -> Result<SlotIndex, BodyError> {
    let known = SlotId::new(id).ok().and_then(|id| definition.slot(&id));
    known.map(|(index, _)| index).ok_or_else(|| BodyError::field("slot", "the definition has no such slot"))
}

/// The place of the first item that is the one.
fn place<T>(items: &[T], is_the_one: impl Fn(&T) -> bool) -> Option<u16> {
    items.iter().position(is_the_one).and_then(|place| u16::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_reads_back_and_keeps_its_place() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            let message = outcome_to_proto(outcome);
            assert_eq!(outcome_from_proto(message.into()), Some(outcome));
            assert_eq!(i32::from(message), i32::try_from(place).unwrap() + 1);
            assert_eq!(message.as_str_name(), format!("OUTCOME_{}", outcome.as_str().to_uppercase()));
        }
        assert_eq!(outcome_from_proto(0), None);
        assert_eq!(outcome_from_proto(8), None);
    }

    #[test]
    fn counts_of_records_stand_under_their_outcomes_names() {
        let counts = RecordCounts { records: 28, by_outcome: [1, 2, 3, 4, 5, 6, 7] };
        let message = record_counts_to_proto(&counts);
        let by_name = |outcome| match outcome {
            Outcome::Counted => message.counted,
            Outcome::Held => message.held,
            Outcome::Duplicate => message.duplicate,
            Outcome::Superseded => message.superseded,
            Outcome::Contested => message.contested,
            Outcome::Annulled => message.annulled,
            Outcome::Refused => message.refused,
        };
        for (outcome, count) in Outcome::ALL.into_iter().zip(counts.by_outcome) {
            assert_eq!(by_name(outcome), count, "{}", outcome.as_str());
        }
        assert_eq!(record_counts_from_proto(&message), Ok(counts));
    }

    #[test]
    fn figures_that_no_sum_could_hold_are_refused() {
        let stations = v1::StationCounts { register_counted: u64::MAX, ..Default::default() };
        assert!(station_counts_from_proto(&stations).is_err());
        let records = v1::RecordCounts { records: u64::MAX, ..Default::default() };
        assert!(record_counts_from_proto(&records).is_err());
    }

    #[test]
    fn lines_out_of_order_twice_or_written_nowhere_are_refused() {
        let line = |meaning, written| v1::LineTotal { meaning, sum: 5, written };
        assert!(line_totals_from_proto(&[line(1, 1), line(2, 1)]).is_ok());
        for wrong in [[line(2, 1), line(1, 1)], [line(1, 1), line(1, 1)], [line(1, 1), line(2, 0)]] {
            assert!(line_totals_from_proto(&wrong).is_err());
        }
        assert!(line_totals_from_proto(&[line(0, 1)]).is_err());
        assert!(line_totals_from_proto(&[line(13, 1)]).is_err());
    }
}
