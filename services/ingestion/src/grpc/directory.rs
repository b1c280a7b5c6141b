//! `DirectoryService`: each method in the file of its resource.

use throughline_journal::Log;
use throughline_platform::{Context, MAX_MESSAGE_BYTES, Principal};
use throughline_proto::tenant::v1::{
    ApiKey, Caller, CreateApiKeyRequest, CreateApiKeyResponse, CreateGroupRequest, CreateGroupResponse,
    CreateRooftopRequest, GetCallerRequest, GetRooftopRequest, ListApiKeysRequest, ListApiKeysResponse,
    ListRooftopsRequest, ListRooftopsResponse, RevokeApiKeyRequest, Rooftop, UpdateRooftopRequest,
    directory_service_server::{DirectoryService, DirectoryServiceServer},
};
use tonic::{Request, Response, Status};

use super::{apikeys, groups, rooftops};
use crate::known::Memory;

/// Groups, rooftops and keys.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(super) cx: Context,
    pub(super) log: Log,
    pub(super) memory: Memory,
}

impl Directory {
    pub(crate) fn new(cx: Context, log: Log, memory: Memory) -> Self {
        Self { cx, log, memory }
    }

    pub(crate) fn into_server(self) -> DirectoryServiceServer<Self> {
        DirectoryServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn create_rooftop(&self, request: Request<CreateRooftopRequest>) -> Answer<Rooftop> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(rooftops::create(self, principal, request.into_inner()).await?))
    }

    async fn get_rooftop(&self, request: Request<GetRooftopRequest>) -> Answer<Rooftop> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(rooftops::get(self, principal, request.into_inner()).await?))
    }

    async fn list_rooftops(&self, request: Request<ListRooftopsRequest>) -> Answer<ListRooftopsResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(rooftops::list(self, principal, request.into_inner()).await?))
    }

    async fn update_rooftop(&self, request: Request<UpdateRooftopRequest>) -> Answer<Rooftop> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(rooftops::update(self, principal, request.into_inner()).await?))
    }

    async fn create_api_key(&self, request: Request<CreateApiKeyRequest>) -> Answer<CreateApiKeyResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(apikeys::create(self, principal, request.into_inner()).await?))
    }

    async fn list_api_keys(&self, request: Request<ListApiKeysRequest>) -> Answer<ListApiKeysResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(apikeys::list(self, principal, request.into_inner()).await?))
    }

    async fn revoke_api_key(&self, request: Request<RevokeApiKeyRequest>) -> Answer<ApiKey> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(apikeys::revoke(self, principal, request.into_inner()).await?))
    }

    async fn get_caller(&self, request: Request<GetCallerRequest>) -> Answer<Caller> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(apikeys::caller(self, principal).await?))
    }

    async fn create_group(&self, request: Request<CreateGroupRequest>) -> Answer<CreateGroupResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(groups::create(self, principal, request.into_inner()).await?))
    }
}
