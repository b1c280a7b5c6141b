//! A rooftop as the directory keeps it: what it may say, and what a change makes of it.

mod calendars;

use std::{collections::BTreeSet, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use throughline_platform::Violation;
use throughline_process::Definition;
use throughline_proto::tenant::v1::{FeedExpectation, Rooftop, Target};

use self::calendars::Naming;
use super::grammar::{ROOFTOP, SOURCE};

pub(crate) use self::calendars::set_in_force;

/// Rooftops that a group may have.
pub(crate) const MOST_ROOFTOPS: i64 = 2_000;
const MOST_CODES: usize = 50;
const MOST_TARGETS: usize = 200;
const MOST_DEPARTMENTS: usize = 50;
const MOST_FEEDS: usize = 100;
const LONGEST_LABEL: usize = 128;
const LONGEST_DEFINITION: usize = 256 * 1024;
/// A year: no target of a stage is longer.
const LONGEST_TARGET_SECONDS: u64 = 366 * 86_400;

/// Paths that an update may name.
pub(crate) const PATHS: [&str; 10] = [
    "display_name",
    "zone",
    "vendor_codes",
    "calendar",
    "calendars",
    "department_calendars",
    "targets",
    "definition_json",
    "departments",
    "feeds",
];

/// A new rooftop as a request asks for it, with what the service itself sets, or everything that is wrong with it.
pub(crate) fn admit(wanted: Rooftop, id: &str, now: Timestamp) -> Result<Rooftop, Vec<Violation>> {
    let naming = if wanted.calendars.is_empty() { Naming::One } else { Naming::All };
    checked(wanted, naming, None, id, now)
}

/// What stands, with the paths of `mask` taken from `wanted`; an empty mask or `*` means all.
pub(crate) fn alter(
    standing: &Rooftop,
    wanted: Rooftop,
    mask: &[String],
    id: &str,
    now: Timestamp,
) -> Result<Rooftop, Vec<Violation>> {
    let (merged, naming) = merge(standing, wanted, mask).map_err(|violation| vec![violation])?;
    checked(merged, naming, Some(standing), id, now)
}

fn checked(
    mut wanted: Rooftop,
    naming: Naming,
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
    let definition = faults.definition(&wanted.definition_json, standing);
    let departments = match (&definition, wanted.departments.is_empty()) {
        (_, false) => Some(wanted.departments.clone()),
        (Some(definition), true) => Some(definition.departments.iter().map(|known| known.id.clone()).collect()),
        (None, true) => None,
    };
    faults.calendars(&mut wanted, standing, naming, departments.as_deref(), now);
    faults.none()?;
    Ok(Rooftop {
        zone: zone.and_then(|zone| zone.iana_name().map(str::to_owned)).unwrap_or_default(),
        definition_version: definition.map(|definition| definition.version().to_owned()).unwrap_or_default(),
        ..wanted
    })
}

/// The error names the path that can't be changed.
fn merge(standing: &Rooftop, wanted: Rooftop, mask: &[String]) -> Result<(Rooftop, Naming), Violation> {
    let all = mask.is_empty() || mask.iter().any(|path| path == "*");
    let paths: Vec<&str> = if all { PATHS.to_vec() } else { mask.iter().map(String::as_str).collect() };
    let mut merged = Rooftop { calendars: calendars::history(standing), ..standing.clone() };
    // Whoever read a rooftop and sends it back changed means its list; whoever knows of no list adds to it.
    let lists = paths.contains(&"calendars") && !(all && wanted.calendars.is_empty());
    let naming = if lists || !paths.contains(&"calendar") { Naming::All } else { Naming::One };
    for path in paths {
        match path {
            "display_name" => merged.display_name.clone_from(&wanted.display_name),
            "zone" => merged.zone.clone_from(&wanted.zone),
            "vendor_codes" => merged.vendor_codes.clone_from(&wanted.vendor_codes),
            "calendar" => merged.calendar.clone_from(&wanted.calendar),
            "calendars" if lists => merged.calendars.clone_from(&wanted.calendars),
            "calendars" => {}
            "department_calendars" => merged.department_calendars.clone_from(&wanted.department_calendars),
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
    Ok((merged, naming))
}

/// Whether two rooftops say the same, apart from what the service sets.
pub(crate) fn says_the_same(a: &Rooftop, b: &Rooftop) -> bool {
    calendars::say_the_same(a, b)
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

    /// The definition in force. Flags and spans name its version, so one version never has two contents.
    fn definition(&mut self, json: &str, standing: Option<&Rooftop>) -> Option<Arc<Definition>> {
        let shipped = Definition::retail_deal();
        if json.is_empty() {
            return Some(shipped);
        }
        if json.len() > LONGEST_DEFINITION {
            self.add("definition_json", format!("is longer than {LONGEST_DEFINITION} bytes"));
            return None;
        }
        let definition = match Definition::from_json(json) {
            Ok(definition) => definition,
            Err(error) => {
                for violation in error.violations.into_iter().take(20) {
                    self.add(&format!("definition_json.{}", violation.path), violation.problem);
                }
                return None;
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
        Some(Arc::new(definition))
    }
}

#[cfg(test)]
mod tests;
