//! What is counted of events. No label names a tenant, and every label has a known, small set of values.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use throughline_platform::{Reason, metrics::Metrics};
use throughline_proto::ingestion::v1::Outcome;

/// The counters of this service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    events: Family<OfOutcome, Counter>,
    quarantined: Family<OfReason, Counter>,
    dropped: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counts = Self::default();
        metrics.register(|registry: &mut Registry| {
            registry.register("throughline_ingest_events", "Events by what became of them", counts.events.clone());
            registry.register("throughline_ingest_quarantined", "Events kept apart by why", counts.quarantined.clone());
            registry.register(
                "throughline_ingest_dropped_fields",
                "Data fields that did not pass the edge",
                counts.dropped.clone(),
            );
        });
        counts
    }

    pub(crate) fn settled(&self, outcome: Outcome, events: u64) {
        let outcome = match outcome {
            Outcome::Unspecified => return,
            Outcome::Accepted => "accepted",
            Outcome::Duplicate => "duplicate",
            Outcome::Quarantined => "quarantined",
            Outcome::Refused => "refused",
        };
        if events > 0 {
            self.events.get_or_create(&OfOutcome { outcome }).inc_by(events);
        }
    }

    pub(crate) fn quarantined(&self, reason: Reason) {
        let name = reason.as_str_name();
        let reason = name.strip_prefix("REASON_").unwrap_or(name);
        self.quarantined.get_or_create(&OfReason { reason }).inc();
    }

    pub(crate) fn dropped(&self, fields: u64) {
        self.dropped.inc_by(fields);
    }
}
