//! A client that gives up all its calls at once, as one does whose network stalled, keeps its connection.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use hattama_service_kit::grpc::{GrpcServer, Limits};
use hattama_service_kit::readiness::Readiness;
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::{listen, supervise};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::service::Routes;

const PATIENCE: Duration = Duration::from_secs(30);

// Frame types of HTTP/2 (RFC 9113, section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// `POST http://x/`, of HPACK's static table but for the authority.
const REQUEST: [u8; 6] = [0x83, 0x86, 0x84, 0x41, 1, b'x'];
const CANCEL: [u8; 4] = [0, 0, 0, 8];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Opens so many calls and gives them up, all in one write; then the type of the frame that the server answers a ping with,
/// or ends the connection with.
async fn answer_after_giving_up(address: SocketAddr, calls: u32) -> u8 {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    connection.write_all(&sent).await.unwrap();
    sent.clear();
    for call in 0..calls {
        sent.extend(frame(HEADERS, END_HEADERS, 2 * call + 1, &REQUEST));
        sent.extend(frame(RST_STREAM, 0, 2 * call + 1, &CANCEL));
    }
    sent.extend(frame(PING, 0, 0, &[7; 8]));
    connection.write_all(&sent).await.unwrap();
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        connection.read_exact(&mut payload).await.unwrap();
        match (head[3], head[4]) {
            (PING, ACK) if payload == [7; 8] => return PING,
            (GOAWAY, _) => return GOAWAY,
            _ => {}
        }
    }
}

async fn serve(limits: Limits) -> (SocketAddr, Shutdown) {
    let shutdown = Shutdown::new();
    let listener = listen::bind(listen::local(0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = GrpcServer {
        routes: Routes::from(axum::Router::new()),
        descriptor_sets: vec![],
        service_names: vec!["test.Nothing"],
        limits,
        readiness: Readiness::new(),
    };
    supervise::spawn(&shutdown, "grpc server", server.serve(listener, shutdown.clone()));
    (address, shutdown)
}

#[tokio::test]
async fn a_client_may_give_up_at_once_all_the_calls_that_it_may_have_open_and_no_flood() {
    let (address, shutdown) = serve(Limits::default()).await;
    let open = Limits::default().streams_per_connection;
    for (calls, answer) in [(open, PING), (10 * open, GOAWAY)] {
        let answered = tokio::time::timeout(PATIENCE, answer_after_giving_up(address, calls)).await.unwrap();
        assert_eq!(answered, answer, "after {calls} calls");
    }
    assert_eq!(shutdown.drain(PATIENCE).await.tasks_left, 0);
}
