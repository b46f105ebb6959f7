//! Regions, territories and districts.

use super::{
    cell::{Cell, Known, name},
    setting::UTC_OFFSETS_MINUTES,
    shape::Sources,
    table::Table,
};
use crate::{
    definition::{District, Region, RegionIndex, Territory, errors::Errors},
    ids::{AuthorityId, DistrictId, InvalidId, RegionId, TerritoryId},
    text::Text,
};

/// The longest ISO 3166-2 code.
const MAX_ISO_BYTES: usize = 6;

/// All places, each at the place of its row; none where the row is wrong.
pub(super) struct Places<'a> {
    pub(super) regions: Vec<Option<Region>>,
    pub(super) known_regions: Known<'a>,
    pub(super) territories: Vec<Option<Territory>>,
    pub(super) known_territories: Known<'a>,
    pub(super) districts: Vec<Option<District>>,
    pub(super) known_districts: Known<'a>,
}

impl<'a> Places<'a> {
    /// Reads the three tables.
    pub(super) fn read(sources: &'a Sources<'_>, errors: &mut Errors) -> Self {
        let known_regions = Known::new("region", sources.regions.rows().map(|[id, ..]| id), errors);
        let regions = sources.regions.rows().map(|row| region(row, errors)).collect();
        let territories = areas(&sources.territories, &known_regions, TerritoryId::new, "tec", errors)
            .map(|area| area.map(|(id, region, name)| Territory { id, region, name }))
            .collect();
        let districts = areas(&sources.districts, &known_regions, DistrictId::new, "dec", errors)
            .map(|area| area.map(|(id, region, name)| District { id, region, name }))
            .collect();
        Self {
            regions,
            known_regions,
            territories,
            known_territories: Known::new("territory", sources.territories.rows().map(|[id, ..]| id), errors),
            districts,
            known_districts: Known::new("district", sources.districts.rows().map(|[id, ..]| id), errors),
        }
    }
}

fn region([id, kk, ru, en, iso, offset, polls_close]: [Cell<'_>; 7], errors: &mut Errors) -> Option<Region> {
    let iso_is_good = iso.text.len() <= MAX_ISO_BYTES
        && iso.text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
    if !iso_is_good {
        errors.add(
            iso.location(),
            format!("`{}` is no ISO 3166-2 code: write it like KZ-10, or leave it empty", iso.text),
        );
    }
    let (id, name) = (id.id(RegionId::new, errors), name([kk, ru, en], errors));
    let utc_offset_minutes = offset.number(UTC_OFFSETS_MINUTES, errors);
    if polls_close.text.is_empty() {
        errors.add(polls_close.location(), "a region must say when its stations close, like 2023-03-19T20:00:00+06:00");
    }
    let polls_close = polls_close.if_any().and_then(|polls_close| polls_close.instant(errors));
    Some(Region {
        id: id?,
        name: name?,
        iso: iso.if_any().map(|iso| iso.text.into()),
        utc_offset_minutes: utc_offset_minutes?,
        polls_close: polls_close?,
    })
}

/// The rows of `territories.csv` or `districts.csv`, which have the same columns.
fn areas<'t, Id>(
    table: &'t Table<'_, 6>,
    regions: &'t Known<'_>,
    new: fn(&str) -> Result<Id, InvalidId>,
    commission: &'static str,
    errors: &mut Errors,
) -> impl Iterator<Item = Option<(Id, RegionIndex, Text)>> {
    let read = |[id, region, kk, ru, en, _key]: [Cell<'_>; 6], errors: &mut Errors| {
        let area = id.id(new, errors);
        if area.is_some() && AuthorityId::new(&format!("{commission}-{}", id.text)).is_err() {
            let problem = format!("`{}` is too long: the commission's id is `{commission}-{}`", id.text, id.text);
            errors.add_with_hint(id.location(), problem, "at most 28 characters");
        }
        let region = regions.find(region, errors);
        let name = name([kk, ru, en], errors);
        Some((area?, RegionIndex(u16::try_from(region?).ok()?), name?))
    };
    table.rows().map(|row| read(row, errors)).collect::<Vec<_>>().into_iter()
}
