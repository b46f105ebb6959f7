//! Turnout reports: every station at every slot while it votes, and what goes wrong with them.

use super::{
    Incident,
    dice::{dealt, share},
    rates::{
        CORRECTION_MINUTES, LAST_REPORT_AFTER_CLOSE_SECONDS, OPEN_SECONDS, REPORT_SENDING_SECONDS,
        REPORT_SPREAD_SECONDS,
    },
    scene::Scene,
    stories::deal,
    truth::TrueStation,
};
use crate::night::TurnoutFigures;
use hattama_election::{
    definition::Definition,
    form::LineMeaning,
    ids::{SlotIndex, StationIndex},
    instant::Instant,
    submission::SubmissionBody,
    turnout::{TurnoutContent, TurnoutReport},
};
use hattama_tally::{Outcome, SlotFigures};
use std::collections::BTreeMap;

/// By how many voters a last report may differ from the ballots issued.
const LAST_REPORT_DIFFERS_BY: std::ops::RangeInclusive<u32> = 1..=3;

/// What goes wrong at one station, and at which slot.
#[derive(Debug, Clone, Copy)]
enum Story {
    Missing { slot: usize },
    Falls { slot: usize, written: u32 },
    LastDiffers { slot: usize, written: u32 },
}

pub(super) fn write(scene: &mut Scene<'_>) {
    let stories = stories(scene);
    let mut slots: Vec<SlotFigures> = (0..scene.definition.slots.len())
        .filter_map(|place| u16::try_from(place).ok().map(SlotIndex))
        .map(|slot| SlotFigures { slot, stations: 0, reported: 0, received_a_ballot: 0, register: 0 })
        .collect();
    for (place, station) in scene.stations.iter().enumerate() {
        write_station(scene, station, stories.get(&place).copied(), &mut slots);
    }
    scene.expected.slots = slots;
}

/// Sends a station's reports, and adds to each slot what it stands with: a silent one with its last earlier report.
fn write_station(scene: &mut Scene<'_>, station: &TrueStation, story: Option<Story>, slots: &mut [SlotFigures]) {
    let due = due_slots(scene.definition, station);
    let mut standing = silent(scene.definition, station.index);
    for (slot, sums) in slots.iter_mut().enumerate() {
        let figures = station.turnout.get(slot).filter(|_| due.contains(&slot)).copied();
        let counted = figures.and_then(|figures| write_slot(scene, station.index, slot, figures, story));
        standing = counted.unwrap_or(standing);
        sums.stations += 1;
        sums.reported += u64::from(counted.is_some());
        sums.received_a_ballot += u64::from(standing.received);
        sums.register += u64::from(standing.register);
    }
}

/// Sends the report of one slot; returns what counts in the end, `None` when it never comes.
fn write_slot(
    scene: &mut Scene<'_>,
    index: StationIndex,
    slot: usize,
    figures: TurnoutFigures,
    story: Option<Story>,
) -> Option<TurnoutFigures> {
    let (station, due) = (scene.station(index), &scene.definition.slots[slot]);
    let mut dice = scene.dice("report", &[station.id.as_str(), due.id.as_str()]);
    let spread = i64::from(dice.below(REPORT_SPREAD_SECONDS)) - i64::from(REPORT_SPREAD_SECONDS / 2);
    let at = Instant(due.at.0 + spread);
    let sending = i64::from(dice.within(&REPORT_SENDING_SECONDS));
    let send = |scene: &mut Scene<'_>, at: Instant, revision, figures: TurnoutFigures, why, becomes| {
        let content = TurnoutContent {
            station: station.id.clone(),
            slot: due.id.clone(),
            revision,
            received_a_ballot: figures.received,
            register: figures.register,
        };
        let report = TurnoutReport { content, signed_at: Instant(at.0 - sending) };
        scene.send_from_station(index, at, SubmissionBody::Turnout(report), why, becomes);
    };
    match story {
        Some(Story::Missing { slot: missing }) if missing == slot => {
            scene.expected.count(Incident::ReportMissing);
            None
        }
        Some(Story::Falls { slot: falls, written }) if falls == slot => {
            let why = Incident::TurnoutFalls;
            let later = Instant(at.0 + dice.seconds_within(&CORRECTION_MINUTES));
            send(scene, at, 1, TurnoutFigures { received: written, ..figures }, why, Outcome::Superseded);
            send(scene, later, 2, figures, why, Outcome::Counted);
            scene.expected.count(why);
            Some(figures)
        }
        Some(Story::LastDiffers { slot: last, written }) if last == slot => {
            let figures = TurnoutFigures { received: written, ..figures };
            send(scene, at, 1, figures, Incident::LastReportDiffers, Outcome::Counted);
            scene.expected.count(Incident::LastReportDiffers);
            Some(figures)
        }
        _ => {
            send(scene, at, 1, figures, Incident::Ordinary, Outcome::Counted);
            Some(figures)
        }
    }
}

/// What a station stands with that has reported nothing.
fn silent(definition: &Definition, index: StationIndex) -> TurnoutFigures {
    TurnoutFigures { received: 0, register: definition.stations[index.0 as usize].register }
}

/// The slots for which a station reports: from its opening until some hours behind its close, and whenever it has news.
fn due_slots(definition: &Definition, station: &TrueStation) -> Vec<usize> {
    let closes = definition.stations[station.index.0 as usize].polls_close.0;
    let reporting = closes - OPEN_SECONDS..=closes + LAST_REPORT_AFTER_CLOSE_SECONDS;
    let mut standing = silent(definition, station.index);
    let mut due = Vec::new();
    for (place, (slot, figures)) in definition.slots.iter().zip(&station.turnout).enumerate() {
        if reporting.contains(&slot.at.0) || *figures != standing {
            due.push(place);
            standing = *figures;
        }
    }
    due
}

fn stories(scene: &Scene<'_>) -> BTreeMap<usize, Story> {
    let places: Vec<usize> = (0..scene.stations.len()).collect();
    let name = |place: &usize| vec![scene.station(scene.stations[*place].index).id.to_string()];
    let order = dealt(scene.seed, "turnout stories", places, name);
    let mut stories = BTreeMap::new();
    let count = |rate| share(rate, order.len());
    deal(&order, &mut stories, count(scene.rates.report_missing), |place| missing(scene, &scene.stations[*place]));
    deal(&order, &mut stories, count(scene.rates.turnout_falls), |place| falls(scene, &scene.stations[*place]));
    last_differs(scene, &order, count(scene.rates.last_report_differs), &mut stories);
    stories
}

/// Any report but the last, which the protocol is compared with.
fn missing(scene: &Scene<'_>, station: &TrueStation) -> Option<Story> {
    let due = due_slots(scene.definition, station);
    let (_, but_last) = due.split_last()?;
    let mut dice = scene.dice("missing", &[scene.station(station.index).id.as_str()]);
    Some(Story::Missing { slot: *dice.one_of(but_last)? })
}

fn falls(scene: &Scene<'_>, station: &TrueStation) -> Option<Story> {
    let due = due_slots(scene.definition, station);
    let received = |slot: usize| station.turnout[slot].received;
    let falling: Vec<_> = due.windows(2).filter(|pair| received(pair[0]) > 0).map(|pair| (pair[0], pair[1])).collect();
    let mut dice = scene.dice("falls", &[scene.station(station.index).id.as_str()]);
    let (before, slot) = *dice.one_of(&falling)?;
    let written = received(before) - 1 - dice.below(received(before) / 10);
    Some(Story::Falls { slot, written })
}

/// In pairs, one as much above as the other is below: the nation's last figure stays what was published.
fn last_differs(scene: &Scene<'_>, order: &[usize], wanted: usize, stories: &mut BTreeMap<usize, Story>) {
    let eligible = |place: &&usize| !stories.contains_key(*place) && may_differ(scene, &scene.stations[**place]);
    let chosen: Vec<usize> = order.iter().filter(eligible).take(wanted.next_multiple_of(2)).copied().collect();
    let last = scene.definition.slots.len().saturating_sub(1);
    for pair in chosen.chunks_exact(2) {
        let by = scene
            .dice("last report", &[scene.station(scene.stations[pair[0]].index).id.as_str()])
            .within(&LAST_REPORT_DIFFERS_BY);
        let received = |place: usize| scene.stations[place].turnout[last].received;
        stories.insert(pair[0], Story::LastDiffers { slot: last, written: received(pair[0]) + by });
        stories.insert(pair[1], Story::LastDiffers { slot: last, written: received(pair[1]) - by });
    }
}

/// Whether the last report is the ballots issued, and may be a little higher or lower without breaking another rule.
fn may_differ(scene: &Scene<'_>, station: &TrueStation) -> bool {
    let due = due_slots(scene.definition, station);
    let [.., before, last] = due.as_slice() else { return false };
    if *last + 1 != scene.definition.slots.len() {
        return false;
    }
    let issued = station.protocols.first().and_then(|(_, list)| list.lines.get(LineMeaning::BallotsIssued));
    if issued != Some(station.turnout[*last].received) {
        return false;
    }
    let (before, last, room) = (station.turnout[*before], station.turnout[*last], *LAST_REPORT_DIFFERS_BY.end());
    last.received >= before.received + room && last.received + room <= last.register
}
