//! What is counted. Labels come from closed lists: kinds of the process and of DOMAIN, two severities.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use throughline_platform::metrics::Metrics;
use throughline_process::flag::Severity;

use crate::domain::{Change, Step};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFlag {
    kind: String,
    severity: &'static str,
}

/// Counters of this process.
#[derive(Clone, Debug, Default)]
pub struct RuleMetrics {
    opened: Family<OfFlag, Counter>,
    closed: Family<OfFlag, Counter>,
    retracted: Family<OfFlag, Counter>,
    alarms_fired: Counter,
    alarms_restored: Counter,
    reviews_open: Gauge,
}

impl RuleMetrics {
    pub fn register(metrics: &Metrics) -> Self {
        let ours = Self::default();
        metrics.register(|registry| {
            let mut counter = |name: &str, help: &str, family: &Family<OfFlag, Counter>| {
                registry.register(name, help, family.clone());
            };
            counter("throughline_flags_opened", "Flags that opened or turned red", &ours.opened);
            counter("throughline_flags_closed", "Flags that closed", &ours.closed);
            counter("throughline_flags_retracted", "Flags that, as was learnt later, never stood", &ours.retracted);
            registry.register("throughline_alarms_fired", "Alarms that rang", ours.alarms_fired.clone());
            registry.register(
                "throughline_alarms_restored",
                "Alarms that were missing and were made anew from their deals",
                ours.alarms_restored.clone(),
            );
            registry.register(
                "throughline_reviews_open",
                "Items of the review queue that wait",
                ours.reviews_open.clone(),
            );
        });
        ours
    }

    /// Counts what became of a flag, once it is committed.
    pub fn changed(&self, change: &Change) {
        let family = match change.step {
            Step::Opened | Step::Raised => &self.opened,
            Step::Closed => &self.closed,
            Step::Retracted => &self.retracted,
            Step::Amended => return,
        };
        let content = &change.flag.content;
        let severity = match content.severity {
            Severity::Yellow => "yellow",
            Severity::Red => "red",
        };
        family.get_or_create(&OfFlag { kind: content.kind.clone(), severity }).inc();
    }

    pub fn alarms_fired(&self, count: u64) {
        self.alarms_fired.inc_by(count);
    }

    pub fn alarms_restored(&self, count: u64) {
        self.alarms_restored.inc_by(count);
    }

    pub fn reviews_open(&self, count: i64) {
        self.reviews_open.set(count);
    }
}
