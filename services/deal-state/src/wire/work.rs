//! Lists, as they are told to others.

use jiff::{SignedDuration, Timestamp};
use throughline_process::Bound;
use throughline_proto::{
    deal::v1 as pb,
    time::{duration_to_wire, from_wire},
};

use crate::domain::worklists::List;
use throughline_wire::render_bound;

/// The list on the wire, and by its number in the store.
pub fn list(list: List) -> pb::WorkList {
    match list {
        List::DealsLaying => pb::WorkList::DealsLaying,
        List::SoldNotDelivered => pb::WorkList::SoldNotDelivered,
        List::DeliveredNotFunded => pb::WorkList::DeliveredNotFunded,
        List::ContractsInTransit => pb::WorkList::ContractsInTransit,
        List::TradesNotFinalized => pb::WorkList::TradesNotFinalized,
        List::HolesInRecon => pb::WorkList::HolesInRecon,
    }
}

/// A list by its number; none if this build has no such list.
pub fn read_list(number: i32) -> Option<List> {
    List::ALL.into_iter().find(|known| list(*known) as i32 == number)
}

/// What stands on a list, beside its deal.
#[derive(Clone, Debug)]
pub struct Listed {
    pub list: List,
    pub instance: String,
    pub since: Bound,
    pub department: String,
    pub leaving_unobserved: bool,
}

/// An item, with its deal as the caller may see it; `today` is the beginning of the rooftop's day.
pub fn work_item(listed: Listed, deal: pb::Deal, now: Timestamp, today: Timestamp) -> pb::WorkItem {
    let (least, most) = age(listed.since, now);
    let touched = deal.last_event_at.as_ref().and_then(from_wire).is_some_and(|last| last >= today);
    pb::WorkItem {
        list: list(listed.list) as i32,
        deal: deal.name,
        keys: deal.keys,
        state: deal.state,
        instance: listed.instance,
        since: Some(render_bound(listed.since)),
        age_least: Some(least),
        age_most: Some(most),
        waiting_department: listed.department,
        holders: deal.holders,
        last_event_at: deal.last_event_at,
        untouched_today: !touched,
        leaving_unobserved: listed.leaving_unobserved,
    }
}

/// How long something has lasted, at least and at most.
pub fn age(since: Bound, now: Timestamp) -> (prost_types::Duration, prost_types::Duration) {
    let (least, most) = since.duration_until(&Bound::exact(now));
    // None is negative.
    let told = |age: SignedDuration| duration_to_wire(age.unsigned_abs());
    (told(least), told(most))
}
