//! Routes: made and removed by administrators, listed by readers.

use pb::notification::v1::{
    CreateRouteRequest, CreateRouteResponse, DeleteRouteRequest, DeleteRouteResponse, ListRoutesRequest,
    ListRoutesResponse,
};
use prost::Message;
use throughline_platform::pages::Pages;
use throughline_platform::{
    Failure, Principal, Reason, Violation,
    db::{Role, Tx},
    name,
    principal::Scope,
    repeat,
    seal::{args_hash, page_size},
    signature::Secret,
};
use throughline_proto as pb;
use uuid::Uuid;

use super::{
    Notifications,
    request::{check_actor, within},
};
use crate::{
    domain::Withheld,
    store,
    wire::{self, Channel, RouteContent, StoredRoute},
};

const ROUTE: &str = "groups/{group}/routes/{route}";
const CREATE: &str = "CreateRoute";
/// Routes of one group: each is looked at with every live flag.
const MOST_ROUTES: i64 = 100;

pub(super) async fn create(
    notifications: &Notifications,
    principal: Principal,
    request: CreateRouteRequest,
) -> Result<CreateRouteResponse, Failure> {
    principal.require(Scope::Admin)?;
    let principal = within(&principal, &request.parent)?;
    let content = check(notifications, &request)?;
    admit(&principal, &content.rooftops)?;

    let now = notifications.cx.clock.now();
    let (group, by) = (principal.group.clone(), principal.key_id);
    let write = notifications.cx.db.work(Role::Appender, move |tx| {
        Box::pin(async move {
            let hash = repeat::body_hash(&request.encode_to_vec());
            let request_id = &request.request_id;
            if let Some(first) = repeat::replayed(tx, crate::SCHEMA, &group, request_id, CREATE, &hash).await? {
                return again(tx, &group, &first).await;
            }
            if store::count_routes(tx, &group).await? >= MOST_ROUTES {
                let message = format!("the group has {MOST_ROUTES} routes: delete one first");
                return Err(Failure::precondition(message).with("group", group));
            }
            let route = StoredRoute { id: Uuid::new_v4().to_string(), content, created_at: now, disabled_at: None };
            store::add_route(tx, &group, &route).await?;
            let mut answer =
                CreateRouteResponse { route: Some(wire::render_route(&group, &route)), signing_secret: String::new() };
            // What is remembered lacks the secret: it is kept in one place, which no call from outside reads.
            repeat::remember(tx, crate::SCHEMA, &group, request_id, CREATE, &hash, &answer.encode_to_vec()).await?;
            if matches!(route.content.channel, Channel::Webhook { .. }) {
                let secret = Secret::generate();
                store::add_secret(tx, &group, &route.id, &secret).await?;
                answer.signing_secret = secret.reveal();
            }
            tracing::info!(group, route = route.id, by, "a route was made");
            Ok(answer)
        })
    });
    write.await
}

/// The first answer once more, with the secret as long as the route is there.
async fn again(tx: &mut Tx, group: &str, first: &[u8]) -> Result<CreateRouteResponse, Failure> {
    let mut answer = CreateRouteResponse::decode(first).map_err(Failure::internal)?;
    let name = answer.route.as_ref().map(|route| route.name.as_str()).unwrap_or_default();
    let id = name.rsplit('/').next().unwrap_or_default();
    let secret = store::find_secret(tx, group, id).await?;
    answer.signing_secret = secret.map(|secret| secret.reveal()).unwrap_or_default();
    Ok(answer)
}

fn check(notifications: &Notifications, request: &CreateRouteRequest) -> Result<RouteContent, Failure> {
    let mut violations: Vec<Violation> = check_actor(&request.actor).into_iter().collect();
    let route = match &request.route {
        Some(route) => wire::parse_route(route, notifications.loopback),
        None => Err(vec![Violation::new("route", "is missing")]),
    };
    match route {
        Ok(content) if violations.is_empty() => Ok(content),
        Ok(_) => Err(Failure::violations(violations)),
        Err(wrong) => {
            violations.extend(wrong);
            Err(Failure::violations(violations))
        }
    }
}

/// A key of some rooftops makes and removes routes from these alone.
fn admit(principal: &Principal, rooftops: &[String]) -> Result<(), Failure> {
    if rooftops.is_empty() && principal.rooftop_filter().is_some() {
        let message = "this key may not see all rooftops: name those of the route";
        return Err(Failure::permission(Reason::RooftopNotAllowed, message).at_field("route.rooftops"));
    }
    rooftops.iter().try_for_each(|rooftop| principal.require_rooftop(rooftop))
}

pub(super) async fn list(
    notifications: &Notifications,
    principal: Principal,
    request: ListRoutesRequest,
) -> Result<ListRoutesResponse, Failure> {
    principal.require(Scope::Read)?;
    let principal = within(&principal, &request.parent)?;
    let size = page_size(request.page_size, 50, 500)?;
    let pages = Pages {
        sealer: &notifications.cx.sealer,
        purpose: "notification.routes",
        principal: &principal,
        args: args_hash(&[&request.parent]),
    };
    let after = pages.open(&request.page_token)?;
    let (group, rooftops, limit) = (principal.group.clone(), principal.rooftop_filter(), i64::from(size) + 1);
    let mut routes = notifications
        .cx
        .db
        .read(&principal, move |tx| {
            Box::pin(async move {
                Ok::<_, Failure>(store::list_routes(tx, &group, rooftops.as_deref(), after, limit).await?)
            })
        })
        .await?;
    let next_page_token = pages.cut(&mut routes, size as usize);
    let routes = routes.iter().map(|(_, route)| wire::render_route(&principal.group, route)).collect();
    Ok(ListRoutesResponse { routes, next_page_token })
}

pub(super) async fn delete(
    notifications: &Notifications,
    principal: Principal,
    request: DeleteRouteRequest,
) -> Result<DeleteRouteResponse, Failure> {
    principal.require(Scope::Admin)?;
    let id = name::parse(ROUTE, &request.name)?.get(1).copied().unwrap_or_default().to_owned();
    let principal = principal.in_group(&request.name)?;
    if let Some(violation) = check_actor(&request.actor) {
        return Err(Failure::violations(vec![violation]));
    }
    let now = notifications.cx.clock.now();
    let write = notifications.cx.db.work(Role::Appender, move |tx| {
        Box::pin(async move {
            let group = principal.group.as_str();
            let found = store::lock_route(tx, group, &id).await?;
            let route = found.ok_or_else(|| Failure::not_found("route", request.name.as_str()))?;
            admit(&principal, &route.content.rooftops)?;
            store::delete_route(tx, group, &id).await?;
            let withheld = store::withhold_of_route(tx, group, &id, Withheld::RouteDeleted, now).await?;
            tracing::info!(group, route = id, by = principal.key_id, withheld, "a route was removed");
            Ok::<_, Failure>(withheld)
        })
    });
    let withheld = write.await?;
    notifications.metrics.suppressed(Withheld::RouteDeleted, withheld);
    Ok(DeleteRouteResponse {})
}
