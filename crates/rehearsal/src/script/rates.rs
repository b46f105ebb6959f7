//! How often things go wrong, and how long they take.

use std::ops::RangeInclusive;

/// How often things happen, in parts of 10,000 of what they may happen to. One that is not 0 happens at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Of all that stations send: the same bytes again, through another gateway.
    pub repeated: u32,
    /// Of all that stations send undisturbed: signed and sent again.
    pub signed_again: u32,
    /// Of the protocols: the first has a sum that does not add up.
    pub sum_wrong: u32,
    /// Of the protocols: the first has two digits transposed.
    pub digits_transposed: u32,
    /// Of the protocols: the first has a pile of votes under the wrong option, and every sum right.
    pub pile_moved: u32,
    /// Of the protocols: a correction that is itself wrong.
    pub bad_correction: u32,
    /// Of the protocols: two contents under one revision.
    pub contested: u32,
    /// Of the protocols: signed before the close, by a clock that is wrong.
    pub signed_early: u32,
    /// Of the protocols: complaints were lodged.
    pub complaints: u32,
    /// Of the protocols: a member dissents.
    pub dissent: u32,
    /// Of the stations: the report of one slot never comes.
    pub report_missing: u32,
    /// Of the stations: one report is below the one before, until it is corrected.
    pub turnout_falls: u32,
    /// Of the stations: the last report is not the ballots issued.
    pub last_report_differs: u32,
    /// Of each of the kinds of submission that a gateway must refuse: how many (a number, no rate).
    pub refused_of_each_kind: u32,
    /// Of each of the kinds of record that an intruder writes past the gateways: how many (a number, no rate).
    pub intrusions_of_each_kind: u32,
}

impl Rates {
    /// A whole night. About one protocol in twenty has a story: more than in life, so that each is seen in minutes.
    pub const NIGHT: Self = Self {
        repeated: 200,
        signed_again: 100,
        sum_wrong: 100,
        digits_transposed: 50,
        pile_moved: 100,
        bad_correction: 10,
        contested: 30,
        signed_early: 20,
        complaints: 50,
        dissent: 30,
        report_missing: 100,
        turnout_falls: 30,
        last_report_differs: 30,
        refused_of_each_kind: 8,
        intrusions_of_each_kind: 2,
    };

    /// A night of a few stations in which everything happens.
    pub const SMALL: Self = Self {
        repeated: 1_500,
        signed_again: 1_000,
        sum_wrong: 500,
        digits_transposed: 500,
        pile_moved: 500,
        bad_correction: 500,
        contested: 500,
        signed_early: 500,
        complaints: 500,
        dissent: 500,
        report_missing: 1_000,
        turnout_falls: 1_000,
        last_report_differs: 1_000,
        refused_of_each_kind: 1,
        intrusions_of_each_kind: 1,
    };
}

/// A station votes for thirteen hours: 07:00 to 20:00 of its own clock.
pub(super) const OPEN_SECONDS: i64 = 13 * 3_600;
/// A closed station repeats its last turnout at slots until then: those west of the capital close between two slots.
pub(super) const LAST_REPORT_AFTER_CLOSE_SECONDS: i64 = 4 * 3_600;
/// Reports of a slot come within the ten minutes around it: its figures are published five minutes later.
pub(super) const REPORT_SPREAD_SECONDS: u32 = 600;
/// The probes go out this long before anything else, a second apart.
pub(super) const PROBES_BEFORE_SECONDS: i64 = 30 * 60;

/// How long stations count until the list protocol is sent: per mille of the stations, and minutes. Log-normal with the
/// median at two and a half hours, cut off at eight (assumed: nothing is published about it).
pub(super) const COUNTING_MINUTES: [(u32, u32); 11] = [
    (0, 50),
    (10, 63),
    (50, 81),
    (100, 93),
    (250, 116),
    (500, 150),
    (750, 193),
    (900, 243),
    (950, 278),
    (990, 360),
    (1_000, 480),
];
/// From one contest's protocol to the next: the ballots of the second lie sorted already.
pub(super) const NEXT_CONTEST_MINUTES: RangeInclusive<u32> = 20..=50;
/// From signature to sending.
pub(super) const SENDING_MINUTES: RangeInclusive<u32> = 2..=8;
/// From a report's signature to its sending.
pub(super) const REPORT_SENDING_SECONDS: RangeInclusive<u32> = 5..=90;
/// Until the same bytes come again: somebody did not see the receipt.
pub(super) const REPEAT_MINUTES: RangeInclusive<u32> = 1..=30;
/// What is signed again is signed this much later.
pub(super) const SIGNED_AGAIN_SECONDS: i64 = 60;
/// Until a station corrects a protocol that is held: the screen tells it at once.
pub(super) const CORRECTION_MINUTES: RangeInclusive<u32> = 20..=60;
/// Until a station finds a pile in the wrong place: nothing tells it.
pub(super) const RECOUNT_MINUTES: RangeInclusive<u32> = 30..=120;
/// Between two contents under one revision: two members send what they take for the protocol.
pub(super) const CONTEST_MINUTES: RangeInclusive<u32> = 2..=10;
/// From what a commission rules on to its decision: never below 15, so that the decision finds its object.
pub(super) const RULING_MINUTES: RangeInclusive<u32> = 20..=40;
/// By how much a wrong clock signs before the close.
pub(super) const SIGNED_EARLY_MINUTES: RangeInclusive<u32> = 5..=50;
/// An intruder copies what was sent this long ago.
pub(super) const INTRUSION_MINUTES: RangeInclusive<u32> = 20..=40;

/// A station's key is replaced this long before it closes, and the new one used from an hour later on: an amendment must
/// be everywhere before anything is signed under it.
pub(super) const KEY_REPLACED_BEFORE_CLOSE_SECONDS: i64 = 4 * 3_600;
pub(super) const NEW_KEY_USED_AFTER_SECONDS: i64 = 3_600;
/// A station stays open so much longer, and the amendment that says so comes so long before it would have closed.
pub(super) const STAYS_OPEN_SECONDS: i64 = 3_600;
pub(super) const STAYS_OPEN_AMENDED_BEFORE_SECONDS: i64 = 3_600;

/// The minutes within which a per mille of the stations has counted, in seconds.
pub(super) fn counting_seconds(per_mille: u32) -> i64 {
    let above = COUNTING_MINUTES.partition_point(|(share, _)| *share <= per_mille).clamp(1, COUNTING_MINUTES.len() - 1);
    let ((low, from), (high, to)) = (COUNTING_MINUTES[above - 1], COUNTING_MINUTES[above]);
    i64::from(from * 60 + (to - from) * 60 * (per_mille - low) / (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_takes_two_and_a_half_hours_in_the_middle_and_eight_at_most() {
        assert_eq!([0, 500, 1_000].map(counting_seconds), [50 * 60, 150 * 60, 480 * 60]);
        assert!((1..=1_000).all(|share| counting_seconds(share - 1) <= counting_seconds(share)));
    }
}
