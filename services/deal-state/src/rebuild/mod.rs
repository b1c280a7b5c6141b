//! Rebuilding deals from the event log beside the live ones, which go on serving.
//!
//! The event log is read from its first entry into a database of its own by the very code that follows it. Each part is
//! then compared with the live tables at one position of the log, and what differs is mended, part by part, by taking the
//! part from its live owner for a moment as another replica would. See docs/adr/0013.

mod compare;
mod mend;
mod report;
mod shadow;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::TryStreamExt;
use throughline_journal::{Context, Cursors, Log, PARTS, Replayed};
use throughline_platform::{
    Failure,
    db::{Db, Exclusive, Role},
};
use tokio::time::Instant;

pub use compare::Compared;
pub use report::{Difference, Kind, Said};

use self::{
    report::{Sayer, Summary},
    shadow::Shadow,
};
use crate::{Settings, metrics::RebuildMetrics, store::rows};

/// Whoever holds this name is the only one who rebuilds deals.
const NAME: &str = "rebuild deal-state";

/// Parts worked on at once; the others of this process and of the database have their own work.
const AT_ONCE: usize = 2;

/// How long a part may be in motion (a sweep under way, the live owner far behind) before it is left alone.
const RESTS_WITHIN: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A part that differs still after it was mended so often is not mended by mending.
const MOST_PASSES: u32 = 20;

/// The same where entries are parked in the live part: what comes behind them makes it differ again and again.
const PASSES_BEHIND: u32 = 3;

/// What a rebuild is made of.
#[derive(Clone)]
pub struct Rebuild {
    cx: Context,
    log: Log,
    settings: Settings,
    metrics: RebuildMetrics,
}

/// A rebuild under way.
struct Run {
    live: Db,
    shadow: Arc<Shadow>,
    cursors: Arc<Cursors>,
    tables: Arc<[rows::Rows]>,
    log: Log,
    cx: Context,
    lease: Duration,
    dry: bool,
}

impl Rebuild {
    pub fn new(cx: &Context, log: Log, settings: Settings) -> Self {
        let metrics = RebuildMetrics::register(&cx.platform.metrics);
        Self { cx: cx.clone(), log, settings, metrics }
    }

    /// Runs until it is done, `say` is no longer listened to, or this process is stopping. What it leaves behind if it is
    /// killed goes with the next one.
    pub async fn run(self, dry: bool, most_differences: usize, say: tokio::sync::mpsc::Sender<Result<Said, Failure>>) {
        let sayer = Sayer::new(say, most_differences, self.metrics.clone());
        match self.run_alone(dry, &sayer).await {
            Ok(Some(summary)) => {
                tracing::info!(dry, ?summary, "deals were rebuilt");
                sayer.end(Ok(Said::Summary(summary))).await;
            }
            Ok(None) => {
                tracing::warn!("a rebuild of deals was stopped; what was mended so far stands, and it may begin again");
            }
            Err(failure) => {
                tracing::error!(error = ?failure, "a rebuild of deals failed; what was mended so far stands, and it may begin again");
                sayer.end(Err(failure)).await;
            }
        }
    }

    async fn run_alone(&self, dry: bool, sayer: &Sayer) -> Result<Option<Summary>, Failure> {
        let live = &self.cx.platform.db;
        let Some(mut alone) = live.exclusive(NAME).await? else {
            return Err(Failure::precondition("a rebuild of deal-state is under way: wait for its end, or stop it"));
        };
        self.metrics.begun();
        let outcome = self.run_beside(&mut alone, dry, sayer).await;
        self.metrics.ended();
        alone.release().await?;
        outcome
    }

    async fn run_beside(&self, alone: &mut Exclusive, dry: bool, sayer: &Sayer) -> Result<Option<Summary>, Failure> {
        let shadow = Arc::new(Shadow::make(&self.cx, &self.settings).await?);
        let shutdown = self.cx.platform.tasks.shutdown();
        let outcome = tokio::select! {
            outcome = self.run_on(shadow.clone(), dry, sayer) => outcome.map(Some),
            lost = still(alone) => Err(lost),
            () = sayer.unheard() => Ok(None),
            () = shutdown.cancelled() => Ok(None),
        };
        if let Err(failure) = shadow.remove().await {
            tracing::warn!(error = ?failure, "the database of a rebuild could not be dropped: the next one will");
        }
        outcome
    }

    async fn run_on(&self, shadow: Arc<Shadow>, dry: bool, sayer: &Sayer) -> Result<Summary, Failure> {
        let live = self.cx.platform.db.clone();
        let lease = self.cx.platform.options.lease;
        let cursors = Arc::new(Cursors::of(&crate::FOLLOWS, lease));
        let tables = tables(&live).await?;
        shadow.require_same(&tables).await?;
        let positions = cursors.positions(&live).await?;
        let begun: Vec<u16> = (0..PARTS).filter(|part| positions[usize::from(*part)] > 0).collect();
        shadow.replay.require_whole(&begun).await?;
        tracing::info!(dry, parts = begun.len(), entries = positions.iter().sum::<u64>(), "rebuilding deals begins");

        let mut parts: BTreeSet<u16> = begun.into_iter().collect();
        parts.extend(filled(&live, &tables).await?);

        let run = Run { live, shadow, cursors, tables, log: self.log.clone(), cx: self.cx.clone(), lease, dry };
        let run = &run;
        sayer.begun(parts.len());
        futures::stream::iter(parts.into_iter().map(Ok::<u16, Failure>))
            .try_for_each_concurrent(AT_ONCE, |part| async move {
                run.part(part, sayer).await?;
                sayer.part_done().await;
                Ok(())
            })
            .await?;
        Ok(sayer.summary())
    }
}

/// Ends when the sole right to rebuild is lost.
async fn still(alone: &mut Exclusive) -> Failure {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        if let Err(failure) = alone.check().await {
            return failure;
        }
    }
}

async fn tables(db: &Db) -> Result<Arc<[rows::Rows]>, Failure> {
    db.work(Role::Worker, |tx| Box::pin(rows::folded(tx))).await
}

/// Parts in which there is something to compare.
async fn filled(db: &Db, tables: &Arc<[rows::Rows]>) -> Result<Vec<u16>, Failure> {
    let tables = tables.clone();
    let filled = db.work(Role::Worker, move |tx| {
        Box::pin(async move {
            let mut filled = Vec::new();
            for table in tables.iter() {
                filled.extend(table.parts(tx).await?);
            }
            Ok(filled)
        })
    });
    filled.await.map_err(|error: crate::store::Error| Failure::from(error))
}

impl Run {
    /// Reads a part again, compares it, and mends it until nothing differs.
    async fn part(&self, part: u16, sayer: &Sayer) -> Result<(), Failure> {
        let mut at = self.shadow.replay.part(part);
        for pass in 0..MOST_PASSES {
            let compared;
            (at, compared) = self.compare_at_rest(at, part, sayer).await?;
            sayer.compared(&compared, pass == 0).await;
            if compared.differing() == 0 || self.dry {
                return Ok(());
            }
            if let Some(why) = compared.refused {
                sayer.refused(part, why).await;
                return Ok(());
            }
            if pass >= PASSES_BEHIND && compared.waiting > 0 {
                let why = format!(
                    "{} entries are parked in the live deals, and more comes behind them: RetryParked, then rebuild again",
                    compared.waiting
                );
                sayer.refused(part, why).await;
                return Ok(());
            }
            self.mend(&mut at, part, compared.held, sayer).await?;
        }
        sayer.refused(part, format!("it still differs after it was mended {MOST_PASSES} times")).await;
        Ok(())
    }

    /// Compares a part once the shadow stands where the live tables stand, and neither has work under way.
    async fn compare_at_rest(
        &self,
        mut at: Replayed,
        part: u16,
        sayer: &Sayer,
    ) -> Result<(Replayed, Compared), Failure> {
        let until = Instant::now() + RESTS_WITHIN;
        loop {
            let live = self.position(part).await?;
            let before = at.position();
            self.shadow.replay.run_to(&mut at, live).await?;
            sayer.read(at.position().saturating_sub(before));
            let why;
            (at, why) = match self.compare(at, part).await? {
                (at, Ok(compared)) => return Ok((at, compared)),
                (at, Err(why)) => (at, why),
            };
            if Instant::now() >= until {
                let message = format!("part {part} does not come to rest: {why}; rebuild again later");
                return Err(Failure::precondition(message).with("part", part.to_string()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn position(&self, part: u16) -> Result<u64, Failure> {
        let cursors = self.cursors.clone();
        let position = self
            .live
            .statement(Role::Worker, move |tx| Box::pin(async move { cursors.position(tx, part).await }))
            .await;
        position.map_err(|error: crate::store::Error| Failure::from(error))
    }
}
