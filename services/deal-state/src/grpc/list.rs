//! Deals of a group, filtered and ordered, in pages.

use throughline_platform::{
    Failure, Violation, name,
    principal::Principal,
    seal::{args_hash, page_size},
};
use throughline_proto::deal::v1 as pb;

use super::Deals;
use crate::{
    domain::{
        filter::{Filter, Order},
        id::DealId,
    },
    store::{self, DealRow},
};
use jiff::Timestamp;

const PURPOSE: &str = "deals";
const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;

/// A page ends early rather than grow beyond the largest message.
const PAGE_BYTES: usize = throughline_platform::MAX_MESSAGE_BYTES / 2;

impl Deals {
    pub(super) async fn list(
        &self,
        principal: Principal,
        request: pb::ListDealsRequest,
    ) -> Result<pb::ListDealsResponse, Failure> {
        let rooftops = rooftops_of(&principal, &request.parent)?;
        let (filter, order) = parse(&request)?;
        let size = page_size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)?;
        let args = args_hash(&[&request.parent, &request.filter, &request.order_by]);
        let sealer = &self.cx.platform.sealer;
        let after = sealer.open_page(PURPOSE, &principal, &args, &request.page_token)?;
        let after = after.map(|place| read_place(&place)).transpose()?;
        if filter.nothing {
            return Ok(pb::ListDealsResponse::default());
        }

        let group = principal.group.clone();
        let most = i64::from(size) + 1;
        let mut rows = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let ids = match filter.keys.as_slice() {
                        [] => None,
                        keys => Some(store::having(tx, &group, keys).await?),
                    };
                    let wanted = store::Wanted {
                        group: &group,
                        rooftops: rooftops.as_deref(),
                        filter: &filter,
                        ids: ids.as_deref(),
                        order,
                        after,
                        most,
                    };
                    store::list(tx, wanted).await
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;

        let fit = fitting(&rows, size as usize);
        let more = rows.len() > fit;
        rows.truncate(fit);
        let next = rows.last().filter(|_| more).map(|last| write_place(last.ordered_by, last.id));
        let deals = self.shown(&principal, rows.iter().map(|row| row.body.as_slice())).await?;
        let token = next.map(|place| sealer.page_token(PURPOSE, &principal, &args, &place));
        Ok(pb::ListDealsResponse { deals, next_page_token: token.unwrap_or_default() })
    }
}

/// The rooftops that the list is held to; none means all of the group.
pub(super) fn rooftops_of(principal: &Principal, parent: &str) -> Result<Option<Vec<String>>, Failure> {
    if parent.split('/').count() <= 2 {
        name::parse_field("parent", "groups/{group}", parent)?;
        return Ok(principal.rooftop_filter());
    }
    let ids = name::parse_field("parent", "groups/{group}/rooftops/{rooftop}", parent)?;
    principal.require_rooftop(ids[1])?;
    Ok(Some(vec![ids[1].to_owned()]))
}

fn parse(request: &pb::ListDealsRequest) -> Result<(Filter, Order), Failure> {
    match (Filter::parse(&request.filter), Order::parse(&request.order_by)) {
        (Ok(filter), Ok(order)) => Ok((filter, order)),
        (filter, order) => {
            let wrong = [("filter", filter.err()), ("order_by", order.err())];
            let violations = wrong
                .into_iter()
                .filter_map(|(field, error)| Some(Violation::new(field, error?.to_string())))
                .collect();
            Err(Failure::violations(violations))
        }
    }
}

/// How many rows fit into a page: at least one.
fn fitting(rows: &[DealRow], size: usize) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take(size).take_while(|row| {
        bytes += row.body.len();
        bytes <= PAGE_BYTES
    });
    fits.count().max(1).min(rows.len())
}

fn write_place(at: Timestamp, id: DealId) -> Vec<u8> {
    let mut place = at.as_microsecond().to_be_bytes().to_vec();
    place.extend_from_slice(id.0.as_bytes());
    place
}

fn read_place(place: &[u8]) -> Result<(Timestamp, DealId), Failure> {
    // Only we can have sealed it.
    let broken = || Failure::internal("a sealed page token holds no place");
    let (at, id) = place.split_first_chunk::<8>().ok_or_else(broken)?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).map_err(|_| broken())?;
    let id = <[u8; 16]>::try_from(id).map_err(|_| broken())?;
    Ok((at, DealId(uuid::Uuid::from_bytes(id))))
}
