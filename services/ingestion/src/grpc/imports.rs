//! `ImportService`, and the beginning of an import.

use std::pin::Pin;

use futures::Stream;
use prost::Message;
use throughline_adapters::{BUILT_IN, Profile, built_in};
use throughline_platform::{Failure, MAX_MESSAGE_BYTES, Principal, db::Tx, name, principal::Scope, repeat};
use throughline_proto::{
    ingestion::v1::{
        CreateImportRequest, UploadImportRequest, UploadImportResponse,
        create_import_request::Mapping,
        import_service_server::{ImportService, ImportServiceServer},
    },
    longrunning::{Operation, operations_server::OperationsServer},
};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{request, upload};
use crate::{
    SCHEMA,
    imports::{Imports, Source, parse_profile},
    store::imports::{self, New},
    wire::import::render,
};

const ROOFTOP: &str = "groups/{group}/rooftops/{rooftop}";

/// Imports, and their operations.
#[derive(Clone)]
pub(crate) struct ImportOperations {
    pub(super) imports: Imports,
}

impl ImportOperations {
    pub(crate) fn new(imports: Imports) -> Self {
        Self { imports }
    }

    pub(crate) fn into_import_server(self) -> ImportServiceServer<Self> {
        ImportServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    pub(crate) fn into_operations_server(self) -> OperationsServer<Self> {
        OperationsServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn create(&self, principal: Principal, asked: CreateImportRequest) -> Result<Operation, Failure> {
        principal.require(Scope::Ingest)?;
        let principal = principal.in_group(&asked.parent)?;
        let rooftop = name::parse_field("parent", ROOFTOP, &asked.parent)?[1].to_owned();
        principal.require_rooftop(&rooftop)?;
        let body_hash =
            repeat::body_hash(&CreateImportRequest { request_id: String::new(), ..asked.clone() }.encode_to_vec());
        let actor = request::actor(asked.actor)?;
        let (definition, profile) = mapping(asked.mapping)?;
        Source::new(&principal.group, &rooftop, &profile).admit(&principal)?;
        let new = New {
            group: principal.group.clone(),
            id: Uuid::new_v4(),
            rooftop,
            profile: profile.profile,
            version: profile.version,
            definition,
            actor,
            live: asked.live,
        };
        let (now, request_id) = (self.imports.cx.clock.now(), asked.request_id);
        let added = self.imports.cx.db.write(&principal, move |tx| {
            Box::pin(async move {
                let method = "CreateImport";
                if let Some(answer) = repeat::replayed(tx, SCHEMA, &new.group, &request_id, method, &body_hash).await? {
                    return Operation::decode(answer.as_slice()).map_err(Failure::internal);
                }
                let operation = add(tx, &new, now).await?;
                let answer = operation.encode_to_vec();
                repeat::remember(tx, SCHEMA, &new.group, &request_id, method, &body_hash, &answer).await?;
                Ok(operation)
            })
        });
        added.await
    }
}

async fn add(tx: &mut Tx, new: &New, now: jiff::Timestamp) -> Result<Operation, Failure> {
    crate::imports::add(tx, new, now).await?;
    let import = imports::find(tx, &new.group, new.id).await?;
    render(&new.group, import.ok_or_else(|| Failure::internal("an import vanished in its own transaction"))?)
}

/// The text of the profile that is asked for, and what it says.
fn mapping(asked: Option<Mapping>) -> Result<(String, Profile), Failure> {
    match asked {
        None => Err(Failure::invalid("profile", "is missing: name a built-in one, or send profile_yaml")),
        Some(Mapping::ProfileYaml(text)) => {
            let profile = parse_profile(&text)?;
            let kept = Profile::without_notes(&text)
                .map_err(|invalid| Failure::invalid("profile_yaml", invalid.to_string()))?;
            Ok((kept, profile))
        }
        Some(Mapping::Profile(named)) => {
            let text = built_in(&named).ok_or_else(|| {
                let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                Failure::invalid("profile", format!("{} is none of {}", name::shown(&named), known.join(", ")))
            })?;
            Ok((text.to_owned(), Profile::parse(text).map_err(Failure::internal)?))
        }
    }
}

#[tonic::async_trait]
impl ImportService for ImportOperations {
    async fn create_import(&self, request: Request<CreateImportRequest>) -> Result<Response<Operation>, Status> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.create(principal, request.into_inner()).await?))
    }

    type UploadImportStream = Pin<Box<dyn Stream<Item = Result<UploadImportResponse, Status>> + Send>>;

    async fn upload_import(
        &self,
        request: Request<Streaming<UploadImportRequest>>,
    ) -> Result<Response<Self::UploadImportStream>, Status> {
        let principal = Principal::of(&request)?;
        principal.require(Scope::Ingest)?;
        let credentials = request.metadata().clone().into_headers().remove("authorization");
        Ok(Response::new(Box::pin(upload::run(self.imports.clone(), principal, credentials, request.into_inner()))))
    }
}
