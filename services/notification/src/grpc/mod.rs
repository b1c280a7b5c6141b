//! The only place that names tonic: parse, load, decide, save, render.

mod deliveries;
mod request;
mod routes;

use pb::notification::v1::{
    CreateRouteRequest, CreateRouteResponse, DeleteRouteRequest, DeleteRouteResponse, ListDeliveriesRequest,
    ListDeliveriesResponse, ListRoutesRequest, ListRoutesResponse,
    notification_service_server::{NotificationService, NotificationServiceServer},
};
use throughline_journal::Context;
use throughline_platform::{self as platform, MAX_MESSAGE_BYTES, Principal};
use throughline_proto as pb;
use tonic::{Request, Response, Status};

use crate::{domain::Loopback, metrics::NotificationMetrics};

/// The service, ready to be served.
pub fn service(cx: &Context, metrics: NotificationMetrics) -> NotificationServiceServer<Notifications> {
    let loopback = crate::loopback(&cx.platform.options);
    NotificationServiceServer::new(Notifications { cx: cx.platform.clone(), metrics, loopback })
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// Routes and what became of messages.
#[derive(Clone)]
pub struct Notifications {
    cx: platform::Context,
    metrics: NotificationMetrics,
    loopback: Loopback,
}

#[tonic::async_trait]
impl NotificationService for Notifications {
    async fn create_route(
        &self,
        request: Request<CreateRouteRequest>,
    ) -> Result<Response<CreateRouteResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(routes::create(self, principal, request.into_inner()).await?))
    }

    async fn list_routes(&self, request: Request<ListRoutesRequest>) -> Result<Response<ListRoutesResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(routes::list(self, principal, request.into_inner()).await?))
    }

    async fn delete_route(
        &self,
        request: Request<DeleteRouteRequest>,
    ) -> Result<Response<DeleteRouteResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(routes::delete(self, principal, request.into_inner()).await?))
    }

    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(deliveries::list(self, principal, request.into_inner()).await?))
    }
}
