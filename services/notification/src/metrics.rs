//! What is counted. Labels come from closed lists; none names a tenant.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::Unit,
};
use throughline_platform::metrics::Metrics;

use crate::domain::{ChannelKind, Severity, Withheld};

const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStep {
    channel: &'static str,
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfChannel {
    channel: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trace {
    trace_id: String,
}

type Durations = Family<OfChannel, HistogramWithExemplars<Trace>, fn() -> HistogramWithExemplars<Trace>>;

/// Counters of this process.
#[derive(Clone, Debug)]
pub struct NotificationMetrics {
    decided: Family<OfStep, Counter>,
    delivered: Family<OfChannel, Counter>,
    failed: Family<OfChannel, Counter>,
    retried: Family<OfChannel, Counter>,
    unreadable: Family<OfChannel, Counter>,
    suppressed: Family<OfReason, Counter>,
    send: Durations,
    waiting: Gauge,
    overdue: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl NotificationMetrics {
    pub fn register(metrics: &Metrics) -> Self {
        let ours = Self {
            decided: Family::default(),
            delivered: Family::default(),
            failed: Family::default(),
            retried: Family::default(),
            unreadable: Family::default(),
            suppressed: Family::default(),
            send: Durations::new_with_constructor(|| HistogramWithExemplars::new(BUCKETS.into_iter())),
            waiting: Gauge::default(),
            overdue: Gauge::default(),
        };
        metrics.register(|registry| {
            let name = |what: &str| format!("throughline_notifications_{what}");
            registry.register(name("decided"), "Messages decided, one a flag, step and route", ours.decided.clone());
            registry.register(name("delivered"), "Messages that their receivers took", ours.delivered.clone());
            registry.register(name("failed"), "Messages given up", ours.failed.clone());
            registry.register(
                name("unreadable"),
                "Tries of messages that could not be read from the database",
                ours.unreadable.clone(),
            );
            registry.register(name("retried"), "Tries that failed and will be repeated", ours.retried.clone());
            registry.register(
                name("suppressed"),
                "Messages not sent because their flag was closed, acknowledged, imported or too old, or their route was gone",
                ours.suppressed.clone(),
            );
            registry.register(
                name("waiting"),
                "Messages to be sent, now or later, of all processes",
                ours.waiting.clone(),
            );
            registry.register_with_unit(
                name("overdue"),
                "For how long the oldest message that is due has waited, of all processes, on the injected clock",
                Unit::Seconds,
                ours.overdue.clone(),
            );
            registry.register_with_unit(
                "throughline_notification_send_duration",
                "Duration of one try",
                Unit::Seconds,
                ours.send.clone(),
            );
        });
        ours
    }

    pub fn decided(&self, channel: ChannelKind, step: Severity) {
        self.decided.get_or_create(&OfStep { channel: channel.as_str(), step: step.as_str() }).inc();
    }

    pub fn delivered(&self, channel: ChannelKind) {
        self.delivered.get_or_create(&of(channel)).inc();
    }

    pub fn failed(&self, channel: ChannelKind) {
        self.failed.get_or_create(&of(channel)).inc();
    }

    pub fn unreadable(&self, channel: ChannelKind) {
        self.unreadable.get_or_create(&of(channel)).inc();
    }

    pub fn retried(&self, channel: ChannelKind) {
        self.retried.get_or_create(&of(channel)).inc();
    }

    pub fn suppressed(&self, why: Withheld, count: u64) {
        self.suppressed.get_or_create(&OfReason { reason: why.as_str() }).inc_by(count);
    }

    pub fn tried(&self, channel: ChannelKind, took: Duration, trace_id: Option<String>) {
        let exemplar = trace_id.map(|trace_id| Trace { trace_id });
        self.send.get_or_create(&of(channel)).observe(took.as_secs_f64(), exemplar, None);
    }

    pub fn outbox(&self, waiting: i64, overdue_seconds: f64) {
        self.waiting.set(waiting);
        self.overdue.set(overdue_seconds);
    }
}

fn of(channel: ChannelKind) -> OfChannel {
    OfChannel { channel: channel.as_str() }
}
