//! The time of a night that is played: set, faster, and the same in all its processes.

use hattama_election::{definition::Definition, digest::SubmissionDigest};
use hattama_rehearsal::script::{Event, RehearsalKeyring};
use hattama_service_kit::clock::RehearsalTime;
use std::{collections::HashSet, num::NonZeroU32, time::Duration};

/// The instant of the first event that is not in the log yet; of the last when all are.
#[must_use]
pub fn first_unsent(
    events: &[Event],
    already_logged: &HashSet<SubmissionDigest>,
    keyring: &RehearsalKeyring,
    definition: &Definition,
) -> i64 {
    let unsent = events.iter().find(|event| {
        already_logged.is_empty()
            || event.sign(keyring, definition).is_ok_and(|signed| !already_logged.contains(&signed.digest))
    });
    unsent.or(events.last()).map_or(0, |event| event.at.0)
}

/// The time that shows an event's instant after `lead` from now.
///
/// # Errors
/// When there is no such instant.
pub fn time_of(first_event: i64, speed: NonZeroU32, lead: Duration) -> Result<RehearsalTime, jiff::Error> {
    let lead = i64::try_from(lead.as_secs()).unwrap_or(i64::MAX).saturating_mul(i64::from(speed.get()));
    Ok(RehearsalTime {
        origin: jiff::Timestamp::from_second(first_event.saturating_sub(lead))?,
        speed,
        wall_start: jiff::Timestamp::now(),
    })
}
