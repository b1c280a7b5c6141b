//! By what the feeds of a rooftop are judged, as the directory says it.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{Calendar, Calendars, Watch};
use throughline_proto::{
    tenant::v1::{self as pb, Rooftop},
    time::from_wire,
};

/// The directory has checked what it says; hours that could not be read would mean always open.
pub(crate) fn watch(rooftop: &Rooftop) -> Watch {
    // Before a rooftop had several calendars it had the one in force.
    let told = if rooftop.calendars.is_empty() { rooftop.calendar.as_slice() } else { &rooftop.calendars };
    let calendars = told.iter().filter_map(|calendar| read(calendar, &rooftop.zone)).collect();
    let declared = rooftop.feeds.iter().filter_map(|feed| {
        let interval = feed.interval.as_ref()?;
        Some((feed.source.clone(), SignedDuration::new(interval.seconds, interval.nanos)))
    });
    Watch { calendars: Calendars::new(calendars), declared: declared.collect() }
}

/// The part of a rooftop from which [`watch`] makes the same.
pub(crate) fn watched(rooftop: &Rooftop) -> Rooftop {
    Rooftop {
        zone: rooftop.zone.clone(),
        calendar: rooftop.calendar.clone(),
        calendars: rooftop.calendars.clone(),
        feeds: rooftop.feeds.clone(),
        ..Rooftop::default()
    }
}

fn read(calendar: &pb::Calendar, zone: &str) -> Option<Calendar> {
    let hours = calendar.hours.iter().map(|open| (open.weekday, open.opens.as_str(), open.closes.as_str()));
    let valid_from = calendar.valid_from.as_ref().and_then(from_wire).unwrap_or(Timestamp::MIN);
    let holidays = calendar.holidays.iter().map(String::as_str);
    Calendar::parse(calendar.version, valid_from, zone, hours, holidays).ok()
}
