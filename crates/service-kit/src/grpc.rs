//! The gRPC side of a service: a server with health, reflection and limits that drains, and how to reach one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::{Endpoint, Server};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::connection;
use crate::readiness::Readiness;
use crate::shutdown::Shutdown;

/// The largest request that a service decodes (`max_decoding_message_size` of its generated server): a submission is
/// under a kibibyte, so this is a thousand of them in one call. tonic answers a larger one with OUT_OF_RANGE.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The largest answer that a client decodes; lists are paged below it. gRPC's customary value.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;

/// A dead peer is noticed within interval + timeout, in both directions. A channel without it sits on a dead
/// connection while call after call times out.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Two lost SYN packets (sent again after 1 s and 3 s) are survived; more would only delay trying another replica.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a refused client should wait, in milliseconds (gRFC A6): long enough for a burst to be worked off.
const RETRY_AFTER_MILLISECONDS: &str = "1000";

/// Answers "later": too many connections or requests at a time, or one took too long. Labels `reason`:
/// `connections` | `overloaded` | `too_slow`, and `server`: its first service's name, since a process may run several.
const REFUSED_TOTAL: &str = "hattama_grpc_refused_total";

/// What a gRPC server serves, before it is bound to a listener.
#[derive(Debug)]
pub struct GrpcServer {
    /// The service's own methods. Health and reflection are added to them.
    pub routes: Routes,
    /// Encoded `FileDescriptorSet`s with their imports, for reflection.
    pub descriptor_sets: Vec<&'static [u8]>,
    /// Full names (`hattama.gateway.v1.Gateway`), for health.
    pub service_names: Vec<&'static str>,
    /// How much it takes at a time.
    pub limits: Limits,
    /// Health says SERVING while this is ready and nobody asked to stop.
    pub readiness: Readiness,
}

/// How much a server takes at a time. What is over a limit is answered with RESOURCE_EXHAUSTED and when to come again.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections, each one a file descriptor; one over it is closed at once.
    pub connections: usize,
    /// Requests being worked on, over all connections; an open server stream counts only until its first answer
    /// (bound those with [`crate::streams::StreamLimit`]). Health and reflection are not counted.
    pub requests_in_flight: usize,
    /// Requests and streams on one connection; a client's library queues what is over it.
    pub streams_per_connection: u32,
    /// A request may take this long; then its handler is dropped, and the answer is DEADLINE_EXCEEDED.
    pub request_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Every station of a country of ten thousand on the one gateway that is left.
            connections: 16_384,
            // Four group commits of 256 records: more would only wait behind the disk.
            requests_in_flight: 1_024,
            // One system that submits for a whole region may fill one group commit.
            streams_per_connection: 256,
            // Longer than a group commit and a broker's acknowledgement under load, shorter than a client's patience.
            request_seconds: 30,
        }
    }
}

impl GrpcServer {
    /// Serves on `listener` until `shutdown` is requested, then drains: health says NOT_SERVING, the listener closes,
    /// answers under way are finished. Open streams are waited for (see [`crate::streams`]); the deadline is
    /// [`Shutdown::drain`]'s. Run it with [`crate::supervise::spawn`].
    ///
    /// # Errors
    /// A descriptor set is not one, or the transport failed.
    pub async fn serve(self, listener: TcpListener, shutdown: Shutdown) -> Result<(), GrpcError> {
        let address = listener.local_addr().map_err(GrpcError::Listener)?;
        let server = self.service_names.first().copied().unwrap_or_default();
        let mut health =
            HealthSwitch { reporter: HealthReporter::new(), names: [vec![""], self.service_names].concat() };
        health.set(self.readiness.is_ready()).await;
        let routes = add_health_and_reflection(
            admitted(self.routes, server, self.limits),
            health.reporter.clone(),
            &self.descriptor_sets,
        )?;
        tracing::info!(%address, "grpc listens");

        let closing = CancellationToken::new();
        let announced = async {
            health.follow(&self.readiness, &shutdown).await;
            health.set(false).await;
            closing.cancel();
            health.end_watches().await;
            Ok(())
        };
        let refused = || metrics::counter!(REFUSED_TOTAL, "reason" => "connections", "server" => server).increment(1);
        let connections = connection::incoming(listener, self.limits.connections, refused);
        let served =
            transport(self.limits).add_routes(routes).serve_with_incoming_shutdown(connections, closing.cancelled());
        tokio::try_join!(announced, served).map_err(|source| GrpcError::Transport { address, source })?;
        tracing::info!(%address, "grpc closed, every answer sent");
        Ok(())
    }
}

/// How to reach a server (`http://127.0.0.1:7101`), with the timeouts and keepalive that a connection needs to notice
/// that it is dead. A call's own deadline is the caller's (`Request::set_timeout`).
///
/// # Errors
/// The address is not a URI.
pub fn endpoint(address: &str) -> Result<Endpoint, GrpcError> {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(|source| GrpcError::Address { address: address.to_owned(), source })?;
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
}

/// A gRPC server or client could not be set up, or failed.
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    /// The listener is not bound.
    #[error("the grpc listener has no address: {0}; bind it first")]
    Listener(#[source] std::io::Error),
    /// A descriptor set does not decode.
    #[error("grpc reflection cannot be built: {0}; rebuild the contract's crate")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Serving failed.
    #[error("the grpc server on {address} failed: {source}; restart the service")]
    Transport {
        /// Where it listened.
        address: std::net::SocketAddr,
        /// What the transport said.
        source: tonic::transport::Error,
    },
    /// A server's address is not one.
    #[error("`{address}` is not the address of a grpc server: {source}; write for example http://127.0.0.1:7101")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
}

/// The health service's answers for the server as a whole (`""`) and each service in it.
struct HealthSwitch {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl HealthSwitch {
    async fn set(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Says what `readiness` says until the service is asked to stop.
    async fn follow(&self, readiness: &Readiness, shutdown: &Shutdown) {
        let mut changes = readiness.subscribe();
        loop {
            let ready = changes.borrow_and_update().is_empty();
            self.set(ready).await;
            tokio::select! {
                biased;
                () = shutdown.token().cancelled() => return,
                // Never an error: `readiness` keeps the sender alive.
                _ = changes.changed() => {}
            }
        }
    }

    /// Ends the open health watches, which would otherwise keep their connections, after their last message.
    async fn end_watches(&mut self) {
        for name in &self.names {
            self.reporter.clear_service_status(name).await;
        }
    }
}

fn transport(limits: Limits) -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(limits.streams_per_connection)
        // A client whose network stalled gives up all its calls at once, and they arrive together. At the library's default
        // of 20 this ends its connection, and the calls of others behind the same proxy with it. More is still a flood.
        .http2_max_pending_accept_reset_streams(usize::try_from(limits.streams_per_connection).ok())
}

/// Outside the limits: whoever asks an overloaded server for its health must get an answer.
fn add_health_and_reflection(
    routes: Routes,
    reporter: HealthReporter,
    descriptor_sets: &[&'static [u8]],
) -> Result<Routes, GrpcError> {
    let health = tonic_health::server::HealthService::from_health_reporter(reporter);
    let reflection = || {
        descriptor_sets.iter().fold(
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET),
            |builder, set| builder.register_encoded_file_descriptor_set(set),
        )
    };
    Ok(routes
        .add_service(tonic_health::pb::health_server::HealthServer::new(health))
        .add_service(reflection().build_v1()?)
        // Older clients know only this one.
        .add_service(reflection().build_v1alpha()?))
}

#[derive(Clone)]
struct Admission {
    server: &'static str,
    places: Arc<Semaphore>,
    limits: Limits,
}

fn admitted(routes: Routes, server: &'static str, limits: Limits) -> Routes {
    let admission = Admission {
        server,
        places: Arc::new(Semaphore::new(limits.requests_in_flight.min(Semaphore::MAX_PERMITS))),
        limits,
    };
    metrics::describe_counter!(REFUSED_TOTAL, "requests answered with \"later\", by reason");
    routes.into_axum_router().layer(from_fn_with_state(admission, admit)).into()
}

async fn admit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let Ok(_place) = admission.places.try_acquire() else {
        metrics::counter!(REFUSED_TOTAL, "reason" => "overloaded", "server" => admission.server).increment(1);
        let limit = admission.limits.requests_in_flight;
        let status = Status::resource_exhausted(format!("{limit} requests are being worked on: send it again later"));
        return later(status);
    };
    let seconds = admission.limits.request_seconds;
    let answer = tokio::time::timeout(Duration::from_secs(seconds.into()), next.run(request));
    answer.await.unwrap_or_else(|_| {
        metrics::counter!(REFUSED_TOTAL, "reason" => "too_slow", "server" => admission.server).increment(1);
        let text = format!("no answer within {seconds} s; it may have taken effect: send it again later");
        later(Status::deadline_exceeded(text))
    })
}

fn later(status: Status) -> Response {
    let mut answer = status.into_http();
    answer.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from_static(RETRY_AFTER_MILLISECONDS));
    answer
}
