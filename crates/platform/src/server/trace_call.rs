//! The caller's trace, or a new one, around a call and around its answer's stream.
use std::{
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
use http_body::{Body as HttpBody, Frame, SizeHint};
use tracing::{Instrument, Span, field::Empty};

use super::port::{Port, Wire};
use crate::trace::{self, TraceContext};

pub(super) async fn trace_call(State(port): State<Port>, request: Request, next: Next) -> Response {
    let sent = trace::accept(request.headers());
    let span = if port.is_open(&request) { Span::none() } else { span(&port, &request, sent.as_ref()) };
    let context = trace::context_of(&span, &sent.unwrap_or_else(trace::fresh));
    let answer = trace::scope(context.clone(), next.run(request)).instrument(span.clone()).await;
    answer.map(|inner| Body::new(Traced { inner, span, context }))
}

/// Named and attributed after the RPC conventions (1.44); `measure` records how it ended.
fn span(port: &Port, request: &Request, sent: Option<&TraceContext>) -> Span {
    let method = port.method(request);
    let system = match port.wire {
        Wire::Grpc => "grpc",
        Wire::Http => "http",
    };
    let span = tracing::info_span!(
        parent: None,
        "call",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system.name = system,
        rpc.method = method,
        rpc.response.status_code = Empty,
        error.type = Empty,
    );
    if let Some(remote) = sent.and_then(trace::parse) {
        trace::set_parent(&span, remote);
    }
    span
}

struct Traced {
    inner: Body,
    span: Span,
    context: TraceContext,
}

impl HttpBody for Traced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let _inside = this.span.enter();
        trace::sync_scope(&this.context, || Pin::new(&mut this.inner).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
