//! Files of turnout: each row a station, a slot and two counts.

use super::{
    BadRow, ImportError,
    cell::{Template, count},
    gathered::Gathered,
    mapping::{Mapping, TurnoutMap},
    table::{Row, Table},
};
use crate::recorded::{RecordedEvent, Said};
use hattama_election::{
    digest::sha256,
    ids::{SlotId, StationId},
    instant::Instant,
    turnout::TurnoutContent,
};
use std::collections::BTreeMap;

/// Reads a file's rows into `gathered`, whose stations are known by now.
pub(super) fn read(
    mapping: &Mapping,
    map: &TurnoutMap,
    table: &Table,
    gathered: &mut Gathered,
    mut row_read: impl FnMut(),
) -> Result<(), ImportError> {
    let columns = Columns::find(mapping, map, table)?;
    for row in table.rows() {
        row_read();
        match row.and_then(|row| columns.event(&row, gathered)) {
            Ok(event) => gathered.events.push(event),
            Err(bad) => gathered.bad_rows.add(bad),
        }
    }
    Ok(())
}

struct Columns<'m> {
    map: &'m TurnoutMap,
    station: Template<'m>,
    slot: usize,
    received: usize,
    register: usize,
    /// By what the file writes.
    slots: BTreeMap<&'m str, (SlotId, Instant)>,
}

impl<'m> Columns<'m> {
    fn find(mapping: &'m Mapping, map: &'m TurnoutMap, table: &Table) -> Result<Self, ImportError> {
        let wrong = |problem: String| ImportError::File { file: table.file.clone(), problem };
        let mut slots = BTreeMap::new();
        for slot in &map.slots {
            let id = SlotId::new(&slot.id).map_err(|error| wrong(format!("the mapping: {error}")))?;
            let at = Instant::parse(&slot.at).map_err(|error| wrong(format!("the mapping: {error}")))?;
            slots.insert(slot.value.as_str(), (id, at));
        }
        Ok(Self {
            map,
            station: Template::new(&map.station, table, &mapping.tables)?,
            slot: table.column(&map.slot)?,
            received: table.column(&map.received)?,
            register: table.column(&map.register)?,
            slots,
        })
    }

    fn event(&self, row: &Row<'_>, gathered: &mut Gathered) -> Result<RecordedEvent, BadRow> {
        let station = self.station.id(row, StationId::new)?;
        let Some(facts) = gathered.stations.get_mut(&station) else {
            let problem = format!("no protocol is of station `{station}`: is the template of turnout.station right?");
            return Err(row.bad(self.station.first_place(), problem));
        };
        let Some((slot, slot_at)) = self.slots.get(row.cell(self.slot)) else {
            let problem = format!("turnout.slots of the mapping has no value `{}`", row.cell(self.slot));
            return Err(row.bad(self.slot, problem));
        };
        let received_a_ballot = count(row, self.received, &self.map.files.thousands)?;
        let register = count(row, self.register, &self.map.files.thousands)?;
        if facts.first_report.is_none_or(|(first, _)| *slot_at < first) {
            facts.first_report = Some((*slot_at, register));
        }
        let at = Instant(slot_at.0 + delay_seconds(&station, self.map.arrival_spread_seconds));
        let content = TurnoutContent { station, slot: slot.clone(), revision: 1, received_a_ballot, register };
        Ok(RecordedEvent { at, said: Said::Turnout(content) })
    }
}

/// A station's reports come this long after each slot. By its id alone: equal rows must be equal submissions.
fn delay_seconds(station: &StationId, spread_seconds: u32) -> i64 {
    let [a, b, c, d, ..] = sha256(station.as_str().as_bytes());
    let draw = u64::from(u32::from_be_bytes([a, b, c, d]));
    i64::try_from((draw * u64::from(spread_seconds)) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_spread_within_the_seconds_that_the_mapping_allows() {
        let delays: Vec<i64> =
            (0..1_000).map(|i| delay_seconds(&StationId::new(&format!("s-{i}")).unwrap(), 600)).collect();
        assert!(delays.iter().all(|delay| (0..600).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < 60) && delays.iter().any(|delay| *delay > 540));
        assert_eq!(delay_seconds(&StationId::new("s").unwrap(), 0), 0);
    }
}
