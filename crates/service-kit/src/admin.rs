//! For those who operate a service: `/metrics`, `/healthz` (the process answers), `/readyz` (it should be given work).
//!
//! On its own listener, which closes last, so that a drain can be watched.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::readiness::Readiness;
use crate::telemetry::Telemetry;

/// A scrape takes milliseconds; one that has not ended after this is not waited for.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// The version is part of what Prometheus negotiates.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A running admin listener. Dropping it leaves it running; [`close`](Self::close) ends it.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    closing: CancellationToken,
    server: JoinHandle<io::Result<()>>,
}

/// Starts to answer on `listener`. Call it inside a runtime.
///
/// # Errors
/// The listener has no local address.
pub fn start(listener: TcpListener, telemetry: Telemetry, readiness: Readiness) -> io::Result<Admin> {
    let address = listener.local_addr()?;
    let closing = CancellationToken::new();
    let server = axum::serve(listener, router(telemetry, readiness))
        .with_graceful_shutdown(closing.clone().cancelled_owned())
        .into_future();
    tracing::info!(%address, "admin listens");
    Ok(Admin { address, closing, server: tokio::spawn(server) })
}

impl Admin {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops answering; the last thing a service does. Takes a second at most.
    pub async fn close(mut self) {
        self.closing.cancel();
        if tokio::time::timeout(CLOSE_DEADLINE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

fn router(telemetry: Telemetry, readiness: Readiness) -> Router {
    let metrics = get(|State(telemetry): State<Telemetry>| async move {
        ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], telemetry.render())
    });
    Router::new()
        .route("/metrics", metrics.with_state(telemetry))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).with_state(readiness))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let reasons = readiness.reasons();
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines = reasons.iter().map(|(part, reason)| format!("{part}: {reason}\n"));
    (StatusCode::SERVICE_UNAVAILABLE, lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProcessSettings;
    use crate::{listen, telemetry};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn get_text(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn an_operator_can_ask_for_life_readiness_and_metrics() {
        let telemetry = telemetry::start(&ProcessSettings::default()).unwrap();
        metrics::counter!("hattama_test_admin_total").increment(1);
        let readiness = Readiness::new();
        readiness.hold("log", "not read to its end yet");
        let listener = listen::bind(listen::local(0)).await.unwrap();
        let admin = start(listener, telemetry, readiness.clone()).unwrap();
        let address = admin.address();

        assert!(get_text(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        assert!(get_text(address, "/metrics").await.contains("hattama_test_admin_total 1"));
        let held = get_text(address, "/readyz").await;
        assert!(held.starts_with("HTTP/1.1 503"), "{held}");
        assert!(held.ends_with("log: not read to its end yet\n"), "{held}");
        readiness.release("log");
        assert!(get_text(address, "/readyz").await.starts_with("HTTP/1.1 200"));

        let idle = TcpStream::connect(address).await.unwrap();
        admin.close().await;
        assert!(TcpStream::connect(address).await.is_err(), "still listening after close");
        drop(idle);
    }
}
