//! Serving: listeners, the stack of layers, health, reflection, draining.
mod admit;
mod authenticate;
mod body;
mod cors;
mod deadline;
mod details;
mod grpc;
mod health;
mod http;
mod listeners;
mod measure;
mod panic;
mod port;
mod stack;
mod trace_call;

use std::time::Duration;

pub use listeners::Listeners;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::{health::Health, port::Port};
use crate::{Context, Failure, Slice};

/// Serves the slices until shutdown is asked for, then drains. It returns within `options.drain` of that, whatever its
/// clients do; on a connection that says nothing hyper would wait for ever.
#[expect(clippy::disallowed_methods, reason = "awaited below, and aborted when its time is over")]
pub async fn serve(cx: Context, slices: Vec<Slice>, listeners: Listeners) -> Result<(), Failure> {
    let drain = cx.options.drain;
    let shutdown = cx.tasks.shutdown();
    let health = Health::start(&cx, &slices).await;
    let (mut grpc, mut http, mut open) = (Vec::new(), axum::Router::new(), axum::Router::new());
    for slice in slices {
        grpc.push((slice.served, slice.grpc));
        http = http.merge(slice.http);
        open = open.merge(slice.http_open);
    }
    // Accepting ends with `stop`; streams end with `last_words`, once their readers were told that we are not ready any more.
    let (stop, last_words) = (CancellationToken::new(), CancellationToken::new());
    let grpc = grpc::serve(Port::grpc(&cx, &last_words), grpc, &health, listeners.grpc, stop.clone())?;
    let http = http::serve(Port::http(&cx, &last_words), (http, open), health.ready(), listeners.http, stop.clone());
    let mut served = tokio::spawn(async move { tokio::join!(grpc, http) });

    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = &mut served => {
            return Err(Failure::internal(format!("a listener ended by itself: {ended:?}")));
        }
    }
    tracing::info!(drain_s = drain.as_secs_f64(), "draining");
    health.leave().await;
    stop.cancel();
    last_words.cancel();
    match timeout(drain, &mut served).await {
        Ok(_) => tracing::info!("drained"),
        Err(_) => {
            tracing::warn!("some connections did not end in time: closing them");
            served.abort();
        }
    }
    Ok(())
}

/// An answer to a health probe that takes longer than this is a no.
const PROBE: Duration = Duration::from_secs(1);
