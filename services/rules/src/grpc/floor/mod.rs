//! The floor of a rooftop: once, or as it changes.

mod watch;

use pb::{
    deal::v1::Deal,
    rule::v1::{Floor, GetFloorRequest},
};
use prost::Message;
use throughline_platform::{
    Failure, Principal, Reason, db::Role, failure::Code, name::shown, persons, principal::Scope,
};
use throughline_process::{
    Evidence,
    floor::{self, FloorDeal, Inputs},
};
use throughline_proto as pb;

use super::{
    Rules,
    request::{Named, named},
};
use crate::{
    store::{self, FloorProgress, StoredFloor},
    wire,
};

pub(super) use watch::{FloorStream, watch};

const FLOOR: &str = "groups/{group}/rooftops/{rooftop}/floor";

/// A floor holds at most this many deals.
const MAX_DEALS: i64 = 2_000;

pub(super) async fn get(rules: &Rules, principal: Principal, request: GetFloorRequest) -> Result<Floor, Failure> {
    principal.require(Scope::Read)?;
    let Named { principal, rooftop, .. } = named(&principal, "name", FLOOR, &request.name)?;
    rules.wait_for(&request.at_least).await?;
    // Before the floor is read, so that the floor holds at least what this says.
    let known = progress(rules, &principal, Some(vec![rooftop]), 1).await?.pop();
    let progress = known.ok_or_else(|| Failure::not_found("floor", request.name))?;
    load(rules, &principal, &progress).await
}

/// How far the floors of some rooftops are, or of all of the group.
async fn progress(
    rules: &Rules,
    principal: &Principal,
    rooftops: Option<Vec<String>>,
    limit: i64,
) -> Result<Vec<FloorProgress>, Failure> {
    let group = principal.group.clone();
    let db = &rules.cx.platform.db;
    db.statement(Role::Worker, move |tx| {
        Box::pin(async move { Ok::<_, Failure>(store::floor_rooftops(tx, &group, rooftops.as_deref(), limit).await?) })
    })
    .await
}

/// What a floor is made of.
struct Parts {
    stored: StoredFloor,
    deals: Vec<(String, Vec<u8>)>,
    deal_count: u64,
    evidence: Evidence,
}

/// The floor of a rooftop now, as this caller may see it.
async fn load(rules: &Rules, principal: &Principal, progress: &FloorProgress) -> Result<Floor, Failure> {
    let (group, rooftop) = (principal.group.clone(), progress.rooftop.clone());
    let db = &rules.cx.platform.db;
    let parts = db.read(principal, move |tx| {
        Box::pin(async move {
            let Some(stored) = store::get_floor(tx, &group, &rooftop).await? else { return Ok(None) };
            let (deals, deal_count) = store::floor_deals(tx, stored.part, &group, &rooftop, MAX_DEALS).await?;
            let feeds = store::load_feeds(tx, stored.part, &[(&group, &rooftop)]).await?;
            let evidence = feeds.into_values().next().unwrap_or_default();
            Ok::<_, Failure>(Some(Parts { stored, deals, deal_count, evidence }))
        })
    });
    let name = format!("groups/{}/rooftops/{}/floor", principal.group, progress.rooftop);
    let parts = parts.await?.ok_or_else(|| unknown_rooftop(principal, &progress.rooftop))?;
    let floor = render(rules, principal, parts, name)?;
    Ok(Floor { known_until: progress.known_until.map(pb::time::to_wire), ..floor })
}

fn render(rules: &Rules, principal: &Principal, parts: Parts, name: String) -> Result<Floor, Failure> {
    let Parts { stored: StoredFloor { rooftop, staff, .. }, deals, deal_count, evidence } = parts;
    let rulebook = wire::rulebook(&rooftop).map_err(Failure::internal)?;
    let staff = staff.as_deref().map(wire::staff).transpose().unwrap_or_else(|why| {
        tracing::error!(floor = name, %why, "what is kept of staff events cannot be read: the floor knows of no shifts");
        None
    });
    let omitted = deal_count.saturating_sub(deals.len() as u64);
    let deals: Vec<FloorDeal> = deals.iter().filter_map(|(deal, body)| read(&name, deal, body)).collect();
    let inputs = Inputs {
        definition: &rulebook.definition,
        schedule: &rulebook.schedule,
        zone: &wire::zone(&rooftop).map_err(Failure::internal)?,
        staff: &staff.unwrap_or_default(),
        deals: &deals,
        evidence: &evidence,
    };
    let floor = floor::floor(&inputs, rules.cx.platform.clock.now());
    let floor = wire::render_floor(&floor, name, persons::seen_by(principal));
    Ok(Floor { omitted_deal_count: u32::try_from(omitted).unwrap_or(u32::MAX), ..floor })
}

/// A deal that cannot be read is missing on the floor, and nothing else is.
fn read(floor: &str, deal: &str, body: &[u8]) -> Option<FloorDeal> {
    let read = Deal::decode(body).map_err(|why| why.to_string());
    let read = read.and_then(|deal| wire::floor_deal(&deal).map_err(|why| why.to_string()));
    read.inspect_err(|why| tracing::error!(floor, deal, why, "a kept deal cannot be read: the floor leaves it out"))
        .ok()
}

fn unknown_rooftop(principal: &Principal, rooftop: &str) -> Failure {
    let message = format!("group {:?} has no rooftop {}", principal.group, shown(rooftop));
    Failure::new(Code::NotFound, Reason::UnknownRooftop, message).with_sent("rooftop", rooftop.to_owned())
}
