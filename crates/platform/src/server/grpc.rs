//! The gRPC port.
use std::time::Duration;

use rand::RngExt;
use throughline_proto as pb;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::{pb::health_server::HealthServer, server::HealthService};

use super::{health::Health, port::Port, stack};
use crate::{Failure, slice::AddService};

/// Serves until `stop`, then until the last connection has ended.
pub(super) fn serve(
    port: Port,
    services: Vec<(Vec<&'static str>, Vec<AddService>)>,
    health: &Health,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + use<>, Failure> {
    let mut routes = Routes::new(HealthServer::new(HealthService::from_health_reporter(health.reporter.clone())));
    let mut served = vec!["grpc.health.v1.Health"];
    for (names, additions) in services {
        served.extend(names);
        routes = additions.into_iter().fold(routes, |routes, add| add(routes));
    }
    if port.cx.options.reflection {
        routes = reflect(routes, &served)?;
    }
    let routes = Routes::from(stack::grpc(&port, routes.into_axum_router()));
    let server = Server::builder()
        // gRPC-Web from browsers comes over HTTP/1 as well
        .accept_http1(true)
        .max_concurrent_streams(256)
        .http2_max_header_list_size(16 * 1024)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        // Clients find new replicas when they connect anew. Without a grace: with one, tonic 0.14 sends no GOAWAY and cuts calls.
        .max_connection_age(Duration::from_secs(rand::rng().random_range(15 * 60..25 * 60)))
        .add_routes(routes);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(Duration::from_secs(60)));
    Ok(async move {
        if let Err(error) = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await {
            tracing::error!(error = crate::failure::chain(&error), "the grpc port ended");
        }
    })
}

/// Both versions, for what is served here; from protox's own bytes, which hold the custom options.
fn reflect(routes: Routes, served: &[&'static str]) -> Result<Routes, Failure> {
    let configure = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        served.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let v1 = configure().build_v1().map_err(Failure::internal)?;
    let v1alpha = configure().build_v1alpha().map_err(Failure::internal)?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}
