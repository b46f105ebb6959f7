//! Whole numbers with an exact sum: bounded shares of a total. No exponentials or logarithms here or in what calls this,
//! because their last bits differ between machines and the definition must be the same on all.

/// Halvings of the search interval: enough to exhaust a double's 53 bits.
const BISECTIONS: usize = 60;

/// Whole numbers between `lower` and `upper` that sum to `total`: the real values `value(i, scale)` (rising with `scale`) are
/// clamped, the scale at which they reach the total is found, and the rest goes to the largest fractions.
/// `None` when no such numbers exist.
pub(crate) fn fit(total: u64, lower: &[u32], upper: &[u32], value: impl Fn(usize, f64) -> f64) -> Option<Vec<u32>> {
    let lowest: u64 = lower.iter().map(|bound| u64::from(*bound)).sum();
    let highest: u64 = upper.iter().map(|bound| u64::from(*bound)).sum();
    if lower.iter().zip(upper).any(|(low, high)| low > high) || total < lowest || total > highest {
        return None;
    }
    if total == highest {
        return Some(upper.to_vec());
    }
    let real = |index: usize, scale: f64| value(index, scale).clamp(f64::from(lower[index]), f64::from(upper[index]));
    let sum = |scale: f64| (0..lower.len()).map(|index| real(index, scale)).sum::<f64>();
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..BISECTIONS {
        let middle = (low + high) / 2.0;
        if sum(middle / (1.0 - middle)) < total as f64 { low = middle } else { high = middle }
    }
    let scale = low / (1.0 - low);
    let reals: Vec<f64> = (0..lower.len()).map(|index| real(index, scale)).collect();
    round_to(total, &reals, lower, upper)
}

/// `total` in proportion to `weights` (not all zero): largest remainder, without bounds.
pub(crate) fn share_out(total: u32, weights: &[f64]) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    let reals: Vec<f64> = weights.iter().map(|weight| f64::from(total) * weight / sum).collect();
    let (lower, upper) = (vec![0; weights.len()], vec![total; weights.len()]);
    round_to(u64::from(total), &reals, &lower, &upper).unwrap_or(lower)
}

/// Rounds `reals` within the bounds so that they sum to `total`; units move one at a time, where the fraction asks for it most.
fn round_to(total: u64, reals: &[f64], lower: &[u32], upper: &[u32]) -> Option<Vec<u32>> {
    let mut whole: Vec<u32> = reals.iter().map(|real| real.floor() as u32).collect();
    let mut order: Vec<usize> = (0..reals.len()).collect();
    order.sort_by(|a, b| reals[*b].fract().total_cmp(&reals[*a].fract()).then(a.cmp(b)));
    let mut sum: u64 = whole.iter().map(|number| u64::from(*number)).sum();
    while sum != total {
        let before = sum;
        for &index in &order {
            if sum < total && whole[index] < upper[index] {
                whole[index] += 1;
                sum += 1;
            }
        }
        for &index in order.iter().rev() {
            if sum > total && whole[index] > lower[index] {
                whole[index] -= 1;
                sum -= 1;
            }
        }
        if sum == before {
            return None;
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_total_within_their_bounds() {
        let fitted = fit(100, &[0, 5, 0], &[10, 50, 90], |index, scale| scale * [30.0, 1.0, 7.0][index]).unwrap();
        assert_eq!(fitted.iter().sum::<u32>(), 100);
        assert_eq!(fitted[0], 10, "the first is at its upper bound");
        assert!(fitted[1] >= 5 && fitted[1] < fitted[2]);
    }

    #[test]
    fn an_impossible_total_has_no_shares() {
        assert_eq!(fit(101, &[0, 0], &[50, 50], |_, scale| scale), None);
        assert_eq!(fit(1, &[1, 1], &[50, 50], |_, scale| scale), None);
    }

    #[test]
    fn the_largest_remainders_get_the_rest() {
        assert_eq!(share_out(10, &[1.0, 1.0, 1.1]), [3, 3, 4]);
    }
}
