//! Stations, territories and candidates: how a region's register is cut into plausible pieces. All of it is synthetic, and
//! drawn from one fixed seed: it is part of the definition.

use super::{
    GenerateError,
    chance::Chance,
    rounding::fit,
    solve::{RegionSolution, Solution},
};
use crate::facts::{ABROAD, Facts, Region};

/// The definition's own seed: the day of the election. The seed of a night is another matter.
pub const DEFINITION_SEED: u64 = 20_230_319;

/// Voters at a large station: the law allows 3,000.
const LARGE_STATION_MEAN: f64 = 2_000.0;
/// A region's stations are no more than one for so many voters, so that none goes over the legal 3,000.
const MOST_VOTERS_PER_STATION_MEAN: u32 = 2_400;
/// A station's limits at home; just under the legal 3,000, because voters are added on the day.
const STATION_LIMITS: (u32, u32) = (25, 2_950);
/// A station's limits abroad.
const ABROAD_LIMITS: (u32, u32) = (12, 900);
/// Stations to a territory, about; a region has between 8 and 20 territories.
const STATIONS_PER_TERRITORY: u32 = 45;
const TERRITORY_LIMITS: (u32, u32) = (8, 20);
/// Candidates where the number is not known: more than the 5 and 6 that are known to be the fewest.
const CANDIDATE_LIMITS: (u32, u32) = (7, 16);

/// Everything below a region.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Ascending by id.
    pub stations: Vec<StationRow>,
    /// In the order of their regions.
    pub territories: Vec<TerritoryRow>,
    /// Number of candidates by district, in the order of [`Facts::districts`].
    pub candidates: Vec<u32>,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationRow {
    /// Its id, e.g. `10-0001` or `abroad-01`.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Its territory.
    pub territory: String,
    /// Its district; none abroad.
    pub district: Option<String>,
    /// Its shard: the place of its region, from 1.
    pub shard: usize,
    /// Voters when the election starts.
    pub register: u32,
    /// When it closes: hours after midnight of election day on the national clock.
    pub closes_at_hour: u32,
}

/// A territory: the area of one rayon or city commission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerritoryRow {
    /// Its id, e.g. `10-03`.
    pub id: String,
    /// Its region.
    pub region: String,
}

/// Cuts every region into stations and territories and spreads the candidates.
///
/// # Errors
/// When a known total cannot be met.
pub fn lay_out(facts: &Facts, solution: &Solution) -> Result<Layout, GenerateError> {
    let counts = station_counts(facts, solution)?;
    let mut layout = Layout { stations: Vec::new(), territories: Vec::new(), candidates: candidates(facts)? };
    for (index, (region, solved)) in facts.regions.iter().zip(&solution.regions).enumerate() {
        let mut chance = Chance::new(DEFINITION_SEED, &format!("stations of {}", region.id));
        let shard = index + 1;
        match region.id.as_str() {
            ABROAD => lay_out_abroad(facts, solved, shard, &mut chance, &mut layout)?,
            _ => lay_out_region(region, solved, counts[index], shard, &mut chance, &mut layout)?,
        }
    }
    Ok(layout)
}

fn no_fit(what: String) -> GenerateError {
    GenerateError::NoFit { what }
}

/// Known numbers of stations as they are; the others by register, with small stations as small as the nation's total asks.
fn station_counts(facts: &Facts, solution: &Solution) -> Result<Vec<u32>, GenerateError> {
    let register = |index: usize| f64::from(solution.regions[index].register_start);
    let large = |index: usize| register(index) * f64::from(facts.regions[index].large_station_percent) / 100.0;
    let fewest = |index: usize| solution.regions[index].register_start.div_ceil(MOST_VOTERS_PER_STATION_MEAN);
    let known = |index: usize| facts.regions[index].stations;
    let all = 0..facts.regions.len();
    let lower: Vec<u32> = all.clone().map(|index| known(index).unwrap_or_else(|| fewest(index))).collect();
    let upper: Vec<u32> = all.map(|index| known(index).unwrap_or(facts.stations)).collect();
    let stations = |index: usize, scale: f64| {
        large(index) / LARGE_STATION_MEAN + scale * (register(index) - large(index)) / LARGE_STATION_MEAN
    };
    fit(u64::from(facts.stations), &lower, &upper, stations).ok_or_else(|| no_fit("the number of stations".to_owned()))
}

/// A station before its voters are counted out.
struct Sketch {
    territory: u32,
    weight: f64,
}

fn lay_out_region(
    region: &Region,
    solved: &RegionSolution,
    stations: u32,
    shard: usize,
    chance: &mut Chance,
    layout: &mut Layout,
) -> Result<(), GenerateError> {
    let code = region.id.trim_start_matches("kz-");
    let sketches = sketches(region, solved.register_start, stations, chance)?;
    let territories = sketches.last().map_or(0, |last| last.territory);
    for number in 1..=territories {
        layout.territories.push(TerritoryRow { id: format!("{code}-{number:02}"), region: region.id.clone() });
    }
    let mut number = 0;
    let mut rest = sketches.as_slice();
    for (index, unit) in solved.units.iter().enumerate() {
        let later: u32 = solved.units[index + 1..].iter().map(|unit| unit.register_start).sum();
        let (here, after) = rest.split_at(boundary(rest, unit.register_start, later));
        rest = after;
        let (lower, upper) = (vec![STATION_LIMITS.0; here.len()], vec![STATION_LIMITS.1; here.len()]);
        let registers = fit(u64::from(unit.register_start), &lower, &upper, |place, scale| scale * here[place].weight);
        let registers = registers.ok_or_else(|| no_fit(format!("the stations of {}", region.id)))?;
        for (sketch, register) in here.iter().zip(registers) {
            number += 1;
            layout.stations.push(StationRow {
                id: format!("{code}-{number:04}"),
                region: region.id.clone(),
                territory: format!("{code}-{:02}", sketch.territory),
                district: unit.district.clone(),
                shard,
                register,
                closes_at_hour: region.closes_at_hour(),
            });
        }
    }
    Ok(())
}

/// How many of the stations a district takes so that it has about its share of the voters: a boundary may cut a territory.
fn boundary(stations: &[Sketch], register: u32, later: u32) -> usize {
    if later == 0 {
        return stations.len();
    }
    let all: f64 = stations.iter().map(|station| station.weight).sum();
    let mut left = all * f64::from(register) / (f64::from(register) + f64::from(later));
    stations
        .iter()
        .take_while(|station| {
            left -= station.weight;
            left > 0.0
        })
        .count()
}

/// Town territories with large stations first, then country territories with small ones.
fn sketches(region: &Region, register: u32, stations: u32, chance: &mut Chance) -> Result<Vec<Sketch>, GenerateError> {
    let large_share = f64::from(region.large_station_percent) / 100.0;
    let large_voters = f64::from(register) * large_share;
    let all_large = region.large_station_percent == 100;
    let large =
        if all_large { stations } else { ((large_voters / LARGE_STATION_MEAN).round() as u32).clamp(1, stations - 1) };
    let small = stations - large;
    let territories = (stations / STATIONS_PER_TERRITORY).clamp(TERRITORY_LIMITS.0, TERRITORY_LIMITS.1);
    let towns = if all_large { territories } else { (territories * large / stations).clamp(1, territories - 1) };
    let (large_mean, small_mean) =
        (large_voters / f64::from(large), (f64::from(register) - large_voters) / f64::from(small.max(1)));
    let mut sketches = Vec::new();
    let mut territory = 0;
    for (count, parts, is_large) in [(large, towns, true), (small, territories - towns, false)] {
        for size in parts_of(count, parts, chance).ok_or_else(|| no_fit(format!("the territories of {}", region.id)))? {
            territory += 1;
            for _ in 0..size {
                // large: within ±38 %; small: many hamlets, a few big villages
                let weight = if is_large {
                    large_mean * chance.between(0.62, 1.38)
                } else {
                    let draw = chance.unit();
                    small_mean * (0.15 + 2.55 * draw * draw)
                };
                sketches.push(Sketch { territory, weight });
            }
        }
    }
    Ok(sketches)
}

/// Cuts `count` stations into territories of unlike sizes, none empty.
fn parts_of(count: u32, parts: u32, chance: &mut Chance) -> Option<Vec<u32>> {
    let weights: Vec<f64> = (0..parts).map(|_| chance.between(0.5, 1.5)).collect();
    let (lower, upper) = (vec![1; weights.len()], vec![count; weights.len()]);
    fit(u64::from(count), &lower, &upper, |index, scale| scale * f64::from(count) * weights[index])
}

fn lay_out_abroad(
    facts: &Facts,
    solved: &RegionSolution,
    shard: usize,
    chance: &mut Chance,
    layout: &mut Layout,
) -> Result<(), GenerateError> {
    layout.territories.push(TerritoryRow { id: ABROAD.to_owned(), region: ABROAD.to_owned() });
    let hours: Vec<u32> =
        facts.abroad_hours.iter().flat_map(|row| (0..row.stations).map(|_| row.closes_at_hour)).collect();
    let weights: Vec<f64> = hours.iter().map(|_| chance.unit()).map(|draw| 0.15 + 2.55 * draw * draw).collect();
    let (lower, upper) = (vec![ABROAD_LIMITS.0; hours.len()], vec![ABROAD_LIMITS.1; hours.len()]);
    let registers = fit(u64::from(solved.register_start), &lower, &upper, |index, scale| {
        scale * weights[index] * f64::from(solved.register_start)
    });
    let registers = registers.ok_or_else(|| no_fit("the stations abroad".to_owned()))?;
    for (index, (closes_at_hour, register)) in hours.into_iter().zip(registers).enumerate() {
        layout.stations.push(StationRow {
            id: format!("{ABROAD}-{:02}", index + 1),
            region: ABROAD.to_owned(),
            territory: ABROAD.to_owned(),
            district: None,
            shard,
            register,
            closes_at_hour,
        });
    }
    Ok(())
}

fn candidates(facts: &Facts) -> Result<Vec<u32>, GenerateError> {
    let mut chance = Chance::new(DEFINITION_SEED, "candidates");
    let weights: Vec<f64> = facts.districts.iter().map(|_| 10.0 * chance.between(0.7, 1.3)).collect();
    let known: Vec<Option<u32>> = facts.districts.iter().map(|district| district.candidates).collect();
    let lower: Vec<u32> = known.iter().map(|known| known.unwrap_or(CANDIDATE_LIMITS.0)).collect();
    let upper: Vec<u32> = known.iter().map(|known| known.unwrap_or(CANDIDATE_LIMITS.1)).collect();
    let fitted = fit(u64::from(facts.candidates), &lower, &upper, |index, scale| scale * weights[index]);
    fitted.ok_or_else(|| no_fit("the number of candidates".to_owned()))
}
