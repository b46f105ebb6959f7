//! A national service with canned answers, over real gRPC.

mod names;
pub mod night;

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use hattama_proto::national::v1::list_stations_request::State;
use hattama_proto::national::v1::national_results_server::{NationalResults, NationalResultsServer};
use hattama_proto::national::v1::*;
use hattama_service_kit::grpc::{GrpcServer, Limits};
use hattama_service_kit::readiness::Readiness;
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::streams::until_shutdown;
use hattama_service_kit::{listen, supervise};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use night::Scene;

/// The service, until it is stopped.
pub struct Fake {
    pub address: SocketAddr,
    scene: watch::Sender<Scene>,
    older: watch::Sender<Option<HeldOlder>>,
    shutdown: Shutdown,
}

/// Questions about older publications that are not answered yet.
#[derive(Debug, Clone, Default)]
pub struct HeldOlder {
    asked: watch::Sender<usize>,
    answers: watch::Sender<bool>,
}

impl Fake {
    /// Listens on `address` (port 0: any) with `scene`.
    pub async fn start(address: SocketAddr, scene: Scene) -> Self {
        let listener = listen::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (scene, older, shutdown) = (watch::Sender::new(scene), watch::Sender::new(None), Shutdown::new());
        let service = Service { scene: scene.subscribe(), older: older.subscribe(), shutdown: shutdown.clone() };
        let server = GrpcServer {
            routes: tonic::service::Routes::new(NationalResultsServer::new(service)),
            descriptor_sets: vec![hattama_proto::DESCRIPTORS],
            service_names: vec!["hattama.national.v1.NationalResults"],
            limits: Limits::default(),
            readiness: Readiness::new(),
        };
        supervise::spawn(&shutdown, "fake national service", server.serve(listener, shutdown.clone()));
        Self { address, scene, older, shutdown }
    }

    /// The address as the board wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes.
    pub fn publish(&self, scene: Scene) {
        self.scene.send_replace(scene);
    }

    /// From now on questions about older publications wait.
    pub fn hold_older(&self) -> HeldOlder {
        let held = HeldOlder::default();
        self.older.send_replace(Some(held.clone()));
        held
    }

    /// Goes away; its address is free afterwards.
    pub async fn stop(self) {
        assert_eq!(self.shutdown.drain(Duration::from_secs(20)).await.tasks_left, 0);
    }
}

impl HeldOlder {
    /// Returns when so many have asked.
    pub async fn arrived(&self, wanted: usize) {
        let arrived = async { self.asked.subscribe().wait_for(|asked| *asked == wanted).await.is_ok() };
        assert!(tokio::time::timeout(Duration::from_secs(20), arrived).await.unwrap());
    }

    /// Answers them.
    pub fn release(&self) {
        self.answers.send_replace(true);
    }

    async fn wait(&self) {
        self.asked.send_modify(|asked| *asked += 1);
        self.answers.subscribe().wait_for(|answers| *answers).await.unwrap();
    }
}

struct Service {
    scene: watch::Receiver<Scene>,
    older: watch::Receiver<Option<HeldOlder>>,
    shutdown: Shutdown,
}

impl Service {
    /// What it answers from, unless it answers nothing.
    fn scene(&self) -> Result<Scene, Status> {
        let scene = self.scene.borrow().clone();
        scene.fails.map_or(Ok(scene), |code| Err(Status::new(code, "catching up with the log")))
    }

    fn result(&self) -> Result<GetNationalResultResponse, Status> {
        self.scene()?.result.ok_or_else(|| Status::not_found("nothing is published yet"))
    }
}

#[tonic::async_trait]
impl NationalResults for Service {
    async fn get_election(&self, _: Request<GetElectionRequest>) -> Result<Response<GetElectionResponse>, Status> {
        Ok(Response::new(self.scene()?.election))
    }

    async fn get_national_result(
        &self,
        request: Request<GetNationalResultRequest>,
    ) -> Result<Response<GetNationalResultResponse>, Status> {
        let (asked, mut newest) = (request.into_inner().sequence, self.result()?);
        let publication = newest.publication.as_mut().unwrap();
        match asked {
            // Two older ones are remembered, with the figures of the newest: enough to tell them apart.
            Some(sequence) if sequence < publication.sequence.saturating_sub(2) || sequence > publication.sequence => {
                Err(Status::not_found("no such publication"))
            }
            Some(sequence) => {
                if let Some(code) = self.scene()?.older_fails.filter(|_| sequence < publication.sequence) {
                    return Err(Status::new(code, "it is not what its submissions come to"));
                }
                let held = self.older.borrow().clone().filter(|_| sequence < publication.sequence);
                if let Some(held) = held {
                    held.wait().await;
                }
                publication.sequence = sequence;
                Ok(Response::new(newest))
            }
            None => Ok(Response::new(newest)),
        }
    }

    async fn get_seat_allocation(
        &self,
        request: Request<GetSeatAllocationRequest>,
    ) -> Result<Response<GetSeatAllocationResponse>, Status> {
        let allocation = self.scene()?.seats.remove(&request.into_inner().contest);
        allocation.map(Response::new).ok_or_else(|| Status::not_found("no such contest"))
    }

    async fn list_stations(
        &self,
        request: Request<ListStationsRequest>,
    ) -> Result<Response<ListStationsResponse>, Status> {
        let (request, scene) = (request.into_inner(), self.scene()?);
        let mut publication = self.result()?.publication;
        if let (Some(other), Some(publication), State::Contested) =
            (scene.open_of_another, &mut publication, request.state())
        {
            publication.sequence = other;
        }
        let word = match request.state() {
            State::Held => "held",
            State::Contested => "contested",
            State::Annulled => "annulled",
            State::Missing => "missing",
            _ => return Err(Status::invalid_argument("the fake knows open states only")),
        };
        let rows: Vec<StationRow> = scene.open.into_iter().filter(|row| row.state == word).collect();
        Ok(Response::new(ListStationsResponse {
            publication,
            total: rows.len() as u64,
            rows: rows.into_iter().take(request.page_size as usize).collect(),
            next_page_token: String::new(),
        }))
    }

    type WatchPublicationsStream = Pin<Box<dyn Stream<Item = Result<WatchPublicationsResponse, Status>> + Send>>;

    async fn watch_publications(
        &self,
        _: Request<WatchPublicationsRequest>,
    ) -> Result<Response<Self::WatchPublicationsStream>, Status> {
        self.scene()?;
        let scenes = WatchStream::new(self.scene.clone()).filter_map(|scene| scene.result);
        let answers = scenes.map(|result| {
            Ok(WatchPublicationsResponse { publication: result.publication.clone(), result: Some(result), skipped: 0 })
        });
        Ok(Response::new(Box::pin(until_shutdown(answers, &self.shutdown))))
    }

    async fn get_turnout(&self, _: Request<GetTurnoutRequest>) -> Result<Response<GetTurnoutResponse>, Status> {
        Err(Status::unimplemented("the board does not ask for it"))
    }

    async fn get_contest_result(
        &self,
        _: Request<GetContestResultRequest>,
    ) -> Result<Response<GetContestResultResponse>, Status> {
        Err(Status::unimplemented("the board does not ask for it"))
    }

    async fn list_missing_records(
        &self,
        _: Request<ListMissingRecordsRequest>,
    ) -> Result<Response<ListMissingRecordsResponse>, Status> {
        Err(Status::unimplemented("the board does not ask for it"))
    }

    async fn get_station(&self, _: Request<GetStationRequest>) -> Result<Response<GetStationResponse>, Status> {
        Err(Status::unimplemented("the board does not ask for it"))
    }
}
