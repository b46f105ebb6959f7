//! The public board: election night on one page, for everyone.
//!
//! It reads the national service and nothing else. One task follows the publications and swaps what is shown as a
//! whole, so every number of a page is of one publication (design, P7); a page is rendered once per publication and
//! language, by whoever asks first. Trusted with nothing: what it shows can be checked against the log by anyone.
//!
//! | address | what |
//! |---|---|
//! | `/?lang=kk\|ru\|en` | the page; complete without scripts |
//! | `/?lang=…&fragment=1` | its figures alone, for the script |
//! | `/events` | server-sent events: `publication` with `{"edition", "sequence", "up"}` |
//! | `/latest` | `{"sequence", "digest"}` |
//! | `/p/<number>.json` | the figures of a publication; never changes once no contest of it is under embargo |

mod assets;
mod board;
mod connections;
mod http;
mod json;
mod language;
mod metrics;
mod numbers;
mod settings;
mod snapshot;
mod source;
mod texts;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use hattama_service_kit::Starting;
use hattama_service_kit::clock::Clock;
use hattama_service_kit::grpc::{self, GrpcError};
use hattama_service_kit::listen::{self, ListenError};
use hattama_service_kit::shutdown::Shutdown;
use hattama_service_kit::supervise;

use crate::board::Board;
use crate::connections::Places;
use crate::http::App;
use crate::texts::Words;

pub use crate::settings::main;
pub use crate::texts::TextsError;

/// What a board needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where readers connect; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The national service, for example `http://127.0.0.1:7103`. It may be away when the board starts.
    pub national: String,
    /// The clock that ages are told by; a rehearsal's is the same as in the other processes.
    pub clock: Clock,
    /// Connections at a time.
    pub connections: usize,
    /// Readers who follow live at a time, each one a connection; one over it is told to come again later.
    pub live_readers: usize,
}

impl Config {
    /// Connections unless the operator says otherwise: each is a file descriptor and some tens of kilobytes.
    pub const DEFAULT_CONNECTIONS: usize = 20_000;
    /// Live readers unless the operator says otherwise: half of the connections stay free for those who just look.
    pub const DEFAULT_LIVE_READERS: usize = 10_000;

    /// A board with the default limits.
    pub fn new(listen: SocketAddr, national: impl Into<String>, clock: Clock) -> Self {
        Self {
            listen,
            national: national.into(),
            clock,
            connections: Self::DEFAULT_CONNECTIONS,
            live_readers: Self::DEFAULT_LIVE_READERS,
        }
    }
}

/// A running board. It runs until its [`Shutdown`] is requested; [`Shutdown::drain`] waits for its end.
#[derive(Debug)]
pub struct Running {
    /// Where readers connect.
    pub address: SocketAddr,
}

/// Binds, and serves until `shutdown` is requested. Returns as soon as readers can connect, whether or not the national
/// service answers: until it does, the page says so.
///
/// # Errors
/// The address is taken, the national service's address is not one, or a compiled-in text is broken.
pub fn start(config: Config, shutdown: Shutdown) -> Starting<'static, Running, StartError> {
    Box::pin(begin(config, shutdown))
}

async fn begin(config: Config, shutdown: Shutdown) -> Result<Running, StartError> {
    metrics::describe();
    let words = Words::load()?;
    let client = source::client(grpc::endpoint(&config.national)?.connect_lazy());
    let listener = listen::bind(config.listen).await?;
    let address = listener.local_addr().map_err(|source| ListenError { address: config.listen, source })?;
    let board = Arc::new(Board::new(config.clock, words));

    supervise::spawn(&shutdown, "publications", source::follow(client.clone(), Arc::clone(&board), shutdown.clone()));
    let router = App::new(board, client, config.live_readers, shutdown.clone()).router();
    let server = axum::serve(Places::new(listener, config.connections), router)
        .with_graceful_shutdown(shutdown.token().clone().cancelled_owned());
    supervise::spawn(&shutdown, "readers", std::future::IntoFuture::into_future(server));
    tracing::info!(%address, national = config.national, "the board listens");
    Ok(Running { address })
}

/// The board could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be bound.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The national service's address is not one.
    #[error(transparent)]
    National(#[from] GrpcError),
    /// A compiled-in text is broken.
    #[error(transparent)]
    Texts(#[from] TextsError),
}
