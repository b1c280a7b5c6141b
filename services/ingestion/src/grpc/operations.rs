//! `google.longrunning.Operations`: imports, as far as they are and how they ended.

use std::time::Duration;

use prost::Message;
use throughline_platform::{Failure, Principal, name, principal::Scope};
use throughline_proto::{
    longrunning::{
        CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
        ListOperationsResponse, Operation, WaitOperationRequest, operations_server::Operations,
    },
    time::duration_from_wire,
};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    ImportOperations,
    request::{Pages, Place},
};
use crate::{
    store::imports::{self, Import, State},
    wire::import::{cancelled, render},
};

const OPERATION: &str = "groups/{group}/rooftops/{rooftop}/operations/{operation}";
const GROUP: &str = "groups/{group}";
const ROOFTOP: &str = "groups/{group}/rooftops/{rooftop}";
/// How long one call waits: less than one may take.
const LONGEST_WAIT: Duration = Duration::from_secs(50);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The caller within the group of an operation's name, its rooftop and its id.
pub(super) fn parse(principal: &Principal, field: &str, operation: &str) -> Result<(Principal, String, Uuid), Failure> {
    let principal = principal.in_group(operation)?;
    let ids = name::parse_field(field, OPERATION, operation)?;
    principal.require_rooftop(ids[1])?;
    let id = Uuid::try_parse(ids[2]).map_err(|_| Failure::not_found("operation", operation))?;
    Ok((principal, ids[1].to_owned(), id))
}

impl ImportOperations {
    async fn find(&self, principal: &Principal, scope: Scope, operation: &str) -> Result<(Principal, Import), Failure> {
        principal.require(scope)?;
        let (principal, rooftop, id) = parse(principal, "name", operation)?;
        let group = principal.group.clone();
        let db = &self.imports.cx.db;
        let found = db.read(&principal, move |tx| Box::pin(async move { imports::find(tx, &group, id).await })).await?;
        match found.filter(|import| import.rooftop == rooftop) {
            Some(import) => Ok((principal, import)),
            None => Err(Failure::not_found("operation", operation)),
        }
    }

    async fn get(&self, principal: Principal, asked: GetOperationRequest) -> Result<Operation, Failure> {
        let (principal, import) = self.find(&principal, Scope::Read, &asked.name).await?;
        render(&principal.group, import)
    }

    async fn list(
        &self,
        principal: Principal,
        asked: ListOperationsRequest,
    ) -> Result<ListOperationsResponse, Failure> {
        principal.require(Scope::Read)?;
        let principal = principal.in_group(&asked.name)?;
        if !asked.filter.is_empty() {
            return Err(Failure::invalid("filter", "is not empty: all operations are listed, newest first"));
        }
        let rooftops = if name::parse(GROUP, &asked.name).is_ok() {
            principal.rooftop_filter()
        } else {
            let rooftop = name::parse(ROOFTOP, &asked.name)?[1].to_owned();
            principal.require_rooftop(&rooftop)?;
            Some(vec![rooftop])
        };
        let sealer = &self.imports.cx.sealer;
        let pages = Pages::new(sealer, "operations", &principal, &[&asked.name], asked.page_size, 50)?;
        let before = match pages.open(&asked.page_token)? {
            None => None,
            Some(place) => {
                let (at, id) = place.instant()?;
                Some((at, Uuid::try_parse(id).map_err(Failure::internal)?))
            }
        };
        let (group, limit) = (principal.group.clone(), pages.limit());
        let listed = self.imports.cx.db.read(&principal, move |tx| {
            Box::pin(async move { imports::page(tx, &group, before, rooftops.as_deref(), limit).await })
        });
        let mut listed = listed.await?;
        let next_page_token =
            pages.cut(&mut listed, |import: &Import| Place::at(import.created_at, &import.id.to_string()));
        let operations = listed.into_iter().map(|import| render(&principal.group, import));
        Ok(ListOperationsResponse { operations: operations.collect::<Result<_, _>>()?, next_page_token })
    }

    async fn wait(&self, principal: Principal, asked: WaitOperationRequest) -> Result<Operation, Failure> {
        let limit = asked.timeout.as_ref().map_or(LONGEST_WAIT, duration_from_wire).min(LONGEST_WAIT);
        let until = Instant::now() + limit;
        let stopping = self.imports.cx.tasks.shutdown();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let on = stopping.run_until_cancelled(look.tick()).await.is_some();
            let (principal, import) = self.find(&principal, Scope::Read, &asked.name).await?;
            if !on || import.state != State::Open || Instant::now() >= until {
                return render(&principal.group, import);
            }
        }
    }

    async fn cancel(&self, principal: Principal, asked: CancelOperationRequest) -> Result<(), Failure> {
        let (principal, import) = self.find(&principal, Scope::Ingest, &asked.name).await?;
        let (group, now) = (principal.group.clone(), self.imports.cx.clock.now());
        let error = cancelled().to_rpc_status().encode_to_vec();
        let ended = self.imports.cx.db.write(&principal, move |tx| {
            Box::pin(async move { imports::cancel(tx, &group, import.id, &error, now).await })
        });
        ended.await
    }

    async fn delete(&self, principal: Principal, asked: DeleteOperationRequest) -> Result<(), Failure> {
        let (principal, import) = self.find(&principal, Scope::Ingest, &asked.name).await?;
        if import.state == State::Open {
            return Err(Failure::precondition("the import has not ended: finish or cancel it first"));
        }
        let group = principal.group.clone();
        let db = &self.imports.cx.db;
        db.write(&principal, move |tx| Box::pin(async move { imports::delete(tx, &group, import.id).await })).await
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Operations for ImportOperations {
    async fn list_operations(&self, request: Request<ListOperationsRequest>) -> Answer<ListOperationsResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.list(principal, request.into_inner()).await?))
    }

    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Answer<Operation> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.get(principal, request.into_inner()).await?))
    }

    async fn delete_operation(&self, request: Request<DeleteOperationRequest>) -> Answer<()> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.delete(principal, request.into_inner()).await?))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Answer<()> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.cancel(principal, request.into_inner()).await?))
    }

    async fn wait_operation(&self, request: Request<WaitOperationRequest>) -> Answer<Operation> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.wait(principal, request.into_inner()).await?))
    }
}
