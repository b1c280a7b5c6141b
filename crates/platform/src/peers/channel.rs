//! A channel that says who we are, in which trace, and how long the caller will still wait.
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body, transport::Channel};
use tower::Service;

use crate::{
    Failure, deadline,
    failure::code_text,
    metrics::{Metrics, Side},
    trace,
};

/// Time for the answer to travel back to our own caller.
const SLACK: Duration = Duration::from_millis(20);

/// Usable by generated clients.
#[derive(Clone, Debug)]
pub struct PeerChannel {
    inner: Channel,
    credentials: HeaderValue,
    metrics: Arc<Metrics>,
}

impl PeerChannel {
    pub(super) fn new(inner: Channel, service_key: &str, metrics: Metrics) -> Result<Self, Failure> {
        let mut credentials = HeaderValue::from_str(&format!("Bearer {service_key}"))
            .map_err(|_| Failure::invalid("service_key", "must consist of visible ASCII characters"))?;
        credentials.set_sensitive(true);
        Ok(Self { inner, credentials, metrics: Arc::new(metrics) })
    }

    fn prepare(&self, headers: &mut http::HeaderMap) {
        headers.insert(AUTHORIZATION, self.credentials.clone());
        let context = trace::current();
        for (name, value) in [("traceparent", context.traceparent), ("tracestate", context.tracestate)] {
            if let Ok(value) = HeaderValue::from_str(&value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
        if let Some(left) = deadline::left()
            && !headers.contains_key("grpc-timeout")
        {
            let milliseconds = left.saturating_sub(SLACK).as_millis().min(99_999_999);
            if let Ok(value) = HeaderValue::from_str(&format!("{milliseconds}m")) {
                headers.insert("grpc-timeout", value);
            }
        }
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.prepare(request.headers_mut());
        let (metrics, began) = (self.metrics.clone(), Instant::now());
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let trace_id = trace::current_trace_id();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            // Up to the head of the answer: a stream is as long as its reader likes.
            let code = match &answer {
                Ok(head) => Status::from_header_map(head.headers()).map_or(Code::Ok, |status| status.code()),
                Err(_) => Code::Unavailable,
            };
            metrics.rpc().ended(Side::Client, "grpc", &method, code_text(code).into(), began.elapsed(), trace_id);
            answer
        })
    }
}
