//! Turnouts, each by its name, and turnout through the day.

use hattama_proto::log::v1::SlotFigures;
use hattama_proto::national::v1::Ratio;

use super::percent_of_width;
use super::times::NationalClock;
use crate::numbers::{NOTHING, scaled};
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// Height of the chart's bars at 100 %, in CSS pixels, and the room above and below for labels.
const CHART_HEIGHT: u64 = 252;
const LABEL_HEIGHT: u64 = 22;

/// Lines behind the bars, in percent.
const GRID: [u64; 2] = [100, 50];

/// Part of a slot's width that its bar fills, in hundredths of a percent of the slot.
const BAR_FILL: u64 = 6_200;

/// Turnout.
pub struct TurnoutView {
    /// The ratios by name.
    pub ratios: Vec<RatioView>,
    /// The slots in time order.
    pub slots: Vec<SlotView>,
    /// Full height of the chart.
    pub height: u64,
    /// Where its base line lies.
    pub base: u64,
    /// Lines behind the bars.
    pub grid: Vec<GridLine>,
}

/// A line behind the bars.
pub struct GridLine {
    /// Where, in pixels.
    pub y: u64,
    /// "50 %".
    pub text: String,
}

/// A ratio by name.
pub struct RatioView {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// In percent, or "unknown".
    pub share: String,
    /// "6,521,860 of 12,035,578"; empty when unknown.
    pub fraction: String,
    /// Over how many stations.
    pub stations: String,
    /// False when it is unknown.
    pub known: bool,
}

/// A slot.
pub struct SlotView {
    /// By the national clock.
    pub hour: String,
    /// Voters who had received a ballot.
    pub received: String,
    /// Voters on the register at that instant.
    pub register: String,
    /// In percent.
    pub share: String,
    /// "10,102 of 10,223".
    pub reported: String,
    /// True when a station has reported for it.
    pub any: bool,
    /// The bar's place and size.
    pub bar: Bar,
}

/// A bar of the chart.
pub struct Bar {
    /// Left edge in percent of the width.
    pub left: String,
    /// Middle in percent of the width.
    pub middle: String,
    /// Width in percent of the chart's.
    pub width: String,
    /// Top in pixels.
    pub top: u64,
    /// Height in pixels.
    pub height: u64,
    /// Where the label stands.
    pub label: u64,
    /// Its text: percent with one decimal.
    pub text: String,
}

/// Builds the section.
pub fn build(snapshot: &Snapshot, words: &Words) -> TurnoutView {
    let clock = NationalClock::new(snapshot.election.national_utc_offset_minutes);
    let slots = &snapshot.result.turnout;
    let hour = |slot: &SlotFigures| {
        let known = snapshot.election.slots.iter().find(|known| known.id == slot.slot);
        known.map_or_else(|| slot.slot.clone(), |known| clock.hour(known.at_seconds))
    };
    let slots: Vec<_> =
        slots.iter().enumerate().map(|(place, slot)| slot_view(slot, hour(slot), place, slots.len(), words)).collect();
    TurnoutView {
        ratios: snapshot.result.turnouts.iter().map(|ratio| ratio_view(ratio, words)).collect(),
        slots,
        height: CHART_HEIGHT + 2 * LABEL_HEIGHT,
        base: CHART_HEIGHT + LABEL_HEIGHT,
        grid: GRID.into_iter().map(|percent| grid_line(percent, words)).collect(),
    }
}

fn grid_line(percent: u64, words: &Words) -> GridLine {
    GridLine {
        y: LABEL_HEIGHT + CHART_HEIGHT - scaled(percent, 100, CHART_HEIGHT),
        text: words.numbers.share(percent, 100, 0),
    }
}

fn ratio_view(ratio: &Ratio, words: &Words) -> RatioView {
    let (part, whole) = (words.count(ratio.numerator), words.count(ratio.denominator));
    RatioView {
        name: words.known("ratio", &ratio.name),
        about: words.known("ratio_about", &ratio.name),
        share: match ratio.known {
            true => words.numbers.share(ratio.numerator, ratio.denominator, 2),
            false => words.t("unknown"),
        },
        fraction: match ratio.known {
            true => words.say("part-of-whole", &[("part", &part), ("whole", &whole)]),
            false => words.t("unknown-why"),
        },
        stations: words.counted("over-stations", ratio.stations),
        known: ratio.known,
    }
}

fn slot_view(slot: &SlotFigures, hour: String, place: usize, slots: usize, words: &Words) -> SlotView {
    let any = slot.reported > 0;
    let or_nothing = |text: String| if any { text } else { NOTHING.to_owned() };
    let (reported, stations) = (words.count(slot.reported), words.count(slot.stations));
    SlotView {
        hour,
        received: or_nothing(words.count(slot.received_a_ballot)),
        register: or_nothing(words.count(slot.register)),
        share: or_nothing(words.numbers.share(slot.received_a_ballot, slot.register, 2)),
        reported: words.say("part-of-whole", &[("part", &reported), ("whole", &stations)]),
        any,
        bar: bar(slot, place as u64, slots as u64, words),
    }
}

/// The scale is 0 to 100 %: a turnout is not made to look larger than it is.
fn bar(slot: &SlotFigures, place: u64, slots: u64, words: &Words) -> Bar {
    let step = 10_000 / slots.max(1);
    let width = step * BAR_FILL / 10_000;
    let left = place * step + (step - width) / 2;
    let height = scaled(slot.received_a_ballot, slot.register, CHART_HEIGHT).min(CHART_HEIGHT);
    let top = LABEL_HEIGHT + CHART_HEIGHT - height;
    Bar {
        left: percent_of_width(left),
        middle: percent_of_width(place * step + step / 2),
        width: percent_of_width(width),
        top,
        height,
        label: top - 5,
        text: words.numbers.bare_share(slot.received_a_ballot, slot.register, 1),
    }
}
