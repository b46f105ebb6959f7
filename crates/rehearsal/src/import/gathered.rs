//! What has been read so far: stations, events, and the rows that were left out.

use super::{BadRow, MAX_BAD_ROWS_LISTED};
use crate::recorded::{RecordedEvent, Said, Source};
use hattama_election::{
    digest::ContentDigest,
    ids::{RegionId, StationId, TerritoryId},
    instant::Instant,
};
use std::collections::BTreeMap;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) stations: BTreeMap<StationId, StationFacts>,
    /// Territory to its region and name.
    pub(super) territories: BTreeMap<TerritoryId, TerritoryFacts>,
    pub(super) events: Vec<RecordedEvent>,
    pub(super) bad_rows: BadRows,
    pub(super) sources: Vec<Source>,
}

/// What the rows say about a station.
#[derive(Debug, Clone)]
pub(super) struct StationFacts {
    pub(super) region: RegionId,
    pub(super) territory: TerritoryId,
    pub(super) abroad: bool,
    /// From its protocol of the highest revision, and which that is.
    pub(super) register: Option<(u8, u32)>,
    /// From its earliest turnout report: this one is nearer to the start of the election.
    pub(super) first_report: Option<(Instant, u32)>,
    /// File and line where it was first met.
    pub(super) first_place: String,
}

/// What the rows say about a territory.
#[derive(Debug, Clone)]
pub(super) struct TerritoryFacts {
    pub(super) region: RegionId,
    /// None: it is named like its region.
    pub(super) name: Option<String>,
}

/// Rows that were left out, the first of them in full.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    pub(super) listed: Vec<BadRow>,
    pub(super) count: u64,
}

impl BadRows {
    pub(super) fn add(&mut self, row: BadRow) {
        self.count += 1;
        if self.listed.len() < MAX_BAD_ROWS_LISTED {
            self.listed.push(row);
        }
    }
}

impl StationFacts {
    /// The register when the election starts, when somebody says so.
    pub(super) fn register(&self) -> Option<u32> {
        let said = self.first_report.map(|(_, register)| register).or(self.register.map(|(_, register)| register));
        said.filter(|register| *register > 0)
    }
}

impl Gathered {
    /// Arrival decides the order. Where several came within one second, turnout comes first, then the files' order.
    pub(super) fn sort(&mut self) {
        self.events.sort_by_key(|event| (event.at, matches!(event.said, Said::Protocol { .. })));
    }

    /// Names for each correction the content that it corrects: the one of the revision before, when that is in the data.
    /// Of two different ones under one revision the one that came first is named.
    pub(super) fn link_revisions(&mut self) {
        let mut known: BTreeMap<(StationId, u8), ContentDigest> = BTreeMap::new();
        for event in &self.events {
            if let Said::Protocol { content, .. } = &event.said {
                known.entry((content.station.clone(), content.revision)).or_insert_with(|| content.digest());
            }
        }
        for event in &mut self.events {
            if let Said::Protocol { content, supersedes } = &mut event.said {
                *supersedes = known.get(&(content.station.clone(), content.revision.saturating_sub(1))).copied();
            }
        }
    }
}
