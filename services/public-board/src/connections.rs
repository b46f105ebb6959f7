//! Readers' connections: limited in number, so that a crowd cannot take the process's last file descriptor.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use hattama_service_kit::connection::Connection;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A listener with places. When all are taken it accepts no more: whoever comes then waits in the system's own queue.
pub struct Places {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Places {
    /// At most `limit` connections at a time on `listener`.
    pub fn new(listener: TcpListener, limit: usize) -> Self {
        Self { listener, free: Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS))) }
    }
}

impl Listener for Places {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let Ok(place) = Arc::clone(&self.free).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        // axum's own accept waits and goes on after an error.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, place), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
