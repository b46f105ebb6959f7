//! Instants and ages as people read them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::texts::Words;

/// The national clock.
#[derive(Debug, Clone, Copy)]
pub struct NationalClock {
    offset: Offset,
}

impl NationalClock {
    /// The clock at `offset_minutes` from UTC; UTC itself for an offset that no clock has.
    pub fn new(offset_minutes: i32) -> Self {
        Self { offset: Offset::from_seconds(offset_minutes.saturating_mul(60)).unwrap_or(Offset::UTC) }
    }

    /// `UTC+06:00`.
    pub fn name(self) -> String {
        let minutes = self.offset.seconds() / 60;
        let sign = if minutes < 0 { '−' } else { '+' };
        format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }

    /// `22:10`.
    pub fn hour(self, at_seconds: i64) -> String {
        Timestamp::from_second(at_seconds).map_or_else(|_| String::new(), |at| self.strftime(at, "%H:%M"))
    }

    /// `22:10:07`.
    pub fn time(self, at_milliseconds: i64) -> String {
        Timestamp::from_millisecond(at_milliseconds).map_or_else(|_| String::new(), |at| self.strftime(at, "%H:%M:%S"))
    }

    /// The day and hour in words: `19 March 2023, 21:00`.
    pub fn day_and_hour(self, at_seconds: i64, words: &Words) -> String {
        let Ok(at) = Timestamp::from_second(at_seconds) else { return String::new() };
        let day = date(self.offset.to_datetime(at).date(), words);
        words.say("day-and-hour", &[("day", &day), ("hour", &self.hour(at_seconds))])
    }

    fn strftime(self, at: Timestamp, format: &str) -> String {
        self.offset.to_datetime(at).strftime(format).to_string()
    }
}

/// `2023-03-19` in words; as it is when it is no date.
pub fn date_of(text: &str, words: &Words) -> String {
    text.parse::<Date>().map_or_else(|_| text.to_owned(), |day| date(day, words))
}

/// "updated 3 s ago": seconds up to two minutes, then minutes up to two hours, then hours.
pub fn age(seconds: u64, words: &Words) -> String {
    let (key, number) = match seconds {
        0..120 => ("age-seconds", seconds),
        120..7_200 => ("age-minutes", seconds / 60),
        _ => ("age-hours", seconds / 3_600),
    };
    words.say(key, &[("n", &words.count(number))])
}

fn date(day: Date, words: &Words) -> String {
    let month = words.known("month", &day.month().to_string());
    // A year is no count: it is not grouped.
    words.say("date", &[("day", &day.day().to_string()), ("month", &month), ("year", &day.year().to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn an_instant_is_shown_by_the_national_clock() {
        let words = Words::load().unwrap();
        let astana = NationalClock::new(360);
        assert_eq!(astana.name(), "UTC+06:00");
        // 2023-03-19T21:00:00+06:00
        assert_eq!(astana.day_and_hour(1_679_238_000, &words[Language::English.index()]), "19 March 2023, 21:00");
        assert_eq!(astana.day_and_hour(1_679_238_000, &words[Language::Russian.index()]), "19 марта 2023 года, 21:00");
        assert_eq!(astana.time(1_679_238_007_999), "21:00:07");
        assert_eq!(NationalClock::new(i32::MAX).name(), "UTC+00:00");
    }

    #[test]
    fn an_age_changes_its_unit_as_it_grows() {
        let words = Words::load().unwrap();
        let english = &words[Language::English.index()];
        assert_eq!(age(3, english), "updated 3\u{a0}s ago");
        assert_eq!(age(119, english), "updated 119\u{a0}s ago");
        assert_eq!(age(120, english), "updated 2\u{a0}min ago");
        assert_eq!(age(7_200, english), "updated 2\u{a0}h ago");
    }

    #[test]
    fn what_is_no_date_stays_as_it_is() {
        let words = Words::load().unwrap();
        assert_eq!(date_of("some day", &words[0]), "some day");
    }
}
