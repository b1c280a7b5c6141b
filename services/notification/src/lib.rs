//! Notification: tells the right person. Follows the flag log, decides once for each flag, step and route, and sends at
//! least once, to the log or to signed webhooks.

mod domain;
mod grpc;
mod metrics;
mod store;
mod webhook;
mod wire;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use throughline_journal::{Context, Follower, FollowerSpec, Pace, host::Service};
use throughline_platform::{Failure, Options, Slice, peers::Peer, tasks::OnExit};
use tokio::sync::Notify;

use domain::Loopback;

pub use store::MIGRATIONS;

/// The service, as a process takes it in.
pub const SERVICE: Service = Service { migrations: Some(&MIGRATIONS), start };

const SCHEMA: &str = "notification";
/// Name of the follower of the flag log.
const CONSUMER: &str = "notification";
/// Entries about flags in one transaction.
const BATCH: usize = 500;

/// Starts following and sending, and says what is served.
pub fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        let platform = &cx.platform;
        let metrics = metrics::NotificationMetrics::register(&platform.metrics);
        // What was decided is sent at once; a poll stands behind it.
        let decided = Arc::new(Notify::new());

        let decider = worker::Decider::new(platform.clock.clone(), metrics.clone(), decided.clone());
        let spec = FollowerSpec {
            schema: SCHEMA,
            consumer: CONSUMER,
            log: "flag",
            peer: Peer::Rules,
            pace: Pace { max_batch: BATCH, gather: Duration::from_millis(50) },
        };
        Follower::new(cx, spec, Arc::new(decider)).spawn();

        let webhooks = webhook::Webhooks::new(loopback(&platform.options))?;
        let sender = worker::Sender::new(platform.clone(), webhooks, metrics.clone(), decided);
        platform.tasks.spawn("notification: sender", OnExit::Restart, move || sender.clone().run());

        let house = (platform.clone(), metrics.clone());
        platform.tasks.spawn("notification: housekeeping", OnExit::Restart, move || {
            let (platform, metrics) = house.clone();
            worker::keep_house(platform, metrics)
        });

        Ok(Slice::new("notification").grpc(grpc::service(cx, metrics)))
    })
}

fn loopback(options: &Options) -> Loopback {
    if options.webhook_loopback { Loopback::Allowed } else { Loopback::Refused }
}
