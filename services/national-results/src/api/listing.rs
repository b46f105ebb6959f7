//! Stations by state as of a publication, in pages that are bound to it.

use super::{Api, reference_of_past};
use crate::archive::Past;
use hattama_election::{
    definition::Station,
    digest::{BodyDigest, sha256},
    ids::{ContestIndex, ShardId, StationIndex},
    rules::RuleCode,
};
use hattama_proto::national::v1::{
    ListStationsRequest, ListStationsResponse, StationRow, list_stations_request::State,
};
use hattama_tally::{CellEvaluation, ControlState, Outcome, PositionPair, StationState};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{sync::Mutex, task::spawn_blocking};
use tonic::Status;

/// Rows of a page when the request does not say.
const DEFAULT_PAGE_SIZE: u32 = 100;
/// The most rows of a page, as the contract says.
const MAX_PAGE_SIZE: u32 = 1_000;
/// Stations evaluated under one hold of a shard's lock.
const STATIONS_AT_ONCE: usize = 64;

/// The last listing made: the pages of one publication are mostly asked for one after the other, and the next publication
/// differs from it by the stations that were heard of in between. One is made at a time.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<Listing>);

/// The rows as of a publication.
#[derive(Debug, Default, Clone)]
struct Listing {
    /// None before the first is made.
    sequence: Option<u64>,
    rows: Arc<Vec<Arc<Row>>>,
    shards: BTreeMap<ShardId, ShardRows>,
}

/// The rows of a shard as of a pair of positions.
#[derive(Debug, Clone)]
struct ShardRows {
    at: PositionPair,
    control: Arc<ControlState>,
    /// Of each station, by contest; none of a closed station without a protocol, which nobody awaits.
    by_station: BTreeMap<StationIndex, Vec<Arc<Row>>>,
}

/// A station and a contest.
#[derive(Debug, Clone)]
struct Row {
    station: StationIndex,
    contest: ContestIndex,
    state: StationState,
    counted_revision: u8,
    highest_revision: u8,
    rules: Vec<RuleCode>,
    has_held: bool,
    has_contested: bool,
    is_flagged: bool,
}

/// From which row of which listing a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageStart {
    sequence: u64,
    row: usize,
}

impl Api {
    /// A page of stations.
    pub(super) async fn stations(&self, request: ListStationsRequest) -> Result<ListStationsResponse, Status> {
        let filter = self.filter(&request)?;
        let start = page_start(&request)?;
        let past = self.archive.past(start.map(|start| start.sequence).or(request.sequence))?;
        let first = start.map_or(0, |start| start.row);
        let rows = self.rows(&past).await?;
        let wanted: Vec<&Arc<Row>> = rows.iter().filter(|row| self.is_wanted(row, &filter)).collect();
        let size = match request.page_size {
            0 => DEFAULT_PAGE_SIZE,
            size => size.min(MAX_PAGE_SIZE),
        };
        let end = first.saturating_add(size as usize);
        let is_last = end >= wanted.len();
        Ok(ListStationsResponse {
            publication: Some(reference_of_past(self.replica.generation().0, &past)),
            rows: wanted.iter().skip(first).take(size as usize).map(|row| self.row(row)).collect(),
            next_page_token: if is_last { String::new() } else { page_token(&request, past.sequence, end) },
            total: wanted.len() as u64,
        })
    }

    /// The rows of all stations as of a publication.
    async fn rows(&self, past: &Arc<Past>) -> Result<Arc<Vec<Arc<Row>>>, Status> {
        let mut last = self.listings.0.lock().await;
        if last.sequence == Some(past.sequence) {
            return Ok(Arc::clone(&last.rows));
        }
        let mut controls = BTreeMap::new();
        for entry in past.vector.iter().filter(|entry| self.station_shards.contains(&entry.shard)) {
            controls.insert(entry.shard, (entry.position, self.reached(entry.shard, entry.position).await?));
        }
        let (api, mut shards) = (self.clone(), std::mem::take(&mut last.shards));
        let made = spawn_blocking(move || {
            for (shard, (at, control)) in controls {
                let before = shards.remove(&shard);
                shards.insert(shard, api.shard_rows(shard, at, control, before)?);
            }
            Ok::<_, Status>(shards)
        });
        let shards = made.await.map_err(|_| Status::internal("the listing panicked"))??;
        let mut rows: Vec<Arc<Row>> =
            shards.values().flat_map(|shard| shard.by_station.values().flatten().cloned()).collect();
        rows.sort_by_key(|row| (row.station, row.contest));
        *last = Listing { sequence: Some(past.sequence), rows: Arc::new(rows), shards };
        Ok(Arc::clone(&last.rows))
    }

    /// The rows of a shard at a pair of positions: those of an earlier pair, and anew those of the stations heard of since.
    fn shard_rows(
        &self,
        shard: ShardId,
        at: PositionPair,
        control: Arc<ControlState>,
        before: Option<ShardRows>,
    ) -> Result<ShardRows, Status> {
        let usable = before.filter(|before| at.covers(&before.at) && before.control.says_the_same_as(&control));
        let (mut by_station, stations) = match usable {
            Some(before) => {
                let since = before.at.next_offset..at.next_offset;
                let touched = self.replica.read(shard, |fold| fold.touched(since).collect::<BTreeSet<_>>())?;
                (before.by_station, touched.into_iter().collect::<Vec<_>>())
            }
            None => (BTreeMap::new(), self.definition.stations_of_shard(shard).map(|(index, _)| index).collect()),
        };
        for stations in stations.chunks(STATIONS_AT_ONCE) {
            let evaluated: Vec<_> = self.replica.read(shard, |fold| {
                let evaluation = |station: &StationIndex| Some((*station, fold.evaluation_at(*station, at, &control)?));
                stations.iter().filter_map(evaluation).collect()
            })?;
            for (station, evaluation) in evaluated {
                let rows = evaluation.contests.into_iter().map(|(contest, cell)| Row::new(station, contest, &cell));
                by_station
                    .insert(station, rows.filter(|row| row.state != StationState::Closed).map(Arc::new).collect());
            }
        }
        Ok(ShardRows { at, control, by_station })
    }

    fn filter(&self, request: &ListStationsRequest) -> Result<Filter, Status> {
        let contest = match request.contest.as_str() {
            "" => None,
            id => Some(self.contest(id)?.0),
        };
        let region = match request.region.as_str() {
            "" => None,
            id => {
                let known = self.definition.regions.iter().position(|region| region.id.as_str() == id);
                Some(known.ok_or_else(|| Status::not_found(format!("there is no region `{id}`")))?)
            }
        };
        let state = State::try_from(request.state)
            .map_err(|_| Status::invalid_argument(format!("{} is no state", request.state)))?;
        Ok(Filter { contest, region, state })
    }

    fn is_wanted(&self, row: &Row, filter: &Filter) -> bool {
        let region = usize::from(self.station_of(row).region.0);
        filter.contest.is_none_or(|contest| contest == row.contest)
            && filter.region.is_none_or(|wanted| wanted == region)
            && row.is(filter.state)
    }

    fn row(&self, row: &Row) -> StationRow {
        let station = self.station_of(row);
        StationRow {
            station: station.id.to_string(),
            contest: self.definition.contests[usize::from(row.contest.0)].id.to_string(),
            state: row.state_name().to_owned(),
            counted_revision: u32::from(row.counted_revision),
            highest_revision: u32::from(row.highest_revision),
            rules: row.rules.iter().map(ToString::to_string).collect(),
            region: self.definition.regions[usize::from(station.region.0)].id.to_string(),
        }
    }

    fn station_of(&self, row: &Row) -> &Station {
        &self.definition.stations[row.station.0 as usize]
    }
}

struct Filter {
    contest: Option<ContestIndex>,
    region: Option<usize>,
    state: State,
}

impl Row {
    fn new(station: StationIndex, contest: ContestIndex, cell: &CellEvaluation) -> Self {
        let any = |standing| cell.contents.iter().any(|content| content.standing == standing);
        let rules: BTreeSet<RuleCode> =
            cell.contents.iter().flat_map(|content| content.rules.iter().copied()).collect();
        Self {
            station,
            contest,
            state: cell.state,
            counted_revision: cell.counted.map_or(0, |(revision, _)| revision),
            highest_revision: cell.contents.iter().map(|content| content.revision).max().unwrap_or(0),
            rules: rules.into_iter().collect(),
            has_held: any(Outcome::Held),
            has_contested: any(Outcome::Contested),
            is_flagged: cell.counted_content().is_some_and(|content| !content.rules.is_empty()),
        }
    }

    fn is(&self, state: State) -> bool {
        match state {
            State::Unspecified => true,
            State::Missing => self.state == StationState::Missing,
            State::Held => self.has_held,
            State::Contested => self.has_contested,
            State::Corrected => self.counted_revision > 1,
            State::Flagged => self.is_flagged,
            State::Counted => self.state == StationState::Counted,
            State::Annulled => self.state == StationState::Annulled,
        }
    }

    fn state_name(&self) -> &'static str {
        match self.state {
            StationState::Counted => "counted",
            StationState::Held => "held",
            StationState::Contested => "contested",
            StationState::Annulled => "annulled",
            StationState::Missing | StationState::Closed => "missing",
        }
    }
}

/// `<sequence>.<first row>.<filter>`: a token of another question is refused, lest pages be mixed.
fn page_token(request: &ListStationsRequest, sequence: u64, row: usize) -> String {
    format!("{sequence}.{row}.{}", filter_mark(request))
}

fn page_start(request: &ListStationsRequest) -> Result<Option<PageStart>, Status> {
    if request.page_token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let mut parts = request.page_token.split('.');
        let start = PageStart { sequence: parts.next()?.parse().ok()?, row: parts.next()?.parse().ok()? };
        let is_of_this = request.sequence.is_none_or(|sequence| sequence == start.sequence);
        (is_of_this && parts.next()? == filter_mark(request) && parts.next().is_none()).then_some(start)
    };
    let refused =
        || Status::invalid_argument("this page token is not of this question: send the same contest, state and region");
    read().ok_or_else(refused).map(Some)
}

fn filter_mark(request: &ListStationsRequest) -> String {
    let ListStationsRequest { contest, state, region, .. } = request;
    BodyDigest(sha256(format!("{contest}|{state}|{region}").as_bytes())).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_belongs_to_its_publication_and_its_question() {
        let request = ListStationsRequest { region: "north".into(), ..Default::default() };
        let page_token = page_token(&request, 1_007, 200);
        let next = ListStationsRequest { page_token: page_token.clone(), ..request };
        assert_eq!(page_start(&next).unwrap(), Some(PageStart { sequence: 1_007, row: 200 }));
        let other = ListStationsRequest { region: "south".into(), ..next.clone() };
        assert!(page_start(&other).is_err());
        for wrong in ["x", "1", "1.2", "1.2.3", "-1.0.x"] {
            assert!(page_start(&ListStationsRequest { page_token: wrong.into(), ..next.clone() }).is_err(), "{wrong}");
        }
        let same_publication = ListStationsRequest { sequence: Some(1_007), ..next.clone() };
        assert!(page_start(&same_publication).unwrap().is_some());
        assert!(page_start(&ListStationsRequest { sequence: Some(1_006), ..next }).is_err());
        assert_eq!(page_start(&ListStationsRequest::default()).unwrap(), None);
    }
}
