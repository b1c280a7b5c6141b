//! The edge: the directory of groups, rooftops and keys, and the way in for events.
//!
//! What comes in is read, stripped of everything that the allow-list does not name, placed at its rooftop, checked against
//! the ids that were used before, and appended to the event log, many callers to a commit.

mod commit;
mod count;
mod domain;
mod folder;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod grpc;
mod heard;
mod http;
mod imports;
mod intake;
mod known;
mod placed;
mod refusal;
mod rows;
mod store;
mod wire;
mod worker;

use std::sync::Arc;

use futures::future::BoxFuture;
use throughline_journal::{Context, LaneSpec, Lanes, Log, host::Service, lanes_for_processors};
use throughline_platform::{Failure, Slice, db::Migrations};
use tokio::sync::Semaphore;

use crate::{
    commit::Ledger,
    count::Counts,
    grpc::{Decisions, Directory, Hooks, ImportOperations, Ingestion},
    imports::Imports,
    intake::{Intake, MOST_EVENTS, ROOM},
    known::Memory,
};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `ingestion`, and the rooftops in `directory`.
pub static MIGRATIONS: Migrations = Migrations { schema: SCHEMA, migrator: &MIGRATOR };

/// The service, as a process takes it in.
pub const SERVICE: Service = Service { migrations: Some(&MIGRATIONS), start };

const SCHEMA: &str = "ingestion";

/// Events that a lane may hold, in queue and in commit: a lane full of the largest calls stays below 30 MiB.
const QUEUE: u32 = 4 * MOST_EVENTS as u32;

/// Starts committing, and says what is served.
pub fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        let platform = cx.platform.clone();
        let log = Log::register(cx, SCHEMA, "event", None);
        let memory = Memory::new(platform.db.clone());
        let ledger = Ledger { db: platform.db.clone(), clock: platform.clock.clone(), log: log.clone() };
        let spec = LaneSpec {
            name: "ingestion lane",
            lanes: lanes_for_processors(),
            queue: QUEUE,
            batch_items: 1_024,
            batch_weight: MOST_EVENTS as u32,
        };
        let intake = Intake {
            clock: platform.clock.clone(),
            memory: memory.clone(),
            lanes: Lanes::start(&platform.tasks, spec, Arc::new(ledger)),
            room: Arc::new(Semaphore::new(ROOM)),
            log: log.clone(),
            counts: Counts::register(&platform.metrics),
        };
        worker::spawn(&platform, &intake.counts);
        let imports = Imports::new(platform.clone(), intake.clone());
        folder::spawn(&imports);
        let imports = ImportOperations::new(imports);
        Ok(Slice::new("ingestion")
            .grpc(imports.clone().into_import_server())
            .grpc(imports.into_operations_server())
            .grpc(Ingestion::new(platform.clone(), intake.clone()).into_server())
            .grpc(Decisions::new(platform.clone(), log.clone(), memory.clone()).into_server())
            .grpc(Directory::new(platform.clone(), log, memory).into_server())
            .grpc(Hooks::new(platform.clone()).into_server())
            .http_open(http::hooks::routes(platform.db, intake.clone()))
            .http(http::routes(intake)))
    })
}
