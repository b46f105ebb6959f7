//! The loader: from bytes to a definition in which everything is resolved and checked, or to all that is wrong with it.
//!
//! First the shape of each file (text, header, rows, TOML); when that is right, everything the files say, all at once.

mod cell;
mod contests;
mod keys;
mod legal_sources;
mod methods;
mod offices;
mod places;
mod setting;
mod shape;
mod stations;
mod table;
mod toml_file;

pub use contests::MAX_OPTIONS;
pub use methods::MAX_SEATS;
pub use stations::MAX_SHARDS;

use super::{
    Definition, Index, Units,
    errors::{Errors, LoadErrors, Location},
    files::{DefinitionFiles, core_digest},
    tally_size,
};
use crate::ids::{ContestIndex, SlotIndex, StationIndex};
use shape::Sources;

const TOML: &str = "election.toml";

impl Definition {
    /// Loads a definition from its seven files (`docs/definition.md`).
    ///
    /// # Errors
    /// Everything that is wrong with the files, up to [`super::MAX_ERRORS`], each with its place and a hint. When the shape of
    /// a file is wrong, what the files say is not looked at yet.
    pub fn load(files: &DefinitionFiles) -> Result<Self, LoadErrors> {
        let mut errors = Errors::default();
        let Some(sources) = Sources::read(files, &mut errors) else {
            return Err(errors.finish());
        };
        let definition = assemble(&sources, files, &mut errors);
        match definition {
            Some(definition) if errors.is_empty() => Ok(definition),
            _ => Err(errors.finish()),
        }
    }
}

/// Reads every part, so that all errors are found; a definition only when there are none.
fn assemble(sources: &Sources<'_>, files: &DefinitionFiles, errors: &mut Errors) -> Option<Definition> {
    let setting = setting::read(sources, errors);
    let places = places::Places::read(sources, errors);
    let forms = setting::Forms::read(sources, errors);
    let contests = contests::read(sources, &places, &forms, errors);
    let stations = stations::read(sources, &places, &forms, errors);
    let offices = offices::read(sources, &places, errors);
    let severities = setting::severities(sources, errors);
    keys::check(sources, errors);
    if !errors.is_empty() {
        return None;
    }
    // From here on every index is right: nothing was left out.
    let (setting, offices) = (setting?, offices?);
    let mut definition = Definition {
        id: setting.id,
        core_digest: core_digest(files),
        purpose: setting.purpose,
        provenance: setting.provenance,
        date: setting.date,
        national_utc_offset_minutes: setting.national_utc_offset_minutes,
        fold_version: setting.fold_version,
        name: setting.name,
        rehearsal: setting.rehearsal,
        slots: setting.slots,
        forms: forms.forms,
        regions: places.regions.into_iter().flatten().collect(),
        territories: places.territories.into_iter().flatten().collect(),
        districts: places.districts.into_iter().flatten().collect(),
        contests: contests?,
        shards: stations.iter().map(|station| station.shard.0 + 1).max().unwrap_or(1),
        stations,
        authorities: offices.authorities,
        services: offices.services,
        severities,
        index: Index::default(),
    };
    definition.index = index(&definition);
    definition.index.keys = keys::index(&definition);
    check_where_contests_are_held(&definition, errors);
    tally_size::check(&definition, errors);
    Some(definition)
}

fn index(definition: &Definition) -> Index {
    let mut index = Index {
        stations: (0..).map(StationIndex).zip(&definition.stations).map(|(i, s)| (s.id.clone(), i)).collect(),
        slots: (0..).map(SlotIndex).zip(&definition.slots).map(|(i, s)| (s.id.clone(), i)).collect(),
        authorities: (0..).zip(&definition.authorities).map(|(i, a)| (a.id.clone(), i)).collect(),
        ..Index::default()
    };
    for (i, contest) in (0..).map(ContestIndex).zip(&definition.contests) {
        index.contests.insert(contest.id.clone(), i);
        match &contest.units {
            Units::All => index.contests_everywhere.push(i),
            Units::District(district) => index.contests_by_district.entry(*district).or_default().push(i),
            Units::Regions(regions) => {
                regions.iter().for_each(|region| index.contests_by_region.entry(*region).or_default().push(i));
            }
        }
    }
    index
}

/// Every contest is held at some station, and every station votes on something.
fn check_where_contests_are_held(definition: &Definition, errors: &mut Errors) {
    let mut held = vec![false; definition.contests.len()];
    for station in &definition.stations {
        let mut any = false;
        for contest in definition.contests_of(station) {
            held[usize::from(contest.0)] = true;
            any = true;
        }
        if !any {
            errors.add(Location::file("stations.csv"), format!("no contest is held at station `{}`", station.id));
        }
    }
    for (contest, _) in definition.contests.iter().zip(held).filter(|(_, held)| !held) {
        errors.add(Location::file(TOML), format!("contest `{}` is held at no station", contest.id));
    }
}
