//! Open-ended answers (gRPC server streams, server-sent events): bounded in number, and ended when the service stops.
//!
//! A server waits for its open streams before it ends, so every open-ended stream must pass through here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use crate::shutdown::Shutdown;

/// A stream that ends, as if it were complete, when the service is asked to stop. Clients follow again elsewhere.
pub struct UntilShutdown<S> {
    stream: Pin<Box<S>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
    _place: Option<OwnedSemaphorePermit>,
}

/// Ends `stream` when the service is asked to stop.
pub fn until_shutdown<S: Stream>(stream: S, shutdown: &Shutdown) -> UntilShutdown<S> {
    UntilShutdown {
        stream: Box::pin(stream),
        stop: Box::pin(shutdown.token().clone().cancelled_owned()),
        ended: false,
        _place: None,
    }
}

/// How many streams may be open at a time. Cheap to clone; clones share the places.
#[derive(Debug, Clone)]
pub struct StreamLimit {
    places: Arc<Semaphore>,
    limit: usize,
}

impl StreamLimit {
    /// At most `limit` open streams.
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(limit)), limit }
    }

    /// Like [`until_shutdown`], and takes a place until the stream is dropped.
    ///
    /// # Errors
    /// All places are taken: the client should try again later, or elsewhere.
    pub fn open<S: Stream>(&self, stream: S, shutdown: &Shutdown) -> Result<UntilShutdown<S>, TooManyStreams> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| TooManyStreams { limit: self.limit })?;
        Ok(UntilShutdown { _place: Some(place), ..until_shutdown(stream, shutdown) })
    }
}

/// All places for open streams are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {limit} places for open streams are taken: try again later, or another replica")]
pub struct TooManyStreams {
    /// How many there are.
    pub limit: usize,
}

impl From<TooManyStreams> for Status {
    fn from(error: TooManyStreams) -> Self {
        Self::resource_exhausted(error.to_string())
    }
}

impl<S: Stream> Stream for UntilShutdown<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // The stop first: a stream that always has an item would otherwise never see it.
        if self.ended || self.stop.as_mut().poll(context).is_ready() {
            self.ended = true;
            return Poll::Ready(None);
        }
        let next = self.stream.as_mut().poll_next(context);
        self.ended = matches!(next, Poll::Ready(None));
        next
    }
}

impl<S> std::fmt::Debug for UntilShutdown<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UntilShutdown").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::Cause;
    use tokio_stream::StreamExt;

    #[tokio::test]
    async fn a_stream_without_end_ends_when_the_service_stops() {
        let shutdown = Shutdown::new();
        let mut always_ready = until_shutdown(tokio_stream::iter(0_u64..), &shutdown);
        assert_eq!(always_ready.next().await, Some(0));
        let mut never_ready = until_shutdown(tokio_stream::pending::<u64>(), &shutdown);
        let waiting = tokio::spawn(async move { never_ready.next().await });

        shutdown.request(Cause::Asked("the test is over"));
        assert_eq!(always_ready.next().await, None);
        assert_eq!(always_ready.next().await, None);
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_finite_stream_keeps_all_its_items() {
        let items: Vec<u32> = until_shutdown(tokio_stream::iter([1, 2, 3]), &Shutdown::new()).collect().await;
        assert_eq!(items, [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_stream_is_dropped() {
        let (limit, shutdown) = (StreamLimit::new(1), Shutdown::new());
        let first = limit.open(tokio_stream::pending::<u64>(), &shutdown).unwrap();
        let refused = limit.open(tokio_stream::pending::<u64>(), &shutdown).unwrap_err();
        assert_eq!(Status::from(refused).code(), tonic::Code::ResourceExhausted);
        drop(first);
        assert!(limit.open(tokio_stream::pending::<u64>(), &shutdown).is_ok());
    }
}
