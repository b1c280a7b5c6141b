//! Who calls; put beside the request for `Principal::of`.
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::header::AUTHORIZATION;

use super::port::Port;

pub(super) async fn authenticate(State(port): State<Port>, mut request: Request, next: Next) -> Response {
    if !port.is_open(&request) {
        match port.cx.auth.authenticate(request.headers().get(AUTHORIZATION)).await {
            Ok(principal) => request.extensions_mut().insert(principal),
            Err(failure) => return port.answer(failure),
        };
    }
    next.run(request).await
}
