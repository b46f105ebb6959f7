//! A service's one clock (design, D14): real time, or, in a rehearsal alone, a set and faster time.
//!
//! Time orders nothing. This clock is for what people read (when was it signed, when was it published), and
//! [`Clock::monotonic`] for how old something is.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The longest single sleep: a step of the system's clock is noticed at most this much later.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// Wall time for a service. Cheap to clone; all clones agree.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    System,
    Rehearsal {
        time: RehearsalTime,
        /// Real time that had passed since the wall start when the clock was made, in microseconds.
        passed_at_anchor_microseconds: i64,
        /// From here on the monotonic clock counts: a step of the system's clock does not move a rehearsal.
        anchor: Instant,
    },
}

/// What the definition is for (design, D16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A real election: its time is real.
    Official,
    /// A rehearsal: its time may be set.
    Rehearsal,
}

/// The time of a rehearsal: the same in all its processes, and on the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RehearsalTime {
    /// What the rehearsal's clock shows at `wall_start`.
    pub origin: Timestamp,
    /// Seconds of the rehearsal in one real second; 1 keeps real pace, 900 makes a night of 15 hours a minute.
    pub speed: NonZeroU32,
    /// The real instant at which the rehearsal starts. Before it the clock shows times before `origin`.
    pub wall_start: Timestamp,
}

impl Clock {
    /// Real time.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// The time of a rehearsal.
    ///
    /// # Errors
    /// The purpose is official: its time cannot be set.
    pub fn rehearsal(purpose: Purpose, time: RehearsalTime) -> Result<Self, ClockError> {
        if purpose != Purpose::Rehearsal {
            return Err(ClockError::OfficialTimeIsReal);
        }
        let passed = Timestamp::now().as_microsecond() - time.wall_start.as_microsecond();
        Ok(Self(Kind::Rehearsal { time, passed_at_anchor_microseconds: passed, anchor: Instant::now() }))
    }

    /// Now, as this clock shows it.
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Kind::System => Timestamp::now(),
            Kind::Rehearsal { time, passed_at_anchor_microseconds, anchor } => {
                let since_anchor = i128::try_from(anchor.elapsed().as_micros()).unwrap_or(i128::MAX);
                time.at(i128::from(passed_at_anchor_microseconds).saturating_add(since_anchor))
            }
        }
    }

    /// Now, as this clock shows it, in milliseconds since 1970-01-01T00:00Z.
    pub fn now_utc_milliseconds(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Real time that only goes forward, for freshness and timeouts. A rehearsal does not speed it up.
    pub fn monotonic(&self) -> Instant {
        Instant::now()
    }

    /// The rehearsal's time, to be put on the record; `None` for real time.
    pub fn rehearsal_time(&self) -> Option<RehearsalTime> {
        match self.0 {
            Kind::System => None,
            Kind::Rehearsal { time, .. } => Some(time),
        }
    }

    /// How long in real time until this clock shows `instant`; zero when it already has.
    pub fn real_time_until(&self, instant: Timestamp) -> Duration {
        let remaining = instant.duration_since(self.now());
        if remaining <= SignedDuration::ZERO {
            return Duration::ZERO;
        }
        // One microsecond more than the quotient: rounding down would wake a moment too early.
        remaining.unsigned_abs() / self.speed() + Duration::from_micros(1)
    }

    /// Waits until this clock shows `instant` or later.
    pub async fn sleep_until(&self, instant: Timestamp) {
        loop {
            let remaining = self.real_time_until(instant);
            if remaining.is_zero() {
                return;
            }
            tokio::time::sleep(remaining.min(LONGEST_NAP)).await;
        }
    }

    fn speed(&self) -> u32 {
        self.rehearsal_time().map_or(1, |time| time.speed.get())
    }
}

impl fmt::Display for RehearsalTime {
    /// `ORIGIN,SPEED,WALL_START`, which [`RehearsalTime::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.origin, self.speed, self.wall_start)
    }
}

impl FromStr for RehearsalTime {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let form = || ClockError::Form(text.to_owned());
        let mut parts = text.split(',');
        let mut next = || parts.next().ok_or_else(form);
        let origin = next()?.parse().map_err(|_| form())?;
        let speed = next()?.parse().map_err(|_| form())?;
        let wall_start = next()?.parse().map_err(|_| form())?;
        if parts.next().is_some() {
            return Err(form());
        }
        Ok(Self { origin, speed, wall_start })
    }
}

impl RehearsalTime {
    /// What the clock shows when `passed_microseconds` of real time have passed since the wall start.
    fn at(&self, passed_microseconds: i128) -> Timestamp {
        let shown = passed_microseconds
            .saturating_mul(i128::from(self.speed.get()))
            .saturating_add(i128::from(self.origin.as_microsecond()));
        let earliest = i128::from(Timestamp::MIN.as_microsecond());
        let latest = i128::from(Timestamp::MAX.as_microsecond());
        i64::try_from(shown.clamp(earliest, latest))
            .ok()
            .and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

/// A clock was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// A set time was asked for in an official election.
    #[error(
        "the clock can be set in a rehearsal only, and this definition is official: drop the clock's settings, or use a rehearsal's definition"
    )]
    OfficialTimeIsReal,
    /// A text is not a rehearsal's time.
    #[error(
        "`{0}` is not a rehearsal's time: ORIGIN,SPEED,WALL_START, for example 2023-03-19T00:00:00Z,3600,2026-03-01T09:00:00Z"
    )]
    Form(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night_in_a_minute(wall_start: Timestamp) -> RehearsalTime {
        RehearsalTime {
            origin: "2023-03-19T20:00:00+06:00".parse().unwrap(),
            speed: NonZeroU32::new(900).unwrap(),
            wall_start,
        }
    }

    #[test]
    fn a_rehearsals_time_is_read_as_it_is_written() {
        let time = night_in_a_minute("2026-03-01T09:00:00.25Z".parse().unwrap());
        assert_eq!(time.to_string().parse(), Ok(time));
        for wrong in ["", "2023-03-19T00:00:00Z,0,2026-03-01T09:00:00Z", "2023-03-19T00:00:00Z,1", "a,1,b"] {
            assert_eq!(wrong.parse::<RehearsalTime>(), Err(ClockError::Form(wrong.to_owned())));
        }
        assert!(format!("{time},1").parse::<RehearsalTime>().is_err(), "a fourth part is a slip");
    }

    #[test]
    fn an_official_election_refuses_a_set_clock() {
        let time = night_in_a_minute(Timestamp::now());
        let error = Clock::rehearsal(Purpose::Official, time).unwrap_err();
        assert_eq!(error, ClockError::OfficialTimeIsReal);
        assert!(error.to_string().contains("official"));
    }

    #[test]
    fn one_real_second_is_speed_rehearsal_seconds() {
        let time = night_in_a_minute(Timestamp::UNIX_EPOCH);
        assert_eq!(time.at(0), time.origin);
        assert_eq!(time.at(1_000_000), time.origin + SignedDuration::from_secs(900));
        assert_eq!(time.at(60_000_000), time.origin + SignedDuration::from_hours(15));
        assert_eq!(time.at(-1_000_000), time.origin - SignedDuration::from_secs(900));
    }

    #[test]
    fn a_time_beyond_the_calendar_stops_at_its_ends() {
        let time = night_in_a_minute(Timestamp::UNIX_EPOCH);
        assert_eq!(time.at(i128::MAX).as_microsecond(), Timestamp::MAX.as_microsecond());
        assert_eq!(time.at(i128::MIN).as_microsecond(), Timestamp::MIN.as_microsecond());
    }

    #[test]
    fn two_processes_that_start_at_different_times_agree() {
        let wall_start = Timestamp::now();
        let first = Clock::rehearsal(Purpose::Rehearsal, night_in_a_minute(wall_start)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let second = Clock::rehearsal(Purpose::Rehearsal, night_in_a_minute(wall_start)).unwrap();
        let before = first.now();
        let shown = second.now();
        let after = first.now();
        // 900 times a real millisecond of tolerance: the two anchors are read one after the other.
        let tolerance = SignedDuration::from_millis(900);
        assert!(before - tolerance <= shown && shown <= after + tolerance, "{before} {shown} {after}");
    }

    #[test]
    fn the_system_clock_shows_real_time() {
        let before = Timestamp::now().as_millisecond();
        let shown = Clock::system().now_utc_milliseconds();
        let after = Timestamp::now().as_millisecond();
        assert!(before <= shown && shown <= after);
    }

    #[tokio::test]
    async fn a_sleep_lasts_the_rehearsals_time_divided_by_its_speed() {
        let clock = Clock::rehearsal(Purpose::Rehearsal, night_in_a_minute(Timestamp::now())).unwrap();
        let target = clock.now() + SignedDuration::from_secs(90);
        let started = clock.monotonic();
        clock.sleep_until(target).await;
        assert!(clock.now() >= target);
        let slept = started.elapsed();
        assert!(slept >= Duration::from_millis(95), "slept only {slept:?}");
        assert!(slept < Duration::from_secs(60), "slept {slept:?}: the speed was not applied");
        assert_eq!(clock.real_time_until(target), Duration::ZERO);
    }
}
