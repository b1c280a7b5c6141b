//! A rooftop as the directory keeps it: what it may say, and what a change makes of it.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil, tz::TimeZone};
use throughline_platform::Violation;
use throughline_process::Definition;
use throughline_proto::{
    tenant::v1::{Calendar, FeedExpectation, OpenHours, Rooftop, Target},
    time::{from_wire, to_wire},
};

use super::grammar::{ROOFTOP, SOURCE};

/// Rooftops that a group may have.
pub(crate) const MOST_ROOFTOPS: i64 = 2_000;
const MOST_CODES: usize = 50;
const MOST_TARGETS: usize = 200;
const MOST_HOURS: usize = 21;
const MOST_HOLIDAYS: usize = 1_000;
const MOST_DEPARTMENTS: usize = 50;
const MOST_FEEDS: usize = 100;
const LONGEST_LABEL: usize = 128;
const LONGEST_DEFINITION: usize = 256 * 1024;
/// A year: no target of a stage is longer.
const LONGEST_TARGET_SECONDS: u64 = 366 * 86_400;

/// Paths that an update may name.
pub(crate) const PATHS: [&str; 8] =
    ["display_name", "zone", "vendor_codes", "calendar", "targets", "definition_json", "departments", "feeds"];

/// The rooftop that a request asks for, with what the service itself sets, or everything that is wrong with it.
/// `standing` is what it replaces.
pub(crate) fn admit(
    wanted: Rooftop,
    standing: Option<&Rooftop>,
    id: &str,
    now: Timestamp,
) -> Result<Rooftop, Vec<Violation>> {
    let mut faults = Faults::default();
    faults.label("display_name", &wanted.display_name);
    let zone = zone(&wanted.zone);
    if zone.is_none() {
        faults.add("zone", "is no name of the iana time zone database, such as America/New_York");
    }
    faults.codes(&wanted.vendor_codes, id);
    faults.targets(&wanted.targets);
    faults.departments(&wanted.departments);
    faults.feeds(&wanted.feeds);
    let definition_version = faults.definition(&wanted.definition_json, standing);
    let calendar =
        faults.calendar(wanted.calendar.as_ref(), standing.and_then(|rooftop| rooftop.calendar.as_ref()), now);
    faults.none()?;
    Ok(Rooftop {
        zone: zone.and_then(|zone| zone.iana_name().map(str::to_owned)).unwrap_or_default(),
        calendar,
        definition_version,
        ..wanted
    })
}

/// What stands, with the paths of `mask` taken from `wanted`; an empty mask or `*` means all. The error names the path.
pub(crate) fn merge(standing: &Rooftop, wanted: Rooftop, mask: &[String]) -> Result<Rooftop, Violation> {
    let all = mask.is_empty() || mask.iter().any(|path| path == "*");
    let paths: Vec<&str> = if all { PATHS.to_vec() } else { mask.iter().map(String::as_str).collect() };
    let mut merged = standing.clone();
    for path in paths {
        match path {
            "display_name" => merged.display_name.clone_from(&wanted.display_name),
            "zone" => merged.zone.clone_from(&wanted.zone),
            "vendor_codes" => merged.vendor_codes.clone_from(&wanted.vendor_codes),
            "calendar" => merged.calendar.clone_from(&wanted.calendar),
            "targets" => merged.targets.clone_from(&wanted.targets),
            "definition_json" => merged.definition_json.clone_from(&wanted.definition_json),
            "departments" => merged.departments.clone_from(&wanted.departments),
            "feeds" => merged.feeds.clone_from(&wanted.feeds),
            other => {
                let shown = throughline_platform::name::shown(other);
                let may = PATHS.join(", ");
                return Err(Violation::new(
                    "update_mask",
                    format!("{shown} can't be changed: name some of {may}, or *"),
                ));
            }
        }
    }
    Ok(merged)
}

/// Whether two rooftops say the same, apart from what the service sets.
pub(crate) fn says_the_same(a: &Rooftop, b: &Rooftop) -> bool {
    let calendars = match (&a.calendar, &b.calendar) {
        (Some(a), Some(b)) => same_hours(a, b),
        (None, None) => true,
        _ => false,
    };
    calendars
        && a.display_name == b.display_name
        && a.zone == b.zone
        && a.vendor_codes == b.vendor_codes
        && a.targets == b.targets
        && a.definition_json == b.definition_json
        && a.departments == b.departments
        && a.feeds == b.feeds
}

/// The quoted tag of a revision (RFC 9110).
pub(crate) fn etag(revision: i64) -> String {
    format!("\"r{revision}\"")
}

fn same_hours(a: &Calendar, b: &Calendar) -> bool {
    a.hours == b.hours && a.holidays == b.holidays
}

fn zone(name: &str) -> Option<TimeZone> {
    let plain =
        name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-' | b'/'));
    plain.then(|| TimeZone::get(name).ok()).flatten().filter(|zone| zone.iana_name().is_some())
}

#[derive(Default)]
struct Faults(Vec<Violation>);

impl Faults {
    fn add(&mut self, field: &str, description: impl Into<String>) {
        self.0.push(Violation::new(format!("rooftop.{field}"), description));
    }

    fn none(&mut self) -> Result<(), Vec<Violation>> {
        if self.0.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.0)) }
    }

    fn at_most(&mut self, field: &str, found: usize, most: usize) {
        if found > most {
            self.add(field, format!("has {found} entries, {most} at most"));
        }
    }

    fn label(&mut self, field: &str, label: &str) {
        if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            self.add(field, format!("is longer than {LONGEST_LABEL} characters or holds control characters"));
        }
    }

    fn codes(&mut self, codes: &[String], id: &str) {
        self.at_most("vendor_codes", codes.len(), MOST_CODES);
        let mut seen = BTreeSet::from([id]);
        for (at, code) in codes.iter().enumerate().take(MOST_CODES) {
            if !ROOFTOP.admits(code) {
                self.add(&format!("vendor_codes[{at}]"), format!("is not {}", ROOFTOP.shape));
            } else if !seen.insert(code) {
                self.add(&format!("vendor_codes[{at}]"), "repeats the id or another code");
            }
        }
    }

    fn targets(&mut self, targets: &[Target]) {
        self.at_most("targets", targets.len(), MOST_TARGETS);
        let mut seen = BTreeSet::new();
        for (at, target) in targets.iter().enumerate().take(MOST_TARGETS) {
            let measure = &target.measure;
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
            if measure.is_empty() || measure.len() > 64 || !measure.bytes().all(plain) {
                self.add(&format!("targets[{at}].measure"), "is not 1 to 64 characters of [a-z0-9_.-]");
            } else if !seen.insert(measure) {
                self.add(&format!("targets[{at}].measure"), format!("{measure:?} has a target already"));
            }
            let (yellow, red) = (target.yellow_seconds, target.red_seconds);
            if yellow == 0 || yellow > red || red > LONGEST_TARGET_SECONDS {
                let wrong =
                    format!("yellow {yellow} and red {red}: 1 <= yellow <= red <= {LONGEST_TARGET_SECONDS} must hold");
                self.add(&format!("targets[{at}]"), wrong);
            }
        }
    }

    fn departments(&mut self, departments: &[String]) {
        self.at_most("departments", departments.len(), MOST_DEPARTMENTS);
        for (at, department) in departments.iter().enumerate().take(MOST_DEPARTMENTS) {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if department.is_empty() || department.len() > 40 || !department.bytes().all(plain) {
                self.add(&format!("departments[{at}]"), "is not 1 to 40 characters of [a-z0-9_]");
            }
        }
    }

    fn feeds(&mut self, feeds: &[FeedExpectation]) {
        self.at_most("feeds", feeds.len(), MOST_FEEDS);
        let mut seen = BTreeSet::new();
        for (at, feed) in feeds.iter().enumerate().take(MOST_FEEDS) {
            if !SOURCE.admits(&feed.source) {
                self.add(&format!("feeds[{at}].source"), format!("is not {}", SOURCE.shape));
            } else if !seen.insert(&feed.source) {
                self.add(&format!("feeds[{at}].source"), format!("{:?} has an interval already", feed.source));
            }
            let seconds = feed.interval.as_ref().map_or(0, |interval| interval.seconds);
            if !(1..=LONGEST_TARGET_SECONDS as i64).contains(&seconds) {
                self.add(&format!("feeds[{at}].interval"), "is not between 1 second and 366 days");
            }
        }
    }

    /// The version of the definition in force. Flags and spans name it, so one version never has two contents.
    fn definition(&mut self, json: &str, standing: Option<&Rooftop>) -> String {
        let shipped = Definition::retail_deal();
        if json.is_empty() {
            return shipped.version().to_owned();
        }
        if json.len() > LONGEST_DEFINITION {
            self.add("definition_json", format!("is longer than {LONGEST_DEFINITION} bytes"));
            return String::new();
        }
        let definition = match Definition::from_json(json) {
            Ok(definition) => definition,
            Err(error) => {
                for violation in error.violations.into_iter().take(20) {
                    self.add(&format!("definition_json.{}", violation.path), violation.problem);
                }
                return String::new();
            }
        };
        let version = definition.version();
        let taken = standing.is_some_and(|rooftop| {
            rooftop.definition_version == version
                && !rooftop.definition_json.is_empty()
                && rooftop.definition_json != json
        });
        if taken || version == shipped.version() && definition.to_json() != shipped.to_json() {
            self.add("definition_json", format!("{version:?} is taken by another content: give it another version"));
        }
        version.to_owned()
    }

    /// The calendar with its version, which counts up when what it says changes.
    fn calendar(&mut self, wanted: Option<&Calendar>, standing: Option<&Calendar>, now: Timestamp) -> Option<Calendar> {
        let wanted = wanted?;
        self.at_most("calendar.hours", wanted.hours.len(), MOST_HOURS);
        for (at, hours) in wanted.hours.iter().enumerate().take(MOST_HOURS) {
            if !(1..=7).contains(&hours.weekday) {
                self.add(&format!("calendar.hours[{at}].weekday"), format!("is {}, not 1 to 7", hours.weekday));
            }
            if !is_span(hours) {
                self.add(&format!("calendar.hours[{at}]"), "opens and closes are not HH:MM, one after the other");
            }
        }
        self.at_most("calendar.holidays", wanted.holidays.len(), MOST_HOLIDAYS);
        for (at, day) in wanted.holidays.iter().enumerate().take(MOST_HOLIDAYS) {
            if day.len() != 10 || day.parse::<civil::Date>().is_err() {
                self.add(&format!("calendar.holidays[{at}]"), "is no day as YYYY-MM-DD");
            }
        }
        let valid_from = wanted.valid_from.as_ref();
        if valid_from.is_some_and(|from| from_wire(from).is_none()) {
            self.add("calendar.valid_from", "is no instant of the years -9999 to 9999");
        }
        let unchanged = standing.is_some_and(|standing| {
            same_hours(standing, wanted) && (valid_from.is_none() || standing.valid_from.as_ref() == valid_from)
        });
        match standing {
            Some(standing) if unchanged => Some(standing.clone()),
            _ => Some(Calendar {
                version: standing.map_or(0, |standing| standing.version) + 1,
                valid_from: wanted.valid_from.or_else(|| Some(to_wire(now))),
                ..wanted.clone()
            }),
        }
    }
}

fn is_span(hours: &OpenHours) -> bool {
    // `24:00` is how a store says that it closes at midnight.
    let minute = |text: &str| -> Option<u32> {
        let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
    };
    matches!((minute(&hours.opens), minute(&hours.closes)), (Some(opens), Some(closes)) if opens < closes)
}

#[cfg(test)]
mod tests;
