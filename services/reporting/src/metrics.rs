//! What is counted of reports and of the projection. Labels are names from our own code.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Unit,
};
use throughline_platform::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfQuery {
    query: &'static str,
}

#[derive(Clone, Debug)]
pub struct ReportMetrics {
    answered: Family<OfQuery, Counter>,
    duration: Family<OfQuery, Histogram>,
    written: Counter,
    removed: Counter,
}

impl ReportMetrics {
    pub fn register(metrics: &Metrics) -> Self {
        let own = Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(buckets),
            written: Counter::default(),
            removed: Counter::default(),
        };
        metrics.register(|registry| {
            let to = registry.sub_registry_with_prefix("throughline_report");
            to.register("rows", "Rows answered", own.answered.clone());
            let help = "Time that a query of a report took in the database";
            to.register_with_unit("query_duration", help, Unit::Seconds, own.duration.clone());
            to.register("intervals_written", "Intervals of deals written", own.written.clone());
            to.register("intervals_removed", "Intervals of deals removed", own.removed.clone());
        });
        own
    }

    /// A query was answered.
    pub fn answered(&self, query: &'static str, rows: usize, took: Duration) {
        let of = OfQuery { query };
        self.answered.get_or_create(&of).inc_by(rows as u64);
        self.duration.get_or_create(&of).observe(took.as_secs_f64());
    }

    /// A batch was committed.
    pub fn replaced(&self, written: usize, removed: usize) {
        self.written.inc_by(written as u64);
        self.removed.inc_by(removed as u64);
    }
}

fn buckets() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}
