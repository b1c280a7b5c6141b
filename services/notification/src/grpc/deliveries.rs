//! What became of messages.

use pb::notification::v1::{ListDeliveriesRequest, ListDeliveriesResponse};
use throughline_platform::pages::Pages;
use throughline_platform::{
    Failure, Principal, name,
    principal::Scope,
    seal::{args_hash, page_size},
};
use throughline_proto as pb;

use super::{Notifications, request::within};
use crate::{
    store::{self, DeliveriesQuery},
    wire,
};

const FLAG: &str = "groups/{group}/rooftops/{rooftop}/flags/{flag}";

pub(super) async fn list(
    notifications: &Notifications,
    principal: Principal,
    request: ListDeliveriesRequest,
) -> Result<ListDeliveriesResponse, Failure> {
    principal.require(Scope::Read)?;
    let principal = within(&principal, &request.parent)?;
    let flag = flag_of(&principal, &request)?;
    let size = page_size(request.page_size, 50, 500)?;
    let pages = Pages {
        sealer: &notifications.cx.sealer,
        purpose: "notification.deliveries",
        principal: &principal,
        args: args_hash(&[&request.parent, &request.flag]),
    };
    let query = DeliveriesQuery {
        group: principal.group.clone(),
        rooftops: principal.rooftop_filter(),
        flag,
        after: pages.open(&request.page_token)?,
        limit: i64::from(size) + 1,
    };
    let mut deliveries = notifications
        .cx
        .db
        .read(&principal, |tx| Box::pin(async move { Ok::<_, Failure>(store::list_deliveries(tx, query).await?) }))
        .await?;
    let next_page_token = pages.cut(&mut deliveries, size as usize);
    let deliveries = deliveries.iter().map(|(_, delivery)| wire::render_delivery(&principal.group, delivery)).collect();
    Ok(ListDeliveriesResponse { deliveries, next_page_token })
}

/// The (rooftop, flag) that the list is held to, if it is.
fn flag_of(principal: &Principal, request: &ListDeliveriesRequest) -> Result<Option<(String, String)>, Failure> {
    if request.flag.is_empty() {
        return Ok(None);
    }
    let ids = name::parse_field("flag", FLAG, &request.flag)?;
    let [group, rooftop, flag] = ids[..] else { return Ok(None) };
    if group != principal.group {
        return Err(Failure::invalid(
            "flag",
            format!("{} is not within {}", name::shown(&request.flag), name::shown(&request.parent)),
        ));
    }
    principal.require_rooftop(rooftop)?;
    Ok(Some((rooftop.to_owned(), flag.to_owned())))
}
