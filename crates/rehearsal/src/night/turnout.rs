//! Who came when: voters added and ballots received, by station and slot, summing to every region's figures.

use super::{NightError, StationFacts, Unit};
use crate::{
    facts::{ABROAD, ELECTION_DAY_START_UNIX_SECONDS, SLOT_COUNT, SLOT_HOURS, SLOTS},
    registers::{chance::Chance, rounding::fit},
};

/// No station reaches a turnout above 97 %: a whole register that voted would be flagged.
const HIGHEST_TURNOUT_PERCENT: u64 = 97;
/// A station votes for thirteen hours: 07:00 to 20:00 of its own clock.
const HOURS_OPEN: f64 = 13.0;
/// How unlike stations of one region are, as [`Chance::factor`] spreads odds: in all, and from slot to slot.
const TURNOUT_SPREAD: f64 = 0.35;
const SLOT_SPREAD: f64 = 0.25;
/// A station abroad that opens late gets at least this share of the odds of one that has been open all day.
const LEAST_SHARE_OF_DAY: f64 = 0.2;
/// From one slot to the next.
const HOURS_BETWEEN_SLOTS: f64 = 2.0;

/// By station and slot.
pub(super) type BySlot = [u32; SLOT_COUNT];

/// Voters added to the register by each slot: a district's growth, one voter at a time, at stations still open.
pub(super) fn added(stations: &[StationFacts], units: &[Unit<'_>], seed: u64) -> Vec<BySlot> {
    let mut chance = Chance::new(seed, "voters added");
    let mut added = vec![[0; SLOT_COUNT]; stations.len()];
    for unit in units {
        for (solved, places) in unit.region.units.iter().zip(&unit.by_district) {
            let mut before = 0;
            for slot in 0..SLOT_COUNT {
                let previous_slot_hour = f64::from(SLOT_HOURS[slot]) - HOURS_BETWEEN_SLOTS;
                let open = |index: &usize| closes_at(&stations[*index]) > previous_slot_hour;
                let open: Vec<usize> = places.iter().copied().filter(open).collect();
                for _ in before..solved.added[slot] {
                    if let Some(index) = draw_by_register(stations, &open, &mut chance) {
                        added[index][slot..].iter_mut().for_each(|count| *count += 1);
                    }
                }
                before = solved.added[slot];
            }
        }
    }
    added
}

fn draw_by_register(stations: &[StationFacts], places: &[usize], chance: &mut Chance) -> Option<usize> {
    let voters: u32 = places.iter().map(|index| stations[*index].register).sum();
    let mut left = chance.unit() * f64::from(voters);
    let chosen = places.iter().copied().find(|index| {
        left -= f64::from(stations[*index].register);
        left < 0.0
    });
    chosen.or(places.last().copied())
}

/// Voters who had received a ballot by each slot: never falling, and in sum a region's count at every slot.
pub(super) fn received(
    stations: &[StationFacts],
    units: &[Unit<'_>],
    added: &[BySlot],
    seed: u64,
) -> Result<Vec<BySlot>, NightError> {
    let mut received = vec![[0; SLOT_COUNT]; stations.len()];
    for unit in units {
        let mut chance = Chance::new(seed, &format!("turnout of {}", unit.region.region));
        let here: Vec<&StationFacts> = unit.stations.iter().map(|index| &stations[*index]).collect();
        let last = SLOT_COUNT - 1;
        let registers: Vec<u32> =
            unit.stations.iter().map(|index| stations[*index].register + added[*index][last]).collect();
        let mut counts = at_the_end(&here, &registers, unit, &mut chance)?;
        for slot in (0..SLOT_COUNT).rev() {
            if slot < last {
                counts = one_slot_earlier(&here, &counts, slot, unit, &mut chance)?;
            }
            unit.stations.iter().zip(&counts).for_each(|(index, count)| received[*index][slot] = *count);
        }
    }
    Ok(received)
}

fn at_the_end(
    stations: &[&StationFacts],
    registers: &[u32],
    unit: &Unit<'_>,
    chance: &mut Chance,
) -> Result<Vec<u32>, NightError> {
    let end = f64::from(SLOT_HOURS[SLOT_COUNT - 1]);
    let odds: Vec<f64> = stations
        .iter()
        .map(|station| {
            let register = f64::from(station.register);
            // small places vote more: 1.6 times the odds in a hamlet, 0.9 times in a town
            let size = 0.75 + 450.0 / (register + 450.0);
            let day = ((closes_at(station).min(end) - opens_at(station)) / HOURS_OPEN).clamp(LEAST_SHARE_OF_DAY, 1.0);
            chance.factor(TURNOUT_SPREAD) * size * day
        })
        .collect();
    let highest = |register: &u32| (u64::from(*register) * HIGHEST_TURNOUT_PERCENT / 100) as u32;
    let (lower, upper): (Vec<u32>, Vec<u32>) = (vec![1; odds.len()], registers.iter().map(highest).collect());
    let count = |index: usize, scale: f64| f64::from(registers[index]) * share(odds[index] * scale);
    fit(u64::from(unit.region.received[SLOT_COUNT - 1]), &lower, &upper, count)
        .ok_or_else(|| no_fit(unit, SLOT_COUNT - 1))
}

/// Who of those counted at the next slot had come by this one.
fn one_slot_earlier(
    stations: &[&StationFacts],
    next: &[u32],
    slot: usize,
    unit: &Unit<'_>,
    chance: &mut Chance,
) -> Result<Vec<u32>, NightError> {
    let now = f64::from(SLOT_HOURS[slot]);
    let abroad = unit.region.region == ABROAD;
    let (mut lower, mut upper, mut odds) = (vec![0; next.len()], next.to_vec(), vec![1.0; next.len()]);
    for (index, station) in stations.iter().enumerate() {
        odds[index] = chance.factor(SLOT_SPREAD);
        if abroad {
            let (opens, closes) = (opens_at(station), closes_at(station));
            if now <= opens {
                upper[index] = 0;
            } else if now >= closes {
                lower[index] = next[index];
            } else {
                odds[index] *= (now - opens) / (closes - now).min(HOURS_BETWEEN_SLOTS);
            }
        }
    }
    let count = |index: usize, scale: f64| f64::from(next[index]) * share(odds[index] * scale);
    fit(u64::from(unit.region.received[slot]), &lower, &upper, count).ok_or_else(|| no_fit(unit, slot))
}

/// Odds as a share of the whole.
fn share(odds: f64) -> f64 {
    odds / (1.0 + odds)
}

/// Hours after midnight of election day on the national clock.
fn closes_at(station: &StationFacts) -> f64 {
    (station.polls_close_unix_seconds - ELECTION_DAY_START_UNIX_SECONDS) as f64 / 3_600.0
}

fn opens_at(station: &StationFacts) -> f64 {
    closes_at(station) - HOURS_OPEN
}

fn no_fit(unit: &Unit<'_>, slot: usize) -> NightError {
    NightError::no_fit(format!("the turnout of {} at {}", unit.region.region, SLOTS[slot]))
}
