//! A panic becomes INTERNAL with the trace id; the hook has logged what it said.
use std::panic::AssertUnwindSafe;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::FutureExt;

use super::port::Port;
use crate::Failure;

pub(super) async fn catch_panic(State(port): State<Port>, request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(_) => port.answer(Failure::internal("the handler panicked")),
    }
}
