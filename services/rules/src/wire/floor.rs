//! Floors: deals as they go into one, and a floor as it is answered.

use jiff::tz::TimeZone;
use pb::{deal::v1::IntervalState, rule::v1 as rule};
use throughline_process::{
    deal::DealState,
    floor::{
        Arriving, DepartmentFloor, FeedHealth, Floor, FloorDeal, OnShift, Serving, Standing, Store, StoreState,
        UntilBy, Waiting, leaves_at,
    },
};
use throughline_proto as pb;
use throughline_wire::render_bound;

use super::{Unreadable, optional_instant};
use crate::domain::Subject;

/// When a deal leaves the floor unless something happens; none if it is not on it.
pub fn leaves_floor_at(deal: &pb::deal::v1::Deal, subject: &Subject) -> Result<Option<jiff::Timestamp>, Unreadable> {
    let last_event_at = optional_instant(deal.last_event_at.as_ref(), "last_event_at")?;
    Ok(leaves_at(is_over(deal), last_event_at, &subject.intervals))
}

/// A deal as far as the floor goes.
pub fn floor_deal(deal: &pb::deal::v1::Deal) -> Result<FloorDeal, Unreadable> {
    let subject = super::subject(deal)?;
    Ok(FloorDeal {
        id: deal.name.clone(),
        number: subject.called().to_owned(),
        over: is_over(deal),
        last_event_at: optional_instant(deal.last_event_at.as_ref(), "last_event_at")?,
        intervals: subject.intervals,
        happened: deal.milestones.iter().map(|milestone| milestone.event_type.clone()).collect(),
    })
}

fn is_over(deal: &pb::deal::v1::Deal) -> bool {
    let state = match deal.state() {
        pb::deal::v1::DealState::Lost => DealState::Lost,
        pb::deal::v1::DealState::Unwound => DealState::Unwound,
        _ => DealState::InProgress,
    };
    state.is_over()
}

/// Where a rooftop is; UTC if it does not say so.
pub fn zone(rooftop: &pb::tenant::v1::Rooftop) -> Result<TimeZone, Unreadable> {
    match rooftop.zone.as_str() {
        "" => Ok(TimeZone::UTC),
        zone => TimeZone::get(zone).map_err(|_| Unreadable::new(format!("zone {zone}"))),
    }
}

/// The answer. `persons`: with staff IDs.
pub fn render_floor(floor: &Floor, name: String, persons: bool) -> rule::Floor {
    rule::Floor {
        name,
        as_of: Some(pb::time::to_wire(floor.as_of)),
        known_until: None,
        store: Some(render_store(&floor.store)),
        departments: floor.departments.iter().map(|department| render_department(department, persons)).collect(),
        unplaced: floor.unplaced.items.iter().map(|person| render_on_shift(person, persons)).collect(),
        unplaced_count: count(floor.unplaced.total),
        feeds: floor.feeds.iter().map(render_feed).collect(),
        omitted_deal_count: 0,
        changes_at: floor.next_change.map(pb::time::to_wire),
    }
}

fn render_store(store: &Store) -> rule::FloorStore {
    let state = match store.state {
        StoreState::Open => rule::StoreState::Open,
        StoreState::Closed => rule::StoreState::Closed,
        StoreState::Unknown => rule::StoreState::Unknown,
    };
    rule::FloorStore {
        state: state.into(),
        reported_at: store.reported_at.map(render_bound),
        changes_at: store.changes_at.map(pb::time::to_wire),
    }
}

fn render_department(department: &DepartmentFloor, persons: bool) -> rule::DepartmentFloor {
    let DepartmentFloor { waiting, serving, on_shift, arriving, .. } = department;
    let shared = department.shared_roles.iter();
    rule::DepartmentFloor {
        department: department.department.clone(),
        waiting: waiting.items.iter().map(render_waiting).collect(),
        waiting_count: count(waiting.total),
        waiting_open_count: count(waiting.matching),
        serving: serving.items.iter().map(|serving| render_serving(serving, persons)).collect(),
        serving_count: count(serving.total),
        staff_known: department.staff_known,
        on_shift: on_shift.items.iter().map(|person| render_on_shift(person, persons)).collect(),
        on_shift_count: count(on_shift.total),
        shared_roles: shared
            .map(|shared| rule::SharedRole { role: shared.role.clone(), department: shared.department.clone() })
            .collect(),
        arriving: arriving.items.iter().map(render_arriving).collect(),
        arriving_count: count(arriving.total),
        arriving_next_count: count(arriving.matching),
    }
}

fn render_waiting(waiting: &Waiting) -> rule::Waiting {
    let (state, unknown_since) = render_standing(waiting.standing);
    rule::Waiting {
        deal: waiting.deal.clone(),
        number: waiting.number.clone(),
        interval: waiting.interval.clone(),
        measure: waiting.measure.clone(),
        since: Some(render_bound(waiting.since)),
        state: state.into(),
        unknown_since,
    }
}

fn render_serving(serving: &Serving, persons: bool) -> rule::Serving {
    let (state, unknown_since) = render_standing(serving.standing);
    rule::Serving {
        deal: serving.deal.clone(),
        number: serving.number.clone(),
        interval: serving.interval.clone(),
        measure: serving.measure.clone(),
        track: serving.track.clone().unwrap_or_default(),
        actor: serving.actor.clone().filter(|_| persons).unwrap_or_default(),
        since: Some(render_bound(serving.since)),
        state: state.into(),
        unknown_since,
    }
}

fn render_standing(standing: Standing) -> (IntervalState, Option<prost_types::Timestamp>) {
    match standing {
        Standing::Open => (IntervalState::Open, None),
        Standing::NotObserved => (IntervalState::NotObserved, None),
        Standing::UnknownSince(since) => (IntervalState::Unknown, Some(pb::time::to_wire(since))),
    }
}

fn render_on_shift(person: &OnShift, persons: bool) -> rule::OnShift {
    let until_by = match person.until_by {
        UntilBy::Closing => rule::ShiftEnd::Closing,
        UntilBy::Midnight => rule::ShiftEnd::Midnight,
    };
    rule::OnShift {
        staff: if persons { person.staff.clone() } else { String::new() },
        role: person.role.clone().unwrap_or_default(),
        since: Some(render_bound(person.since)),
        until: Some(pb::time::to_wire(person.until)),
        until_by: until_by.into(),
    }
}

fn render_arriving(arriving: &Arriving) -> rule::Arriving {
    rule::Arriving {
        deal: arriving.deal.clone(),
        number: arriving.number.clone(),
        towards: arriving.towards.clone(),
        department: arriving.department.clone(),
        measure: arriving.measure.clone(),
        since: Some(render_bound(arriving.since)),
        steps: arriving.steps,
    }
}

fn render_feed(feed: &FeedHealth) -> rule::FeedHealth {
    let expected = feed.expected_interval.and_then(|expected| expected.try_into().ok());
    rule::FeedHealth {
        source: feed.source.clone(),
        last_arrival: feed.last_arrival.map(pb::time::to_wire),
        stale_since: feed.stale_since.map(pb::time::to_wire),
        expected_interval: expected.map(pb::time::duration_to_wire),
        hides: feed.hides.clone(),
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
