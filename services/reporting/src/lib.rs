//! Reporting: cycle time, time in stage and idle at handoffs, by rooftop, department, day and hour.
//!
//! Follows the deal log and keeps the intervals of each deal as instants; percentiles, days and hours are computed when
//! a report is read.

mod domain;
mod grpc;
mod metrics;
mod store;
mod wire;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use throughline_journal::{Context, Follower, FollowerSpec, Pace, host::Service};
use throughline_platform::{Failure, Slice, peers::Peer};

pub use store::MIGRATIONS;
pub use worker::CONSUMER;

/// The service, as a process takes it in.
pub const SERVICE: Service = Service { migrations: Some(&MIGRATIONS), start };

/// Most entries in one transaction.
const BATCH: usize = 500;

/// Assembles the service: the report API, and the follower of the deal log as a task.
pub fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        let metrics = metrics::ReportMetrics::register(&cx.platform.metrics);
        let spec = FollowerSpec {
            schema: "reporting",
            consumer: CONSUMER,
            log: "deal",
            peer: Peer::DealState,
            pace: Pace { max_batch: BATCH, gather: Duration::from_millis(100) },
        };
        Follower::new(cx, spec, Arc::new(worker::Reporting::new(metrics.clone()))).spawn();
        Ok(Slice::new("reporting").grpc(grpc::Reports::new(cx, metrics).into_server()))
    })
}
