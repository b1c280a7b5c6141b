//! Rooftops as the deal log tells of them: by what their deals are judged.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use throughline_process::{Calendar, Definition, Schedule};
use throughline_proto as pb;

use super::{Unreadable, optional_instant};
use crate::domain::Rulebook;

/// The rule book of a rooftop: its definition or the shipped one, its targets, and all its calendars.
pub fn rulebook(rooftop: &pb::tenant::v1::Rooftop) -> Result<Rulebook, Unreadable> {
    let definition = match rooftop.definition_json.as_str() {
        "" => Definition::retail_deal(),
        json => {
            Arc::new(Definition::from_json(json).map_err(|error| Unreadable::new(format!("definition ({error})")))?)
        }
    };
    let overrides: BTreeMap<String, (u64, u64)> = rooftop
        .targets
        .iter()
        .map(|target| (target.measure.clone(), (target.yellow_seconds, target.red_seconds)))
        .collect();
    Ok(Rulebook::new(definition, &overrides, schedule(rooftop)?))
}

fn schedule(rooftop: &pb::tenant::v1::Rooftop) -> Result<Schedule, Unreadable> {
    let zone = if rooftop.zone.is_empty() { "UTC" } else { &rooftop.zone };
    let all = |calendars: &[pb::tenant::v1::Calendar]| {
        calendars.iter().map(|given| calendar(given, zone)).collect::<Result<Vec<_>, _>>()
    };
    // Entries from before a rooftop had several calendars tell of the one in force.
    let own = if rooftop.calendars.is_empty() { rooftop.calendar.as_slice() } else { &rooftop.calendars };
    let departments = rooftop.department_calendars.iter();
    let departments = departments.map(|given| Ok((given.department.clone(), all(&given.calendars)?)));
    Ok(Schedule::new(all(own)?, departments.collect::<Result<Vec<_>, _>>()?))
}

fn calendar(calendar: &pb::tenant::v1::Calendar, zone: &str) -> Result<Calendar, Unreadable> {
    let hours = calendar.hours.iter().map(|open| (open.weekday, open.opens.as_str(), open.closes.as_str()));
    let valid_from = optional_instant(calendar.valid_from.as_ref(), "valid_from")?.unwrap_or(Timestamp::MIN);
    Calendar::parse(calendar.version, valid_from, zone, hours, calendar.holidays.iter().map(String::as_str))
        .map_err(|error| Unreadable::new(format!("calendar ({error})")))
}
