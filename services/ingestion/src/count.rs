//! What is counted of events. No label names a tenant, and every label has a known, small set of values.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use throughline_platform::{Failure, Reason, failure::Code, metrics::Metrics};
use throughline_proto::ingestion::v1::Outcome;

use crate::rows::Tally;

/// The counters of this service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    events: Family<OfOutcome, Counter>,
    quarantined: Family<OfReason, Counter>,
    dropped: Counter,
    deliveries: Family<OfDelivery, Counter>,
    rows: Family<OfRow, Counter>,
    stale_feeds: Gauge,
    files: Family<OfFile, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFile {
    outcome: &'static str,
}

/// What became of a file at the watched folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Taken,
    Failed,
    /// Its content came before.
    Repeated,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDelivery {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRow {
    outcome: &'static str,
}

/// What became of what was posted to a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Taken,
    /// Answered as its first time was.
    Repeated,
    /// Without the headers of a signature.
    Unsigned,
    /// Signed too long ago, or ahead of our clock.
    Clock,
    /// Not signed with a secret of that hook, or there is no such hook.
    Forged,
    TooLarge,
    /// Signed, and no body of the hook's profile.
    Unreadable,
    Overloaded,
    Failed,
}

impl Delivery {
    /// What a failure makes of a delivery.
    pub(crate) fn of(failure: &Failure) -> Self {
        match (failure.code(), failure.reason()) {
            (_, Reason::MessageTooLarge) => Self::TooLarge,
            (Code::ResourceExhausted, _) => Self::Overloaded,
            (Code::InvalidArgument, _) => Self::Unreadable,
            _ => Self::Failed,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Repeated => "repeated",
            Self::Unsigned => "unsigned",
            Self::Clock => "clock",
            Self::Forged => "forged",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
        }
    }
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
            let stale = counts.stale_feeds.clone();
            registry.register(
                "throughline_ingest_stale_feeds",
                "Sources that have fallen silent, of all groups",
                stale,
            );
            registry.register(
                "throughline_folder_files",
                "Files at the watched folder by what became of them",
                counts.files.clone(),
            );
            let deliveries = counts.deliveries.clone();
            registry.register(
                "throughline_hook_deliveries",
                "What was posted to hooks by what became of it",
                deliveries,
            );
            registry.register(
                "throughline_hook_rows",
                "Rows posted to hooks by what became of them",
                counts.rows.clone(),
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

    pub(crate) fn stale_feeds(&self, feeds: i64) {
        self.stale_feeds.set(feeds);
    }

    pub(crate) fn file(&self, file: File) {
        let outcome = match file {
            File::Taken => "taken",
            File::Failed => "failed",
            File::Repeated => "repeated",
        };
        self.files.get_or_create(&OfFile { outcome }).inc();
    }

    pub(crate) fn delivered(&self, delivery: Delivery) {
        self.deliveries.get_or_create(&OfDelivery { outcome: delivery.as_str() }).inc();
    }

    pub(crate) fn rows(&self, tally: &Tally) {
        let (dropped, broken) = (tally.dropped.values().sum(), tally.broken.values().sum());
        for (outcome, rows) in [("kept", tally.kept), ("dropped", dropped), ("broken", broken)] {
            self.rows.get_or_create(&OfRow { outcome }).inc_by(rows);
        }
    }
}
