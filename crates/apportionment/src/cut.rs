//! Where a descending order is cut: who is in for certain, and who is equal at the line.

/// Indexes in descending order of a key, cut after a number of seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// All of them, highest key first; equal keys in the order given.
    pub order: Vec<usize>,
    /// How many of the first are in for certain.
    pub served: usize,
    /// How many follow that are equal at the line; 0 where the line falls between two different keys.
    pub tied: usize,
    /// Seats for the equal ones, fewer than there are.
    pub open: u32,
}

impl Cut {
    /// Those in for certain.
    pub(crate) fn served(&self) -> &[usize] {
        &self.order[..self.served]
    }

    /// Those equal at the line.
    pub(crate) fn tied(&self) -> &[usize] {
        &self.order[self.served..self.served + self.tied]
    }
}

/// Orders `among` by `key`, highest first, and cuts after `seats`.
pub(crate) fn cut_after<K: Ord>(among: &[usize], seats: u32, key: impl Fn(usize) -> K) -> Cut {
    let mut order = among.to_vec();
    order.sort_by_key(|&index| std::cmp::Reverse(key(index)));
    let wanted = usize::try_from(seats).unwrap_or(usize::MAX);
    if wanted == 0 || wanted >= order.len() {
        let served = wanted.min(order.len());
        return Cut { order, served, tied: 0, open: 0 };
    }
    let last_in = key(order[wanted - 1]);
    if last_in != key(order[wanted]) {
        return Cut { order, served: wanted, tied: 0, open: 0 };
    }
    let served = order.iter().filter(|&&index| key(index) > last_in).count();
    let tied = order.iter().filter(|&&index| key(index) == last_in).count();
    // As many of the wanted as are not served: at least 1, fewer than `tied`.
    let open = seats - u32::try_from(served).unwrap_or(seats);
    Cut { order, served, tied, open }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(keys: &[u32], seats: u32) -> Cut {
        let all: Vec<usize> = (0..keys.len()).collect();
        cut_after(&all, seats, |index| keys[index])
    }

    #[test]
    fn a_line_between_different_keys_ties_nobody() {
        let cut = cut(&[1, 5, 3], 2);
        assert_eq!((cut.served(), cut.tied(), cut.open), (&[1, 2][..], &[][..], 0));
    }

    #[test]
    fn equal_keys_above_the_line_are_all_served() {
        let cut = cut(&[4, 4, 1], 2);
        assert_eq!((cut.served(), cut.tied(), cut.open), (&[0, 1][..], &[][..], 0));
    }

    #[test]
    fn equal_keys_across_the_line_are_tied_for_what_is_left() {
        let cut = cut(&[2, 9, 2, 2], 3);
        assert_eq!((cut.served(), cut.tied(), cut.open), (&[1][..], &[0, 2, 3][..], 2));
    }

    #[test]
    fn no_seats_and_enough_seats_tie_nobody() {
        assert_eq!((cut(&[2, 2], 0).served, cut(&[2, 2], 0).tied), (0, 0));
        assert_eq!((cut(&[2, 2], 5).served, cut(&[2, 2], 5).tied), (2, 0));
    }
}
