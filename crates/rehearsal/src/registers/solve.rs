//! The unknown registers and counts of regions, from what was published of them.
//!
//! Known are percentages of every region at six slots, four national counts, the national register and some registers. The
//! unknown registers are near to their priors: least squares of relative distances, and of what the middles of the published
//! percentages leave over of the nation's counts. Then everything is rounded to whole voters inside the published roundings,
//! and all of it holds exactly. Without the second kind of squares the registers would be a little nearer to the priors, but
//! every region at the same edge of its rounding; how much nearer, [`Distance`] says. Far fewer equations than unknowns: this
//! is *a* solution, not the truth.

use super::{
    linear, optimum,
    published::{Unknowns, national, national_register, published},
    rounding::{fit, share_out},
};
use crate::facts::{District, Facts, Region, RegisterTime, SLOT_COUNT, SLOTS, UNPUBLISHED_SLOT};

/// The slots at 20:00 and 22:00: the register grew before each.
pub(super) const SLOT_20: usize = 5;
pub(super) const SLOT_22: usize = 6;
/// One standard deviation of a register around its prior, as a share of it: how much an assumed prior is worth.
const PRIOR_DEVIATION: f64 = 0.05;
/// What rounding regional percentages may move the nation's count by is ±600 voters; a quarter of it is left to solving.
const COUNT_DEVIATION_VOTERS: f64 = 150.0;
/// Only five regions and abroad move from 20:00 to 22:00: their roundings are worth about ±230 voters.
const LAST_STEP_DEVIATION_VOTERS: f64 = 60.0;
/// Percentages are in hundredths of a percent.
pub(super) const WHOLE: f64 = 10_000.0;

/// A solution for all regions.
#[derive(Debug, Clone)]
pub struct Solution {
    /// In the order of [`Facts::regions`].
    pub regions: Vec<RegionSolution>,
    /// How far it is from the priors.
    pub distance: Distance,
}

/// How far the unknown registers are from their priors: the root of the sum of squares of (register − prior) / prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Of this solution.
    pub here: f64,
    /// The least that any registers could have under everything published, in fractions of voters and with counts at the
    /// very edges of the roundings.
    pub least: f64,
}

/// Register and turnout of a region.
#[derive(Debug, Clone)]
pub struct RegionSolution {
    /// Which region.
    pub region: String,
    /// Voters when the election starts.
    pub register_start: u32,
    /// Voters on the register at each slot.
    pub register: [u32; SLOT_COUNT],
    /// Voters who had received a ballot by each slot.
    pub received: [u32; SLOT_COUNT],
    /// Its districts, or one unit without a district (abroad).
    pub units: Vec<UnitSolution>,
}

/// The part of a region's register that lies in one district.
#[derive(Debug, Clone)]
pub struct UnitSolution {
    /// Which district; none abroad.
    pub district: Option<String>,
    /// Voters when the election starts.
    pub register_start: u32,
    /// Voters added by each slot since then.
    pub added: [u32; SLOT_COUNT],
}

/// Why the facts have no solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// A table lacks what every solution needs.
    #[error("no {what}: add it to elections/kz-2023/sources")]
    Missing {
        /// What is missing.
        what: String,
    },
    /// Two percentages of a region contradict each other, whatever its register is.
    #[error("the turnout of {region} at {slot} contradicts the one at {before}: correct turnout_by_region.csv")]
    Percentages {
        /// The region.
        region: String,
        /// The slot.
        slot: &'static str,
        /// The published slot before it.
        before: &'static str,
    },
    /// The equations contradict each other or repeat each other.
    #[error("the registers of regions cannot be solved: two published figures say the same or contradict each other")]
    Registers,
    /// The nation's counts cannot all be reached inside the published percentages.
    #[error(
        "no whole numbers of voters fit all percentages and the national counts; the one at {slot} is the farthest from the others: correct it or a percentage of that slot, or move a prior in region_priors.csv"
    )]
    Counts {
        /// The slot without which registers could be nearest to their priors.
        slot: &'static str,
    },
    /// A region's districts do not sum to it.
    #[error("the districts of {region} do not sum to its register: correct districts.csv or regions.csv")]
    Districts {
        /// The region.
        region: String,
    },
}

/// Voters added before 20:00, and between 20:00 and 22:00.
#[derive(Clone, Copy)]
pub(super) struct Growth {
    by_20: u32,
    after_20: u32,
}

impl Growth {
    fn total(self) -> u32 {
        self.by_20 + self.after_20
    }

    pub(super) fn by_slot(self) -> [u32; SLOT_COUNT] {
        let mut added = [0; SLOT_COUNT];
        added[SLOT_20] = self.by_20;
        added[SLOT_22] = self.total();
        added
    }
}

/// Solves registers and counts.
///
/// # Errors
/// When the facts are incomplete or contradict each other.
pub fn solve(facts: &Facts) -> Result<Solution, SolveError> {
    facts.regions.iter().try_for_each(check_percentages)?;
    let growth = growth_by_region(facts)?;
    let (starts, registers, received) = whole_voters(facts, &growth).map_err(|error| match error {
        SolveError::Registers | SolveError::Counts { .. } => farthest_slot(facts, &growth).unwrap_or(error),
        other => other,
    })?;
    let mut regions = Vec::new();
    for (index, region) in facts.regions.iter().enumerate() {
        regions.push(RegionSolution {
            region: region.id.clone(),
            register_start: starts[index],
            register: registers[index],
            received: received[index],
            units: units(facts, region, starts[index], growth[index])?,
        });
    }
    Ok(Solution { regions, distance: distance(facts, &growth, &starts)? })
}

type BySlot = Vec<[u32; SLOT_COUNT]>;

/// Registers at the start, and by region and slot the registers and those who had received a ballot.
fn whole_voters(facts: &Facts, growth: &[Growth]) -> Result<(Vec<u32>, BySlot, BySlot), SolveError> {
    let starts = whole_starts(facts, growth)?;
    let registers: BySlot =
        starts.iter().zip(growth).map(|(start, growth)| growth.by_slot().map(|added| start + added)).collect();
    let received = received(facts, &registers)?;
    Ok((starts, registers, received))
}

/// Of figures that do not go together, the slot without which the others go together best.
fn farthest_slot(facts: &Facts, growth: &[Growth]) -> Option<SolveError> {
    let slots = (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT);
    let without = slots.filter_map(|slot| Some((slot, least_distance(facts, growth, Some(slot)).ok()?)));
    let (slot, _) = without.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(SolveError::Counts { slot: SLOTS[slot] })
}

/// The smallest and largest count that a register's percentage with two decimals leaves open.
#[must_use]
pub fn counts_within_rounding(percent_hundredths: u32, register: u32) -> (u32, u32) {
    let (double, register) = (2 * u64::from(percent_hundredths), u64::from(register));
    // strictly inside, so that it does not matter which way a half was rounded
    let smallest = (double.saturating_sub(1) * register) / 20_000 + 1;
    let largest = ((double + 1) * register).div_ceil(20_000) - 1;
    (smallest as u32, largest as u32)
}

/// Growth in proportion to registers, exact where both registers are known; nothing after 20:00 where the polls have closed.
fn growth_by_region(facts: &Facts) -> Result<Vec<Growth>, SolveError> {
    let start = national_register(facts, 0)?;
    let by_20 = national_register(facts, SLOT_20)? - start;
    let all = national_register(facts, SLOT_22)? - start;
    let known = |region: &Region| {
        let grown = region.register_end? - region.register_start?;
        let part = (u64::from(grown) * u64::from(by_20)).div_ceil(u64::from(all)) as u32;
        Some(Growth { by_20: part, after_20: grown - part })
    };
    let known: Vec<Option<Growth>> = facts.regions.iter().map(known).collect();
    let weights = |counts: &dyn Fn(&Region) -> bool| -> Vec<f64> {
        let weight = |(region, known): (&Region, &Option<Growth>)| match known {
            None if counts(region) => f64::from(region.register_prior),
            _ => 0.0,
        };
        facts.regions.iter().zip(&known).map(weight).collect()
    };
    let known_by_20: u32 = known.iter().flatten().map(|growth| growth.by_20).sum();
    let known_after_20: u32 = known.iter().flatten().map(|growth| growth.after_20).sum();
    let first = share_out(by_20 - known_by_20, &weights(&|_| true));
    let second = share_out(all - by_20 - known_after_20, &weights(&Region::votes_after_20));
    let shared = |index: usize| Growth { by_20: first[index], after_20: second[index] };
    Ok(known.iter().enumerate().map(|(index, known)| known.unwrap_or_else(|| shared(index))).collect())
}

fn known_start(region: &Region, growth: Growth) -> Option<u32> {
    region.register_start.or(region.register_end.map(|end| end - growth.total()))
}

/// Registers at the start, in whole voters, summing to the nation's.
fn whole_starts(facts: &Facts, growth: &[Growth]) -> Result<Vec<u32>, SolveError> {
    let real = real_starts(facts, growth)?;
    let known = |index: usize| known_start(&facts.regions[index], growth[index]);
    let lower: Vec<u32> = (0..real.len()).map(|index| known(index).unwrap_or(real[index].floor() as u32)).collect();
    let upper: Vec<u32> = (0..real.len()).map(|index| known(index).unwrap_or(lower[index] + 1)).collect();
    let total = u64::from(national_register(facts, 0)?);
    fit(total, &lower, &upper, |index, _| real[index]).ok_or(SolveError::Registers)
}

/// The distance of these registers, and the least that was possible.
fn distance(facts: &Facts, growth: &[Growth], starts: &[u32]) -> Result<Distance, SolveError> {
    let (expected, free) = expected(facts, growth);
    let here: Vec<f64> = free.iter().map(|index| f64::from(starts[*index]) / expected[*index] - 1.0).collect();
    Ok(Distance { here: norm(&here), least: least_distance(facts, growth, None)? })
}

/// The least distance under everything published, or everything but one slot.
fn least_distance(facts: &Facts, growth: &[Growth], without: Option<usize>) -> Result<f64, SolveError> {
    let (expected, free) = expected(facts, growth);
    let unknowns = Unknowns { facts, growth, expected: &expected, free: &free };
    let nearest = optimum::nearest(&unknowns.constraints(without)?).ok_or(SolveError::Registers)?;
    Ok(norm(&nearest))
}

fn norm(distances: &[f64]) -> f64 {
    distances.iter().map(|distance| distance * distance).sum::<f64>().sqrt()
}

/// Each region's known register or its prior, and the regions whose register is unknown.
fn expected(facts: &Facts, growth: &[Growth]) -> (Vec<f64>, Vec<usize>) {
    let known: Vec<Option<u32>> = facts.regions.iter().zip(growth).map(|(r, g)| known_start(r, *g)).collect();
    let expected = facts.regions.iter().zip(&known).map(|(r, known)| f64::from(known.unwrap_or(r.register_prior)));
    (expected.collect(), (0..known.len()).filter(|index| known[*index].is_none()).collect())
}

/// One equation on the unknown registers: coefficients of their relative distances to the priors, what they must sum to, and
/// how far off they may be.
struct Equation {
    coefficients: Vec<f64>,
    sum: f64,
    deviation: f64,
}

fn real_starts(facts: &Facts, growth: &[Growth]) -> Result<Vec<f64>, SolveError> {
    let (expected, free) = expected(facts, growth);
    let equations = equations(facts, growth, &expected, &free)?;
    // minimise Σ (x/d)² + Σ (slack/deviation)² : one multiplier per equation
    let variance = PRIOR_DEVIATION * PRIOR_DEVIATION;
    let dot = |a: &Equation, b: &Equation| a.coefficients.iter().zip(&b.coefficients).map(|(x, y)| x * y).sum::<f64>();
    let mut matrix: Vec<Vec<f64>> =
        equations.iter().map(|a| equations.iter().map(|b| variance * dot(a, b)).collect()).collect();
    for (index, equation) in equations.iter().enumerate() {
        matrix[index][index] += equation.deviation * equation.deviation;
    }
    let sums = equations.iter().map(|equation| equation.sum).collect();
    let multipliers = linear::solve(matrix, sums).ok_or(SolveError::Registers)?;
    let mut starts = expected.clone();
    for (place, &index) in free.iter().enumerate() {
        let pull: f64 =
            equations.iter().zip(&multipliers).map(|(e, multiplier)| e.coefficients[place] * multiplier).sum();
        starts[index] += expected[index] * variance * pull;
    }
    Ok(starts)
}

/// The national register exactly; the national counts (or percentages) of the slots nearly, the last one as a step from the
/// one before, because most regions stand still between them.
fn equations(facts: &Facts, growth: &[Growth], expected: &[f64], free: &[usize]) -> Result<Vec<Equation>, SolveError> {
    let register: f64 = expected.iter().sum();
    let mut equations = vec![Equation {
        coefficients: free.iter().map(|index| expected[*index]).collect(),
        sum: f64::from(national_register(facts, 0)?) - register,
        deviation: 0.0,
    }];
    for slot in (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT) {
        let national = national(facts, slot)?;
        let by_percent = f64::from(national.register) * f64::from(national.percent_hundredths) / WHOLE;
        let count = national.received.map_or(by_percent, f64::from);
        let shares = facts.regions.iter().map(|region| published(region, slot)).collect::<Result<Vec<_>, _>>()?;
        let share = |index: usize| f64::from(shares[index]) / WHOLE;
        let at_slot = |index: usize| expected[index] + f64::from(growth[index].by_slot()[slot]);
        equations.push(Equation {
            coefficients: free.iter().map(|index| expected[*index] * share(*index)).collect(),
            sum: count - (0..expected.len()).map(|index| at_slot(index) * share(index)).sum::<f64>(),
            deviation: COUNT_DEVIATION_VOTERS,
        });
    }
    if let [.., before, last] = equations.as_mut_slice() {
        last.coefficients.iter_mut().zip(&before.coefficients).for_each(|(last, before)| *last -= before);
        last.sum -= before.sum;
        last.deviation = LAST_STEP_DEVIATION_VOTERS;
    }
    Ok(equations)
}

/// Turnout never falls while the register stays as it is, and stands still where every station has closed.
fn check_percentages(region: &Region) -> Result<(), SolveError> {
    let slots: Vec<usize> = (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT).collect();
    for pair in slots.windows(2) {
        let [before, slot] = [pair[0], pair[1]];
        let (earlier, later) = (published(region, before)?, published(region, slot)?);
        let falls = slot < SLOT_20 && later < earlier;
        let moves = slot == SLOT_22 && !region.votes_after_20() && later != earlier;
        if falls || moves {
            let (slot, before) = (SLOTS[slot], SLOTS[before]);
            return Err(SolveError::Percentages { region: region.id.clone(), slot, before });
        }
    }
    Ok(())
}

/// Voters who had received a ballot, by region and slot: within every published rounding, summing to the nation's counts.
fn received(facts: &Facts, registers: &[[u32; SLOT_COUNT]]) -> Result<Vec<[u32; SLOT_COUNT]>, SolveError> {
    let mut received = vec![[0; SLOT_COUNT]; registers.len()];
    for slot in (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT) {
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for (index, region) in facts.regions.iter().enumerate() {
            let before = received[index].iter().copied().max().unwrap_or(0);
            let (low, high) = match slot {
                SLOT_22 if !region.votes_after_20() => (before, before),
                _ => counts_within_rounding(published(region, slot)?, registers[index][slot]),
            };
            lower.push(low.max(before));
            upper.push(high);
        }
        let middle = |index: usize, scale: f64| {
            f64::from(lower[index]) + f64::from(upper[index].saturating_sub(lower[index])) * scale / (1.0 + scale)
        };
        let total = national_count(facts, slot, (0..lower.len()).map(|index| middle(index, 1.0)).sum())?;
        let counts = fit(total, &lower, &upper, middle).ok_or(SolveError::Counts { slot: SLOTS[slot] })?;
        counts.iter().zip(&mut received).for_each(|(count, received)| received[slot] = *count);
    }
    for counts in &mut received {
        counts[UNPUBLISHED_SLOT] = u32::midpoint(counts[UNPUBLISHED_SLOT - 1], counts[UNPUBLISHED_SLOT + 1]);
    }
    Ok(received)
}

/// The published count; where only the percentage was, the count inside its rounding that is nearest to `expected`.
fn national_count(facts: &Facts, slot: usize, expected: f64) -> Result<u64, SolveError> {
    let national = national(facts, slot)?;
    if let Some(received) = national.received {
        return Ok(u64::from(received));
    }
    let (smallest, largest) = counts_within_rounding(national.percent_hundredths, national.register);
    Ok((expected as u64).clamp(u64::from(smallest), u64::from(largest)))
}

/// Splits a region into its districts: known registers first, the others equally.
fn units(facts: &Facts, region: &Region, start: u32, growth: Growth) -> Result<Vec<UnitSolution>, SolveError> {
    let districts: Vec<&District> = facts.districts_of(&region.id).collect();
    if districts.is_empty() {
        return Ok(vec![UnitSolution { district: None, register_start: start, added: growth.by_slot() }]);
    }
    let equal = vec![1.0; districts.len()];
    let (by_20, after_20) = (share_out(growth.by_20, &equal), share_out(growth.after_20, &equal));
    let growths: Vec<Growth> =
        by_20.iter().zip(&after_20).map(|(by_20, after_20)| Growth { by_20: *by_20, after_20: *after_20 }).collect();
    let known: Vec<Option<u32>> =
        districts.iter().zip(&growths).map(|(d, growth)| known_district(d, *growth)).collect();
    let contradiction = || SolveError::Districts { region: region.id.clone() };
    let open: Vec<f64> = known.iter().map(|known| if known.is_none() { 1.0 } else { 0.0 }).collect();
    let rest = start.checked_sub(known.iter().flatten().sum()).ok_or_else(contradiction)?;
    if rest > 0 && known.iter().all(Option::is_some) {
        return Err(contradiction());
    }
    let shares = if rest > 0 { share_out(rest, &open) } else { vec![0; known.len()] };
    let unit = |index: usize| UnitSolution {
        district: Some(districts[index].id.clone()),
        register_start: known[index].unwrap_or(shares[index]),
        added: growths[index].by_slot(),
    };
    Ok((0..districts.len()).map(unit).collect())
}

fn known_district(district: &District, growth: Growth) -> Option<u32> {
    match district.register_at? {
        RegisterTime::Start => district.register,
        RegisterTime::End => district.register.map(|end| end - growth.total()),
        RegisterTime::Prior => None,
    }
}
