//! Votes for the lists: each station's valid ballots, each list's official votes, both exactly.
//!
//! Expected votes come from iterative proportional fitting of regional strengths; controlled rounding then makes them whole,
//! each cell the whole number below or above its expectation, so that no station carries a correction.

use super::{NightError, ProtocolFigures, StationFacts};
use crate::{
    facts::Facts,
    registers::{chance::Chance, rounding::share_out},
};
use std::collections::BTreeMap;

/// How unlike regions and stations are in their votes, as [`Chance::factor`] spreads them.
const REGION_SPREAD: f64 = 0.15;
const STATION_SPREAD: f64 = 0.25;
/// Fitting ends when every list's expected votes are this near to the official ones, in votes; it takes about ten rounds.
const NEAR_ENOUGH_VOTES: f64 = 0.01;
const MOST_FITTING_ROUNDS: usize = 200;

/// Stations by ballot lines (the lists, then against all), row after row.
struct Table<T> {
    width: usize,
    cells: Vec<T>,
}

impl<T> Table<T> {
    fn rows(&self) -> impl Iterator<Item = &[T]> {
        self.cells.chunks_exact(self.width)
    }
}

/// Fills in the votes of protocols that have their valid ballots.
pub(super) fn cast(
    stations: &[StationFacts],
    protocols: &mut [ProtocolFigures],
    facts: &Facts,
    seed: u64,
) -> Result<(), NightError> {
    let official: Vec<u32> = facts.lists.iter().chain([&facts.against_all]).map(|list| list.votes).collect();
    let valid: Vec<u32> = protocols.iter().map(|protocol| protocol.ballots_valid).collect();
    let mut expected = strengths(stations, facts, &official, seed);
    fit_proportionally(&mut expected, &valid, &official);
    let votes = round_controlled(&expected, &valid, &official).ok_or_else(|| NightError::no_fit("the list votes"))?;
    for (protocol, row) in protocols.iter_mut().zip(votes.rows()) {
        let (lists, against_all) = row.split_at(row.len() - 1);
        protocol.options = lists.to_vec();
        protocol.against_all = against_all.iter().sum();
    }
    Ok(())
}

/// How strong each line is at each station: the region's maslikhat result of the day where it is known, else the nation's.
fn strengths(stations: &[StationFacts], facts: &Facts, official: &[u32], seed: u64) -> Table<f64> {
    let mut chance = Chance::new(seed, "list votes");
    let nation: f64 = official.iter().copied().map(f64::from).sum();
    let mut by_region: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for region in &facts.regions {
        let result = facts.regional_results.get(&region.id).zip(facts.regional_result_sums.get(&region.id));
        let mut line = |index: usize| {
            let known = result.and_then(|(votes, sum)| Some(f64::from(votes[index]?) / f64::from(*sum)));
            known.unwrap_or(f64::from(official[index]) / nation) * chance.factor(REGION_SPREAD)
        };
        by_region.insert(&region.id, (0..official.len()).map(&mut line).collect());
    }
    let mut cells = Vec::with_capacity(stations.len() * official.len());
    for station in stations {
        let shares = by_region.get(station.region.as_str()).into_iter().flatten();
        cells.extend(shares.map(|share| share * chance.factor(STATION_SPREAD)));
    }
    Table { width: official.len(), cells }
}

/// Scales rows and columns in turn until both have their sums.
fn fit_proportionally(table: &mut Table<f64>, row_sums: &[u32], column_sums: &[u32]) {
    for _ in 0..MOST_FITTING_ROUNDS {
        for (row, sum) in table.cells.chunks_exact_mut(table.width).zip(row_sums) {
            let scale = f64::from(*sum) / row.iter().sum::<f64>();
            row.iter_mut().for_each(|cell| *cell *= scale);
        }
        let mut sums = vec![0.0; table.width];
        table.rows().for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell));
        if sums.iter().zip(column_sums).all(|(sum, target)| (sum - f64::from(*target)).abs() < NEAR_ENOUGH_VOTES) {
            return;
        }
        let scales: Vec<f64> = sums.iter().zip(column_sums).map(|(sum, target)| f64::from(*target) / sum).collect();
        for row in table.cells.chunks_exact_mut(table.width) {
            row.iter_mut().zip(&scales).for_each(|(cell, scale)| *cell *= scale);
        }
    }
}

/// Whole numbers with both sums exact: rows by largest remainder, then single votes move inside a row, from a cell that was
/// rounded up to one that was rounded down, until the columns are right too. `None` when the columns cannot be reached.
fn round_controlled(expected: &Table<f64>, row_sums: &[u32], column_sums: &[u32]) -> Option<Table<u32>> {
    let cells = expected.rows().zip(row_sums).flat_map(|(row, sum)| share_out(*sum, row)).collect();
    let mut votes = Table { width: expected.width, cells };
    let mut surplus: Vec<i64> = column_sums.iter().map(|sum| -i64::from(*sum)).collect();
    votes.rows().for_each(|row| surplus.iter_mut().zip(row).for_each(|(sum, cell)| *sum += i64::from(*cell)));
    for from in 0..votes.width {
        for to in 0..votes.width {
            let wanted = surplus[from].min(-surplus[to]);
            if wanted > 0 {
                let moved = move_votes(expected, &mut votes, from, to, wanted as usize);
                surplus[from] -= moved as i64;
                surplus[to] += moved as i64;
            }
        }
    }
    surplus.iter().all(|surplus| *surplus == 0).then_some(votes)
}

/// Moves up to `wanted` votes between two columns, one a row, where the rounding asks for it most; returns how many moved.
fn move_votes(expected: &Table<f64>, votes: &mut Table<u32>, from: usize, to: usize, wanted: usize) -> usize {
    let mut rows: Vec<(f64, usize)> = Vec::new();
    for (index, (expected, votes)) in expected.rows().zip(votes.rows()).enumerate() {
        let rounded_up_by = f64::from(votes[from]) - expected[from];
        let rounded_down_by = expected[to] - f64::from(votes[to]);
        if rounded_up_by > 0.0 && rounded_down_by > 0.0 {
            rows.push((rounded_up_by + rounded_down_by, index));
        }
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let moved = rows.len().min(wanted);
    for (_, index) in &rows[..moved] {
        votes.cells[index * votes.width + from] -= 1;
        votes.cells[index * votes.width + to] += 1;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controlled_rounding_keeps_both_sums_and_every_cell_next_to_its_expectation() {
        let mut chance = Chance::new(7, "test");
        let rows: Vec<u32> = (0..300).map(|index| 20 + index % 90).collect();
        let all: u32 = rows.iter().sum();
        let columns = share_out(all, &[50.0, 30.0, 15.0, 5.0]);
        let mut expected = Table { width: 4, cells: (0..1_200).map(|_| chance.between(0.5, 1.5)).collect() };
        fit_proportionally(&mut expected, &rows, &columns);
        let votes = round_controlled(&expected, &rows, &columns).unwrap();
        for (row, sum) in votes.rows().zip(&rows) {
            assert_eq!(row.iter().sum::<u32>(), *sum);
        }
        for (column, sum) in columns.iter().enumerate() {
            assert_eq!(votes.rows().map(|row| row[column]).sum::<u32>(), *sum);
        }
        assert!(votes.cells.iter().zip(&expected.cells).all(|(cell, real)| (f64::from(*cell) - real).abs() < 1.0));
    }
}
