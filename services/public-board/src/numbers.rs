//! Counts and shares as people read them: grouped and separated per CLDR, and a share never rounded to nothing or all.

use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;
use icu_provider::DataError;

use crate::language::Language;

/// Between a number and its unit: the two never part at the end of a line.
const NO_BREAK_SPACE: char = '\u{a0}';

/// What stands where there is no number.
pub const NOTHING: &str = "—";

/// Formats numbers in one language.
pub struct Numbers {
    formatter: DecimalFormatter,
}

impl Numbers {
    /// The numbers of `language`, from compiled CLDR data.
    ///
    /// # Errors
    /// The data for the language is not compiled in.
    pub fn new(language: Language) -> Result<Self, DataError> {
        let locale = Locale::try_from_str(language.code()).unwrap_or(Locale::UNKNOWN);
        let formatter = DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default())?;
        Ok(Self { formatter })
    }

    /// A count: `12 035 578` in Kazakh and Russian, `12,035,578` in English.
    pub fn count(&self, count: u64) -> String {
        self.formatter.format(&Decimal::from(count)).to_string()
    }

    /// `value` · 10^−`decimals`, with exactly that many decimals.
    pub fn decimal(&self, value: u64, decimals: u8) -> String {
        let mut decimal = Decimal::from(value);
        decimal.multiply_pow10(-i16::from(decimals));
        self.formatter.format(&decimal).to_string()
    }

    /// `numerator` of `denominator` in percent, with the sign; see [`bare_share`](Self::bare_share).
    pub fn share(&self, numerator: u64, denominator: u64, decimals: u8) -> String {
        if denominator == 0 {
            return NOTHING.to_owned();
        }
        format!("{}{NO_BREAK_SPACE}%", self.bare_share(numerator, denominator, decimals))
    }

    /// The same without the sign. Rounded half up, but a share that is not 0 or 100 is never written as such:
    /// it is `<0.01` or `>99.99`.
    pub fn bare_share(&self, numerator: u64, denominator: u64, decimals: u8) -> String {
        if denominator == 0 {
            return NOTHING.to_owned();
        }
        if numerator == 0 || numerator == denominator {
            return self.count(if numerator == 0 { 0 } else { 100 });
        }
        let whole = 100 * 10_u64.saturating_pow(decimals.into());
        let rounded = scaled(numerator, denominator, whole);
        match (rounded, numerator < denominator) {
            (0, _) => format!("<{}", self.decimal(1, decimals)),
            (rounded, true) if rounded >= whole => format!(">{}", self.decimal(whole - 1, decimals)),
            (rounded, _) => self.decimal(rounded, decimals),
        }
    }

    /// A quotient with `decimals` decimals, cut off; empty denominators have none.
    pub fn quotient(&self, numerator: u64, denominator: u64, decimals: u8) -> String {
        let scale = u128::from(10_u64.saturating_pow(decimals.into()));
        match (u128::from(numerator) * scale).checked_div(u128::from(denominator)) {
            Some(value) => self.decimal(u64::try_from(value).unwrap_or(u64::MAX), decimals),
            None => NOTHING.to_owned(),
        }
    }
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Numbers").finish_non_exhaustive()
    }
}

/// `numerator` / `denominator` · `whole`, rounded half up; 0 for an empty denominator. For bars, too.
pub fn scaled(numerator: u64, denominator: u64, whole: u64) -> u64 {
    if denominator == 0 {
        return 0;
    }
    let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
    let value = (2 * numerator * u128::from(whole) + denominator) / (2 * denominator);
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(language: Language) -> Numbers {
        Numbers::new(language).unwrap()
    }

    #[test]
    fn numbers_follow_the_language() {
        for language in [Language::Kazakh, Language::Russian] {
            let numbers = numbers(language);
            assert_eq!(numbers.count(12_035_578), "12\u{a0}035\u{a0}578");
            assert_eq!(numbers.share(6_521_860, 12_035_578, 2), "54,19\u{a0}%");
        }
        let english = numbers(Language::English);
        assert_eq!(english.count(12_035_578), "12,035,578");
        assert_eq!(english.share(6_521_860, 12_035_578, 2), "54.19\u{a0}%");
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        let english = numbers(Language::English);
        assert_eq!(english.share(1, 10_223, 0), "<1\u{a0}%");
        assert_eq!(english.share(10_222, 10_223, 0), ">99\u{a0}%");
        assert_eq!(english.share(1, 12_035_578, 2), "<0.01\u{a0}%");
        assert_eq!(english.share(12_035_577, 12_035_578, 2), ">99.99\u{a0}%");
        assert_eq!(english.share(0, 10_223, 0), "0\u{a0}%");
        assert_eq!(english.share(10_223, 10_223, 0), "100\u{a0}%");
        assert_eq!(english.share(0, 0, 2), NOTHING);
    }

    #[test]
    fn every_share_of_a_small_whole_is_honest() {
        let english = numbers(Language::English);
        for denominator in 1..400_u64 {
            for numerator in 0..=denominator {
                let text = english.bare_share(numerator, denominator, 0);
                assert_eq!(text == "0", numerator == 0, "{numerator}/{denominator}: {text}");
                assert_eq!(text == "100", numerator == denominator, "{numerator}/{denominator}: {text}");
            }
        }
    }

    #[test]
    fn the_published_percentages_of_2023_come_out() {
        let english = numbers(Language::English);
        let published =
            [(3_431_510, "53.90"), (693_938, "10.90"), (547_154, "8.59"), (535_139, "8.41"), (331_058, "5.20")];
        for (votes, share) in published {
            assert_eq!(english.bare_share(votes, 6_366_441, 2), share);
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let english = numbers(Language::English);
        assert_eq!(english.bare_share(u64::MAX - 1, u64::MAX, 2), ">99.99");
        assert_eq!(scaled(u64::MAX, u64::MAX, 10_000), 10_000);
        assert_eq!(english.quotient(1, 0, 2), NOTHING);
        assert_eq!(english.quotient(5_971_719, 69, 2), "86,546.65");
    }
}
