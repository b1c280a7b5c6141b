//! W3C trace context: in calls, in log entries, and as the id that an error names.
use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
pub use pb::log::v1::TraceContext;
use throughline_proto as pb;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

tokio::task_local! {
    // Carries ids where no span does: without a collector, errors and log entries still name their trace.
    static HERE: TraceContext;
}

static SENDING: AtomicBool = AtomicBool::new(false);

/// From now on spans are sent somewhere.
pub(crate) fn sending() {
    SENDING.store(true, Ordering::Relaxed);
}

/// The context of the present work: of its span, or of the call that it belongs to. Empty outside both.
pub fn current() -> TraceContext {
    of_span(&Span::current()).or_else(here).unwrap_or_default()
}

/// The context of a span; the other one if the span is not recorded.
pub fn context_of(span: &Span, otherwise: &TraceContext) -> TraceContext {
    of_span(span).unwrap_or_else(|| otherwise.clone())
}

/// The present trace's id, 32 hexadecimal digits.
pub fn current_trace_id() -> Option<String> {
    parse(&current()).map(|span| span.trace_id().to_string())
}

/// A span of ours within a trace that came in, such as that of a log entry. Disabled when nothing is sent or the trace is not
/// sampled: then it costs nothing, and [`context_of`] falls back on what came in.
pub fn child_span(parent: &TraceContext, name: &str) -> Span {
    if !SENDING.load(Ordering::Relaxed) {
        return Span::none();
    }
    let Some(remote) = parse(parent).filter(SpanContext::is_sampled) else { return Span::none() };
    let span = tracing::info_span!(parent: None, "work", otel.name = name, otel.kind = "consumer");
    set_parent(&span, remote);
    span
}

/// A span that begins a trace of its own.
pub fn root_span(name: &str) -> Span {
    if SENDING.load(Ordering::Relaxed) {
        tracing::info_span!(parent: None, "work", otel.name = name, otel.kind = "internal")
    } else {
        Span::none()
    }
}

/// Places a span that a caller made with `parent: None` within a trace that came in; it is sampled as that trace is.
pub fn place(span: &Span, within: &TraceContext) {
    if let Some(remote) = parse(within) {
        set_parent(span, remote);
    }
}

/// Links a span to another trace.
pub fn link(span: &Span, to: &TraceContext) {
    if let Some(to) = parse(to) {
        span.add_link(to);
    }
}

/// Runs work under a trace context, for where no span carries it.
pub async fn scope<F: Future>(context: TraceContext, work: F) -> F::Output {
    HERE.scope(context, work).await
}

/// The same for a poll.
pub(crate) fn sync_scope<T>(context: &TraceContext, work: impl FnOnce() -> T) -> T {
    HERE.sync_scope(context.clone(), work)
}

/// Takes the present context along into a task.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = current();
    async move { HERE.scope(context, work).await }
}

/// The context that a caller sent, if it sent a valid one: its ids and flags, written anew. What else the headers say
/// (`tracestate`, a longer `traceparent`) would go into every entry and out to receivers, and it may be anything.
pub(crate) fn accept(headers: &http::HeaderMap) -> Option<TraceContext> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let sent = TraceContext { traceparent: text("traceparent"), tracestate: text("tracestate") };
    let span = parse(&sent)?;
    let ids = SpanContext::new(span.trace_id(), span.span_id(), span.trace_flags(), true, TraceState::default());
    Some(render(&ids))
}

/// A new trace that nobody records: errors and log entries name it all the same.
pub(crate) fn fresh() -> TraceContext {
    let (trace, span) = (rand::random::<u128>() | 1, rand::random::<u64>() | 1);
    let unsampled = TraceFlags::default();
    render(&SpanContext::new(TraceId::from(trace), SpanId::from(span), unsampled, true, TraceState::default()))
}

/// Makes a span the child of a remote one.
pub(crate) fn set_parent(span: &Span, remote: SpanContext) {
    // Refused only by a span that is not recorded, and then there is nothing to place.
    let _ = span.set_parent(Context::new().with_remote_span_context(remote));
}

/// Reads a `traceparent`, version 00 or a later one that begins alike; `None` if it names no valid span.
pub(crate) fn parse(context: &TraceContext) -> Option<SpanContext> {
    let mut fields = context.traceparent.trim().split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    if !hex(version, 2) || version == "ff" || (version == "00" && fields.next().is_some()) {
        return None;
    }
    if !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
        return None;
    }
    // A broken tracestate is dropped, not the trace (W3C).
    let state = context.tracestate.parse().unwrap_or_default();
    let sampled = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let context = SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, sampled, true, state);
    context.is_valid().then_some(context)
}

fn render(span: &SpanContext) -> TraceContext {
    TraceContext {
        traceparent: format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()),
        tracestate: span.trace_state().header(),
    }
}

fn of_span(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() || !SENDING.load(Ordering::Relaxed) {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| render(span))
}

/// Trace and span id of the present work, for a line of the log.
pub(crate) fn current_ids() -> Option<(String, String)> {
    let span = parse(&current())?;
    Some((span.trace_id().to_string(), span.span_id().to_string()))
}

fn here() -> Option<TraceContext> {
    HERE.try_with(TraceContext::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(traceparent: &str) -> TraceContext {
        TraceContext { traceparent: traceparent.to_owned(), tracestate: "vendor=x".to_owned() }
    }

    #[test]
    fn a_context_survives_reading_and_writing() {
        assert_eq!(render(&parse(&context(SENT)).unwrap()), context(SENT));
    }

    #[test]
    fn what_is_no_traceparent_is_ignored() {
        for wrong in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf9-00f0-01",
        ] {
            assert!(parse(&context(wrong)).is_none(), "{wrong:?} was taken");
        }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "what a bare task sees is the question")]
    async fn work_in_a_scope_knows_its_trace_and_so_does_what_it_spawns() {
        scope(context(SENT), async {
            assert_eq!(current_trace_id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
            let spawned = tokio::spawn(carry(async { current() })).await.unwrap();
            assert_eq!(spawned, context(SENT));
        })
        .await;
        assert_eq!(current(), TraceContext::default());
    }

    #[test]
    fn a_caller_without_a_trace_gets_one() {
        assert_eq!(accept(&http::HeaderMap::new()), None);
        assert!(parse(&fresh()).is_some_and(|trace| !trace.is_sampled()));
    }
}
