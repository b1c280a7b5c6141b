//! Rules: what deserves attention. Follows the deal log, judges each deal as events come and as time passes, keeps flags
//! and the review queue, and tells of both in the flag log. Keeps the floor of each rooftop beside them.

mod domain;
mod grpc;
mod metrics;
mod store;
mod wire;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use throughline_journal::{Context, Follower, FollowerSpec, Log, Pace, host::Service};
use throughline_platform::{Failure, Slice, peers::Peer, tasks::OnExit};

pub use store::MIGRATIONS;

/// The service, as a process takes it in.
pub const SERVICE: Service = Service { migrations: Some(&MIGRATIONS), start };

const SCHEMA: &str = "rules";
/// Name of the follower of the deal log, and of the consumer on which the flag log's completeness rests.
const CONSUMER: &str = "rules";
/// Deals judged in one transaction.
const BATCH: usize = 500;

/// Starts following and judging, and says what is served.
pub fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        let platform = cx.platform.clone();
        let metrics = metrics::RuleMetrics::register(&platform.metrics);
        let flags = Log::register(cx, SCHEMA, "flag", Some(CONSUMER));

        let rules = Arc::new(worker::Rules::new(flags.clone(), platform.clock.clone(), metrics.clone()));
        let spec = FollowerSpec {
            schema: SCHEMA,
            consumer: CONSUMER,
            log: "deal",
            peer: Peer::DealState,
            pace: Pace { max_batch: BATCH, gather: Duration::from_millis(50) },
        };
        Follower::new(cx, spec, rules).spawn();

        let house = (platform.clone(), metrics);
        platform.tasks.spawn("rules: housekeeping", OnExit::Restart, move || {
            let (platform, metrics) = house.clone();
            worker::keep_house(platform, metrics)
        });

        Ok(Slice::new("rules").grpc(grpc::service(cx, flags.clone())).grpc(grpc::floor_service(cx, flags)))
    })
}
