//! Files of protocols: each row a station, a revision, an arrival and the figures.

use super::{
    BadRow, ImportError,
    cell::{Template, count, instant},
    gathered::{Gathered, StationFacts, TerritoryFacts},
    mapping::{LineMap, Mapping, Marker, ProtocolsMap},
    table::{Row, Table},
};
use crate::recorded::{RecordedEvent, Said};
use hattama_election::{
    form::Lines,
    ids::{ContestId, OptionId, RegionId, StationId, TerritoryId},
    protocol::{MAX_REVISION, ProtocolContent},
};

/// Reads a file's rows into `gathered`.
pub(super) fn read(
    mapping: &Mapping,
    table: &Table,
    gathered: &mut Gathered,
    mut row_read: impl FnMut(),
) -> Result<(), ImportError> {
    let columns = Columns::find(mapping, table)?;
    for row in table.rows() {
        row_read();
        let read = row.and_then(|row| {
            // The station first: it is there even if its figures cannot be read.
            let (station, abroad) = columns.station(&row, gathered)?;
            let content = columns.content(&row, station, abroad)?;
            let at = instant(&row, columns.arrived, &mapping.protocols.arrived)?;
            columns.note_register(&row, &content, gathered)?;
            Ok(RecordedEvent { at, said: Said::Protocol { content: Box::new(content), supersedes: None } })
        });
        match read {
            Ok(event) => gathered.events.push(event),
            Err(bad) => gathered.bad_rows.add(bad),
        }
    }
    Ok(())
}

/// The mapping's columns, found in one file's header.
struct Columns<'m> {
    map: &'m ProtocolsMap,
    regions: Vec<&'m str>,
    contest: ContestId,
    station: Template<'m>,
    region: Template<'m>,
    territory: Template<'m>,
    territory_name: Option<Template<'m>>,
    abroad: Option<(usize, &'m Marker)>,
    revision: Option<usize>,
    arrived: usize,
    register: Option<usize>,
    lines: Vec<(usize, &'m LineMap)>,
    /// In ascending order of ids, as a content has them.
    options: Vec<(OptionId, usize)>,
    against_all: Option<usize>,
}

impl<'m> Columns<'m> {
    fn find(mapping: &'m Mapping, table: &Table) -> Result<Self, ImportError> {
        let map = &mapping.protocols;
        let template = |text: &'m str| Template::new(text, table, &mapping.tables);
        let column = |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        let wrong_id = |error: hattama_election::ids::InvalidId| ImportError::File {
            file: table.file.clone(),
            problem: format!("the mapping: {error}"),
        };
        let mut options = Vec::with_capacity(map.options.len());
        for option in &map.options {
            options.push((OptionId::new(&option.id).map_err(wrong_id)?, table.column(&option.column)?));
        }
        options.sort();
        Ok(Self {
            map,
            regions: mapping.regions.iter().map(|region| region.id.as_str()).collect(),
            contest: ContestId::new(&mapping.contest.id).map_err(wrong_id)?,
            station: template(&map.station)?,
            region: template(&map.region)?,
            territory: template(&map.territory)?,
            territory_name: map.territory_name.as_deref().map(template).transpose()?,
            abroad: map
                .abroad
                .as_ref()
                .map(|marker| Ok::<_, ImportError>((table.column(&marker.column)?, marker)))
                .transpose()?,
            revision: column(&map.revision)?,
            arrived: table.column(&map.arrived.column)?,
            register: column(&map.register)?,
            lines: map
                .lines
                .iter()
                .map(|line| Ok((table.column(&line.column)?, line)))
                .collect::<Result<_, ImportError>>()?,
            options,
            against_all: column(&map.against_all)?,
        })
    }

    /// The row's station, known from here on; and whether it is abroad.
    fn station(&self, row: &Row<'_>, gathered: &mut Gathered) -> Result<(StationId, bool), BadRow> {
        let id = self.station.id(row, StationId::new)?;
        let region = self.region.id(row, RegionId::new)?;
        if !self.regions.contains(&region.as_str()) {
            return Err(row.bad(self.region.first_place(), format!("the mapping has no region `{region}`")));
        }
        let territory = self.territory.id(row, TerritoryId::new)?;
        let name = self.territory_name.as_ref().map(|name| name.fill(row)).transpose()?;
        let abroad =
            self.abroad.as_ref().is_some_and(|(place, marker)| marker.is.iter().any(|is| is == row.cell(*place)));
        let name = name.filter(|_| territory.as_str() != region.as_str());
        let known_territory = gathered
            .territories
            .entry(territory.clone())
            .or_insert_with(|| TerritoryFacts { region: region.clone(), name });
        if known_territory.region != region {
            let problem =
                format!("territory `{territory}` lies in region `{}` by an earlier row", known_territory.region);
            return Err(row.bad(self.territory.first_place(), problem));
        }
        let known = gathered.stations.entry(id.clone()).or_insert_with(|| StationFacts {
            region: region.clone(),
            territory: territory.clone(),
            abroad,
            register: None,
            first_report: None,
            first_place: row.place(),
        });
        if known.region != region || known.territory != territory || known.abroad != abroad {
            let problem = format!("station `{id}` lies elsewhere by {}: are these two stations?", known.first_place);
            return Err(row.bad(self.station.first_place(), problem));
        }
        Ok((id, abroad))
    }

    /// The register as the highest revision has it.
    fn note_register(&self, row: &Row<'_>, content: &ProtocolContent, gathered: &mut Gathered) -> Result<(), BadRow> {
        let Some(place) = self.register else { return Ok(()) };
        let register = self.count(row, place)?;
        let Some(known) = gathered.stations.get_mut(&content.station) else { return Ok(()) };
        if known.register.is_none_or(|(revision, _)| revision < content.revision) {
            known.register = Some((content.revision, register));
        }
        Ok(())
    }

    fn content(&self, row: &Row<'_>, station: StationId, abroad: bool) -> Result<ProtocolContent, BadRow> {
        let revision = self.revision.map_or(Ok(1), |place| revision(row, place))?;
        let mut lines = Lines::default();
        for (place, line) in &self.lines {
            if !line.required && row.cell(*place).is_empty() {
                continue;
            }
            let count = self.count(row, *place)?;
            if !(count == 0 && abroad && line.zero_abroad_is_absent) {
                lines.set(line.meaning, count);
            }
        }
        let votes = self.options.iter().map(|(option, place)| Ok((option.clone(), self.count(row, *place)?)));
        Ok(ProtocolContent {
            station,
            contest: self.contest.clone(),
            revision,
            lines,
            votes: votes.collect::<Result<_, BadRow>>()?,
            against_all: self.against_all.map(|place| self.count(row, place)).transpose()?,
        })
    }

    fn count(&self, row: &Row<'_>, place: usize) -> Result<u32, BadRow> {
        count(row, place, &self.map.files.thousands)
    }
}

fn revision(row: &Row<'_>, place: usize) -> Result<u8, BadRow> {
    let text = row.cell(place);
    let revision = text.parse().ok().filter(|revision| (1..=MAX_REVISION).contains(revision));
    revision.ok_or_else(|| row.bad(place, format!("`{text}` is no revision from 1 to {MAX_REVISION}")))
}
