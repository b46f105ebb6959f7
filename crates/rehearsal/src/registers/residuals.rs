//! How far a generated definition is from what was published: the table that the generator prints.

use super::{
    layout::Layout,
    solve::{Distance, Solution, counts_within_rounding},
};
use crate::facts::{Facts, RegisterTime, SLOT_COUNT, SLOTS};
use std::{collections::BTreeMap, fmt};

/// What was published beside what was generated.
#[derive(Debug, Clone)]
pub struct Residuals {
    /// A row for each region.
    pub regions: Vec<RegionResidual>,
    /// A row for each slot with national figures.
    pub national: Vec<NationalResidual>,
    /// A row for each district whose register is known.
    pub districts: Vec<DistrictResidual>,
    /// How far the unknown registers are from their priors.
    pub distance: Distance,
}

/// A region's register and turnout.
#[derive(Debug, Clone)]
pub struct RegionResidual {
    /// The region.
    pub region: String,
    /// Its stations.
    pub stations: usize,
    /// What its register was expected to be.
    pub prior: u32,
    /// The sum of its stations' registers.
    pub register: u32,
    /// By slot: published hundredths of a percent, voters who received a ballot, register.
    pub turnout: Vec<(Option<u32>, u32, u32)>,
}

/// The nation's turnout at a slot.
#[derive(Debug, Clone)]
pub struct NationalResidual {
    /// The slot.
    pub slot: &'static str,
    /// The published count, where there is one.
    pub published_count: Option<u32>,
    /// Published hundredths of a percent.
    pub published_percent_hundredths: u32,
    /// The published register.
    pub published_register: u32,
    /// The generated count.
    pub received: u32,
    /// The generated register.
    pub register: u32,
}

/// A district's register.
#[derive(Debug, Clone)]
pub struct DistrictResidual {
    /// The district.
    pub district: String,
    /// The known register.
    pub known: u32,
    /// Which register that is.
    pub at: RegisterTime,
    /// The generated register of the same time.
    pub generated: u32,
}

impl Residuals {
    /// Compares a solution and the stations made from it with the facts.
    #[must_use]
    pub fn new(facts: &Facts, solution: &Solution, layout: &Layout) -> Self {
        let mut by_region: BTreeMap<&str, (usize, u32)> = BTreeMap::new();
        let mut by_district: BTreeMap<&str, u32> = BTreeMap::new();
        for station in &layout.stations {
            let sums = by_region.entry(&station.region).or_default();
            *sums = (sums.0 + 1, sums.1 + station.register);
            if let Some(district) = &station.district {
                *by_district.entry(district).or_default() += station.register;
            }
        }
        let regions = facts.regions.iter().zip(&solution.regions).map(|(region, solved)| {
            let (stations, register) = by_region.get(region.id.as_str()).copied().unwrap_or_default();
            let grown = |slot: usize| register + solved.register[slot] - solved.register_start;
            let turnout =
                (0..SLOT_COUNT).map(|slot| (region.turnout[slot], solved.received[slot], grown(slot))).collect();
            RegionResidual { region: region.id.clone(), stations, prior: region.register_prior, register, turnout }
        });
        let regions: Vec<RegionResidual> = regions.collect();
        let districts = districts(facts, solution, &by_district);
        Self { national: national(facts, &regions), districts, regions, distance: solution.distance }
    }

    /// Whether every published figure is met: counts and registers exactly, percentages within their rounding.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.regions.iter().all(RegionResidual::is_met)
            && self.national.iter().all(NationalResidual::is_met)
            && self.districts.iter().all(DistrictResidual::is_met)
    }
}

fn meets(percent_hundredths: u32, received: u32, register: u32) -> bool {
    let (smallest, largest) = counts_within_rounding(percent_hundredths, register);
    (smallest..=largest).contains(&received)
}

impl RegionResidual {
    fn is_met(&self) -> bool {
        let slot_is_met = |(published, received, register): &(Option<u32>, u32, u32)| {
            published.is_none_or(|percent| meets(percent, *received, *register))
        };
        self.turnout.iter().all(slot_is_met)
    }
}

impl NationalResidual {
    fn is_met(&self) -> bool {
        self.register == self.published_register
            && self.published_count.is_none_or(|count| count == self.received)
            && meets(self.published_percent_hundredths, self.received, self.register)
    }
}

impl DistrictResidual {
    fn is_met(&self) -> bool {
        self.at == RegisterTime::Prior || self.known == self.generated
    }
}

/// Behind a row of the table.
fn note(is_met: bool) -> &'static str {
    if is_met { "" } else { "  MISSED" }
}

fn national(facts: &Facts, regions: &[RegionResidual]) -> Vec<NationalResidual> {
    let row = |slot: usize| {
        let national = facts.national[slot]?;
        Some(NationalResidual {
            slot: SLOTS[slot],
            published_count: national.received,
            published_percent_hundredths: national.percent_hundredths,
            published_register: national.register,
            received: regions.iter().map(|row| row.turnout[slot].1).sum(),
            register: regions.iter().map(|row| row.turnout[slot].2).sum(),
        })
    };
    (0..SLOT_COUNT).filter_map(row).collect()
}

fn districts(facts: &Facts, solution: &Solution, by_district: &BTreeMap<&str, u32>) -> Vec<DistrictResidual> {
    let units = || solution.regions.iter().flat_map(|region| &region.units);
    let row = |district: &crate::facts::District| {
        let (known, at) = (district.register?, district.register_at?);
        let unit = units().find(|unit| unit.district.as_deref() == Some(district.id.as_str()))?;
        let added = if at == RegisterTime::End { unit.added[SLOT_COUNT - 1] } else { 0 };
        let generated = by_district.get(district.id.as_str()).copied().unwrap_or_default() + added;
        Some(DistrictResidual { district: district.id.clone(), known, at, generated })
    };
    facts.districts.iter().filter_map(row).collect()
}

impl fmt::Display for Residuals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<8}{:>9}{:>10}{:>10}{:>8}  turnout %: published / generated",
            "region", "stations", "prior", "register", "off %"
        )?;
        for row in &self.regions {
            let off = 100.0 * (f64::from(row.register) / f64::from(row.prior) - 1.0);
            write!(f, "{:<8}{:>9}{:>10}{:>10}{off:>+8.2} ", row.region, row.stations, row.prior, row.register)?;
            for (published, received, register) in &row.turnout {
                let Some(published) = published else { continue };
                write!(f, " {}/{:.4}", percent(*published), 100.0 * f64::from(*received) / f64::from(*register))?;
            }
            writeln!(f, "{}", note(row.is_met()))?;
        }
        writeln!(f, "\n{:<8}{:>12}{:>12}{:>12}{:>12}  %", "nation", "published", "generated", "register", "generated")?;
        for row in &self.national {
            let count = row.published_count.map_or_else(|| "-".to_owned(), |count| count.to_string());
            let exact = 100.0 * f64::from(row.received) / f64::from(row.register);
            write!(f, "{:<8}{count:>12}{:>12}{:>12}", row.slot, row.received, row.published_register)?;
            let (published, note) = (percent(row.published_percent_hundredths), note(row.is_met()));
            writeln!(f, "{:>12}  {published}/{exact:.4}{note}", row.register)?;
        }
        writeln!(f, "\n{:<10}{:>10}{:>10}{:>8}", "district", "known", "generated", "off")?;
        for row in &self.districts {
            let off = i64::from(row.generated) - i64::from(row.known);
            let note = if row.at == RegisterTime::Prior { "  (of another day: a prior)" } else { note(row.is_met()) };
            writeln!(f, "{:<10}{:>10}{:>10}{off:>+8}{note}", row.district, row.known, row.generated)?;
        }
        let Distance { here, least } = self.distance;
        writeln!(f, "\ndistance of the unknown registers from their priors: {here:.6}; the least possible: {least:.6}")
    }
}

fn percent(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
