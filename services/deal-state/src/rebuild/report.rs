//! What a rebuild says of itself: to its caller, to the log and to the metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use throughline_journal::PARTS;
use throughline_platform::Failure;
use tokio::{sync::mpsc, time::Instant};

use super::compare::Compared;
use crate::{domain::id::DealId, metrics::RebuildMetrics};

/// At least so long from one line of the log about progress to the next.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// How a live row differs from the one that the event log gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Missing,
    Surplus,
    Changed,
}

/// A live row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub part: u16,
    pub table: &'static str,
    pub kind: Kind,
    pub group: String,
    pub rooftop: String,
    pub deal: Option<DealId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Progress(Progress),
    Difference(Difference),
    Refusal { part: u16, why: String },
    Summary(Summary),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// That have or had anything in them.
    pub parts: u16,
    pub parts_compared: u16,
    pub entries_read: u64,
    pub rows_compared: u64,
    pub rows_differing: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub progress: Progress,
    pub deals_compared: u64,
    pub differences: BTreeMap<(&'static str, Kind), u64>,
    pub rows_mended: u64,
    pub entries_said: u64,
    pub parts_refused: u32,
}

/// Says it.
pub struct Sayer {
    to: mpsc::Sender<Result<Said, Failure>>,
    metrics: RebuildMetrics,
    so_far: Mutex<SoFar>,
}

struct SoFar {
    summary: Summary,
    /// Differences that may still be named.
    nameable: usize,
    logged: Instant,
}

impl Sayer {
    pub fn new(to: mpsc::Sender<Result<Said, Failure>>, most: usize, metrics: RebuildMetrics) -> Self {
        let so_far = SoFar { summary: Summary::default(), nameable: most, logged: Instant::now() };
        Self { to, metrics, so_far: Mutex::new(so_far) }
    }

    fn note<T>(&self, f: impl FnOnce(&mut SoFar) -> T) -> T {
        f(&mut self.so_far.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who no longer listens is no reason to fail here: `unheard` ends the rebuild.
    async fn say(&self, said: Said) {
        let _ = self.to.send(Ok(said)).await;
    }

    /// The last word.
    pub async fn end(self, said: Result<Said, Failure>) {
        let _ = self.to.send(said).await;
    }

    /// Ends when nobody listens any more.
    pub async fn unheard(&self) {
        self.to.closed().await;
    }

    /// There is something in so many parts.
    pub fn begun(&self, parts: usize) {
        self.note(|so_far| so_far.summary.progress.parts = u16::try_from(parts).unwrap_or(PARTS));
    }

    pub fn read(&self, entries: u64) {
        self.note(|so_far| so_far.summary.progress.entries_read += entries);
        self.metrics.entries_read(entries);
    }

    /// A part was compared; what differs counts the first time, later comparisons see what is left of it.
    pub async fn compared(&self, compared: &Compared, first: bool) {
        let named = self.note(|so_far| {
            let summary = &mut so_far.summary;
            if !first {
                return Vec::new();
            }
            summary.progress.rows_compared += compared.rows;
            summary.progress.rows_differing += compared.differing();
            summary.deals_compared += compared.deals;
            for (key, rows) in &compared.counts {
                *summary.differences.entry(*key).or_default() += rows;
            }
            let named: Vec<_> =
                compared.held.iter().take(so_far.nameable).map(|held| held.difference.clone()).collect();
            so_far.nameable -= named.len();
            named
        });
        if first {
            self.metrics.compared(compared);
        }
        for difference in named {
            self.say(Said::Difference(difference)).await;
        }
    }

    pub async fn refused(&self, part: u16, why: String) {
        tracing::warn!(part, why, "the differences of a part stay");
        self.note(|so_far| so_far.summary.parts_refused += 1);
        self.say(Said::Refusal { part, why }).await;
    }

    pub fn mended(&self, part: u16, rows: u64, entries: u64) {
        tracing::info!(part, rows, entries, "live rows were mended by a rebuild");
        self.note(|so_far| {
            so_far.summary.rows_mended += rows;
            so_far.summary.entries_said += entries;
        });
        self.metrics.mended(rows);
    }

    pub async fn part_done(&self) {
        let (progress, log) = self.note(|so_far| {
            so_far.summary.progress.parts_compared += 1;
            let log = so_far.logged.elapsed() >= BETWEEN_LINES;
            if log {
                so_far.logged = Instant::now();
            }
            (so_far.summary.progress, log)
        });
        self.metrics.part_done();
        if log {
            tracing::info!(?progress, "rebuilding deals goes on");
        }
        self.say(Said::Progress(progress)).await;
    }

    pub fn summary(&self) -> Summary {
        self.note(|so_far| so_far.summary.clone())
    }
}
