//! Keys to deals, the fold, boards and lists, the deal log.
//!
//! The projection `deal-state` follows the event log, joins the keys that events carry into deals, folds each deal that
//! was touched and says in the deal log how it stands now. Callers read deals, lists, timelines and live boards.

pub mod domain;

mod definitions;
mod grpc;
mod metrics;
mod rebuild;
mod schedules;
mod store;
mod wire;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use throughline_journal::{Context, Follower, FollowerSpec, Log, Pace, host::Service};
use throughline_platform::{Failure, Migrations, Slice, peers::Peer};
use throughline_process::Key;

use crate::{
    definitions::Definitions,
    grpc::{Deals, Rebuilds},
    metrics::DealMetrics,
    rebuild::Rebuild,
    worker::{Folder, feeds},
};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `deal_state`.
pub static MIGRATIONS: Migrations = Migrations { schema: SCHEMA, migrator: &MIGRATOR };

/// The service, as a process takes it in.
pub const SERVICE: Service = Service { migrations: Some(&MIGRATIONS), start };

const SCHEMA: &str = "deal_state";
const CONSUMER: &str = "deal-state";

/// What is followed: the event log, most 500 entries of it in one transaction.
const FOLLOWS: FollowerSpec = FollowerSpec {
    schema: SCHEMA,
    consumer: CONSUMER,
    log: "event",
    peer: Peer::Ingestion,
    pace: Pace { max_batch: 500, gather: Duration::ZERO },
};

/// Stands before the fold of each deal, and may panic: how a test sees that one deal's fault is that deal's alone.
pub trait FaultHook: Send + Sync + 'static {
    /// Called with the linking keys of the deal that is about to be folded.
    fn before_fold(&self, group: &str, rooftop: &str, keys: &[Key]);
}

/// What a caller may set beside the process's options.
#[derive(Clone, Default)]
pub struct Settings {
    /// None: nothing stands before the fold.
    pub faults: Option<Arc<dyn FaultHook>>,
}

/// Starts the service in this process.
pub fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(start_with(cx, Settings::default()))
}

/// The same with settings.
pub async fn start_with(cx: &Context, settings: Settings) -> Result<Slice, Failure> {
    let log = Log::register(cx, SCHEMA, "deal", Some(CONSUMER));
    let folder = Folder {
        clock: cx.platform.clock.clone(),
        log: Some(log.clone()),
        definitions: Definitions::default(),
        metrics: DealMetrics::register(&cx.platform.metrics),
        faults: settings.faults.clone(),
    };
    feeds::spawn(&cx.platform, &folder.metrics);
    Follower::new(cx, FOLLOWS, Arc::new(folder)).spawn();
    let rebuilds = Rebuilds(Rebuild::new(cx, log.clone(), settings));
    Ok(Slice::new(CONSUMER).grpc(Deals::new(cx.clone(), log).server()).grpc(rebuilds.server()))
}
