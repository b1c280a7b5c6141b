//! The calendars of a rooftop and of its departments: what they may say, and which version each is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use throughline_process::calendar::{OpenHours as Hours, parse_day};
use throughline_proto::{
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours, Rooftop},
    time::{from_wire, to_wire},
};

use super::Faults;

/// Of the rooftop as a whole, and of each department.
const MOST_CALENDARS: usize = 100;
/// Of the rooftop with all its departments, for it rides in one entry of the log.
const MOST_IN_ALL: usize = 400;
const MOST_HOURS: usize = 21;
const MOST_HOLIDAYS: usize = 1_000;
const MOST_HOLIDAYS_IN_ALL: usize = 20_000;

/// Which of the two ways to name calendars a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `calendar`: one more, or in place of the one of the same `valid_from`; none: always open from now on.
    One,
    /// `calendars`: all of them.
    All,
}

/// Every calendar of the rooftop as a whole. Rooftops from before there were several have the one in force.
pub(super) fn history(rooftop: &Rooftop) -> Vec<Calendar> {
    if rooftop.calendars.is_empty() { rooftop.calendar.iter().cloned().collect() } else { rooftop.calendars.clone() }
}

/// Sets the calendar that is in force now, which is a matter of the time of reading.
pub(crate) fn set_in_force(rooftop: &mut Rooftop, now: Timestamp) {
    if !rooftop.calendars.is_empty() {
        rooftop.calendar = in_force(&rooftop.calendars, now).cloned();
    }
}

/// Calendars come by `valid_from`.
fn in_force(calendars: &[Calendar], now: Timestamp) -> Option<&Calendar> {
    let from = |calendar: &Calendar| calendar.valid_from.as_ref().and_then(from_wire);
    calendars.iter().rev().find(|calendar| from(calendar).is_none_or(|from| from <= now)).or(calendars.first())
}

/// Whether two calendars say the same, from whenever on.
fn same_hours(a: &Calendar, b: &Calendar) -> bool {
    a.hours == b.hours && a.holidays == b.holidays
}

/// Whether two rooftops say the same of when they are open.
pub(super) fn say_the_same(a: &Rooftop, b: &Rooftop) -> bool {
    let same = |a: &[Calendar], b: &[Calendar]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_hours(a, b));
    let departments = a.department_calendars.iter().zip(&b.department_calendars);
    same(&history(a), &history(b))
        && a.department_calendars.len() == b.department_calendars.len()
        && departments.into_iter().all(|(a, b)| a.department == b.department && same(&a.calendars, &b.calendars))
}

impl Faults {
    /// The rooftop with its calendars in order, each with its version: the one that it had if it stood like that before,
    /// else the next that was never given.
    pub(super) fn calendars(
        &mut self,
        rooftop: &mut Rooftop,
        standing: Option<&Rooftop>,
        naming: Naming,
        departments: Option<&[String]>,
        now: Timestamp,
    ) {
        let before = standing.map(history).unwrap_or_default();
        rooftop.calendars = match naming {
            Naming::One => {
                let wanted = rooftop.calendar.take().map(|wanted| self.calendar("calendar", wanted));
                one_more(before.clone(), wanted, now)
            }
            Naming::All => {
                let wanted = std::mem::take(&mut rooftop.calendars);
                self.line("calendars", wanted, &before, now)
            }
        };
        self.at_most("calendars", rooftop.calendars.len(), MOST_CALENDARS);
        let known = |department: &str| {
            standing
                .and_then(|rooftop| rooftop.department_calendars.iter().find(|own| own.department == department))
                .map_or(&[][..], |own| own.calendars.as_slice())
        };
        rooftop.department_calendars = self.departments_own(&rooftop.department_calendars, departments, known, now);
        self.all_together(rooftop);

        let last = before.iter().map(|calendar| calendar.version).max().unwrap_or(0);
        let mut last = standing.map_or(0, |rooftop| rooftop.last_calendar_version).max(last);
        number(&mut rooftop.calendars, &before, &mut last);
        for own in &mut rooftop.department_calendars {
            number(&mut own.calendars, known(&own.department), &mut last);
        }
        rooftop.last_calendar_version = last;
        rooftop.calendar = in_force(&rooftop.calendars, now).cloned();
    }

    fn departments_own<'k>(
        &mut self,
        wanted: &[DepartmentCalendar],
        departments: Option<&[String]>,
        known: impl Fn(&str) -> &'k [Calendar],
        now: Timestamp,
    ) -> Vec<DepartmentCalendar> {
        let mut taken: BTreeMap<String, Vec<Calendar>> = BTreeMap::new();
        for (at, own) in wanted.iter().enumerate() {
            let field = format!("department_calendars[{at}]");
            if let Some(departments) = departments.filter(|departments| !departments.contains(&own.department)) {
                let shown = throughline_platform::name::shown(&own.department);
                let may = departments.join(", ");
                self.add(&format!("{field}.department"), format!("{shown} is no department of the rooftop: {may}"));
                if at == super::MOST_DEPARTMENTS {
                    // That many are never all known.
                    break;
                }
            }
            let calendars =
                self.line(&format!("{field}.calendars"), own.calendars.clone(), known(&own.department), now);
            self.at_most(&format!("{field}.calendars"), calendars.len(), MOST_CALENDARS);
            if taken.contains_key(&own.department) {
                self.add(&format!("{field}.department"), "has calendars already");
            } else if !calendars.is_empty() {
                taken.insert(own.department.clone(), calendars);
            }
        }
        taken.into_iter().map(|(department, calendars)| DepartmentCalendar { department, calendars }).collect()
    }

    /// Calendars that follow one another, by `valid_from`, each its own. One without holds from now on, unless it says what
    /// is in force anyway: sent again, it is the same.
    fn line(&mut self, field: &str, wanted: Vec<Calendar>, known: &[Calendar], now: Timestamp) -> Vec<Calendar> {
        let mut line: Vec<Calendar> = Vec::new();
        let mut starts = BTreeSet::new();
        // One too many is enough to be told that there are too many.
        for (at, calendar) in wanted.into_iter().take(MOST_CALENDARS + 1).enumerate() {
            let field = format!("{field}[{at}]");
            let mut calendar = self.calendar(&field, calendar);
            let standing = in_force(known, now).filter(|standing| same_hours(standing, &calendar));
            let since = standing.and_then(|standing| standing.valid_from);
            let from = *calendar.valid_from.get_or_insert_with(|| since.unwrap_or_else(|| to_wire(now)));
            if !starts.insert((from.seconds, from.nanos)) {
                self.add(&format!("{field}.valid_from"), "is that of another calendar");
            }
            line.push(calendar);
        }
        line.sort_by_key(|calendar| calendar.valid_from.map(|from| (from.seconds, from.nanos)));
        line
    }

    /// One calendar, its hours and holidays in order.
    fn calendar(&mut self, field: &str, mut wanted: Calendar) -> Calendar {
        self.at_most(&format!("{field}.hours"), wanted.hours.len(), MOST_HOURS);
        let mut open: Vec<Hours> = Vec::new();
        for (at, hours) in wanted.hours.iter().enumerate().take(MOST_HOURS) {
            match Hours::parse(hours.weekday, &hours.opens, &hours.closes) {
                Ok(hours) if open.iter().any(|other| other.overlaps(&hours)) => {
                    self.add(&format!("{field}.hours[{at}]"), "overlaps other hours of its weekday");
                }
                Ok(hours) => open.push(hours),
                Err(_) => self.hours(&format!("{field}.hours[{at}]"), hours),
            }
        }
        self.at_most(&format!("{field}.holidays"), wanted.holidays.len(), MOST_HOLIDAYS);
        for (at, day) in wanted.holidays.iter().enumerate().take(MOST_HOLIDAYS) {
            if parse_day(day).is_err() {
                self.add(&format!("{field}.holidays[{at}]"), "is no day as YYYY-MM-DD");
            }
        }
        if let Some(from) = wanted.valid_from {
            match from_wire(&from) {
                Some(from) => wanted.valid_from = Some(to_wire(from)),
                None => self.add(&format!("{field}.valid_from"), "is no instant of the years -9999 to 9999"),
            }
        }
        let order = |hours: &OpenHours| (hours.weekday, hours.opens.clone(), hours.closes.clone());
        wanted.hours.sort_by_key(order);
        wanted.holidays.sort_unstable();
        wanted.holidays.dedup();
        wanted
    }

    /// What is wrong with hours that cannot be read: all of it.
    fn hours(&mut self, field: &str, hours: &OpenHours) {
        if !(1..=7).contains(&hours.weekday) {
            self.add(&format!("{field}.weekday"), format!("is {}, not 1 to 7", hours.weekday));
        }
        if Hours::parse(1, &hours.opens, &hours.closes).is_err() {
            self.add(field, "opens and closes are not HH:MM, one after the other");
        }
    }

    fn all_together(&mut self, rooftop: &Rooftop) {
        let own = rooftop.department_calendars.iter().flat_map(|own| &own.calendars);
        let (mut calendars, mut holidays) = (0, 0);
        for calendar in rooftop.calendars.iter().chain(own) {
            calendars += 1;
            holidays += calendar.holidays.len();
        }
        if calendars > MOST_IN_ALL {
            self.add("calendars", format!("are {calendars} with those of departments, {MOST_IN_ALL} at most"));
        }
        if holidays > MOST_HOLIDAYS_IN_ALL {
            let most = MOST_HOLIDAYS_IN_ALL;
            self.add("calendars", format!("have {holidays} holidays with those of departments, {most} at most"));
        }
    }
}

/// The calendars with one more, which changes nothing if it says what is in force anyway.
fn one_more(mut calendars: Vec<Calendar>, wanted: Option<Calendar>, now: Timestamp) -> Vec<Calendar> {
    let wanted = match wanted {
        Some(wanted) => wanted,
        None if calendars.is_empty() => return calendars,
        None => Calendar::default(),
    };
    if wanted.valid_from.is_none() && in_force(&calendars, now).is_some_and(|standing| same_hours(standing, &wanted)) {
        return calendars;
    }
    let wanted = Calendar { valid_from: wanted.valid_from.or_else(|| Some(to_wire(now))), ..wanted };
    calendars.retain(|calendar| calendar.valid_from != wanted.valid_from);
    calendars.push(wanted);
    calendars.sort_by_key(|calendar| calendar.valid_from.map(|from| (from.seconds, from.nanos)));
    calendars
}

fn number(calendars: &mut [Calendar], known: &[Calendar], last: &mut u64) {
    for calendar in calendars {
        let same = |known: &&Calendar| same_hours(known, calendar) && known.valid_from == calendar.valid_from;
        calendar.version = known.iter().find(same).map_or_else(
            || {
                *last += 1;
                *last
            },
            |known| known.version,
        );
    }
}
