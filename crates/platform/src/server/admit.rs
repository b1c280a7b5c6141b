//! As many calls as we can work on; more are told to come back. A stream holds a place of its own until it ends.
use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::{body::Stream, port::Port};
use crate::Failure;

pub(super) async fn admit(State(port): State<Port>, request: Request, next: Next) -> Response {
    if port.is_open(&request) {
        return next.run(request).await;
    }
    if port.streams(&request) {
        let Ok(place) = port.streams.clone().try_acquire_owned() else {
            return port.answer(Failure::overloaded("the number of open streams", Duration::from_secs(5)));
        };
        let gauge = port.cx.metrics.rpc().open_streams.clone();
        return next.run(request).await.map(|inner| Body::new(Stream::holding(inner, place, gauge)));
    }
    let Ok(_place) = port.calls.clone().try_acquire_owned() else {
        return port.answer(Failure::overloaded("the number of calls in flight", Duration::from_millis(200)));
    };
    next.run(request).await
}
