//! What was kept apart.

use jiff::Timestamp;
use prost::Message;
use throughline_platform::{Failure, Principal, db::Db, name, principal::Scope};
use throughline_proto::{
    event::v1::{Event, Origin},
    ingestion::v1::{
        ListQuarantinedRequest, ListQuarantinedResponse, Outcome, Quarantined, ReplayQuarantinedRequest,
        ReplayQuarantinedResponse,
    },
    time::to_wire,
};
use uuid::Uuid;

use super::{
    Ingestion,
    request::{self, Pages, Place, quarantined_id},
};
use crate::{
    intake::{Incoming, Manner, Patience},
    store::quarantine::{self, Listed, Resting},
    wire::event::parse_rest,
};

const QUARANTINED: &str = "groups/{group}/quarantined/{quarantined}";
/// Events replayed by one call.
const MOST_REPLAYED: usize = 500;

pub(super) async fn list(
    service: &Ingestion,
    principal: Principal,
    asked: ListQuarantinedRequest,
) -> Result<ListQuarantinedResponse, Failure> {
    principal.require(Scope::Review)?;
    let principal = principal.in_group(&asked.parent)?;
    let shown = if asked.show_released { "all" } else { "open" };
    let args = [asked.parent.as_str(), shown];
    let pages = Pages::new(&service.cx.sealer, "quarantined", &principal, &args, asked.page_size, 50)?;
    let before = match pages.open(&asked.page_token)? {
        None => None,
        Some(place) => {
            let (at, id) = place.instant()?;
            let id = quarantined_id(id).ok_or_else(|| Failure::internal("a page token of ours holds no id"))?;
            Some((at, id))
        }
    };
    let (group, rooftops, limit) = (principal.group.clone(), principal.rooftop_filter(), pages.limit());
    let mut rows = service
        .cx
        .db
        .read(&principal, move |tx| {
            Box::pin(async move {
                quarantine::page(tx, &group, before, rooftops.as_deref(), asked.show_released, limit).await
            })
        })
        .await?;
    let next_page_token = pages.cut(&mut rows, |row: &Listed| Place::at(row.created_at, &row.id.to_string()));
    let group = &principal.group;
    Ok(ListQuarantinedResponse {
        quarantined: rows.into_iter().map(|row| render(group, row)).collect(),
        next_page_token,
    })
}

fn render(group: &str, row: Listed) -> Quarantined {
    Quarantined {
        name: format!("groups/{group}/quarantined/{}", row.id),
        rooftop: row.rooftop,
        source: row.source,
        event_id: row.event_id,
        event_type: row.event_type,
        reason: row.reason,
        message: row.message,
        create_time: Some(to_wire(row.created_at)),
        release_time: row.released_at.map(to_wire),
    }
}

pub(super) async fn replay(
    service: &Ingestion,
    principal: Principal,
    asked: ReplayQuarantinedRequest,
) -> Result<ReplayQuarantinedResponse, Failure> {
    principal.require(Scope::Review)?;
    let principal = principal.in_group(&asked.parent)?;
    let manner = Manner { origin: Origin::Replay, actor: request::actor(asked.actor)?, from_file: false };
    let resting = resting(&service.cx.db, &principal, &asked.names).await?;
    let now = service.cx.clock.now();
    // What was broken when it came rests without its broken part: accepted, it would mean something else.
    let (mendable, broken): (Vec<Resting>, Vec<Resting>) = resting.into_iter().partition(|rest| rest.mendable);
    let events: Vec<Incoming<'_>> = mendable.into_iter().map(|rest| wake(rest, now)).collect::<Result<_, _>>()?;
    let call = service.intake.prepare(&principal, &manner, Patience::Refuse, events.into_iter()).await?;
    let answer = service.intake.settle(call, Patience::Refuse).await?;
    let settled = |outcome| answer.events.iter().filter(|event| event.outcome == outcome).count() as u32;
    Ok(ReplayQuarantinedResponse {
        accepted: answer.accepted,
        duplicates: answer.duplicates,
        quarantined: settled(Outcome::Quarantined) + settled(Outcome::Refused) + broken.len() as u32,
    })
}

fn wake(rest: Resting, now: Timestamp) -> Result<Incoming<'static>, Failure> {
    let event = Event::decode(rest.event.as_slice()).map_err(Failure::internal)?;
    Ok(Incoming::Rested { id: rest.id, event: Box::new(parse_rest(event, rest.rooftop).reparse(now)) })
}

/// The events that a replay means, as far as the key may see and write them.
async fn resting(db: &Db, principal: &Principal, names: &[String]) -> Result<Vec<Resting>, Failure> {
    if names.len() > MOST_REPLAYED {
        return Err(Failure::invalid("names", format!("has {} entries, {MOST_REPLAYED} at most", names.len())));
    }
    let ids = names.iter().enumerate().map(|(at, name)| id_of(principal, at, name)).collect::<Result<Vec<_>, _>>()?;
    let (group, rooftops) = (principal.group.clone(), principal.rooftop_filter());
    let resting = db.read(principal, move |tx| {
        Box::pin(async move {
            match ids.as_slice() {
                [] => quarantine::oldest(tx, &group, rooftops.as_deref(), MOST_REPLAYED as i64).await,
                ids => quarantine::named(tx, &group, ids, rooftops.as_deref()).await,
            }
        })
    });
    Ok(resting.await?.into_iter().filter(|rest| rest.source.is_empty() || principal.may_write(&rest.source)).collect())
}

fn id_of(principal: &Principal, at: usize, quarantined: &str) -> Result<Uuid, Failure> {
    let field = format!("names[{at}]");
    let ids = name::parse_field(&field, QUARANTINED, quarantined)?;
    if ids[0] != principal.group {
        return Err(Failure::invalid(field, "is of another group than the parent"));
    }
    quarantined_id(ids[1]).ok_or_else(|| Failure::invalid(field, "does not end in an id of a quarantined event"))
}
