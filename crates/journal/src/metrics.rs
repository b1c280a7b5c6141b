//! What can be seen of logs and followers from outside. Labels are names from our own code, so they are bounded.
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use throughline_platform::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfConsumer {
    pub(crate) consumer: &'static str,
}

/// What is parked, by what failed: `entry` or `timer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfPath {
    pub(crate) consumer: &'static str,
    pub(crate) path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfLog {
    pub(crate) log: &'static str,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct JournalMetrics {
    pub(crate) appended: Family<OfLog, Counter>,
    pub(crate) applied: Family<OfConsumer, Counter>,
    pub(crate) lag: Family<OfConsumer, Gauge>,
    pub(crate) leased: Family<OfConsumer, Gauge>,
    pub(crate) parked: Family<OfConsumer, Counter>,
    pub(crate) parked_timers: Family<OfConsumer, Counter>,
    pub(crate) parked_now: Family<OfPath, Gauge>,
    pub(crate) stopped: Family<OfConsumer, Gauge>,
    pub(crate) stopped_alarms: Family<OfConsumer, Gauge>,
    pub(crate) lost: Family<OfConsumer, Counter>,
    pub(crate) retried: Family<OfConsumer, Counter>,
    pub(crate) clock_steps: Family<OfLog, Counter>,
    pub(crate) clock_ahead: Family<OfLog, Gauge>,
    pub(crate) clock_behind: Family<OfConsumer, Gauge>,
}

impl JournalMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let own = Self::default();
        metrics.register(|registry| {
            let to = registry.sub_registry_with_prefix("journal");
            to.register("appended_entries", "Entries appended to a log", own.appended.clone());
            to.register("applied_entries", "Entries whose effects a consumer has committed", own.applied.clone());
            to.register("lag_entries", "Entries in the log that the consumer has not yet applied", own.lag.clone());
            to.register("leased_parts", "Parts that this process holds for the consumer", own.leased.clone());
            to.register("parked_entries", "Entries set aside after three failures, or behind such", own.parked.clone());
            to.register(
                "parked_timers",
                "Entities set aside because their alarm failed three times",
                own.parked_timers.clone(),
            );
            to.register("parked_entities", "Entities set aside now, by what failed", own.parked_now.clone());
            to.register(
                "stopped_alarm_parts",
                "Parts whose alarms cannot fire; their entries go on",
                own.stopped_alarms.clone(),
            );
            to.register("stopped_parts", "Parts that stand still because a position was missing", own.stopped.clone());
            to.register("lost_leases", "Batches rolled back because another owner held the part", own.lost.clone());
            to.register("retried_batches", "Batches tried again after a transient failure", own.retried.clone());
            let help = "Times that this process found the clock of a log to have stepped back";
            to.register("clock_steps", help, own.clock_steps.clone());
            let help = "Seconds by which what is recorded runs ahead of this process's clock, 0 within the tolerance";
            to.register("clock_ahead_seconds", help, own.clock_ahead.clone());
            let help =
                "Seconds by which this process's clock is behind the log that it follows, 0 within the tolerance";
            to.register("clock_behind_seconds", help, own.clock_behind.clone());
        });
        own
    }
}
