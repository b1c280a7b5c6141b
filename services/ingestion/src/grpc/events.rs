//! `IngestionService`.

use std::pin::Pin;

use futures::Stream;
use throughline_platform::{Context, Failure, MAX_MESSAGE_BYTES, Principal, principal::Scope};
use throughline_proto::ingestion::v1::{
    AppendEventsRequest, AppendEventsResponse, ListFeedsRequest, ListFeedsResponse, ListQuarantinedRequest,
    ListQuarantinedResponse, ReplayQuarantinedRequest, ReplayQuarantinedResponse, StreamEventsRequest,
    StreamEventsResponse,
    ingestion_service_server::{IngestionService, IngestionServiceServer},
};
use tonic::{Request, Response, Status, Streaming};

use super::{feeds, quarantine, request, stream};
use crate::{
    intake::{Incoming, Intake, Patience, check_count},
    wire::{cloud_event, result},
};

/// Events in, and what is known of those that came.
#[derive(Clone)]
pub(crate) struct Ingestion {
    pub(super) cx: Context,
    pub(super) intake: Intake,
}

impl Ingestion {
    pub(crate) fn new(cx: Context, intake: Intake) -> Self {
        Self { cx, intake }
    }

    pub(crate) fn into_server(self) -> IngestionServiceServer<Self> {
        IngestionServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn append(&self, principal: Principal, asked: AppendEventsRequest) -> Result<AppendEventsResponse, Failure> {
        principal.require(Scope::Ingest)?;
        check_count(asked.events.len())?;
        let manner = request::manner(asked.origin, asked.actor)?;
        let events =
            asked.events.iter().map(|event| Incoming::Sent { id: &event.id, event: cloud_event::parse(event) });
        let call = self.intake.prepare(&principal, &manner, Patience::Refuse, events).await?;
        let answer = self.intake.settle(call, Patience::Refuse).await?;
        Ok(AppendEventsResponse {
            results: answer.events.into_iter().map(result::render).collect(),
            consistency_token: answer.consistency_token,
        })
    }
}

#[tonic::async_trait]
impl IngestionService for Ingestion {
    async fn append_events(
        &self,
        request: Request<AppendEventsRequest>,
    ) -> Result<Response<AppendEventsResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.append(principal, request.into_inner()).await?))
    }

    type StreamEventsStream = Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn stream_events(
        &self,
        request: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        Principal::of(&request)?.require(Scope::Ingest)?;
        let credentials = request.metadata().clone().into_headers().remove("authorization");
        Ok(Response::new(Box::pin(stream::run(self.clone(), credentials, request.into_inner()))))
    }

    async fn list_quarantined(
        &self,
        request: Request<ListQuarantinedRequest>,
    ) -> Result<Response<ListQuarantinedResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(quarantine::list(self, principal, request.into_inner()).await?))
    }

    async fn replay_quarantined(
        &self,
        request: Request<ReplayQuarantinedRequest>,
    ) -> Result<Response<ReplayQuarantinedResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(quarantine::replay(self, principal, request.into_inner()).await?))
    }

    async fn list_feeds(&self, request: Request<ListFeedsRequest>) -> Result<Response<ListFeedsResponse>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(feeds::list(self, principal, request.into_inner()).await?))
    }
}
