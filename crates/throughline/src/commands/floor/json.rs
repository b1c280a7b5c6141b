//! A floor for programs.

use serde_json::{Value, json};
use throughline_proto::{
    deal::v1::IntervalState,
    event::v1::TimeBound,
    rule::v1::{Arriving, DepartmentFloor, FeedHealth, Floor, OnShift, Serving, StoreState, Waiting},
    time::{duration_from_wire, from_wire},
};

use crate::output::{last_segment, rooftop_of};

/// A floor as one object; instants in RFC 3339.
pub(super) fn floor(floor: &Floor) -> Value {
    let store = floor.store.as_ref();
    json!({
        "rooftop": rooftop_of(&floor.name),
        "as_of": instant(floor.as_of.as_ref()),
        "known_until": instant(floor.known_until.as_ref()),
        "store": store.map_or("unknown", |store| store_text(store.state())),
        "store_changes_at": instant(store.and_then(|store| store.changes_at.as_ref())),
        "departments": floor.departments.iter().map(department).collect::<Vec<_>>(),
        "unplaced": floor.unplaced.iter().map(on_shift).collect::<Vec<_>>(),
        "feeds": floor.feeds.iter().map(feed).collect::<Vec<_>>(),
        "omitted_deals": floor.omitted_deal_count,
    })
}

/// `open`, `closed` or `unknown`.
pub(super) fn store_text(state: StoreState) -> &'static str {
    match state {
        StoreState::Open => "open",
        StoreState::Closed => "closed",
        StoreState::Unknown | StoreState::Unspecified => "unknown",
    }
}

fn department(floor: &DepartmentFloor) -> Value {
    json!({
        "department": floor.department,
        "waiting_count": floor.waiting_open_count,
        "waiting": floor.waiting.iter().map(waiting).collect::<Vec<_>>(),
        "serving_count": floor.serving_count,
        "serving": floor.serving.iter().map(serving).collect::<Vec<_>>(),
        "staff_known": floor.staff_known,
        "on_shift_count": floor.on_shift_count,
        "on_shift": floor.on_shift.iter().map(on_shift).collect::<Vec<_>>(),
        "shared_roles": floor.shared_roles.iter()
            .map(|shared| json!({"role": shared.role, "department": shared.department}))
            .collect::<Vec<_>>(),
        "arriving_count": floor.arriving_count,
        "arriving_next_count": floor.arriving_next_count,
        "arriving": floor.arriving.iter().map(arriving).collect::<Vec<_>>(),
    })
}

fn waiting(of: &Waiting) -> Value {
    json!({
        "deal": last_segment(&of.deal), "number": of.number, "measure": of.measure, "state": state_text(of.state()),
        "since": latest(of.since.as_ref()), "since_earliest": earliest(of.since.as_ref()),
        "unknown_since": instant(of.unknown_since.as_ref()),
    })
}

fn serving(of: &Serving) -> Value {
    json!({
        "deal": last_segment(&of.deal), "number": of.number, "measure": of.measure, "state": state_text(of.state()),
        "track": of.track, "actor": of.actor, "since": latest(of.since.as_ref()), "since_earliest": earliest(of.since.as_ref()),
        "unknown_since": instant(of.unknown_since.as_ref()),
    })
}

fn on_shift(of: &OnShift) -> Value {
    json!({
        "staff": of.staff, "role": of.role, "since": latest(of.since.as_ref()), "until": instant(of.until.as_ref()),
    })
}

fn arriving(of: &Arriving) -> Value {
    json!({
        "deal": last_segment(&of.deal), "number": of.number, "towards": of.towards, "department": of.department,
        "measure": of.measure, "since": latest(of.since.as_ref()), "steps": of.steps,
    })
}

fn feed(of: &FeedHealth) -> Value {
    json!({
        "source": of.source,
        "last_arrival": instant(of.last_arrival.as_ref()),
        "stale_since": instant(of.stale_since.as_ref()),
        "expected_seconds": of.expected_interval.as_ref().map(|expected| duration_from_wire(expected).as_secs()),
        "hides": of.hides,
    })
}

fn state_text(state: IntervalState) -> &'static str {
    match state {
        IntervalState::Open => "open",
        IntervalState::Unknown => "unknown",
        _ => "not_observed",
    }
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    at.and_then(from_wire).map(|at| at.to_string())
}

fn latest(time: Option<&TimeBound>) -> Option<String> {
    instant(time.and_then(|time| time.latest.as_ref()))
}

fn earliest(time: Option<&TimeBound>) -> Option<String> {
    instant(time.and_then(|time| time.earliest.as_ref()))
}
