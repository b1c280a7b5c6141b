//! What the layers of one port share.
use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::Method;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{Context, Failure, metrics::Methods};

/// How a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Grpc,
    Http,
}

/// Streams of answers open at once, all callers together.
const OPEN_STREAMS: usize = 4096;

#[derive(Clone)]
pub(super) struct Port {
    pub(super) cx: Context,
    pub(super) wire: Wire,
    /// Calls worked on at once.
    pub(super) calls: Arc<Semaphore>,
    /// Streams open at once.
    pub(super) streams: Arc<Semaphore>,
    /// Cancelled when streams are to end.
    pub(super) last_words: CancellationToken,
}

impl Port {
    pub(super) fn grpc(cx: &Context, last_words: &CancellationToken) -> Self {
        Self::new(cx, Wire::Grpc, last_words)
    }

    pub(super) fn http(cx: &Context, last_words: &CancellationToken) -> Self {
        Self::new(cx, Wire::Http, last_words)
    }

    fn new(cx: &Context, wire: Wire, last_words: &CancellationToken) -> Self {
        Self {
            cx: cx.clone(),
            wire,
            calls: Arc::new(Semaphore::new(cx.options.max_in_flight)),
            streams: Arc::new(Semaphore::new(OPEN_STREAMS)),
            last_words: last_words.clone(),
        }
    }

    /// A failure as this port tells it.
    pub(super) fn answer(&self, failure: Failure) -> Response {
        match self.wire {
            Wire::Grpc => {
                let response = Status::from(failure).into_http::<tonic::body::Body>();
                response.map(axum::body::Body::new)
            }
            Wire::Http => failure.into_response(),
        }
    }

    /// What a call is named in spans and metrics; a bounded set, whatever callers send.
    pub(super) fn method(&self, request: &Request) -> String {
        match self.wire {
            Wire::Grpc => Methods::get().label(request.uri().path()).to_owned(),
            Wire::Http => request
                .extensions()
                .get::<MatchedPath>()
                .map_or_else(|| "_OTHER".to_owned(), |route| format!("{} {}", verb(request.method()), route.as_str())),
        }
    }

    /// Whether the call's answer or request is a stream.
    pub(super) fn streams(&self, request: &Request) -> bool {
        self.wire == Wire::Grpc && Methods::get().streams(request.uri().path())
    }

    /// Whether anybody may call it: probes and reflection. They take no place from calls and are not traced.
    pub(super) fn is_open(&self, request: &Request) -> bool {
        let path = request.uri().path();
        self.wire == Wire::Grpc && (path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection."))
    }
}

/// A method by which a call may be named: any other token is the caller's own, and there are as many as callers like.
fn verb(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "_OTHER",
    }
}
