//! Counts every call when it ends: with its head, with its trailers, or because the caller left.
use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::Span;

use super::port::{Port, Wire};
use crate::{
    failure::code_text,
    metrics::{Metrics, Side},
    trace,
};

pub(super) async fn measure(State(port): State<Port>, request: Request, next: Next) -> Response {
    let call = Call::begin(&port, &request);
    let answer = next.run(request).await;
    match port.wire {
        Wire::Http => {
            let status = answer.status();
            call.end(Cow::Owned(status.as_str().to_owned()), status.is_server_error());
            answer
        }
        // A refusal says so in the head; otherwise the trailers do.
        Wire::Grpc => match code_of(answer.headers()) {
            Some(code) => {
                call.end_with(code);
                answer
            }
            None => answer.map(|inner| Body::new(Measured { inner, call: Some(call) })),
        },
    }
}

fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// One call, until it ends or is dropped.
struct Call {
    metrics: Metrics,
    system: &'static str,
    method: String,
    began: Instant,
    trace_id: Option<String>,
    span: Span,
    ended: bool,
}

impl Call {
    fn begin(port: &Port, request: &Request) -> Self {
        let metrics = port.cx.metrics.clone();
        metrics.rpc().in_flight.inc();
        Self {
            metrics,
            system: if port.wire == Wire::Grpc { "grpc" } else { "http" },
            method: port.method(request),
            began: Instant::now(),
            trace_id: trace::current_trace_id(),
            span: Span::current(),
            ended: false,
        }
    }

    fn end_with(self, code: Code) {
        // The server's own faults, as the conventions count them; the rest are refusals.
        let fault = matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        );
        self.end(Cow::Borrowed(code_text(code)), fault);
    }

    fn end(mut self, status: Cow<'static, str>, fault: bool) {
        self.ended = true;
        self.span.record("rpc.response.status_code", status.as_ref());
        if fault {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", status.as_ref());
        }
        self.count(status);
    }

    fn count(&mut self, status: Cow<'static, str>) {
        let took = self.began.elapsed();
        self.metrics.rpc().ended(Side::Server, self.system, &self.method, status, took, self.trace_id.take());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.metrics.rpc().in_flight.dec();
        if !self.ended {
            self.count(Cow::Borrowed(code_text(Code::Cancelled)));
        }
    }
}

struct Measured {
    inner: Body,
    call: Option<Call>,
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let code = match &polled {
            Poll::Pending => None,
            Poll::Ready(Some(Ok(frame))) => frame.trailers_ref().and_then(code_of),
            Poll::Ready(Some(Err(_)) | None) => Some(Code::Unknown),
        };
        if let Some(code) = code
            && let Some(call) = self.call.take()
        {
            call.end_with(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
