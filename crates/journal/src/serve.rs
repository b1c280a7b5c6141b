//! `LogService`: the logs and the consumers of this process, over gRPC.
mod consumers;
mod follow;
mod parked;
mod subscribe;

use std::time::Duration;

use futures::stream::BoxStream;
use throughline_platform::{MAX_MESSAGE_BYTES, Principal, failure::Failure, principal::Scope};
use throughline_proto::{
    log::v1::{
        FollowRequest, FollowResponse, GetHeadsRequest, GetHeadsResponse, ListConsumersRequest, ListConsumersResponse,
        ListParkedRequest, ListParkedResponse, PartPosition, RetryParkedRequest, RetryParkedResponse, SubscribeRequest,
        SubscribeResponse, WaitForRequest, WaitForResponse,
        log_service_server::{LogService, LogServiceServer},
    },
    time,
};
use tonic::{Request, Response, Status};

use crate::{Context, Log, wait};

const WAIT_BY_DEFAULT: Duration = Duration::from_secs(10);
// Below the server's own cap on calls, so that the answer says which consumer is behind.
const WAIT_AT_MOST: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct LogServer {
    cx: Context,
}

impl LogServer {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx }
    }

    pub(crate) fn service(self) -> LogServiceServer<Self> {
        LogServiceServer::new(self).max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn log(&self, name: &str) -> Result<Log, Failure> {
        self.cx.logs.log(name).ok_or_else(|| Failure::not_found("log", name))
    }

    async fn heads(&self, request: GetHeadsRequest) -> Result<GetHeadsResponse, Failure> {
        let log = self.log(&request.log)?;
        let heads = log.heads().await?;
        Ok(GetHeadsResponse {
            consistency_token: log.token(&heads),
            heads: heads
                .iter()
                .map(|(part, position)| PartPosition { part: u32::from(*part), position: *position })
                .collect(),
        })
    }

    async fn wait(&self, request: WaitForRequest) -> Result<WaitForResponse, Failure> {
        let wanted = request.timeout.as_ref().map(time::duration_from_wire).filter(|wanted| !wanted.is_zero());
        let timeout = wanted.unwrap_or(WAIT_BY_DEFAULT).min(WAIT_AT_MOST);
        let consumer = self.cx.logs.consumer(&request.consumer).ok_or_else(|| wait::not_served(&request.consumer))?;
        wait::wait_for(&self.cx, consumer.name, &request.consistency_token, timeout).await?;
        // What it has written by now contains every effect waited for.
        let consistency_token = match self.cx.logs.log_of(consumer.schema) {
            Some(own) => own.token(&own.heads().await?),
            None => String::new(),
        };
        Ok(WaitForResponse { consistency_token })
    }
}

#[tonic::async_trait]
impl LogService for LogServer {
    type SubscribeStream = BoxStream<'static, Result<SubscribeResponse, Status>>;
    type FollowStream = BoxStream<'static, Result<FollowResponse, Status>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        Principal::of(&request)?.require_service()?;
        let request = request.into_inner();
        let log = self.log(&request.log)?;
        Ok(Response::new(subscribe::stream(log, request)?))
    }

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Self::FollowStream>, Status> {
        let principal = Principal::of(&request)?;
        principal.require(Scope::Read)?;
        let request = request.into_inner();
        let log = self.log(&request.log)?;
        Ok(Response::new(follow::stream(log, principal, request).await?))
    }

    async fn get_heads(&self, request: Request<GetHeadsRequest>) -> Result<Response<GetHeadsResponse>, Status> {
        Principal::of(&request)?.require(Scope::Read)?;
        Ok(Response::new(self.heads(request.into_inner()).await?))
    }

    async fn wait_for(&self, request: Request<WaitForRequest>) -> Result<Response<WaitForResponse>, Status> {
        Principal::of(&request)?.require(Scope::Read)?;
        Ok(Response::new(self.wait(request.into_inner()).await?))
    }

    async fn list_consumers(
        &self,
        request: Request<ListConsumersRequest>,
    ) -> Result<Response<ListConsumersResponse>, Status> {
        Principal::of(&request)?.require(Scope::Admin)?;
        Ok(Response::new(consumers::list(&self.cx).await?))
    }

    async fn list_parked(&self, request: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        let principal = Principal::of(&request)?;
        principal.require(Scope::Admin)?;
        Ok(Response::new(parked::list(&self.cx, principal, request.into_inner()).await?))
    }

    async fn retry_parked(
        &self,
        request: Request<RetryParkedRequest>,
    ) -> Result<Response<RetryParkedResponse>, Status> {
        let principal = Principal::of(&request)?;
        principal.require(Scope::Admin)?;
        Ok(Response::new(parked::retry(&self.cx, principal, request.into_inner()).await?))
    }
}
