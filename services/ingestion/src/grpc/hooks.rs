//! `HookService`: addresses to which sources post, made and removed by administrators.

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use throughline_platform::{
    Context, Failure, MAX_MESSAGE_BYTES, Principal,
    db::{Role, Tx},
    name,
    principal::Scope,
    repeat,
    signature::Secret,
};
use throughline_proto::ingestion::v1::{
    CreateInboundHookRequest, CreateInboundHookResponse, DeleteInboundHookRequest, DeleteInboundHookResponse,
    InboundHook, ListInboundHooksRequest, ListInboundHooksResponse, RotateInboundHookSecretRequest,
    RotateInboundHookSecretResponse,
    hook_service_server::{HookService, HookServiceServer},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::request::{self, Pages, Place};
use crate::{
    SCHEMA,
    domain::{
        api_key::within,
        hook::{Content, MOST_HOOKS},
    },
    store::{hooks, keys, rooftops},
};

const HOOK: &str = "groups/{group}/inboundHooks/{hook}";
const CREATE: &str = "CreateInboundHook";
const ROTATE: &str = "RotateInboundHookSecret";
/// So long a former secret is accepted beside the present one: a vendor's next working day.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Hooks of groups.
#[derive(Clone)]
pub(crate) struct Hooks(Context);

impl Hooks {
    pub(crate) fn new(cx: Context) -> Self {
        Self(cx)
    }

    pub(crate) fn into_server(self) -> HookServiceServer<Self> {
        HookServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn create(
        &self,
        principal: Principal,
        asked: CreateInboundHookRequest,
    ) -> Result<CreateInboundHookResponse, Failure> {
        principal.require(Scope::Admin)?;
        let principal = principal.in_group(&asked.parent)?;
        let actor = request::actor(asked.actor.clone())?;
        let hash = repeat::body_hash(&asked.encode_to_vec());
        let wanted = asked.inbound_hook.ok_or_else(|| Failure::invalid("inbound_hook", "is missing"))?;
        let content = Content::admit(wanted, &principal)?;
        let (group, now, request_id) = (principal.group.clone(), self.0.clock.now(), asked.request_id);
        let write = self.0.db.work(Role::Appender, move |tx| {
            Box::pin(async move {
                if let Some(first) = repeat::replayed(tx, SCHEMA, &group, &request_id, CREATE, &hash).await? {
                    let mut answer = CreateInboundHookResponse::decode(first.as_slice()).map_err(Failure::internal)?;
                    answer.signing_secret = revealed(tx, &group, answer.inbound_hook.as_ref()).await?;
                    return Ok(answer);
                }
                let (hook, secret) = add(tx, &group, content, now).await?;
                let mut answer = CreateInboundHookResponse { inbound_hook: Some(hook), signing_secret: String::new() };
                // What is remembered lacks the secret: it is kept in one place, which no call from outside reads.
                let kept = answer.encode_to_vec();
                repeat::remember(tx, SCHEMA, &group, &request_id, CREATE, &hash, &kept).await?;
                answer.signing_secret = secret.reveal();
                Ok::<_, Failure>(answer)
            })
        });
        let answer = write.await?;
        tracing::info!(hook = named(answer.inbound_hook.as_ref()), by = principal.key_id, actor, "a hook was made");
        Ok(answer)
    }

    async fn rotate(
        &self,
        principal: Principal,
        asked: RotateInboundHookSecretRequest,
    ) -> Result<RotateInboundHookSecretResponse, Failure> {
        principal.require(Scope::Admin)?;
        let hash = repeat::body_hash(&asked.encode_to_vec());
        let id = name::parse(HOOK, &asked.name)?[1].to_owned();
        let principal = principal.in_group(&asked.name)?;
        let actor = request::actor(asked.actor.clone())?;
        let (caller, now) = (principal.clone(), self.0.clock.now());
        let write = self.0.db.work(Role::Appender, move |tx| {
            Box::pin(async move {
                let (group, request_id) = (caller.group.as_str(), asked.request_id.as_str());
                let former_until = if asked.revoke_present { None } else { now.checked_add(OVERLAP).ok() };
                let standing = yours(tx, &caller, &id, &asked.name).await?;
                if let Some(first) = repeat::replayed(tx, SCHEMA, group, request_id, ROTATE, &hash).await? {
                    let mut answer =
                        RotateInboundHookSecretResponse::decode(first.as_slice()).map_err(Failure::internal)?;
                    answer.signing_secret = revealed(tx, group, Some(&standing)).await?;
                    return Ok(answer);
                }
                let secret = Secret::generate();
                hooks::rotate(tx, group, &id, &secret, now, former_until).await?;
                let hook = hooks::lock(tx, group, &id).await?;
                let mut answer = RotateInboundHookSecretResponse { inbound_hook: hook, signing_secret: String::new() };
                let kept = answer.encode_to_vec();
                repeat::remember(tx, SCHEMA, group, request_id, ROTATE, &hash, &kept).await?;
                answer.signing_secret = secret.reveal();
                Ok::<_, Failure>(answer)
            })
        });
        let answer = write.await?;
        let hook = named(answer.inbound_hook.as_ref());
        tracing::info!(hook, by = principal.key_id, actor, "a hook got another secret");
        Ok(answer)
    }

    async fn list(
        &self,
        principal: Principal,
        asked: ListInboundHooksRequest,
    ) -> Result<ListInboundHooksResponse, Failure> {
        principal.require(Scope::Admin)?;
        let principal = principal.in_group(&asked.parent)?;
        let pages = Pages::new(&self.0.sealer, "hooks", &principal, &[&asked.parent], asked.page_size, 50)?;
        let after = match pages.open(&asked.page_token)? {
            None => None,
            Some(place) => Some(place.instant().map(|(at, id)| (at, id.to_owned()))?),
        };
        let (group, rooftops, limit) = (principal.group.clone(), principal.rooftop_filter(), pages.limit());
        let mut rows = self
            .0
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
                    hooks::page(tx, &group, rooftops.as_deref(), after, limit).await
                })
            })
            .await?;
        let next_page_token = pages.cut(&mut rows, |(_, (at, id))| Place::at(*at, id));
        Ok(ListInboundHooksResponse {
            inbound_hooks: rows.into_iter().map(|(hook, _)| hook).collect(),
            next_page_token,
        })
    }

    async fn delete(
        &self,
        principal: Principal,
        asked: DeleteInboundHookRequest,
    ) -> Result<DeleteInboundHookResponse, Failure> {
        principal.require(Scope::Admin)?;
        let id = name::parse(HOOK, &asked.name)?[1].to_owned();
        let principal = principal.in_group(&asked.name)?;
        let actor = request::actor(asked.actor)?;
        let (caller, hook) = (principal.clone(), asked.name.clone());
        let write = self.0.db.work(Role::Appender, move |tx| {
            Box::pin(async move {
                yours(tx, &caller, &id, &asked.name).await?;
                hooks::delete(tx, &caller.group, &id).await
            })
        });
        write.await?;
        tracing::info!(hook, by = principal.key_id, actor, "a hook was removed");
        Ok(DeleteInboundHookResponse {})
    }
}

async fn add(tx: &mut Tx, group: &str, content: Content, now: Timestamp) -> Result<(InboundHook, Secret), Failure> {
    if keys::find_group(tx, group).await?.is_none() {
        return Err(Failure::not_found("group", group));
    }
    let rooftop = &content.rooftop;
    if !rooftop.is_empty() && rooftops::find(tx, group, rooftop).await?.is_none() {
        let name = format!("groups/{group}/rooftops/{rooftop}");
        return Err(Failure::not_found("rooftop", name).at_field("inbound_hook.rooftop"));
    }
    // 122 random bits: nobody finds a hook by trying.
    let (id, secret) = (Uuid::new_v4().simple().to_string(), Secret::generate());
    if !hooks::add(tx, group, &id, &content, &secret, now, MOST_HOOKS).await? {
        return Err(Failure::precondition(format!("the group has {MOST_HOOKS} hooks: delete one first")));
    }
    let hook = hooks::lock(tx, group, &id).await?.ok_or_else(|| Failure::internal("a hook vanished as it was made"))?;
    Ok((hook, secret))
}

/// A hook that is there and that the caller may change, locked.
async fn yours(tx: &mut Tx, caller: &Principal, id: &str, name: &str) -> Result<InboundHook, Failure> {
    let hook = hooks::lock(tx, &caller.group, id).await?.ok_or_else(|| Failure::not_found("hook", name))?;
    let rooftops: Vec<String> = Some(hook.rooftop.clone()).filter(|id| !id.is_empty()).into_iter().collect();
    within(&rooftops, std::slice::from_ref(&hook.source), caller)?;
    Ok(hook)
}

/// The secret once more, for who repeats the call that made it, as long as the hook is there.
async fn revealed(tx: &mut Tx, group: &str, hook: Option<&InboundHook>) -> Result<String, Failure> {
    let id = named(hook).rsplit('/').next().unwrap_or_default();
    Ok(hooks::find_secret(tx, group, id).await?.map(|secret| secret.reveal()).unwrap_or_default())
}

fn named(hook: Option<&InboundHook>) -> &str {
    hook.map(|hook| hook.name.as_str()).unwrap_or_default()
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl HookService for Hooks {
    async fn create_inbound_hook(
        &self,
        request: Request<CreateInboundHookRequest>,
    ) -> Answer<CreateInboundHookResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.create(principal, request.into_inner()).await?))
    }

    async fn list_inbound_hooks(&self, request: Request<ListInboundHooksRequest>) -> Answer<ListInboundHooksResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.list(principal, request.into_inner()).await?))
    }

    async fn rotate_inbound_hook_secret(
        &self,
        request: Request<RotateInboundHookSecretRequest>,
    ) -> Answer<RotateInboundHookSecretResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.rotate(principal, request.into_inner()).await?))
    }

    async fn delete_inbound_hook(
        &self,
        request: Request<DeleteInboundHookRequest>,
    ) -> Answer<DeleteInboundHookResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.delete(principal, request.into_inner()).await?))
    }
}
