//! Accepted connections: limited in number, and closed without losing the last answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

/// How long a closed connection waits for the client to close its side: many round trips, yet no use as a weapon.
const LINGER: Duration = Duration::from_secs(1);

/// Accepting fails when the process has no file descriptor left: trying again at once would only burn the processor.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// One client's connection. Holds its place among a limited number until it is dropped.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    lingering: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// An accepted stream with its place. What is written leaves at once (TCP_NODELAY).
    pub fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection without TCP_NODELAY");
        }
        Self { stream, lingering: None, _place: place }
    }
}

/// Accepts on `listener`, at most `limit` connections at a time; one over it is closed at once, which its client sees
/// as UNAVAILABLE, and `refused` is called.
pub(crate) fn incoming(
    listener: TcpListener,
    limit: usize,
    refused: impl Fn() + Send,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let places = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
    let accepted = TcpIncoming::from(listener).then(async |accepted| {
        if let Err(error) = &accepted {
            tracing::error!(%error, "cannot accept a connection: raise the limit on open files (LimitNOFILE)");
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
        accepted
    });
    accepted.filter_map(move |accepted| match (accepted, places.clone().try_acquire_owned()) {
        (Err(error), _) => Some(Err(error)),
        (Ok(stream), Ok(place)) => Some(Ok(Connection::new(stream, place))),
        (Ok(_), Err(_)) => {
            refused();
            None
        }
    })
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that no more will come, then reads on until the client has closed too. A socket closed while the client
    /// still sends (window updates, say) is reset by the kernel, and the client loses answers that it had not yet read.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        let lingering = self.lingering.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if lingering.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut discarded = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            // An error is as good as the end: the client is gone.
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn pair() -> (TcpStream, Connection) {
        let listener = listen::bind(listen::local(0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = std::pin::pin!(incoming(listener, 1, || ())).next().await.unwrap().unwrap();
        (client, server)
    }

    #[tokio::test]
    async fn a_client_that_still_sends_gets_the_last_answer_whole() {
        let (mut client, mut server) = pair().await;
        client.write_all(b"unread when the server closes").await.unwrap();
        server.write_all(b"answer").await.unwrap();
        let closing = tokio::spawn(async move { server.shutdown().await });

        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        // One thread runs both: a server that does not linger would have closed by now.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!closing.is_finished(), "closed while the client was still there");
        client.write_all(b"a window update").await.unwrap();
        drop(client);
        tokio::time::timeout(PATIENCE, closing).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_closes_is_not_waited_for_long() {
        let (client, mut server) = pair().await;
        tokio::time::timeout(PATIENCE, server.shutdown()).await.unwrap().unwrap();
        drop(client);
    }
}
