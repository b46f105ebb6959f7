//! A recorded night as a script's events, so that one runner plays both.

use super::{RecordedEvent, RecordedNight, Said};
use crate::script::{Action, Event, Fate, Incident, Route, Signer};
use hattama_election::digest::{ContentDigest, sha256};
use hattama_tally::Outcome;
use std::collections::{BTreeMap, HashSet};

impl RecordedNight {
    /// The events as a script's, in order. A fate is what becomes of an event where no rule of the definition holds a
    /// recorded figure: importing with every cap and identity flagged.
    pub fn script_events(&self) -> impl Iterator<Item = Event> {
        let fates = Fates::of(&self.events);
        let signer = Signer::Authority(self.head.signer.clone());
        let mut seen = HashSet::new();
        (0..).zip(&self.events).map(move |(number, event)| {
            let (station, revision, cell) = fates.cell(&event.said);
            let digest = event.said.content_digest();
            let repeated = !seen.insert(digest);
            let outcome = if repeated { Outcome::Duplicate } else { cell.fate(revision) };
            Event {
                number,
                at: event.at,
                // A gateway knows what it has: through another one the repeat reaches the log.
                through: Route::Gateway(gateway(station).wrapping_add(u8::from(repeated))),
                action: Action::Send { signer: signer.clone(), body: event.body() },
                why: if repeated { Incident::Repeated } else { Incident::Ordinary },
                fate: Fate::Stands(outcome),
            }
        })
    }
}

/// Where an event belongs: what tells the cells of a station apart.
type CellKey<'a> = (&'a str, bool, &'a str);

/// The contents of a night by station, and contest or slot.
struct Fates<'a> {
    cells: BTreeMap<CellKey<'a>, FateCell>,
}

/// By revision: a content, and whether another one stands beside it.
#[derive(Default)]
struct FateCell(BTreeMap<u8, (ContentDigest, bool)>);

impl<'a> Fates<'a> {
    fn of(events: &'a [RecordedEvent]) -> Self {
        let mut cells: BTreeMap<CellKey<'a>, FateCell> = BTreeMap::new();
        for event in events {
            let (digest, (key, revision)) = (event.said.content_digest(), key_of(&event.said));
            let known = cells.entry(key).or_default().0.entry(revision).or_insert((digest, false));
            known.1 |= known.0 != digest;
        }
        Self { cells }
    }

    fn cell(&self, said: &'a Said) -> (&'a str, u8, &FateCell) {
        static EMPTY: FateCell = FateCell(BTreeMap::new());
        let (key, revision) = key_of(said);
        (key.0, revision, self.cells.get(&key).unwrap_or(&EMPTY))
    }
}

impl FateCell {
    /// Of the contents that are not contested the one of the highest revision counts; lower ones are superseded.
    fn fate(&self, revision: u8) -> Outcome {
        let counted = self.0.iter().rev().find(|(_, (_, contested))| !contested).map(|(revision, _)| *revision);
        match counted {
            Some(counted) if counted == revision => Outcome::Counted,
            Some(counted) if counted > revision => Outcome::Superseded,
            _ => Outcome::Contested,
        }
    }
}

fn key_of(said: &Said) -> (CellKey<'_>, u8) {
    match said {
        Said::Protocol { content, .. } => {
            ((content.station.as_str(), true, content.contest.as_str()), content.revision)
        }
        Said::Turnout(content) => ((content.station.as_str(), false, content.slot.as_str()), content.revision),
    }
}

/// A station stays with one gateway: any byte of its id's digest spreads them.
fn gateway(station: &str) -> u8 {
    sha256(station.as_bytes())[0]
}
