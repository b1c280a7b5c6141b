//! Whether the store is open: as a source reported it, else by the calendar.

use jiff::{Timestamp, tz::TimeZone};

use super::{MarkKind, StaffState, shifts::end_of_day};
use crate::{calendar::Calendars, event::Bound};

/// Whether the store is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    pub state: StoreState,
    /// When a source reported it; none if the calendar says it, or nothing does.
    pub reported_at: Option<Bound>,
    /// When it opens or closes next by the calendar, or when the report no longer holds.
    pub changes_at: Option<Timestamp>,
}

/// Open, closed, or neither a calendar nor a report says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    Open,
    Closed,
    Unknown,
}

/// A report holds until the calendar opens or closes next, at most until local midnight; then the calendar holds.
pub(super) fn store(staff: &StaffState, calendars: &Calendars, zone: &TimeZone, now: Timestamp) -> Store {
    let report = staff.store_reports().filter(|report| report.time.latest <= now).last();
    if let Some(report) = report {
        let since = report.time.latest;
        let until = calendars.next_turn(since).into_iter().chain([end_of_day(zone, since)]).min();
        if until.is_some_and(|until| until > now) {
            let state = if report.kind == MarkKind::Opened { StoreState::Open } else { StoreState::Closed };
            return Store { state, reported_at: Some(report.time), changes_at: until };
        }
    }
    let state = match calendars.at(now) {
        None => StoreState::Unknown,
        Some(_) if calendars.is_open(now) => StoreState::Open,
        Some(_) => StoreState::Closed,
    };
    Store { state, reported_at: None, changes_at: calendars.next_turn(now) }
}
