//! By what the feeds of a rooftop are judged, as the directory says it.

use jiff::{SignedDuration, Timestamp, civil};
use throughline_process::{
    Calendar, Calendars, Watch,
    calendar::{OpenHours, parse_minutes},
};
use throughline_proto::{
    tenant::v1::{self as pb, Rooftop},
    time::from_wire,
};

/// The directory has checked what it says; hours that could not be read would mean always open.
pub(crate) fn watch(rooftop: &Rooftop) -> Watch {
    let calendar = rooftop.calendar.as_ref().and_then(|calendar| read(calendar, &rooftop.zone));
    let declared = rooftop.feeds.iter().filter_map(|feed| {
        let interval = feed.interval.as_ref()?;
        Some((feed.source.clone(), SignedDuration::new(interval.seconds, interval.nanos)))
    });
    Watch { calendars: Calendars::new(calendar.into_iter().collect()), declared: declared.collect() }
}

/// The part of a rooftop from which [`watch`] makes the same.
pub(crate) fn watched(rooftop: &Rooftop) -> Rooftop {
    Rooftop {
        zone: rooftop.zone.clone(),
        calendar: rooftop.calendar.clone(),
        feeds: rooftop.feeds.clone(),
        ..Rooftop::default()
    }
}

fn read(calendar: &pb::Calendar, zone: &str) -> Option<Calendar> {
    let hours = calendar.hours.iter().map(|open| {
        let weekday = i8::try_from(open.weekday).ok()?;
        Some(OpenHours { weekday, opens: parse_minutes(&open.opens).ok()?, closes: parse_minutes(&open.closes).ok()? })
    });
    let holidays = calendar.holidays.iter().filter_map(|day| day.parse::<civil::Date>().ok());
    let valid_from = calendar.valid_from.as_ref().and_then(from_wire).unwrap_or(Timestamp::MIN);
    Calendar::new(calendar.version, valid_from, zone, hours.collect::<Option<Vec<_>>>()?, holidays).ok()
}
