//! The layers around every call, outermost first.
use axum::{Router, middleware::from_fn_with_state};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;

use super::{admit::admit, authenticate::authenticate, cors::cors, deadline::deadline, details, measure::measure};
use super::{panic::catch_panic, port::Port, trace_call::trace_call};

/// For gRPC and gRPC-Web.
pub(super) fn grpc(port: &Port, routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            // browsers ask before they call, without credentials
            .layer(from_fn_with_state(port.clone(), cors))
            // gRPC-Web becomes gRPC, so that all below sees one protocol
            .layer(GrpcWebLayer::new())
            .map_request(|request: http::Request<Body>| request.map(axum::body::Body::new))
            // everything below happens in the caller's trace, failures name it
            .layer(from_fn_with_state(port.clone(), trace_call))
            // every call is counted, also one that is refused, dropped or panics
            .layer(from_fn_with_state(port.clone(), measure))
            // a bug costs one call, not the connection
            .layer(from_fn_with_state(port.clone(), catch_panic))
            // more calls than we can work on are told to come back, before they cost anything
            .layer(from_fn_with_state(port.clone(), admit))
            // nobody waits for ever, and nobody is worked for who has gone
            .layer(from_fn_with_state(port.clone(), deadline))
            // handlers know who calls
            .layer(from_fn_with_state(port.clone(), authenticate))
            // what tonic itself refuses (no such method, malformed, too large) gets its details like everything else
            .layer(from_fn_with_state(port.clone(), details::of_grpc)),
    )
}

/// For HTTP routes that tell their callers apart themselves: the same without keys.
pub(super) fn http_open(port: &Port, routes: Router) -> Router {
    // Without a route there is nothing to go around.
    if !routes.has_routes() {
        return routes;
    }
    routes.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(port.clone(), trace_call))
            .layer(from_fn_with_state(port.clone(), measure))
            .layer(from_fn_with_state(port.clone(), catch_panic))
            .layer(from_fn_with_state(port.clone(), admit))
            .layer(from_fn_with_state(port.clone(), deadline))
            .layer(from_fn_with_state(port.clone(), details::of_http))
            .layer(axum::extract::DefaultBodyLimit::max(crate::MAX_MESSAGE_BYTES)),
    )
}

/// For HTTP: the same without what is gRPC's.
pub(super) fn http(port: &Port, routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(port.clone(), trace_call))
            .layer(from_fn_with_state(port.clone(), measure))
            .layer(from_fn_with_state(port.clone(), catch_panic))
            .layer(from_fn_with_state(port.clone(), admit))
            .layer(from_fn_with_state(port.clone(), deadline))
            .layer(from_fn_with_state(port.clone(), authenticate))
            // what axum itself refuses (no such route, body too large) is JSON like everything else
            .layer(from_fn_with_state(port.clone(), details::of_http))
            // as large as a gRPC message
            .layer(axum::extract::DefaultBodyLimit::max(crate::MAX_MESSAGE_BYTES)),
    )
}
