//! Rooftops as the deal log tells of them: by what their deals are judged.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil};
use throughline_process::{
    Calendar, Calendars, Definition,
    calendar::{OpenHours, parse_minutes},
};
use throughline_proto as pb;

use super::{Unreadable, optional_instant};
use crate::domain::Rulebook;

/// Calendars that are kept of a rooftop, the newest ones; durations older than the oldest are read by it.
const CALENDARS: usize = 64;

/// The rule book of a rooftop: its definition or the shipped one, its targets, and all calendars that it ever had.
pub fn rulebook(
    rooftop: &pb::tenant::v1::Rooftop,
    calendars: &[pb::tenant::v1::Calendar],
) -> Result<Rulebook, Unreadable> {
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
    let zone = if rooftop.zone.is_empty() { "UTC" } else { &rooftop.zone };
    let calendars = calendars.iter().map(|given| calendar(given, zone)).collect::<Result<_, _>>()?;
    Ok(Rulebook::new(definition, &overrides, Calendars::new(calendars)))
}

/// The calendars of a rooftop with the one that it tells of: a version told again replaces what it said before.
pub fn merge_calendar(
    mut known: Vec<pb::tenant::v1::Calendar>,
    told: Option<&pb::tenant::v1::Calendar>,
) -> Vec<pb::tenant::v1::Calendar> {
    if let Some(told) = told {
        known.retain(|calendar| calendar.version != told.version);
        known.push(told.clone());
        known.sort_by_key(|calendar| calendar.version);
        let surplus = known.len().saturating_sub(CALENDARS);
        known.drain(..surplus);
    }
    known
}

fn calendar(calendar: &pb::tenant::v1::Calendar, zone: &str) -> Result<Calendar, Unreadable> {
    let unreadable = |error: &dyn std::fmt::Display| Unreadable::new(format!("calendar ({error})"));
    let minutes = |text: &str| parse_minutes(text).map_err(|error| unreadable(&error));
    let hours = calendar.hours.iter().map(|open| {
        let weekday = i8::try_from(open.weekday).map_err(|error| unreadable(&error))?;
        Ok(OpenHours { weekday, opens: minutes(&open.opens)?, closes: minutes(&open.closes)? })
    });
    let holidays = calendar.holidays.iter().map(|day| day.parse::<civil::Date>().map_err(|error| unreadable(&error)));
    let valid_from = optional_instant(calendar.valid_from.as_ref(), "valid_from")?.unwrap_or(Timestamp::MIN);
    Calendar::new(
        calendar.version,
        valid_from,
        zone,
        hours.collect::<Result<_, _>>()?,
        holidays.collect::<Result<Vec<_>, _>>()?,
    )
    .map_err(|error| unreadable(&error))
}
