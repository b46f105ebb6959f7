//! Numbers as people read them. Percentages are cut from integers, never from floats.

/// An integer with a comma every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent with two decimals, rounded half up; `-` when the denominator is 0.
pub fn percent(numerator: u64, denominator: u64) -> String {
    if denominator == 0 {
        return "-".to_owned();
    }
    // (2n + d) / 2d rounds half up without leaving the integers.
    let (numerator, denominator) = (u128::from(numerator) * 10_000, u128::from(denominator));
    let rounded = (2 * numerator + denominator) / (2 * denominator);
    format!("{}.{:02} %", rounded / 100, rounded % 100)
}

/// Microseconds as milliseconds or seconds.
pub fn duration(microseconds: u64) -> String {
    match microseconds {
        0..10_000 => format!("{}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        _ => format!("{}.{} s", microseconds / 1_000_000, microseconds % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_those_that_were_published() {
        assert_eq!(percent(6_521_860, 12_035_578), "54.19 %");
        assert_eq!(percent(6_366_441, 12_035_578), "52.90 %");
        assert_eq!(percent(3_431_510, 6_366_441), "53.90 %");
        assert_eq!(percent(1, 3), "33.33 %");
        assert_eq!(percent(2, 3), "66.67 %");
        assert_eq!(percent(1, 20_000), "0.01 %");
        assert_eq!(percent(1, 0), "-");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(12_035_578), "12,035,578");
        assert_eq!(duration(1_234), "1.2 ms");
        assert_eq!(duration(45_678), "45 ms");
        assert_eq!(duration(1_234_567), "1.2 s");
    }
}
