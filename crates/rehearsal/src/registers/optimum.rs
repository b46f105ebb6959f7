//! The least distance that any registers can have to their priors under everything that was published: what the solution of
//! [`super::solve`], which keeps away from the edges of the published roundings, is measured against.

use super::linear;

/// Constraints come into force and out of it one at a time: more turns than this mean that they contradict each other.
const MOST_TURNS: usize = 200;
/// A constraint counts as kept when it is missed by less than this share of its largest coefficient (a thousandth of a voter
/// in a region of a million).
const TOLERANCE: f64 = 1e-9;

/// `coefficients · distances` is at most `most`, or exactly that. A distance is (register − prior) / prior.
pub(super) struct Constraint {
    pub(super) coefficients: Vec<f64>,
    pub(super) most: f64,
    pub(super) exact: bool,
}

impl Constraint {
    fn excess(&self, distances: &[f64]) -> f64 {
        dot(&self.coefficients, distances) - self.most
    }

    fn tolerance(&self) -> f64 {
        TOLERANCE * self.coefficients.iter().fold(0.0_f64, |largest, coefficient| largest.max(coefficient.abs()))
    }
}

/// The distances with the least sum of squares under the constraints; `None` when there are none.
///
/// An active set: what it returns keeps every constraint, and is a combination of the coefficients of those in force, each
/// pushing to its own side. These are the conditions of the one optimum, whichever way was taken to it.
pub(super) fn nearest(constraints: &[Constraint]) -> Option<Vec<f64>> {
    let mut in_force: Vec<usize> = (0..constraints.len()).filter(|index| constraints[*index].exact).collect();
    for _ in 0..MOST_TURNS {
        let rows: Vec<&Constraint> = in_force.iter().map(|index| &constraints[*index]).collect();
        let matrix =
            rows.iter().map(|a| rows.iter().map(|b| dot(&a.coefficients, &b.coefficients)).collect()).collect();
        let pushes = linear::solve(matrix, rows.iter().map(|row| row.most).collect())?;
        let wrong_way = (0..rows.len()).filter(|place| !rows[*place].exact && pushes[*place] > 0.0);
        if let Some(place) = wrong_way.max_by(|a, b| pushes[*a].total_cmp(&pushes[*b])) {
            in_force.remove(place);
            continue;
        }
        let distance = |place: usize| rows.iter().zip(&pushes).map(|(row, push)| push * row.coefficients[place]).sum();
        let distances: Vec<f64> = (0..constraints.first()?.coefficients.len()).map(distance).collect();
        let missed = |index: &usize| constraints[*index].excess(&distances) > constraints[*index].tolerance();
        let outside = (0..constraints.len()).filter(|index| !in_force.contains(index)).filter(missed);
        let excess = |index: &usize| constraints[*index].excess(&distances) / constraints[*index].tolerance();
        match outside.max_by(|a, b| excess(a).total_cmp(&excess(b))) {
            Some(index) => in_force.push(index),
            None => return Some(distances),
        }
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(coefficients: &[f64], most: f64, exact: bool) -> Constraint {
        Constraint { coefficients: coefficients.to_vec(), most, exact }
    }

    #[test]
    fn the_nearest_point_of_a_corner_an_edge_and_the_inside() {
        let right_of = |x: f64| constraint(&[-1.0, 0.0], -x, false);
        let above = |y: f64| constraint(&[0.0, -1.0], -y, false);
        let on_a_line = constraint(&[1.0, 1.0], 4.0, true);
        assert_eq!(nearest(&[right_of(1.0), above(2.0)]), Some(vec![1.0, 2.0]));
        assert_eq!(nearest(&[right_of(1.0), above(-2.0)]), Some(vec![1.0, 0.0]));
        assert_eq!(nearest(&[right_of(-1.0), above(-2.0)]), Some(vec![0.0, 0.0]));
        assert_eq!(nearest(&[right_of(3.0), on_a_line]), Some(vec![3.0, 1.0]));
    }

    #[test]
    fn a_contradiction_has_no_nearest_point() {
        let contradiction = [constraint(&[1.0, 0.0], -1.0, false), constraint(&[-1.0, 0.0], -1.0, false)];
        assert_eq!(nearest(&contradiction), None);
    }
}
