//! The HTTP port: the slices' routes behind the stack, and what operators ask without credentials.
use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{health::State as Readiness, port::Port, stack};
use crate::metrics::{Metrics, OPEN_METRICS};

const CONNECTIONS: usize = 4096;
/// A client that has not sent its request's head by then is cut off.
const HEAD: Duration = Duration::from_secs(10);

/// Serves until `stop`, then until the last connection has ended; dropped, it cuts them off. `open` are the routes that need no
/// key.
pub(super) async fn serve(
    port: Port,
    (slices, open): (Router, Router),
    ready: watch::Receiver<Readiness>,
    listener: TcpListener,
    stop: CancellationToken,
) {
    let metrics = port.cx.metrics.clone();
    let slices = slices.fallback(|| async { StatusCode::NOT_FOUND });
    let routes = Router::new()
        .route("/healthz", get(|| async { "alive" }))
        .route("/readyz", get(readiness).with_state(ready))
        .route("/metrics", get(scrape).with_state(metrics))
        .merge(stack::http_open(&port, open))
        .merge(stack::http(&port, slices));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        match accepted {
            Some(stream) => {
                connections.spawn(converse(stream, routes.clone(), stop.clone()));
            }
            // Out of descriptors, most likely: let some connections end.
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener, connections: &JoinSet<()>) -> Option<TcpStream> {
    if connections.len() >= CONNECTIONS {
        return None;
    }
    match listener.accept().await {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            None
        }
    }
}

async fn converse(stream: TcpStream, routes: Router, stop: CancellationToken) {
    // Small answers should not wait for more; a socket that refuses is used as it is.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(60));
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn readiness(State(ready): State<watch::Receiver<Readiness>>) -> Response {
    match *ready.borrow() {
        Readiness::Ready => (StatusCode::OK, "ready").into_response(),
        Readiness::Waiting => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response(),
        Readiness::Leaving => (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response(),
    }
}

async fn scrape(State(metrics): State<Metrics>) -> Response {
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.encode()).into_response()
}
