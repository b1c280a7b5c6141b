//! Answers that go on after their head: each ends in trailers that say why, and gives its place back.
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use super::port::Port;
use crate::Failure;

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// Holds a place among the open streams.
pub(super) struct Stream {
    inner: Body,
    gauge: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) fn holding(inner: Body, place: OwnedSemaphorePermit, gauge: Gauge) -> Self {
        gauge.inc();
        Self { inner, gauge, _place: place }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Ends with its deadline, with the process, or with a panic of what makes it.
pub(super) struct Bounded {
    inner: Option<Body>,
    until: Option<Pin<Box<Sleep>>>,
    last_words: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Bounded {
    pub(super) fn new(inner: Body, until: Option<Instant>, port: &Port) -> Self {
        Self {
            inner: Some(inner),
            until: until.map(|until| Box::pin(sleep_until(until))),
            last_words: Box::pin(port.last_words.clone().cancelled_owned()),
        }
    }

    /// The last frame, made by us.
    fn end(&mut self, failure: Failure) -> Polled {
        self.inner = None;
        let mut trailers = HeaderMap::new();
        match Status::from(failure).add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(axum::Error::new(status)))),
        }
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        // What is ready goes out first, also the last word of a health watch.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Ok(Poll::Ready(frame)) => return Poll::Ready(frame),
            Ok(Poll::Pending) => {}
            Err(_) => return self.end(Failure::internal("the stream of answers panicked")),
        }
        if let Some(until) = &mut self.until
            && until.as_mut().poll(cx).is_ready()
        {
            return self.end(Failure::deadline());
        }
        if self.last_words.as_mut().poll(cx).is_ready() {
            return self.end(Failure::unavailable("this server, which is stopping,", "the process is stopping"));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}
