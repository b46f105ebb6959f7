//! Shutdown is a test: requests in flight, a stream and a health watch open, then the stop.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::routing::post;
use hattama_service_kit::grpc::{self, GrpcServer, Limits};
use hattama_service_kit::readiness::Readiness;
use hattama_service_kit::shutdown::{Cause, Shutdown};
use hattama_service_kit::streams::until_shutdown;
use hattama_service_kit::{listen, supervise};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;
use tower::service_fn;

const IN_FLIGHT: u32 = 50;
/// Over HTTP/2's initial window, so that an answer needs several frames and the client's consent.
const ANSWER_BYTES: usize = 100_000;
const DEADLINE: Duration = Duration::from_secs(20);
const NAME: &str = "test.Slow";

type Codec = ProstCodec<String, String>;

/// A service with a unary method that answers when the test lets it, and a stream that never ends by itself.
struct TestService {
    address: SocketAddr,
    shutdown: Shutdown,
    readiness: Readiness,
    /// One permit lets one unary request answer.
    gate: Arc<Semaphore>,
    /// One message for each unary request whose handler runs.
    arrived: mpsc::UnboundedReceiver<()>,
}

async fn start(limits: Limits, ends_streams: bool) -> TestService {
    let shutdown = Shutdown::new();
    let readiness = Readiness::new();
    let gate = Arc::new(Semaphore::new(0));
    let (arrival, arrived) = mpsc::unbounded_channel();
    let unary = {
        let gate = gate.clone();
        move |request: Request| {
            let (gate, arrival) = (gate.clone(), arrival.clone());
            async move {
                let answer = service_fn(move |request: tonic::Request<String>| {
                    let (gate, arrival) = (gate.clone(), arrival.clone());
                    async move {
                        arrival.send(()).unwrap();
                        gate.acquire().await.unwrap().forget();
                        Ok::<_, Status>(Response::new(whole_answer(request.get_ref())))
                    }
                });
                tonic::server::Grpc::new(Codec::new()).unary(answer, request).await
            }
        }
    };
    let streaming = {
        let shutdown = shutdown.clone();
        move |request: Request| {
            let shutdown = shutdown.clone();
            async move {
                let answer = service_fn(move |_: tonic::Request<String>| {
                    let shutdown = if ends_streams { shutdown.clone() } else { Shutdown::new() };
                    async move {
                        let first = tokio_stream::once(Ok::<_, Status>("first".to_owned()));
                        let endless = first.chain(tokio_stream::pending());
                        Ok::<_, Status>(Response::new(until_shutdown(endless, &shutdown)))
                    }
                });
                tonic::server::Grpc::new(Codec::new()).server_streaming(answer, request).await
            }
        }
    };
    let router =
        axum::Router::new().route("/test.Slow/Answer", post(unary)).route("/test.Slow/Follow", post(streaming));
    let listener = listen::bind(listen::local(0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = GrpcServer {
        routes: Routes::from(router),
        descriptor_sets: vec![],
        service_names: vec![NAME],
        limits,
        readiness: readiness.clone(),
    };
    supervise::spawn(&shutdown, "grpc server", server.serve(listener, shutdown.clone()));
    TestService { address, shutdown, readiness, gate, arrived }
}

fn whole_answer(request: &str) -> String {
    format!("{request}:{}", "x".repeat(ANSWER_BYTES))
}

impl TestService {
    async fn connect(&self) -> Channel {
        grpc::endpoint(&format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }
}

async fn ask(channel: Channel, request: String) -> Result<String, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = PathAndQuery::from_static("/test.Slow/Answer");
    let answer = client.unary(tonic::Request::new(request), path, Codec::new()).await?;
    Ok(answer.into_inner())
}

async fn follow(channel: Channel) -> tonic::Streaming<String> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Slow/Follow");
    let request = tonic::Request::new(String::new());
    client.server_streaming(request, path, Codec::new()).await.unwrap().into_inner()
}

/// A hang is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap()
}

fn health_of(name: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: name.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_flips_health_first_then_every_answer_arrives_whole() {
    let mut service = start(Limits::default(), true).await;
    let channel = service.connect().await;
    let mut stream = follow(channel.clone()).await;
    assert_eq!(soon(stream.message()).await.unwrap().as_deref(), Some("first"));
    let mut health = HealthClient::new(service.connect().await);
    let mut watch = health.watch(health_of(NAME)).await.unwrap().into_inner();
    let serving = soon(watch.message()).await.unwrap().unwrap();
    assert_eq!(serving.status, ServingStatus::Serving as i32);
    let requests: Vec<_> =
        (0..IN_FLIGHT).map(|number| tokio::spawn(ask(channel.clone(), number.to_string()))).collect();
    for _ in 0..IN_FLIGHT {
        soon(service.arrived.recv()).await.unwrap();
    }

    service.shutdown.request(Cause::Signal("SIGTERM"));
    let draining = {
        let shutdown = service.shutdown.clone();
        tokio::spawn(async move { shutdown.drain(DEADLINE).await })
    };
    // No request has been answered: the gate is shut. Health says so all the same, and both streams end.
    let flipped = soon(watch.message()).await.unwrap().unwrap();
    assert_eq!(flipped.status, ServingStatus::NotServing as i32);
    assert_eq!(soon(watch.message()).await.unwrap(), None);
    assert_eq!(soon(stream.message()).await.unwrap(), None);
    assert!(!draining.is_finished(), "drained with {IN_FLIGHT} requests in flight");

    service.gate.add_permits(IN_FLIGHT as usize);
    for (number, request) in requests.into_iter().enumerate() {
        assert_eq!(soon(request).await.unwrap().unwrap(), whole_answer(&number.to_string()));
    }
    let drain = draining.await.unwrap();
    assert_eq!((drain.tasks_left, drain.exit_code()), (0, 0), "{drain}");
    let later = grpc::endpoint(&format!("http://{}", service.address)).unwrap().connect().await;
    assert!(later.is_err(), "a new connection was accepted after the drain");
}

#[tokio::test]
async fn a_stream_that_ignores_the_stop_is_left_at_the_deadline() {
    let service = start(Limits::default(), false).await;
    let mut stream = follow(service.connect().await).await;
    assert_eq!(soon(stream.message()).await.unwrap().as_deref(), Some("first"));

    service.shutdown.request(Cause::Asked("the test is over"));
    let drain = service.shutdown.drain(Duration::from_millis(200)).await;
    assert_eq!(drain.tasks_left, 1, "{drain}");
}

#[tokio::test]
async fn a_request_over_the_limit_is_told_to_come_later_while_health_still_answers() {
    let limits = Limits { requests_in_flight: 2, ..Limits::default() };
    let mut service = start(limits, true).await;
    // Two connections: the limit is the server's, not a connection's.
    let admitted = [
        tokio::spawn(ask(service.connect().await, "a".to_owned())),
        tokio::spawn(ask(service.connect().await, "b".to_owned())),
    ];
    for _ in 0..2 {
        soon(service.arrived.recv()).await.unwrap();
    }

    let channel = service.connect().await;
    let refused = ask(channel.clone(), "c".to_owned()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("later"), "{refused}");
    assert!(refused.metadata().contains_key("grpc-retry-pushback-ms"), "{refused:?}");
    let health = HealthClient::new(channel.clone()).check(health_of("")).await.unwrap().into_inner();
    assert_eq!(health.status, ServingStatus::Serving as i32);

    service.gate.add_permits(3);
    for request in admitted {
        soon(request).await.unwrap().unwrap();
    }
    assert_eq!(ask(channel, "d".to_owned()).await.unwrap(), whole_answer("d"));
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_and_its_place_can_be_taken_later() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let mut service = start(limits, true).await;
    let only = tokio::spawn(ask(service.connect().await, "a".to_owned()));
    soon(service.arrived.recv()).await.unwrap();

    let mut over = tokio::net::TcpStream::connect(service.address).await.unwrap();
    let read = soon(tokio::io::AsyncReadExt::read(&mut over, &mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the server talks on a connection over its limit: {read:?}");

    service.gate.add_permits(2);
    soon(only).await.unwrap().unwrap();
    // The first client has gone; the server learns of it in its own time.
    let again = soon(async {
        loop {
            let endpoint = grpc::endpoint(&format!("http://{}", service.address)).unwrap();
            let Ok(channel) = endpoint.connect().await else { continue };
            if let Ok(answer) = ask(channel, "b".to_owned()).await {
                return answer;
            }
        }
    });
    assert_eq!(again.await, whole_answer("b"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    let limits = Limits { request_seconds: 0, ..Limits::default() };
    let service = start(limits, true).await;
    let error = ask(service.connect().await, "a".to_owned()).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(error.message().contains("may have taken effect"), "{error}");
}

#[tokio::test]
async fn health_follows_readiness() {
    let service = start(Limits::default(), true).await;
    let mut client = HealthClient::new(service.connect().await);
    let mut watch = client.watch(health_of(NAME)).await.unwrap().into_inner();
    assert_eq!(soon(watch.message()).await.unwrap().unwrap().status, ServingStatus::Serving as i32);
    service.readiness.hold("log", "cannot be read");
    assert_eq!(soon(watch.message()).await.unwrap().unwrap().status, ServingStatus::NotServing as i32);
    service.readiness.release("log");
    assert_eq!(soon(watch.message()).await.unwrap().unwrap().status, ServingStatus::Serving as i32);
}

#[tokio::test]
async fn reflection_lists_services_in_both_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let service = start(Limits::default(), true).await;
    let channel = service.connect().await;

    let ask = v1::ServerReflectionRequest {
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("grpc.health.v1.Health"), "{answer}");

    let ask = v1alpha::ServerReflectionRequest {
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("grpc.health.v1.Health"), "{answer}");
}

#[test]
fn a_wrong_address_is_named() {
    let error = grpc::endpoint("not an address").unwrap_err();
    assert!(error.to_string().contains("`not an address`"), "{error}");
}
