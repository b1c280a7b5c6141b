//! Where deals are rebuilt: a database beside the live one, with the same schemas, filled by the same code.

use std::sync::Arc;

use throughline_journal::{Context, Replay};
use throughline_platform::{
    self as platform, Failure,
    db::{Beside, Db, Role, Tx},
    metrics::Metrics,
    tasks::Tasks,
};
use tokio::sync::Mutex;

use super::tables;
use crate::{
    FOLLOWS, MIGRATIONS, Settings,
    definitions::Definitions,
    metrics::DealMetrics,
    store::{
        Error,
        rows::{self, Row, Rows},
    },
    worker::Folder,
};

/// What the database's name says that it is for.
const PURPOSE: &str = "rebuild";

/// A few connections: parts are worked on two at a time.
const CONNECTIONS: u32 = 4;

pub struct Shadow {
    pub db: Db,
    pub replay: Replay<Folder>,
    beside: Mutex<Option<Beside>>,
}

impl Shadow {
    pub async fn make(cx: &Context, settings: &Settings) -> Result<Self, Failure> {
        let mut options = platform::Options::clone(&cx.platform.options);
        options.worker_connections = CONNECTIONS;
        (options.api_connections, options.appender_connections) = (1, 1);
        let beside = cx.platform.db.beside(PURPOSE, &options).await?;
        match Self::fill(cx, settings, &beside.db).await {
            Ok(replay) => Ok(Self { db: beside.db.clone(), replay, beside: Mutex::new(Some(beside)) }),
            Err(failure) => {
                beside.remove().await?;
                Err(failure)
            }
        }
    }

    async fn fill(cx: &Context, settings: &Settings, db: &Db) -> Result<Replay<Folder>, Failure> {
        db.migrate(&[throughline_journal::MIGRATIONS, MIGRATIONS]).await?;
        // What it does is counted apart: the live follower's figures are its own.
        let metrics = Metrics::new();
        let folder = Folder {
            clock: cx.platform.clock.clone(),
            log: None,
            definitions: Definitions::default(),
            metrics: DealMetrics::register(&metrics),
            faults: settings.faults.clone(),
        };
        let beside = platform::Context { db: db.clone(), metrics, tasks: Tasks::new(), ..cx.platform.clone() };
        Replay::new(&Context::new(beside), FOLLOWS, Arc::new(folder)).await
    }

    /// Refuses live tables that this build did not make: rows of one could not be put into the other.
    pub async fn require_same(&self, live: &[Rows]) -> Result<(), Failure> {
        for (ours, theirs) in tables(&self.db).await?.iter().zip(live) {
            let sorted = |rows: &Rows| {
                let mut columns = rows.columns.clone();
                columns.sort();
                columns
            };
            if sorted(ours) != sorted(theirs) {
                let name = ours.table.name;
                let message = format!(
                    "table deal_state.{name} has other columns than this build makes: rebuild with the build that migrated it"
                );
                return Err(Failure::precondition(message).with("table", name));
            }
        }
        Ok(())
    }

    /// Drops the database, also under work that was given up.
    pub async fn remove(&self) -> Result<(), Failure> {
        match self.beside.lock().await.take() {
            Some(beside) => beside.remove().await,
            None => Ok(()),
        }
    }

    /// The next rows of a part after a key.
    pub async fn page(
        &self,
        tables: &Arc<[Rows]>,
        table: usize,
        part: u16,
        after: Option<String>,
    ) -> Result<Vec<Row>, Failure> {
        let tables = tables.clone();
        self.read(move |tx| Box::pin(async move { tables[table].page(tx, part, after.as_deref()).await })).await
    }

    /// Which of these keys there are.
    pub async fn keys(
        &self,
        tables: &Arc<[Rows]>,
        table: usize,
        part: u16,
        keys: Vec<String>,
    ) -> Result<Vec<Row>, Failure> {
        let tables = tables.clone();
        self.read(move |tx| {
            Box::pin(async move {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                tables[table].look_up_keys(tx, part, &keys).await
            })
        })
        .await
    }

    /// A transaction in which rows read alike on both sides.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Failure>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> futures::future::BoxFuture<'c, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    rows::session(tx).await?;
                    f(tx).await
                })
            })
            .await
            .map_err(|error: Error| Failure::from(error))
    }
}
