//! What is counted here.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};
use throughline_platform::metrics::Metrics;

use crate::rebuild::Compared;

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

/// A table of ours: one of a handful.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTable {
    table: &'static str,
}

/// How rebuilds go.
#[derive(Clone, Debug, Default)]
pub struct RebuildMetrics {
    running: Gauge,
    parts: Gauge,
    entries: Counter,
    rows: Counter,
    deals: Counter,
    differing: Family<OfTable, Counter>,
    mended: Counter,
}

impl RebuildMetrics {
    pub fn register(metrics: &Metrics) -> Self {
        let own = Self::default();
        metrics.register(|registry| {
            let to = registry.sub_registry_with_prefix("throughline_rebuild");
            to.register("running", "Whether deals are being rebuilt", own.running.clone());
            to.register("parts_compared", "Parts that the last rebuild has compared", own.parts.clone());
            to.register("entries_read", "Entries of the event log read again", own.entries.clone());
            to.register("rows_compared", "Rows compared with the live ones", own.rows.clone());
            to.register("deals_compared", "Deals among the rows compared", own.deals.clone());
            to.register("rows_differing", "Live rows that differed", own.differing.clone());
            to.register("rows_mended", "Live rows that were mended", own.mended.clone());
        });
        own
    }

    /// Counts the parts of this rebuild from none.
    pub fn begun(&self) {
        self.running.set(1);
        self.parts.set(0);
    }

    pub fn ended(&self) {
        self.running.set(0);
    }

    pub fn entries_read(&self, entries: u64) {
        self.entries.inc_by(entries);
    }

    pub fn part_done(&self) {
        self.parts.inc();
    }

    pub fn compared(&self, compared: &Compared) {
        self.rows.inc_by(compared.rows);
        self.deals.inc_by(compared.deals);
        for ((table, _), rows) in &compared.counts {
            self.differing.get_or_create(&OfTable { table }).inc_by(*rows);
        }
    }

    pub fn mended(&self, rows: u64) {
        self.mended.inc_by(rows);
    }
}
