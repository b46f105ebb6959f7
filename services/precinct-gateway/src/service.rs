//! The gRPC interface.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hattama_election::digest::SubmissionDigest;
use hattama_proto::gateway::v1::{self, precinct_gateway_server::PrecinctGateway};
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::streams::StreamLimit;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::answers::Limit;
use crate::gateway::Gateway;
use crate::limits::{DEADLINE_MARGIN_DIVISOR, MAX_STREAM_WINDOW, MAX_SUBMIT_STREAMS, MAX_WATCHES};

/// Answers calls.
#[derive(Debug)]
pub(crate) struct Service {
    gateway: Arc<Gateway>,
    shutdown: Shutdown,
    submit_streams: Arc<Semaphore>,
    watches: StreamLimit,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    pub(crate) fn new(gateway: Arc<Gateway>, shutdown: Shutdown) -> Self {
        Self {
            gateway,
            shutdown,
            submit_streams: Arc::new(Semaphore::new(MAX_SUBMIT_STREAMS)),
            watches: StreamLimit::new(MAX_WATCHES),
        }
    }
}

#[tonic::async_trait]
impl PrecinctGateway for Service {
    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>, Status> {
        let wait = wait_of(request.metadata(), self.gateway.logged_wait);
        let submission = request.into_inner().submission;
        let receipt = self.gateway.submit(submission.as_ref(), wait).await.map_err(|none| none.status())?;
        Ok(Response::new(v1::SubmitResponse { receipt: Some(receipt) }))
    }

    type SubmitStreamStream = Answers<v1::SubmitStreamResponse>;

    /// Ends when the service stops: no more is read then, and what was read is answered.
    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let place = Arc::clone(&self.submit_streams).try_acquire_owned();
        let place = place.map_err(|_| Limit::SubmitStreams.status())?;
        // One more is in the hands of who sends the answers.
        let (answers, under_way) = mpsc::channel(MAX_STREAM_WINDOW - 1);
        let reader = read_submissions(Arc::clone(&self.gateway), request.into_inner(), answers, self.shutdown.clone());
        tokio::spawn(async move {
            reader.await;
            drop(place);
        });
        let answers = ReceiverStream::new(under_way).then(|answer: UnderWay| async {
            answer.await.unwrap_or_else(|error| Err(Status::internal(format!("an answer was broken off: {error}"))))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn validate_protocol(
        &self,
        request: Request<v1::ValidateProtocolRequest>,
    ) -> Result<Response<v1::ValidateProtocolResponse>, Status> {
        let violations = self.gateway.validate(request.into_inner().submission.as_ref());
        Ok(Response::new(v1::ValidateProtocolResponse { violations }))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let digest = digest_of(&request.into_inner().digest)?;
        let receipt = self.gateway.receipt(&digest).ok_or_else(|| not_found(&digest))?;
        Ok(Response::new(v1::GetReceiptResponse { receipt: Some(receipt) }))
    }

    async fn get_newest_publications(
        &self,
        _: Request<v1::GetNewestPublicationsRequest>,
    ) -> Result<Response<v1::GetNewestPublicationsResponse>, Status> {
        let kept = self.gateway.journal.newest_publications().await;
        let kept = kept.map_err(|error| Status::unavailable(error.to_string()))?;
        let embargoed = self.gateway.is_any_contest_embargoed();
        let publications = kept.into_iter().map(|publication| v1::KeptPublication {
            record: if embargoed { Bytes::new() } else { publication.value },
            generation: publication.generation,
            sequence: publication.sequence,
            digest: Bytes::copy_from_slice(&publication.digest.0),
        });
        Ok(Response::new(v1::GetNewestPublicationsResponse {
            publications: publications.collect(),
            gateway: self.gateway.instance.clone(),
            submissions: self.gateway.book.len() as u64,
            unsent: self.gateway.book.outstanding() as u64,
        }))
    }

    type WatchReceiptStream = Answers<v1::WatchReceiptResponse>;

    async fn watch_receipt(
        &self,
        request: Request<v1::WatchReceiptRequest>,
    ) -> Result<Response<Self::WatchReceiptStream>, Status> {
        let digest = digest_of(&request.into_inner().digest)?;
        let changes = self.gateway.book.subscribe(&digest).ok_or_else(|| not_found(&digest))?;
        let gateway = Arc::clone(&self.gateway);
        let mut last = None;
        // The first item comes at once.
        let receipts = WatchStream::new(changes).filter_map(move |()| {
            let receipt = gateway.receipt(&digest).filter(|receipt| last.as_ref() != Some(receipt))?;
            last = Some(receipt.clone());
            Some(Ok(v1::WatchReceiptResponse { receipt: Some(receipt) }))
        });
        Ok(Response::new(Box::pin(self.watches.open(receipts, &self.shutdown)?)))
    }
}

type UnderWay = JoinHandle<Result<v1::SubmitStreamResponse, Status>>;

/// Starts on each submission as it comes, while the window has room.
async fn read_submissions(
    gateway: Arc<Gateway>,
    mut submissions: Streaming<v1::SubmitStreamRequest>,
    answers: mpsc::Sender<UnderWay>,
    shutdown: Shutdown,
) {
    // No room any more when the caller is gone.
    while let Ok(room) = answers.reserve().await {
        let next = tokio::select! {
            biased;
            () = shutdown.token().cancelled() => return,
            () = answers.closed() => return,
            next = submissions.message() => next,
        };
        let request = match next {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(status) => {
                room.send(tokio::spawn(async { Err(status) }));
                return;
            }
        };
        let gateway = Arc::clone(&gateway);
        room.send(tokio::spawn(async move {
            let receipt = gateway.submit(request.submission.as_ref(), gateway.logged_wait).await;
            let answer = match receipt {
                Ok(receipt) => v1::submit_stream_response::Answer::Receipt(receipt),
                Err(none) => none.answer()?,
            };
            Ok(v1::SubmitStreamResponse { answer: Some(answer) })
        }));
    }
}

fn digest_of(bytes: &[u8]) -> Result<SubmissionDigest, Status> {
    SubmissionDigest::from_slice(bytes).ok_or_else(|| {
        Status::invalid_argument(format!("a submission digest has 32 bytes, this one has {}", bytes.len()))
    })
}

fn not_found(digest: &SubmissionDigest) -> Status {
    Status::not_found(format!("this gateway keeps no submission {digest}: ask the one that took it, or send it again"))
}

/// How long to wait for the log: so that the answer still arrives within the caller's deadline.
fn wait_of(metadata: &MetadataMap, longest: Duration) -> Duration {
    let deadline = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(parse_timeout);
    deadline.map_or(longest, |deadline| (deadline - deadline / DEADLINE_MARGIN_DIVISOR).min(longest))
}

/// gRPC's `grpc-timeout`: at most eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_deadline_shortens_the_wait_for_the_log_and_a_far_one_does_not() {
        let wait = |timeout: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", timeout.parse().unwrap());
            wait_of(&metadata, Duration::from_secs(5))
        };
        assert_eq!(wait("1S"), Duration::from_millis(800));
        assert_eq!(wait("500m"), Duration::from_millis(400));
        assert_eq!(wait("1000000u"), Duration::from_millis(800));
        assert_eq!(wait("99999999H"), Duration::from_secs(5));
        assert_eq!(wait("soon"), Duration::from_secs(5));
        assert_eq!(wait_of(&MetadataMap::new(), Duration::from_secs(5)), Duration::from_secs(5));
    }
}
