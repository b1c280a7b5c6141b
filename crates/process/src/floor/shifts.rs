//! Who is on shift until when.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{Mark, MarkKind, Next, QUIET, StaffState, roles};
use crate::{
    calendar::{Calendars, Schedule},
    definition::Definition,
    event::Bound,
};

/// A person on shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnShift {
    /// Staff ID.
    pub staff: String,
    /// As last reported, if it was.
    pub role: Option<String>,
    pub since: Bound,
    /// Until when, as no source reported that the shift ended.
    pub until: Timestamp,
    pub until_by: UntilBy,
}

/// On what the end of a shift rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntilBy {
    /// The department closes then.
    Closing,
    /// The day of the start ends then: the department does not close behind the start.
    Midnight,
}

/// Shifts by department.
#[derive(Default)]
pub(super) struct Shifts<'d> {
    pub(super) departments: BTreeMap<&'d str, DepartmentShift>,
    pub(super) unplaced: Vec<OnShift>,
    /// Role of each person, as last reported.
    roles: BTreeMap<String, String>,
}

impl Shifts<'_> {
    /// Whether a person may be the one who works in a role: no report says that it is another.
    pub(super) fn may_work_as(&self, staff: &str, role: Option<&str>) -> bool {
        role.is_none_or(|role| self.roles.get(staff).is_none_or(|reported| reported == role))
    }
}

#[derive(Default)]
pub(super) struct DepartmentShift {
    pub(super) known: bool,
    pub(super) people: Vec<OnShift>,
}

pub(super) fn shifts<'d>(
    staff: &StaffState,
    definition: &'d Definition,
    schedule: &Schedule,
    zone: &TimeZone,
    now: Timestamp,
    next_change: &mut Next,
) -> Shifts<'d> {
    let mut shifts = Shifts::default();
    let recently = now.checked_sub(QUIET).unwrap_or(Timestamp::MIN);
    for (id, marks) in staff.people() {
        let Some(last) = marks.last() else { continue };
        let role = marks.iter().rev().find_map(|mark| mark.role.clone());
        if let Some(role) = &role {
            shifts.roles.insert(id.to_owned(), role.clone());
        }
        let department = role.as_deref().and_then(|role| roles::department_of(definition, role));
        if let Some(department) = department {
            shifts.departments.entry(department).or_default().known |= last.time.latest >= recently;
        }
        let calendars = department.map_or(schedule.rooftop(), |department| schedule.of(department));
        let end = |start: &Bound| end(calendars, zone, start.latest);
        let Some(start) = open_shift(&marks, |start| end(start).0) else { continue };
        let (until, until_by) = end(&start);
        if start.latest > now {
            next_change.offer(Some(start.latest));
            continue;
        }
        if until <= now {
            continue;
        }
        next_change.offer(Some(until));
        let person = OnShift { staff: id.to_owned(), role, since: start, until, until_by };
        match department {
            Some(department) => shifts.departments.entry(department).or_default().people.push(person),
            None => shifts.unplaced.push(person),
        }
    }
    shifts
}

/// When the shift began that no later report ended. A report that someone is on shift, such as of a second source, begins
/// nothing anew while an earlier one holds.
fn open_shift(marks: &[&Mark], end: impl Fn(&Bound) -> Timestamp) -> Option<Bound> {
    let last = marks.last()?.time;
    let of_shift = marks.iter().rev().take_while(|mark| mark.kind == MarkKind::OnShift);
    of_shift.take_while(|mark| mark.time == last || end(&mark.time) > last.latest).last().map(|mark| mark.time)
}

/// The department's last closing on the day of the start, else the midnight that ends that day.
fn end(calendars: &Calendars, zone: &TimeZone, start: Timestamp) -> (Timestamp, UntilBy) {
    match calendars.last_closing_of_day(start) {
        Some(closing) => (closing, UntilBy::Closing),
        None => (end_of_day(zone, start), UntilBy::Midnight),
    }
}

/// The midnight that ends the local day of an instant.
pub(super) fn end_of_day(zone: &TimeZone, at: Timestamp) -> Timestamp {
    let tomorrow = zone.to_datetime(at).date().tomorrow().ok();
    let midnight = tomorrow.and_then(|day| zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().ok());
    midnight.filter(|midnight| *midnight > at).unwrap_or(Timestamp::MAX)
}
