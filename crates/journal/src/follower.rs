//! Following a log: leases, a stream for all parts held, and a batch at a time for each of them.
//!
//! One coordinator (`run`) owns all state in memory and never waits for the database itself; what waits runs as a job
//! beside it and reports back. The truth is the cursor row: whatever the memory believes, a batch commits only if the row
//! still says the same owner, epoch and position.

mod alarm;
mod aside;
mod batch;
mod job;
mod lease;
mod part;
mod replay;
mod run;
mod stream;

use std::{sync::Arc, time::Duration};

use throughline_platform::{peers::Peer, tasks::OnExit};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use replay::{Replay, Replayed};

use crate::{
    Context, Projection,
    consumer::{Consumer, Progress},
    context::Logs,
    sql::ConsumerSql,
};

/// Who follows what.
#[derive(Clone, Copy, Debug)]
pub struct FollowerSpec {
    /// Schema of the consumer's service, made ready with `journal.create_consumer` and `journal.create_parked_timers`.
    pub schema: &'static str,
    /// Name of the consumer, such as `deal-state`.
    pub consumer: &'static str,
    /// The log that it follows, such as `event`.
    pub log: &'static str,
    /// Who serves that log.
    pub peer: Peer,
    pub pace: Pace,
}

/// How much of a part is worked on at a time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Most entries in one transaction.
    pub max_batch: usize,
    /// At least so long from the beginning of one batch of a part to that of the next, unless a whole batch waits: what
    /// need not be done at once costs less done together. The first entry after a quiet time never waits.
    pub gather: Duration,
}

/// Follows a log for one consumer; replicas share its parts.
pub struct Follower<P: Projection>(Arc<Inner<P>>);

impl<P: Projection> Clone for Follower<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<P> {
    spec: FollowerSpec,
    /// This follower among its replicas.
    owner: String,
    consumer: Arc<Consumer>,
    logs: Logs,
    projection: Arc<P>,
}

impl<P: Projection> Follower<P> {
    /// Registers the consumer with this process's `LogService`; nothing runs yet.
    pub fn new(cx: &Context, spec: FollowerSpec, projection: Arc<P>) -> Self {
        let consumer = Arc::new(Consumer {
            name: spec.consumer,
            schema: spec.schema,
            log: spec.log,
            peer: spec.peer,
            sql: ConsumerSql::new(spec.schema),
            cx: cx.platform.clone(),
            progress: watch::Sender::new(Progress::default()),
        });
        cx.logs.add_consumer(&consumer);
        let owner = Uuid::new_v4().to_string();
        Self(Arc::new(Inner { spec, owner, consumer, logs: cx.logs.clone(), projection }))
    }

    /// Runs it as a named task of the process until shutdown.
    pub fn spawn(&self) {
        let tasks = &self.0.consumer.cx.tasks;
        let (follower, shutdown) = (self.clone(), tasks.shutdown());
        tasks.spawn(self.0.spec.consumer, OnExit::Restart, move || {
            let (follower, shutdown) = (follower.clone(), shutdown.clone());
            async move { follower.run(shutdown).await }
        });
    }

    /// Follows until `shutdown`, then gives its parts back.
    pub async fn run(&self, shutdown: CancellationToken) {
        run::Coordinator::new(self.clone()).run(shutdown).await;
    }
}
