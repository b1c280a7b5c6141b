//! The lists that managers look at every day: their items by age, and how much stands on them.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, tz::TimeZone};
use prost::Message;
use throughline_platform::{
    Failure,
    principal::Principal,
    seal::{args_hash, page_size},
};
use throughline_proto::{deal::v1 as pb, tenant::v1::Rooftop, time::to_wire};
use uuid::Uuid;

use super::{Deals, list::rooftops_of};
use crate::{
    domain::{
        id::DealId,
        worklists::{List, day_began},
    },
    store::{self, BoardRooftop, CountRow, Place, WorkRow},
    wire::{self, Listed},
};

const PURPOSE: &str = "work";
const DEFAULT_PAGE: u32 = 50;
/// Below the rooftops that the store reads at once, so that each of a page has its day.
const LARGEST_PAGE: u32 = 200;

impl Deals {
    pub(super) async fn work(
        &self,
        principal: Principal,
        request: pb::ListWorkRequest,
    ) -> Result<pb::ListWorkResponse, Failure> {
        let rooftops = rooftops_of(&principal, &request.parent)?;
        let list = wire::read_list(request.list).ok_or_else(|| {
            let description = "name one of the lists, such as WORK_LIST_DEALS_LAYING";
            Failure::invalid("list", format!("{} is no list: {description}", request.list))
        })?;
        let size = page_size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)? as usize;
        let args = args_hash(&[&request.parent, wire::list(list).as_str_name()]);
        let sealer = &self.cx.platform.sealer;
        let after = sealer.open_page(PURPOSE, &principal, &args, &request.page_token)?;
        let after = after.map(|place| read_place(&place)).transpose()?;

        let (group, most) = (principal.group.clone(), size as i64 + 1);
        let (mut rows, rooftops) = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let rows = store::list_work(tx, (&group, rooftops.as_deref()), list, after, most).await?;
                    let of: BTreeSet<&String> = rows.iter().map(|row| &row.rooftop).collect();
                    let of: Vec<String> = of.into_iter().cloned().collect();
                    let rooftops = store::board_rooftops(tx, &group, Some(&of)).await?;
                    Ok((rows, rooftops))
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;

        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|last| write_place(&last.place()));
        let now = self.cx.platform.clock.now();
        let days: HashMap<&str, Timestamp> =
            rooftops.iter().map(|rooftop| (rooftop.rooftop.as_str(), began(rooftop, now))).collect();
        let mut items = Vec::with_capacity(rows.len());
        let deals = self.shown(&principal, rows.iter().map(|row| row.body.as_slice())).await?;
        for (row, deal) in rows.into_iter().zip(deals) {
            let today = days.get(row.rooftop.as_str()).copied();
            let today = today.unwrap_or_else(|| day_began(now, &TimeZone::UTC));
            items.push(wire::work_item(listed(list, row), deal, now, today));
        }
        let token = next.map(|place| sealer.page_token(PURPOSE, &principal, &args, &place));
        Ok(pb::ListWorkResponse { items, next_page_token: token.unwrap_or_default(), as_of: Some(to_wire(now)) })
    }

    pub(super) async fn counts(
        &self,
        principal: Principal,
        request: pb::CountWorkRequest,
    ) -> Result<pb::CountWorkResponse, Failure> {
        let wanted = rooftops_of(&principal, &request.parent)?;
        let group = principal.group.clone();
        let now = self.cx.platform.clock.now();
        let (rooftops, rows) = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let rooftops = store::board_rooftops(tx, &group, wanted.as_deref()).await?;
                    let ids: Vec<String> = rooftops.iter().map(|rooftop| rooftop.rooftop.clone()).collect();
                    let began: Vec<Timestamp> = rooftops.iter().map(|rooftop| began(rooftop, now)).collect();
                    let rows = store::count_work(tx, &group, (&ids, &began)).await?;
                    Ok((rooftops, rows))
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let rows: HashMap<(&str, List), &CountRow> =
            rows.iter().map(|row| ((row.rooftop.as_str(), row.list), row)).collect();
        let counts = rooftops.iter().flat_map(|rooftop| {
            let count = |list| count(&rooftop.rooftop, list, rows.get(&(rooftop.rooftop.as_str(), list)).copied(), now);
            List::ALL.map(count)
        });
        Ok(pb::CountWorkResponse { counts: counts.collect(), as_of: Some(to_wire(now)) })
    }
}

/// When the rooftop's day began; in UTC where nobody said which zone it is in.
fn began(rooftop: &BoardRooftop, now: Timestamp) -> Timestamp {
    let said = Rooftop::decode(rooftop.body.as_slice()).ok();
    let zone = said.and_then(|said| TimeZone::get(&said.zone).ok());
    day_began(now, &zone.unwrap_or(TimeZone::UTC))
}

fn listed(list: List, row: WorkRow) -> Listed {
    let WorkRow { instance, since, department, leaving_unobserved, .. } = row;
    Listed { list, instance, since, department, leaving_unobserved }
}

fn count(rooftop: &str, list: List, row: Option<&CountRow>, now: Timestamp) -> pb::WorkCount {
    let oldest = row.map(|row| wire::age(row.oldest, now));
    let told = |count: Option<i64>| count.map_or(0, |count| count.unsigned_abs());
    pb::WorkCount {
        rooftop: rooftop.to_owned(),
        list: wire::list(list) as i32,
        count: told(row.map(|row| row.count)),
        untouched_today: told(row.map(|row| row.untouched)),
        leaving_unobserved: told(row.map(|row| row.unobserved)),
        oldest_least: oldest.map(|oldest| oldest.0),
        oldest_most: oldest.map(|oldest| oldest.1),
    }
}

fn write_place(place: &Place) -> Vec<u8> {
    let mut written = place.since.as_microsecond().to_be_bytes().to_vec();
    written.extend_from_slice(place.deal.0.as_bytes());
    written.extend_from_slice(place.instance.as_bytes());
    written
}

fn read_place(place: &[u8]) -> Result<Place, Failure> {
    // Only we can have sealed it.
    let broken = || Failure::internal("a sealed page token holds no place");
    let (since, rest) = place.split_first_chunk::<8>().ok_or_else(broken)?;
    let (deal, instance) = rest.split_first_chunk::<16>().ok_or_else(broken)?;
    Ok(Place {
        since: Timestamp::from_microsecond(i64::from_be_bytes(*since)).map_err(|_| broken())?,
        deal: DealId(Uuid::from_bytes(*deal)),
        instance: std::str::from_utf8(instance).map_err(|_| broken())?.to_owned(),
    })
}
