//! What a service shows on both sides of an instant.

use crate::clock::{Clock, Purpose, RehearsalTime};
use jiff::Timestamp;
use std::num::NonZeroU32;

/// Seconds before the instant at which a service starts: the next are for a machine too busy for the first.
const LEADS_SECONDS: [i64; 3] = [6, 20, 60];

/// Starts a service with a rehearsal's clock (`--rehearsal-time` takes its [`Clock::rehearsal_time`]) a little before an instant
/// in seconds since 1970, and looks one second before the instant and one second after it. Returns the service and both
/// looks. On a machine too busy to look in time it starts again, earlier.
pub async fn one_second_before_and_after<S, L>(
    instant_seconds: i64,
    mut start: impl AsyncFnMut(Clock) -> S,
    mut look: impl AsyncFnMut(&S) -> L,
) -> (S, L, L) {
    let at = |seconds| Timestamp::from_second(instant_seconds + seconds).unwrap();
    for lead in LEADS_SECONDS {
        let time = RehearsalTime { origin: at(-lead), speed: NonZeroU32::MIN, wall_start: Timestamp::now() };
        let clock = Clock::rehearsal(Purpose::Rehearsal, time).unwrap();
        let service = start(clock).await;
        clock.sleep_until(at(-1)).await;
        let before = look(&service).await;
        if clock.now() >= at(0) {
            continue;
        }
        clock.sleep_until(at(1)).await;
        let after = look(&service).await;
        return (service, before, after);
    }
    panic!("the machine was too busy to look before the instant");
}
