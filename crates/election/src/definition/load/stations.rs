//! Stations and their shards.

use super::{
    cell::{Cell, Known},
    places::Places,
    setting::Forms,
    shape::Sources,
};
use crate::{
    definition::{DistrictIndex, RegionIndex, Station, TerritoryIndex, errors::Errors},
    ids::{ShardId, StationId},
    protocol::MAX_COUNT,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most shards: one partition each in three topics, and one fold each in an aggregator.
pub const MAX_SHARDS: u32 = 4_096;

/// Reads the stations, in ascending order of their ids.
pub(super) fn read(sources: &Sources<'_>, places: &Places<'_>, forms: &Forms<'_>, errors: &mut Errors) -> Vec<Station> {
    Known::new("station", sources.stations.rows().map(|[id, ..]| id), errors);
    if sources.stations.rows().next().is_none() {
        errors.add(super::Location::file("stations.csv"), "no stations");
    }
    let mut stations: Vec<Station> =
        sources.stations.rows().filter_map(|row| station(row, places, forms, errors)).collect();
    check_shards(sources, &places.known_regions, errors);
    stations.sort_by(|a, b| a.id.cmp(&b.id));
    stations
}

fn station(row: [Cell<'_>; 9], places: &Places<'_>, forms: &Forms<'_>, errors: &mut Errors) -> Option<Station> {
    let [id, region_cell, territory_cell, district_cell, shard, form, register, polls_close, key] = row;
    let id = id.id(StationId::new, errors);
    let region = places.known_regions.find(region_cell, errors);
    let territory = places.known_territories.find(territory_cell, errors);
    let district = district_cell.if_any().map(|cell| places.known_districts.find(cell, errors));
    let own_form = form.if_any().map(|cell| forms.known.find(cell, errors));
    let shard = shard.number(1..=MAX_SHARDS, errors);
    let register = register.number(1..=MAX_COUNT, errors);
    let own_close = polls_close.if_any().map(|cell| cell.instant(errors));
    let key = key.key(errors);

    let region = RegionIndex(u16::try_from(region?).ok()?);
    let territory = TerritoryIndex(u16::try_from(territory?).ok()?);
    let district = match district {
        Some(index) => Some(DistrictIndex(u16::try_from(index?).ok()?)),
        None => None,
    };
    let of_territory = places.territories.get(usize::from(territory.0))?.as_ref().map(|place| place.region);
    let same = of_territory.is_none_or(|of_territory| of_territory == region);
    check_region(territory_cell, "territory", region_cell, same, errors);
    if let Some(district) = district {
        let of_district = places.districts.get(usize::from(district.0))?.as_ref().map(|place| place.region);
        let same = of_district.is_none_or(|of_district| of_district == region);
        check_region(district_cell, "district", region_cell, same, errors);
    }
    let closes_with_region = places.regions.get(usize::from(region.0))?.as_ref().map(|region| region.polls_close);
    Some(Station {
        id: id?,
        region,
        territory,
        district,
        shard: ShardId(shard?),
        form: match own_form {
            Some(form) => Some(form?),
            None => None,
        },
        register: register?,
        polls_close: match own_close {
            Some(instant) => instant?,
            None => closes_with_region?,
        },
        key: key?,
    })
}

fn check_region(place: Cell<'_>, what: &str, region: Cell<'_>, same: bool, errors: &mut Errors) {
    if !same {
        let problem = format!("{what} `{}` is not in region `{}` of this station", place.text, region.text);
        errors.add(place.location(), problem);
    }
}

/// Shards are numbered from 1 without gaps, and all stations of a shard are of one region (design, D2).
fn check_shards(sources: &Sources<'_>, known: &Known<'_>, errors: &mut Errors) {
    let mut regions: BTreeMap<u32, &str> = BTreeMap::new();
    let mut mixed = BTreeSet::new();
    let rows: Vec<[Cell<'_>; 9]> = sources.stations.rows().collect();
    for [_, region, _, _, shard, ..] in &rows {
        let Some(number) = shard.text.parse().ok().filter(|number| (1..=MAX_SHARDS).contains(number)) else { continue };
        let first = *regions.entry(number).or_insert(region.text);
        if first != region.text && known.has(region.text) && mixed.insert(number) {
            let problem = format!(
                "shard {number} has stations of region `{first}` already, and this one is of `{}`",
                region.text
            );
            errors.add_with_hint(shard.location(), problem, "a shard is of one region");
        }
    }
    for (expected, number) in (1..).zip(regions.keys()) {
        if expected != *number {
            let problem = format!("shards must be numbered without gaps: {expected} is missing, {number} is there");
            return errors.add(super::Location::file("stations.csv").named("shard"), problem);
        }
    }
}
