//! The only place that names tonic: parse, load, decide, save, render.

mod flags;
mod floor;
mod request;
mod reviews;
mod watch;

use std::time::Duration;

use pb::rule::v1::{
    AcknowledgeFlagRequest, Flag, GetFlagRequest, ListFlagsRequest, ListFlagsResponse, ListReviewsRequest,
    ListReviewsResponse, ResolveReviewRequest, Review, WatchFlagsRequest,
    rule_service_server::{RuleService, RuleServiceServer},
};
use pb::rule::v1::{
    Floor, GetFloorRequest, WatchFloorRequest,
    floor_service_server::{FloorService, FloorServiceServer},
};
use throughline_journal::{Context, Log};
use throughline_platform::{Failure, MAX_MESSAGE_BYTES, Principal};
use throughline_proto as pb;
use tonic::{Request, Response, Status};

/// How long a read waits for its `at_least`.
const PATIENCE: Duration = Duration::from_secs(5);

/// The service, ready to be served.
pub fn service(cx: &Context, log: Log) -> RuleServiceServer<Rules> {
    RuleServiceServer::new(Rules { cx: cx.clone(), log }).max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// The service of the floors, ready to be served.
pub fn floor_service(cx: &Context, log: Log) -> FloorServiceServer<Rules> {
    FloorServiceServer::new(Rules { cx: cx.clone(), log }).max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// Flags, the review queue, and the floors.
#[derive(Clone)]
pub struct Rules {
    cx: Context,
    log: Log,
}

impl Rules {
    async fn wait_for(&self, at_least: &str) -> Result<(), Failure> {
        match at_least {
            "" => Ok(()),
            token => throughline_journal::wait_for(&self.cx, crate::CONSUMER, token, PATIENCE).await,
        }
    }
}

#[tonic::async_trait]
impl RuleService for Rules {
    async fn list_flags(&self, request: Request<ListFlagsRequest>) -> Result<Response<ListFlagsResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(flags::list(self, principal, request.into_inner()).await?))
    }

    async fn get_flag(&self, request: Request<GetFlagRequest>) -> Result<Response<Flag>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(flags::get(self, principal, request.into_inner()).await?))
    }

    async fn acknowledge_flag(&self, request: Request<AcknowledgeFlagRequest>) -> Result<Response<Flag>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(flags::acknowledge(self, principal, request.into_inner()).await?))
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(reviews::list(self, principal, request.into_inner()).await?))
    }

    async fn resolve_review(&self, request: Request<ResolveReviewRequest>) -> Result<Response<Review>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(reviews::resolve(self, principal, request.into_inner()).await?))
    }

    type WatchFlagsStream = watch::FlagStream;

    async fn watch_flags(
        &self,
        request: Request<WatchFlagsRequest>,
    ) -> Result<Response<Self::WatchFlagsStream>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(watch::watch(self, principal, request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl FloorService for Rules {
    async fn get_floor(&self, request: Request<GetFloorRequest>) -> Result<Response<Floor>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(floor::get(self, principal, request.into_inner()).await?))
    }

    type WatchFloorStream = floor::FloorStream;

    async fn watch_floor(
        &self,
        request: Request<WatchFloorRequest>,
    ) -> Result<Response<Self::WatchFloorStream>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(floor::watch(self, principal, request.into_inner()).await?))
    }
}
