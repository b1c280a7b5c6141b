//! What is counted here.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};
use throughline_platform::metrics::Metrics;

const BUCKETS: [f64; 10] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25];

#[derive(Clone, Debug)]
pub struct DealMetrics {
    folded: Counter,
    took: Histogram,
    merges: Counter,
    overflows: Counter,
    refolded: Counter,
    stale_feeds: Gauge,
}

/// What a batch did, counted once it has committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub folded: u64,
    pub merges: u64,
    pub overflows: u64,
    pub refolded: u64,
}

impl DealMetrics {
    pub fn register(metrics: &Metrics) -> Self {
        let own = Self {
            folded: Counter::default(),
            took: Histogram::new(BUCKETS),
            merges: Counter::default(),
            overflows: Counter::default(),
            refolded: Counter::default(),
            stale_feeds: Gauge::default(),
        };
        metrics.register(|registry| {
            let to = registry.sub_registry_with_prefix("throughline");
            to.register("deals_folded", "Folds of a deal after events of it came", own.folded.clone());
            to.register_with_unit("deal_fold", "Time that the fold of one deal takes", Unit::Seconds, own.took.clone());
            let stale = own.stale_feeds.clone();
            to.register("deal_stale_feeds", "Sources that have fallen silent, of all groups", stale);
            to.register("deal_merges", "Deals that another deal took over", own.merges.clone());
            to.register(
                "too_many_events",
                "Deals that came to hold more events than are folded",
                own.overflows.clone(),
            );
            to.register(
                "deals_refolded",
                "Folds of a deal after a definition changed or a step was observed for the first time",
                own.refolded.clone(),
            );
        });
        own
    }

    pub fn stale_feeds(&self, feeds: i64) {
        self.stale_feeds.set(feeds);
    }

    pub fn fold_took(&self, took: Duration) {
        self.took.observe(took.as_secs_f64());
    }

    pub fn committed(&self, counts: Counts) {
        self.folded.inc_by(counts.folded);
        self.merges.inc_by(counts.merges);
        self.overflows.inc_by(counts.overflows);
        self.refolded.inc_by(counts.refolded);
    }
}
