//! When a rooftop and its departments are open, as the directory tells of it.

use jiff::Timestamp;
use throughline_process::{Calendar, Schedule, calendar};
use throughline_proto::{tenant::v1 as pb, time::from_wire};

/// The calendars of a rooftop. The directory lets none pass that cannot be read.
pub fn schedule(rooftop: &pb::Rooftop) -> Result<Schedule, calendar::Error> {
    let zone = if rooftop.zone.is_empty() { "UTC" } else { &rooftop.zone };
    let all = |calendars: &[pb::Calendar]| {
        calendars.iter().map(|given| read(given, zone)).collect::<Result<Vec<_>, calendar::Error>>()
    };
    // What was said before a rooftop had several calendars tells of the one in force.
    let own = if rooftop.calendars.is_empty() { rooftop.calendar.as_slice() } else { &rooftop.calendars };
    let departments = rooftop.department_calendars.iter();
    let departments = departments.map(|given| Ok((given.department.clone(), all(&given.calendars)?)));
    Ok(Schedule::new(all(own)?, departments.collect::<Result<Vec<_>, _>>()?))
}

fn read(calendar: &pb::Calendar, zone: &str) -> Result<Calendar, calendar::Error> {
    let hours = calendar.hours.iter().map(|open| (open.weekday, open.opens.as_str(), open.closes.as_str()));
    let valid_from = calendar.valid_from.as_ref().and_then(from_wire).unwrap_or(Timestamp::MIN);
    Calendar::parse(calendar.version, valid_from, zone, hours, calendar.holidays.iter().map(String::as_str))
}
