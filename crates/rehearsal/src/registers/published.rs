//! What was published: looked up, and as constraints on the unknown registers alone. Some count of voters lies within every
//! published percentage, and the counts of a slot sum to the nation's.
//!
//! The percentages of one region at two slots leave no common count but where its stations had closed, so the slots are
//! independent, except for the last two: what closed regions had at 20:00 they have at 22:00, hence a constraint on the step.

use super::{
    optimum::Constraint,
    solve::{Growth, SLOT_20, SLOT_22, SolveError, WHOLE},
};
use crate::facts::{Facts, NationalTurnout, Region, SLOT_COUNT, SLOTS, UNPUBLISHED_SLOT};

/// Half of the last digit of a percentage in hundredths.
const HALF: f64 = 0.5;

/// The known part of each region's register, and which regions' are unknown.
pub(super) struct Unknowns<'a> {
    pub(super) facts: &'a Facts,
    pub(super) growth: &'a [Growth],
    /// The known register, or the prior.
    pub(super) expected: &'a [f64],
    /// Regions whose register is unknown.
    pub(super) free: &'a [usize],
}

/// A sum over regions: a constant and what the distance of each unknown register adds to it.
struct Sum {
    constant: f64,
    coefficients: Vec<f64>,
}

impl Sum {
    fn at_most(&self, most: f64) -> Constraint {
        Constraint { coefficients: self.coefficients.clone(), most: most - self.constant, exact: false }
    }

    fn at_least(&self, least: f64) -> Constraint {
        let coefficients = self.coefficients.iter().map(|coefficient| -coefficient).collect();
        Constraint { coefficients, most: self.constant - least, exact: false }
    }

    fn minus(mut self, other: &Self) -> Self {
        self.constant -= other.constant;
        self.coefficients.iter_mut().zip(&other.coefficients).for_each(|(mine, theirs)| *mine -= theirs);
        self
    }
}

impl Unknowns<'_> {
    /// The national register exactly, and every slot's percentages with the nation's count, or with its percentage.
    /// `without` leaves out what was published of one slot.
    pub(super) fn constraints(&self, without: Option<usize>) -> Result<Vec<Constraint>, SolveError> {
        let start = f64::from(national_register(self.facts, 0)?);
        let registers = Constraint { exact: true, ..self.sum(0, |_| 1.0).at_most(start) };
        let mut constraints = vec![registers];
        for slot in (0..SLOT_COUNT).filter(|slot| *slot != UNPUBLISHED_SLOT && Some(*slot) != without) {
            let [fewest, most] = count_bounds(national(self.facts, slot)?);
            let [low, high] = self.bounds(slot, |_| true)?;
            constraints.extend([low.at_most(most), high.at_least(fewest)]);
        }
        if without.is_none_or(|slot| slot < SLOT_20) {
            constraints.extend(self.last_step()?);
        }
        Ok(constraints)
    }

    /// Only regions that vote on move from 20:00 to 22:00, by as many as the nation does.
    fn last_step(&self) -> Result<[Constraint; 2], SolveError> {
        let votes_on = |index: usize| self.facts.regions[index].votes_after_20();
        let [low_20, high_20] = self.bounds(SLOT_20, votes_on)?;
        let [low_22, high_22] = self.bounds(SLOT_22, votes_on)?;
        let [fewest_20, most_20] = count_bounds(national(self.facts, SLOT_20)?);
        let [fewest_22, most_22] = count_bounds(national(self.facts, SLOT_22)?);
        let slowest = low_22.minus(&high_20).at_most(most_22 - fewest_20);
        Ok([slowest, high_22.minus(&low_20).at_least(fewest_22 - most_20)])
    }

    /// The fewest and the most voters that the percentages of the regions chosen leave open.
    fn bounds(&self, slot: usize, chosen: impl Fn(usize) -> bool) -> Result<[Sum; 2], SolveError> {
        let regions = self.facts.regions.iter();
        let percentages = regions.map(|region| published(region, slot)).collect::<Result<Vec<_>, _>>()?;
        let share = |index: usize, off: f64| match chosen(index) {
            true => (f64::from(percentages[index]) + off) / WHOLE,
            false => 0.0,
        };
        Ok([-HALF, HALF].map(|off| self.sum(slot, |index| share(index, off))))
    }

    fn sum(&self, slot: usize, weight: impl Fn(usize) -> f64) -> Sum {
        let register = |index: usize| self.expected[index] + f64::from(self.growth[index].by_slot()[slot]);
        Sum {
            constant: (0..self.expected.len()).map(|index| weight(index) * register(index)).sum(),
            coefficients: self.free.iter().map(|index| weight(*index) * self.expected[*index]).collect(),
        }
    }
}

/// The published count, or the bounds of the percentage where only that was published.
fn count_bounds(national: NationalTurnout) -> [f64; 2] {
    let percent = f64::from(national.percent_hundredths);
    let by_percent = |off: f64| f64::from(national.register) * (percent + off) / WHOLE;
    match national.received {
        Some(received) => [f64::from(received); 2],
        None => [-HALF, HALF].map(by_percent),
    }
}

/// The nation's register at a slot.
pub(super) fn national_register(facts: &Facts, slot: usize) -> Result<u32, SolveError> {
    let missing = || SolveError::Missing { what: format!("national register at {}", SLOTS[slot]) };
    facts.national[slot].map(|national| national.register).ok_or_else(missing)
}

/// What was published of the nation's turnout at a slot.
pub(super) fn national(facts: &Facts, slot: usize) -> Result<NationalTurnout, SolveError> {
    let missing = || SolveError::Missing { what: format!("national turnout at {}", SLOTS[slot]) };
    facts.national[slot].ok_or_else(missing)
}

/// A region's turnout at a slot, in hundredths of a percent.
pub(super) fn published(region: &Region, slot: usize) -> Result<u32, SolveError> {
    let missing = || SolveError::Missing { what: format!("turnout of {} at {}", region.id, SLOTS[slot]) };
    region.turnout[slot].ok_or_else(missing)
}
