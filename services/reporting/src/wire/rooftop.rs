//! Rooftops: their zone, and when they and their departments are open.

use jiff::Timestamp;
use prost::Message;
use throughline_process::{Calendar, Schedule};
use throughline_proto::{tenant::v1 as pb, time::from_wire};

use super::Unreadable;
use crate::domain::Rooftop;

/// What reports need of a rooftop. What cannot be read is refused here, once, and not with every report.
pub fn rooftop(told: &pb::Rooftop) -> Result<Rooftop, Unreadable> {
    let zone = if told.zone.is_empty() { "UTC".to_owned() } else { told.zone.clone() };
    // Entries from before a rooftop had several calendars tell of the one in force.
    let own = if told.calendars.is_empty() { told.calendar.iter().cloned().collect() } else { told.calendars.clone() };
    let kept = pb::Rooftop {
        zone: zone.clone(),
        calendars: own,
        department_calendars: told.department_calendars.clone(),
        ..Default::default()
    };
    read(&kept)?;
    Ok(Rooftop { zone, calendars: kept.encode_to_vec() })
}

/// The calendars of a rooftop as they were kept.
pub fn schedule(kept: &[u8]) -> Result<Schedule, Unreadable> {
    read(&pb::Rooftop::decode(kept).map_err(|_| Unreadable::new("calendars"))?)
}

fn read(kept: &pb::Rooftop) -> Result<Schedule, Unreadable> {
    let all = |calendars: &[pb::Calendar]| {
        calendars.iter().map(|given| calendar(given, &kept.zone)).collect::<Result<Vec<_>, _>>()
    };
    let departments = kept.department_calendars.iter();
    let departments = departments.map(|given| Ok((given.department.clone(), all(&given.calendars)?)));
    Ok(Schedule::new(all(&kept.calendars)?, departments.collect::<Result<Vec<_>, _>>()?))
}

fn calendar(calendar: &pb::Calendar, zone: &str) -> Result<Calendar, Unreadable> {
    let hours = calendar.hours.iter().map(|open| (open.weekday, open.opens.as_str(), open.closes.as_str()));
    let valid_from = match &calendar.valid_from {
        Some(from) => from_wire(from).ok_or_else(|| Unreadable::new("valid_from of a calendar"))?,
        None => Timestamp::MIN,
    };
    Calendar::parse(calendar.version, valid_from, zone, hours, calendar.holidays.iter().map(String::as_str))
        .map_err(|why| Unreadable::new(format!("calendar ({why})")))
}
