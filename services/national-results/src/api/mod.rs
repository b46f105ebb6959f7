//! The gRPC interface: every answer names the publication that all its figures come from, and passes the embargo.

mod election;
mod legal_rules;
mod listing;
mod lost;
mod restoring;
mod result;
mod seats;
mod station;
mod watch;

pub(crate) use watch::MAX_WATCHERS;

use crate::{
    archive::{Archive, NotAtHand, Past},
    embargo, metrics,
    nation::Snapshot,
    older::Older,
    records::LoggedPublication,
    replica::{Broken, Replica},
};
use bytes::Bytes;
use hattama_election::{
    definition::{Contest, Definition},
    ids::{ContestId, ContestIndex, ShardId},
    text::Text,
};
use hattama_proto::national::v1::{
    self as national, GetContestResultRequest, GetContestResultResponse, GetElectionRequest, GetElectionResponse,
    GetNationalResultRequest, GetNationalResultResponse, GetSeatAllocationRequest, GetSeatAllocationResponse,
    GetStationRequest, GetStationResponse, GetTurnoutRequest, GetTurnoutResponse, ListMissingRecordsRequest,
    ListMissingRecordsResponse, ListStationsRequest, ListStationsResponse, PublicationRef, WatchPublicationsRequest,
    national_results_server::NationalResults,
};
use hattama_service_kit::{clock::Clock, shutdown::Shutdown, streams::StreamLimit};
use hattama_tally::{ControlState, PositionPair};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tonic::{Request, Response, Status};

/// How long an answer about stations waits for the replica's own fold: it is seldom more than a batch behind.
const MAX_FOLD_WAIT: Duration = Duration::from_secs(2);

/// The interface. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    definition: Arc<Definition>,
    election: Arc<GetElectionResponse>,
    /// Shards that have stations.
    station_shards: Arc<BTreeSet<ShardId>>,
    archive: Arc<Archive>,
    older: Arc<Older>,
    replica: Arc<Replica>,
    clock: Clock,
    listings: Arc<listing::Listings>,
    watchers: StreamLimit,
    shutdown: Shutdown,
}

impl Api {
    pub(crate) fn new(
        definition: Arc<Definition>,
        archive: Arc<Archive>,
        older: Older,
        replica: Arc<Replica>,
        clock: Clock,
        watchers: StreamLimit,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            election: Arc::new(election::of(&definition)),
            station_shards: Arc::new(definition.stations.iter().map(|station| station.shard).collect()),
            definition,
            archive,
            older: Arc::new(older),
            replica,
            clock,
            listings: Arc::default(),
            watchers,
            shutdown,
        }
    }

    /// True while the contest's votes may not be shown.
    fn is_embargoed(&self, contest: &Contest) -> bool {
        embargo::is_embargoed(contest, self.clock.now())
    }

    fn contest(&self, id: &str) -> Result<(ContestIndex, &Contest), Status> {
        let known = ContestId::new(id).ok().and_then(|id| self.definition.contest(&id));
        known.ok_or_else(|| Status::not_found(format!("there is no contest `{id}`: GetElection lists them")))
    }

    /// The publication of a number with all its figures, folded again when it is an older one; without a number the newest.
    async fn snapshot(&self, sequence: Option<u64>) -> Result<Arc<Snapshot>, Status> {
        match self.archive.snapshot(sequence) {
            Err(NotAtHand::Older { .. }) => Ok(self.older.snapshot(self.archive.past(sequence)?).await?),
            found => Ok(found?),
        }
    }

    /// The control state of a position, once the replica's own folds have reached a pair of positions.
    async fn reached(&self, shard: ShardId, at: PositionPair) -> Result<Arc<ControlState>, Status> {
        let later = || {
            ::metrics::counter!(metrics::LATER_TOTAL).increment(1);
            Status::unavailable(format!("shard {shard} is not folded up to this publication yet: ask again later"))
        };
        let Some(mut position) = self.replica.position(shard) else { return Err(later()) };
        let reached = position.wait_for(|position| position.covers(&at));
        let is_reached = matches!(tokio::time::timeout(MAX_FOLD_WAIT, reached).await, Ok(Ok(_)));
        let control = self.replica.control_at(at.control_next_offset).filter(|_| is_reached);
        control.ok_or_else(later)
    }
}

impl From<Broken> for Status {
    fn from(error: Broken) -> Self {
        Self::unavailable(error.to_string())
    }
}

#[tonic::async_trait]
impl NationalResults for Api {
    async fn get_election(&self, _: Request<GetElectionRequest>) -> Result<Response<GetElectionResponse>, Status> {
        let newest = self.archive.snapshot(None).ok();
        let restoring = self.restoring(newest.as_deref());
        Ok(Response::new(GetElectionResponse { restoring, ..GetElectionResponse::clone(&self.election) }))
    }

    async fn get_national_result(
        &self,
        request: Request<GetNationalResultRequest>,
    ) -> Result<Response<GetNationalResultResponse>, Status> {
        let snapshot = self.snapshot(request.into_inner().sequence).await?;
        Ok(Response::new(self.national_result(&snapshot)))
    }

    async fn get_turnout(&self, request: Request<GetTurnoutRequest>) -> Result<Response<GetTurnoutResponse>, Status> {
        let request = request.into_inner();
        let unit = self.turnout_unit(request.unit.as_ref())?;
        let snapshot = self.snapshot(request.sequence).await?;
        Ok(Response::new(self.turnout(&snapshot, unit)))
    }

    async fn get_contest_result(
        &self,
        request: Request<GetContestResultRequest>,
    ) -> Result<Response<GetContestResultResponse>, Status> {
        let request = request.into_inner();
        // A contest that is none is no reason to fold the log again.
        self.contest(&request.contest)?;
        let snapshot = self.snapshot(request.sequence).await?;
        self.contest_result(&snapshot, &request.contest).map(Response::new)
    }

    async fn get_seat_allocation(
        &self,
        request: Request<GetSeatAllocationRequest>,
    ) -> Result<Response<GetSeatAllocationResponse>, Status> {
        let request = request.into_inner();
        // A contest that is none is no reason to fold the log again.
        self.contest(&request.contest)?;
        let snapshot = self.snapshot(request.sequence).await?;
        self.seat_allocation(&snapshot, &request.contest).map(Response::new)
    }

    async fn list_stations(
        &self,
        request: Request<ListStationsRequest>,
    ) -> Result<Response<ListStationsResponse>, Status> {
        self.stations(request.into_inner()).await.map(Response::new)
    }

    async fn get_station(&self, request: Request<GetStationRequest>) -> Result<Response<GetStationResponse>, Status> {
        self.station(request.into_inner()).await.map(Response::new)
    }

    type WatchPublicationsStream = watch::Publications;

    async fn watch_publications(
        &self,
        request: Request<WatchPublicationsRequest>,
    ) -> Result<Response<Self::WatchPublicationsStream>, Status> {
        self.watch(request.into_inner()).map(Response::new)
    }

    async fn list_missing_records(
        &self,
        request: Request<ListMissingRecordsRequest>,
    ) -> Result<Response<ListMissingRecordsResponse>, Status> {
        self.missing_records(&request.into_inner()).map(Response::new)
    }
}

fn text(text: &Text) -> national::Text {
    national::Text { kk: text.kk.clone(), ru: text.ru.clone(), en: text.en.clone() }
}

fn digest(digest: &[u8; 32]) -> Bytes {
    Bytes::copy_from_slice(digest)
}

fn reference_of(snapshot: &Snapshot) -> PublicationRef {
    reference_of_logged(&snapshot.publication)
}

fn reference_of_logged(publication: &LoggedPublication) -> PublicationRef {
    PublicationRef {
        generation: publication.body.generation.0,
        sequence: publication.body.sequence,
        digest: digest(&publication.digest.0),
        published_at_milliseconds: publication.written_at_milliseconds,
    }
}

fn reference_of_past(generation: u32, past: &Past) -> PublicationRef {
    PublicationRef {
        generation,
        sequence: past.sequence,
        digest: digest(&past.digest.0),
        published_at_milliseconds: past.written_at_milliseconds,
    }
}
