//! Follows the national service: takes each publication whole, and goes on trying when it is away.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use hattama_proto::national::v1::list_stations_request::State;
use hattama_proto::national::v1::national_results_client::NationalResultsClient;
use hattama_proto::national::v1::{
    GetElectionRequest, GetElectionResponse, GetNationalResultRequest, GetNationalResultResponse,
    GetSeatAllocationRequest, ListStationsRequest, WatchPublicationsRequest,
};
use hattama_service_kit::grpc::MAX_ANSWER_BYTES;
use hattama_service_kit::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::board::Board;
use crate::metrics::NOT_SHOWN_TOTAL;
use crate::snapshot::{OpenStations, Snapshot};

/// A call that has no answer after this has failed; the page says so and the next try comes.
const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// What may change without a new publication (an embargo ends, a check gets further) is on the page within this time.
/// It is also how soon a service that hangs is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The board takes a publication at most this often: nobody reads faster, and the national service has others to serve.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// After a failure: soon enough for P10, slow enough not to hammer a service that starts.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The list of stations is of the newest publication only. While publications come fast it may take more than one try
/// until all questions were answered from the same one.
const TRIES_FOR_ONE_PUBLICATION: u32 = 4;

/// Rows for each reason: with four reasons the page stays small.
const ROWS_FOR_EACH_STATE: u32 = 50;

/// Why a protocol is not counted, most remarkable first.
const OPEN_STATES: [State; 4] = [State::Held, State::Contested, State::Annulled, State::Missing];

/// A reader of the national service.
pub type Client = NationalResultsClient<Channel>;

/// A client over `channel` that takes the largest answers there are.
pub fn client(channel: Channel) -> Client {
    NationalResultsClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// Keeps `board` at the newest publication until the service stops. A national service that is away is no failure.
///
/// # Errors
/// Never.
pub async fn follow(client: Client, board: Arc<Board>, shutdown: Shutdown) -> Result<(), Infallible> {
    let mut pause = FIRST_PAUSE;
    loop {
        let was_up = board.is_source_up();
        let failure = tokio::select! {
            biased;
            () = shutdown.token().cancelled() => return Ok(()),
            failure = follow_until_failure(client.clone(), &board) => failure,
        };
        if board.is_source_up() {
            pause = FIRST_PAUSE;
        }
        if was_up || board.is_source_up() {
            tracing::warn!(code = ?failure.code(), reason = failure.message(), "the national service is away: the last page stays, and it is asked again");
        }
        board.source_is_away();
        tokio::select! {
            biased;
            () = shutdown.token().cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// The national's answer about an older publication.
///
/// # Errors
/// As the national service says; `NotFound` when there is no such publication.
pub async fn result_of(mut client: Client, sequence: u64) -> Result<GetNationalResultResponse, Status> {
    let question = GetNationalResultRequest { sequence: Some(sequence) };
    Ok(client.get_national_result(timely(question)).await?.into_inner())
}

/// Returns only when something failed.
async fn follow_until_failure(mut client: Client, board: &Board) -> Status {
    let election = match client.get_election(timely(GetElectionRequest {})).await {
        Ok(answer) => Arc::new(answer.into_inner()),
        Err(status) => return status,
    };
    board.election_is(&election);
    // No deadline: it stays open. Keepalive ends it when the peer is dead.
    let mut publications = match client.watch_publications(WatchPublicationsRequest::default()).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return status,
    };
    let mut look_again = tokio::time::interval(LOOK_AGAIN);
    look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = publications.message() => match message {
                Ok(Some(_)) => {}
                Ok(None) => return Status::unavailable("the stream of publications ended"),
                Err(status) => return status,
            },
            _ = look_again.tick() => {}
        }
        match take(&mut client, &election).await {
            Ok(snapshot) => board.source_says(snapshot),
            Err(status) => return status,
        }
        tokio::time::sleep(SHORTEST_PAUSE).await;
    }
}

/// The newest publication, whole; `None` when there is none yet.
async fn take(client: &mut Client, election: &Arc<GetElectionResponse>) -> Result<Option<Snapshot>, Status> {
    for _ in 0..TRIES_FOR_ONE_PUBLICATION {
        let Some((sequence, open)) = open_stations(client).await? else { continue };
        let result = result_of(client.clone(), sequence).await?;
        return snapshot(client, election, result, Some(open)).await;
    }
    metrics::counter!(NOT_SHOWN_TOTAL, "reason" => "torn").increment(1);
    let newest = client.get_national_result(timely(GetNationalResultRequest::default())).await;
    match newest {
        Ok(result) => snapshot(client, election, result.into_inner(), None).await,
        Err(status) if is_nothing_yet(&status) => Ok(None),
        Err(status) => Err(status),
    }
}

async fn snapshot(
    client: &mut Client,
    election: &Arc<GetElectionResponse>,
    result: GetNationalResultResponse,
    open: Option<OpenStations>,
) -> Result<Option<Snapshot>, Status> {
    let Some(publication) = result.publication.clone() else { return Ok(None) };
    let embargoed = |id: &str| {
        result.contests.iter().any(|c| c.embargoed && c.figures.as_ref().is_some_and(|figures| figures.contest == id))
    };
    let mut seats = BTreeMap::new();
    for contest in election.contests.iter().filter(|contest| contest.method == "list" && !embargoed(&contest.id)) {
        let question = GetSeatAllocationRequest { contest: contest.id.clone(), sequence: Some(publication.sequence) };
        let allocation = match client.get_seat_allocation(timely(question)).await {
            Ok(answer) => answer.into_inner(),
            // Votes without seats are still worth a page.
            Err(status) if is_nothing_yet(&status) => continue,
            Err(status) => return Err(status),
        };
        // Of another publication than asked for: better no seats than seats of other votes.
        if allocation.publication.as_ref().is_some_and(|of| of.digest == publication.digest) {
            seats.insert(contest.id.clone(), allocation);
        }
    }
    Ok(Snapshot::new(Arc::clone(election), result, seats, open))
}

/// The protocols that are not counted, with the publication that they are of; `None` when it changed between answers
/// or when there is none.
async fn open_stations(client: &mut Client) -> Result<Option<(u64, OpenStations)>, Status> {
    let mut open = OpenStations::default();
    let mut of = None;
    for state in OPEN_STATES {
        let question =
            ListStationsRequest { state: state.into(), page_size: ROWS_FOR_EACH_STATE, ..Default::default() };
        let answer = match client.list_stations(timely(question)).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if is_nothing_yet(&status) => return Ok(None),
            Err(status) => return Err(status),
        };
        let Some(publication) = answer.publication else { return Ok(None) };
        if of.replace(publication.sequence).is_some_and(|before| before != publication.sequence) {
            return Ok(None);
        }
        open.rows.extend(answer.rows);
        open.total += answer.total;
    }
    Ok(of.map(|sequence| (sequence, open)))
}

/// How a national service may say that nothing was published yet.
fn is_nothing_yet(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::FailedPrecondition)
}

/// True when the same question may be answered later: the national service says so, or it was not reached at all. Every other
/// failure is an error of the service, and waiting does not mend it.
pub fn is_later(status: &Status) -> bool {
    let says_later = matches!(
        status.code(),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted
    );
    // A status that our own transport made has a cause on this side, whatever its code.
    says_later || status.source().is_some()
}

fn timely<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_DEADLINE);
    request
}
