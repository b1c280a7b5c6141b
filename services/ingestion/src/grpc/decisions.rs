//! `DecisionService`: what people decide about which numbers are of one deal, as events.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{Log, NewEntry};
use throughline_platform::{
    Context, Failure, MAX_MESSAGE_BYTES, Principal, Violation,
    db::{Role, Tx},
    name, persons,
    principal::Scope,
    repeat,
    trace::{self, TraceContext},
};
use throughline_process::PEOPLE;
use throughline_proto::{
    event::v1::{Decision, DecisionKind, Event, Origin, TimeBound, TimeQuality},
    ingestion::v1::{
        CreateDecisionRequest, IdentityDecision, ListDecisionsRequest, ListDecisionsResponse, WithdrawDecisionRequest,
        decision_service_server::{DecisionService, DecisionServiceServer},
    },
    log::v1::{EntryBody, entry_body::Body},
    time::to_wire,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::request::{self, Pages, Place};
use crate::{
    SCHEMA,
    domain::{
        decision::{admit, check_reason},
        grammar::STAFF,
    },
    known::{Known, Memory},
    store::decisions::{self, Listed},
};

const ROOFTOP: &str = "groups/{group}/rooftops/{rooftop}";
const DECISION: &str = "groups/{group}/rooftops/{rooftop}/decisions/{decision}";

/// People's decisions.
#[derive(Clone)]
pub(crate) struct Decisions {
    cx: Context,
    log: Log,
    memory: Memory,
}

/// A decision that is about to be made or taken back.
struct Change {
    group: String,
    rooftop: Arc<Known>,
    request_id: String,
    body_hash: [u8; 32],
    actor: String,
    trace: TraceContext,
    now: Timestamp,
    log: Log,
}

impl Decisions {
    pub(crate) fn new(cx: Context, log: Log, memory: Memory) -> Self {
        Self { cx, log, memory }
    }

    pub(crate) fn into_server(self) -> DecisionServiceServer<Self> {
        DecisionServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn create(&self, principal: Principal, asked: CreateDecisionRequest) -> Result<IdentityDecision, Failure> {
        principal.require(Scope::Review)?;
        let principal = principal.in_group(&asked.parent)?;
        let rooftop = name::parse_field("parent", ROOFTOP, &asked.parent)?[1].to_owned();
        let body_hash =
            repeat::body_hash(&CreateDecisionRequest { request_id: String::new(), ..asked.clone() }.encode_to_vec());
        let decision = asked.decision.ok_or_else(|| Failure::invalid("decision", "is missing"))?;
        let decision = admit(decision).map_err(Failure::violations)?;
        let change = self.change(&principal, &rooftop, asked.request_id, body_hash, asked.actor).await?;
        change.run(self, "CreateDecision", move |tx, change| Box::pin(make(tx, change, decision))).await
    }

    async fn withdraw(
        &self,
        principal: Principal,
        asked: WithdrawDecisionRequest,
    ) -> Result<IdentityDecision, Failure> {
        principal.require(Scope::Review)?;
        let principal = principal.in_group(&asked.name)?;
        let ids = name::parse(DECISION, &asked.name)?;
        let (rooftop, id) = (ids[1].to_owned(), Uuid::try_parse(ids[2]).ok());
        let mut violations = Vec::new();
        check_reason("reason", &asked.reason, &mut violations);
        if !violations.is_empty() {
            return Err(Failure::violations(violations));
        }
        let id = id.ok_or_else(|| Failure::not_found("decision", &asked.name))?;
        let body_hash =
            repeat::body_hash(&WithdrawDecisionRequest { request_id: String::new(), ..asked.clone() }.encode_to_vec());
        let change = self.change(&principal, &rooftop, asked.request_id, body_hash, asked.actor).await?;
        let reason = asked.reason;
        let run = change.run(self, "WithdrawDecision", move |tx, change| Box::pin(take_back(tx, change, id, reason)));
        Ok(shown(&principal, run.await?))
    }

    async fn list(&self, principal: Principal, asked: ListDecisionsRequest) -> Result<ListDecisionsResponse, Failure> {
        principal.require(Scope::Read)?;
        let principal = principal.in_group(&asked.parent)?;
        let rooftop = name::parse_field("parent", ROOFTOP, &asked.parent)?[1].to_owned();
        principal.require_rooftop(&rooftop)?;
        let pages = Pages::new(&self.cx.sealer, "decisions", &principal, &[&asked.parent], asked.page_size, 50)?;
        let before = match pages.open(&asked.page_token)? {
            None => None,
            Some(place) => {
                let (at, id) = place.instant()?;
                Some((at, Uuid::try_parse(id).map_err(Failure::internal)?))
            }
        };
        let (group, limit) = (principal.group.clone(), pages.limit());
        let mut rows = self
            .cx
            .db
            .read(&principal, move |tx| {
                Box::pin(async move { decisions::page(tx, &group, &rooftop, before, limit).await })
            })
            .await?;
        let next_page_token = pages.cut(&mut rows, |row: &Listed| Place::at(row.created_at, &row.id.to_string()));
        let decisions = rows.into_iter().map(|row| shown(&principal, row.decision));
        Ok(ListDecisionsResponse { decisions: decisions.collect(), next_page_token })
    }

    async fn change(
        &self,
        principal: &Principal,
        rooftop: &str,
        request_id: String,
        body_hash: [u8; 32],
        actor: String,
    ) -> Result<Change, Failure> {
        principal.require_rooftop(rooftop)?;
        if actor.is_empty() {
            return Err(Failure::violations(vec![Violation::new(
                "actor",
                format!("is missing: give {}", STAFF.shape),
            )]));
        }
        let actor = request::actor(actor)?;
        let known = self.memory.look(principal).await?;
        let found = known.find(rooftop).filter(|known| known.id == rooftop).cloned();
        let name = || format!("groups/{}/rooftops/{rooftop}", principal.group);
        Ok(Change {
            group: principal.group.clone(),
            rooftop: found.ok_or_else(|| Failure::not_found("rooftop", name()))?,
            request_id,
            body_hash,
            actor,
            trace: trace::current(),
            now: self.cx.clock.now(),
            log: self.log.clone(),
        })
    }
}

/// A decision as this caller may see it: who decided is a person's to see who may see persons.
fn shown(principal: &Principal, decision: IdentityDecision) -> IdentityDecision {
    let actor = if persons::seen_by(principal) { decision.actor } else { String::new() };
    IdentityDecision { actor, ..decision }
}

/// Makes a decision.
async fn make(tx: &mut Tx, change: &Change, decision: IdentityDecision) -> Result<IdentityDecision, Failure> {
    let id = Uuid::new_v4();
    let decision = IdentityDecision {
        name: format!("groups/{}/rooftops/{}/decisions/{}", change.group, change.rooftop.id, id.simple()),
        actor: change.actor.clone(),
        create_time: Some(to_wire(change.now)),
        ..decision
    };
    decisions::add(tx, &change.group, &change.rooftop.id, id, &decision, change.now).await?;
    let event = change.event(id.simple().to_string(), &decision, &decision.reason);
    change.say(tx, event, decision).await
}

/// Takes a decision back; what was taken back stays so.
async fn take_back(tx: &mut Tx, change: &Change, id: Uuid, reason: String) -> Result<IdentityDecision, Failure> {
    let (group, rooftop) = (&change.group, &change.rooftop.id);
    let name = format!("groups/{group}/rooftops/{rooftop}/decisions/{}", id.simple());
    let found = decisions::lock(tx, group, rooftop, id).await?;
    let decision = found.ok_or_else(|| Failure::not_found("decision", name))?;
    if decision.withdraw_time.is_some() {
        return Ok(decision);
    }
    decisions::withdraw(tx, group, rooftop, id, change.now).await?;
    let withdrawn = IdentityDecision { kind: DecisionKind::Withdrawal as i32, ..decision.clone() };
    let event = change.event(format!("{}-withdrawn", id.simple()), &withdrawn, &reason);
    let decision = IdentityDecision { withdraw_time: Some(to_wire(change.now)), ..decision };
    change.say(tx, event, decision).await
}

impl Change {
    /// Makes the change once for each request_id, and wakes the followers.
    async fn run<F>(self, service: &Decisions, method: &'static str, make: F) -> Result<IdentityDecision, Failure>
    where
        F: for<'c> FnOnce(&'c mut Tx, &'c Self) -> futures::future::BoxFuture<'c, Result<IdentityDecision, Failure>>
            + Send
            + 'static,
    {
        let part = self.rooftop.part;
        let decision = service
            .cx
            .db
            .work(Role::Appender, move |tx| {
                Box::pin(async move {
                    let Self { group, request_id, body_hash, .. } = &self;
                    if let Some(answer) = repeat::replayed(tx, SCHEMA, group, request_id, method, body_hash).await? {
                        return IdentityDecision::decode(answer.as_slice()).map_err(Failure::internal);
                    }
                    let decision = make(tx, &self).await?;
                    let answer = decision.encode_to_vec();
                    repeat::remember(tx, SCHEMA, group, request_id, method, body_hash, &answer).await?;
                    Ok(decision)
                })
            })
            .await?;
        service.log.wake([part]);
        Ok(decision)
    }

    fn event(&self, id: String, decision: &IdentityDecision, reason: &str) -> Event {
        let (event_type, withdrawn) = match decision.kind() {
            DecisionKind::Split => ("identity.split", String::new()),
            DecisionKind::Withdrawal => {
                ("identity.withdrawn", decision.name.rsplit('/').next().unwrap_or_default().to_owned())
            }
            DecisionKind::Link | DecisionKind::Unspecified => ("identity.linked", String::new()),
        };
        let now = Some(to_wire(self.now));
        let said = (!reason.is_empty()).then(|| ("reason".to_owned(), reason.to_owned()));
        Event {
            id,
            source: PEOPLE.to_owned(),
            r#type: event_type.to_owned(),
            occurred_at: now,
            time: Some(TimeBound { earliest: now, latest: now, quality: TimeQuality::Exact as i32 }),
            actor: self.actor.clone(),
            data: said.into_iter().collect(),
            decision: Some(Decision {
                kind: decision.kind,
                one: decision.one.clone(),
                other: decision.other.clone(),
                withdrawn,
            }),
            ..Event::default()
        }
    }

    /// Says it in the log, last.
    async fn say(&self, tx: &mut Tx, event: Event, decision: IdentityDecision) -> Result<IdentityDecision, Failure> {
        let part = self.rooftop.part;
        let entry = NewEntry {
            part,
            group: self.group.clone(),
            rooftop: self.rooftop.id.clone(),
            entity: format!("{PEOPLE} {}", event.id),
            origin: Origin::Live,
            actor: self.actor.clone(),
            trace: self.trace.clone(),
            body: Bytes::from(EntryBody { body: Some(Body::Event(event)) }.encode_to_vec()),
        };
        let appended = self.log.append(tx, self.now, vec![entry]).await?;
        let positions: Vec<(u16, u64)> = appended.iter().map(|appended| (part, appended.position)).collect();
        Ok(IdentityDecision { consistency_token: self.log.token(&positions), ..decision })
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DecisionService for Decisions {
    async fn create_decision(&self, request: Request<CreateDecisionRequest>) -> Answer<IdentityDecision> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.create(principal, request.into_inner()).await?))
    }

    async fn withdraw_decision(&self, request: Request<WithdrawDecisionRequest>) -> Answer<IdentityDecision> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.withdraw(principal, request.into_inner()).await?))
    }

    async fn list_decisions(&self, request: Request<ListDecisionsRequest>) -> Answer<ListDecisionsResponse> {
        let principal = Principal::of(&request)?;
        Ok(Response::new(self.list(principal, request.into_inner()).await?))
    }
}
