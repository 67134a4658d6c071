//! A request's body that is read to its end even where the answer did not need it.
//!
//! HTTP/2 lets a server answer early and reset the rest (RFC 9113 §8.1), and HTTP/1.1 lets it close
//! (RFC 9112 §9.3), but there are clients that then throw the answer away. So what is left of a
//! small body is read before the answer goes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// The body, for whoever answers and for whoever reads the rest.
pub(crate) struct Drained<B>(Arc<Mutex<B>>);

impl<B> Clone for Drained<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> Drained<B> {
    pub(crate) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    /// Reads what is left, if it is not much and comes soon.
    pub(crate) async fn drain(mut self) {
        if self.is_end_stream() {
            return;
        }
        let mut left = MOST;
        let reading = std::future::poll_fn(|context| {
            loop {
                match ready!(Pin::new(&mut self).poll_frame(context)) {
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        match left.checked_sub(length) {
                            Some(rest) => left = rest,
                            None => return Poll::Ready(()),
                        }
                    }
                    Some(Err(_)) | None => return Poll::Ready(()),
                }
            }
        });
        // Whether it was all does not matter: the answer goes either way.
        let _ = tokio::time::timeout(PATIENCE, reading).await;
    }

    fn with<T>(&self, what: impl FnOnce(Pin<&mut B>) -> T) -> T {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        what(Pin::new(&mut *body))
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Drained<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.with(|body| body.poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}

/// Bytes; the largest request that is answered has less.
const MOST: usize = 128 * 1024;
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn what_nobody_read_is_read_and_no_more_than_bounds_allow() {
        let body = Drained::new(Body::from("a few words"));
        let answering = body.clone();
        assert_eq!(answering.size_hint().exact(), Some(11));
        drop(answering);
        body.clone().drain().await;
        assert!(body.is_end_stream());
        // Whoever never sends is not waited for.
        let silent = http::Request::new(Body::new(Never));
        let silent = Drained::new(silent.into_body());
        tokio::time::timeout(Duration::from_secs(10), silent.drain())
            .await
            .unwrap();
    }

    struct Never;

    impl HttpBody for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }
}
