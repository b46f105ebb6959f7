//! Calls to a service's process: its health, its reflection, and calls that are under way when it is told to stop.

use super::{PATIENCE, Running};
use crate::grpc;
use prost::Message;
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_stream::StreamExt as _;
use tonic::{Request, Status, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// Calls that are under way at the stop.
const IN_FLIGHT: usize = 20;

/// A connection to a service.
pub async fn connect(address: &str) -> Channel {
    grpc::endpoint(&format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Health says SERVING, of the server and of the service with this full name, and reflection lists it.
pub async fn assert_health_and_reflection(running: &Running, service: &str) {
    let channel = connect(&running.address).await;
    for name in ["", service] {
        let mut watch = HealthClient::new(channel.clone()).watch(health_of(name)).await.unwrap().into_inner();
        // A service that is still catching up says so first.
        while soon(watch.message()).await.unwrap().unwrap().status() != ServingStatus::Serving.into() {}
    }
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = soon(answers.message()).await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("no list: {answer:?}") };
    assert!(list.service.iter().any(|listed| listed.name == service), "{service} is not in {list:?}");
}

/// SIGTERM while calls of a unary method are under way: health turns NOT_SERVING and its watch ends, every call is answered, and
/// the process ends with exit code 0, within its drain's deadline, and takes no connection any more. Returns the answers and
/// what the process has said.
pub async fn assert_sigterm_answers_calls_in_flight<Q, A>(
    running: Running,
    path: &'static str,
    request: Q,
) -> (Vec<A>, String)
where
    Q: Message + Clone + Send + 'static,
    A: Message + Default + Send + 'static,
{
    let mut health = HealthClient::new(connect(&running.address).await);
    let mut watch = health.watch(health_of("")).await.unwrap().into_inner();
    while soon(watch.message()).await.unwrap().unwrap().status() != ServingStatus::Serving.into() {}
    let channel = connect(&running.address).await;
    let mut calls: Vec<HeldCall<A>> = Vec::new();
    for _ in 0..IN_FLIGHT {
        calls.push(hold(&channel, path, request.clone()).await);
    }

    running.terminate();
    let flipped = soon(watch.message()).await.unwrap().unwrap();
    assert_eq!(flipped.status(), ServingStatus::NotServing.into());
    assert!(soon(watch.message()).await.unwrap().is_none(), "the watch goes on");
    assert!(calls.iter().all(|call| !call.is_answered()), "answered before the request came");
    let calls: Vec<_> = calls.into_iter().map(HeldCall::released).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(soon(call).await.unwrap().unwrap());
    }
    let address = running.address.clone();
    let said = running.ended();
    let later = grpc::endpoint(&format!("http://{address}")).unwrap().connect().await;
    assert!(later.is_err(), "a connection was taken after the end");
    (answers, said)
}

/// A call of a unary method that has reached the server, and whose request is not sent yet.
#[derive(Debug)]
struct HeldCall<A> {
    request: oneshot::Sender<()>,
    answer: JoinHandle<Result<A, Status>>,
}

/// Opens a call of the unary method at `path` (`/hattama.gateway.v1.PrecinctGateway/GetReceipt`).
async fn hold<Q, A>(channel: &Channel, path: &'static str, request: Q) -> HeldCall<A>
where
    Q: Message + Send + 'static,
    A: Message + Default + Send + 'static,
{
    let (opened, is_opened) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let mut client = tonic::client::Grpc::new(channel.clone());
    let answer = tokio::spawn(async move {
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut parts = Some((opened, released, request));
        // The body is asked for when the head is on its way.
        let body = tokio_stream::once(()).then(move |()| {
            let (opened, released, request) = parts.take().unwrap();
            async move {
                opened.send(()).unwrap();
                released.await.unwrap();
                request
            }
        });
        let path = PathAndQuery::from_static(path);
        let answered = client.client_streaming(Request::new(body), path, ProstCodec::<Q, A>::default()).await?;
        Ok(answered.into_inner())
    });
    soon(is_opened).await.unwrap();
    // The server takes what comes on a connection in order: behind this answer it has the call.
    let health = HealthClient::new(channel.clone()).check(health_of("")).await;
    assert!(health.is_ok(), "{health:?}");
    HeldCall { request: release, answer }
}

impl<A> HeldCall<A> {
    /// True when it was answered, or broken off.
    fn is_answered(&self) -> bool {
        self.answer.is_finished()
    }

    /// Sends the request; the task ends with the answer.
    fn released(self) -> JoinHandle<Result<A, Status>> {
        self.request.send(()).unwrap();
        self.answer
    }
}

fn health_of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// A hang is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}
