//! Flags: list, get, acknowledge.

use bytes::Bytes;
use pb::rule::v1::{AcknowledgeFlagRequest, Flag, GetFlagRequest, ListFlagsRequest, ListFlagsResponse};
use prost::Message;
use throughline_journal::NewEntry;
use throughline_platform::pages::Pages;
use throughline_platform::{
    Failure, Principal, Violation,
    db::Role,
    name,
    principal::Scope,
    repeat,
    seal::{args_hash, page_size},
    trace,
};
use throughline_proto as pb;

use super::{
    Rules,
    request::{Named, Within, check_actor, check_code, named, refuse, within},
};
use crate::{
    domain,
    store::{self, FlagsQuery},
    wire,
};

const FLAG: &str = "groups/{group}/rooftops/{rooftop}/flags/{flag}";
const DEAL: &str = "groups/{group}/rooftops/{rooftop}/deals/{deal}";
const ACKNOWLEDGE: &str = "AcknowledgeFlag";

pub(super) async fn list(
    rules: &Rules,
    principal: Principal,
    request: ListFlagsRequest,
) -> Result<ListFlagsResponse, Failure> {
    principal.require(Scope::Read)?;
    let Within { principal, rooftops } = within(&principal, &request.parent)?;
    let deal = deal_of(&principal, rooftops.as_deref(), &request)?;
    let size = page_size(request.page_size, 50, 500)?;
    let pages = Pages {
        sealer: &rules.cx.platform.sealer,
        purpose: "rules.flags",
        principal: &principal,
        args: args_hash(&[
            &request.parent,
            &request.deal,
            &request.kind,
            if request.show_closed { "closed" } else { "standing" },
        ]),
    };
    let after = pages.open(&request.page_token)?;
    rules.wait_for(&request.at_least).await?;

    let query = FlagsQuery {
        group: principal.group.clone(),
        rooftops,
        deal,
        kind: Some(request.kind).filter(|kind| !kind.is_empty()),
        closed: request.show_closed,
        after,
        limit: i64::from(size) + 1,
    };
    let mut flags = rules
        .cx
        .platform
        .db
        .read(&principal, |tx| Box::pin(async move { Ok::<_, Failure>(store::list_flags(tx, query).await?) }))
        .await?;
    let next_page_token = pages.cut(&mut flags, size as usize);
    Ok(ListFlagsResponse { flags: flags.iter().map(|(_, flag)| wire::render_flag(flag)).collect(), next_page_token })
}

/// The (rooftop, deal) that the list is held to, if it is.
fn deal_of(
    principal: &Principal,
    rooftops: Option<&[String]>,
    request: &ListFlagsRequest,
) -> Result<Option<(String, String)>, Failure> {
    if request.deal.is_empty() {
        return Ok(None);
    }
    let Named { principal: theirs, rooftop, id } = named(principal, "deal", DEAL, &request.deal)?;
    if theirs.group != principal.group || rooftops.is_some_and(|rooftops| !rooftops.contains(&rooftop)) {
        return Err(Failure::invalid(
            "deal",
            format!("{} is not within {}", name::shown(&request.deal), name::shown(&request.parent)),
        ));
    }
    Ok(Some((rooftop, id)))
}

pub(super) async fn get(rules: &Rules, principal: Principal, request: GetFlagRequest) -> Result<Flag, Failure> {
    principal.require(Scope::Read)?;
    let Named { principal, rooftop, id } = named(&principal, "name", FLAG, &request.name)?;
    let group = principal.group.clone();
    let flag = rules
        .cx
        .platform
        .db
        .read(&principal, |tx| {
            Box::pin(async move { Ok::<_, Failure>(store::get_flag(tx, &group, &rooftop, &id).await?) })
        })
        .await?;
    let flag = flag.ok_or_else(|| Failure::not_found("flag", request.name))?;
    Ok(wire::render_flag(&flag))
}

pub(super) async fn acknowledge(
    rules: &Rules,
    principal: Principal,
    request: AcknowledgeFlagRequest,
) -> Result<Flag, Failure> {
    principal.require(Scope::Review)?;
    let Named { principal, rooftop, id } = named(&principal, "name", FLAG, &request.name)?;
    check(&request)?;

    let (log, now, trace) = (rules.log.clone(), rules.cx.platform.clock.now(), trace::current());
    let group = principal.group;
    let write = rules.cx.platform.db.work(Role::Appender, move |tx| {
        Box::pin(async move {
            let hash = repeat::body_hash(&request.encode_to_vec());
            let request_id = &request.request_id;
            if let Some(first) = repeat::replayed(tx, crate::SCHEMA, &group, request_id, ACKNOWLEDGE, &hash).await? {
                let flag = Flag::decode(&*first).map_err(Failure::internal)?;
                return Ok((flag, None));
            }
            let locked = store::lock_flag(tx, &group, &rooftop, &id).await?;
            let (part, key, flag) = locked
                .filter(|(_, _, flag)| !flag.retracted)
                .ok_or_else(|| Failure::not_found("flag", request.name.as_str()))?;
            let acknowledged = domain::acknowledge(&flag, &request.actor, &request.note, now)
                .map_err(|closed| Failure::precondition(closed.to_string()).with("flag", request.name.as_str()))?;
            let answer = wire::render_flag(acknowledged.as_ref().unwrap_or(&flag));
            repeat::remember(tx, crate::SCHEMA, &group, request_id, ACKNOWLEDGE, &hash, &answer.encode_to_vec())
                .await?;
            let Some(flag) = acknowledged else { return Ok((answer, None)) };
            store::save_flags(tx, part, &[(&key, &flag)]).await?;
            let entry = NewEntry {
                part,
                group,
                rooftop,
                entity: flag.id.clone(),
                origin: wire::render_origin(flag.origin),
                actor: request.actor,
                trace,
                body: Bytes::from(wire::flag_entry(&flag).encode_to_vec()),
            };
            log.append(tx, now, vec![entry]).await?;
            Ok::<_, Failure>((answer, Some(part)))
        })
    });
    let (flag, part) = write.await?;
    rules.log.wake(part);
    Ok(flag)
}

fn check(request: &AcknowledgeFlagRequest) -> Result<(), Failure> {
    let mut violations: Vec<Violation> = Vec::new();
    check_actor(&request.actor, &mut violations);
    check_code("note", &request.note, false, &mut violations);
    refuse(violations)
}
