//! One try of one message.

use std::time::Instant;

use throughline_platform::trace;
use tracing::{Instrument, Span, field::Empty};

use super::sender::Sender;
use crate::{
    domain::{ChannelKind, Withheld},
    store::{Claimed, Destination},
    webhook::{Answer, Outgoing},
    wire::Message,
};

/// What became of a message when its time came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It was not tried.
    Withheld(Withheld),
    Answered(Answer),
}

impl Tried {
    pub fn panicked() -> Self {
        Self::Answered(Answer::Silent { why: "sending it panicked" })
    }
}

pub fn channel(delivery: &Claimed) -> ChannelKind {
    match delivery.destination {
        Destination::Log => ChannelKind::Log,
        Destination::Webhook { .. } => ChannelKind::Webhook,
    }
}

/// Sends a message once.
pub async fn try_once(sender: &Sender, delivery: &Claimed) -> Answer {
    let began = Instant::now();
    let answer = match &delivery.destination {
        Destination::Log => trace::child_span(&delivery.trace, "notification.log").in_scope(|| tell(delivery)),
        Destination::Webhook { url, secret } => {
            let span = client_span(delivery, url);
            let outgoing = Outgoing {
                id: delivery.id,
                secret,
                body: &delivery.body,
                trace: &trace::context_of(&span, &delivery.trace),
                now: sender.cx.clock.now(),
            };
            let answer = sender.webhooks.post(url, outgoing).instrument(span.clone()).await;
            record(&span, &answer);
            answer
        }
    };
    sender.metrics.tried(channel(delivery), began.elapsed(), trace::current_trace_id());
    answer
}

/// One line, all fields from our own vocabulary: nothing of a customer is in a flag.
fn tell(delivery: &Claimed) -> Answer {
    match serde_json::from_str::<Message>(&delivery.body) {
        Ok(Message { data, .. }) => {
            tracing::info!(
                delivery = %delivery.id,
                group = delivery.group,
                rooftop = data.rooftop,
                flag = data.flag,
                deal = data.deal,
                floor = data.floor,
                kind = data.kind,
                measure = data.measure,
                step = data.step,
                severity = data.severity,
                department = data.department,
                opened_at = %data.opened_at,
                summary = data.summary,
                "a flag was raised",
            );
            Answer::Taken { status: 200 }
        }
        Err(_) => Answer::Silent { why: "the stored message cannot be read" },
    }
}

/// After the HTTP conventions of OpenTelemetry. The address itself stays out of it: its path may be a secret.
fn client_span(delivery: &Claimed, url: &str) -> Span {
    let url = url::Url::parse(url).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    let port = url.as_ref().and_then(url::Url::port_or_known_default);
    let span = tracing::info_span!(
        parent: None,
        "send",
        otel.name = "POST",
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = "POST",
        http.request.resend_count = (delivery.attempts > 0).then_some(delivery.attempts),
        http.response.status_code = Empty,
        server.address = host,
        server.port = port,
        error.type = Empty,
    );
    trace::place(&span, &delivery.trace);
    span
}

fn record(span: &Span, answer: &Answer) {
    let status = match answer {
        Answer::Taken { status } | Answer::Refused { status, .. } => Some(*status),
        Answer::Gone => Some(410),
        Answer::Silent { .. } => None,
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    match answer {
        Answer::Taken { .. } => return,
        Answer::Gone => span.record("error.type", "410"),
        Answer::Refused { status, .. } => span.record("error.type", status.to_string()),
        Answer::Silent { why } => span.record("error.type", *why),
    };
    span.record("otel.status_code", "ERROR");
}
