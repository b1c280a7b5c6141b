//! A rooftop's calendars and those of its departments, and how long things last by them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Calendar, Calendars};
use crate::event::Bound;

/// When a rooftop is open, and those of its departments that keep hours of their own.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    rooftop: Calendars,
    departments: BTreeMap<String, Calendars>,
}

impl Schedule {
    pub fn new(rooftop: Vec<Calendar>, departments: impl IntoIterator<Item = (String, Vec<Calendar>)>) -> Self {
        let rooftop = Calendars::new(rooftop);
        let departments = departments.into_iter().filter(|(_, own)| !own.is_empty());
        let departments = departments.map(|(department, own)| (department, behind(&rooftop, own))).collect();
        Self { rooftop, departments }
    }

    /// Of the rooftop as a whole.
    pub fn rooftop(&self) -> &Calendars {
        &self.rooftop
    }

    /// Of a department: the rooftop's, unless it keeps hours of its own.
    pub fn of(&self, department: &str) -> &Calendars {
        self.departments.get(department).unwrap_or(&self.rooftop)
    }
}

/// A department's own calendars; before the first of them it was open when the rooftop was.
fn behind(rooftop: &Calendars, own: Vec<Calendar>) -> Calendars {
    let first = own.iter().map(Calendar::valid_from).min().unwrap_or(Timestamp::MAX);
    let earlier = rooftop.versions().iter().filter(|calendar| calendar.valid_from < first);
    let mut versions: Vec<Calendar> = earlier.cloned().collect();
    if let (true, Some(oldest)) = (versions.is_empty(), rooftop.versions().first()) {
        versions.push(Calendar { valid_from: Timestamp::MIN, ..oldest.clone() });
    }
    versions.extend(own);
    Calendars::new(versions)
}

/// How long something lasted, by the clock on the wall and in open hours: at least and at most, equal where times are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    pub wall: (SignedDuration, SignedDuration),
    /// Never more than `wall`.
    pub open: (SignedDuration, SignedDuration),
}

impl Calendars {
    /// Between two bounds.
    pub fn durations(&self, start: &Bound, end: &Bound) -> Durations {
        let least = self.open_duration(start.latest, end.earliest);
        let exact = start.earliest == start.latest && end.earliest == end.latest;
        let most = if exact { least } else { self.open_duration(start.earliest, end.latest) };
        Durations { wall: start.duration_until(end), open: (least, most) }
    }
}
