//! Opening hours as people write them: a YAML file that says all calendars of a rooftop and of its departments.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, bail, ensure};
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;
use throughline_proto::{
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours, Rooftop},
    time::{from_wire, to_wire},
};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// All calendars of a rooftop.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Of the rooftop as a whole.
    #[serde(default)]
    calendars: Vec<Written>,
    /// Of departments that keep hours of their own.
    #[serde(default)]
    departments: BTreeMap<String, Vec<Written>>,
}

/// One calendar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `2026-01-01`, the beginning of that day at the rooftop, or an instant in RFC 3339; absent: from now on.
    valid_from: Option<String>,
    /// `mon-fri: 09:00-20:00`, `sat: 09:00-12:00, 13:00-18:00`; days that are not named, or `closed`, are closed; no hours
    /// at all: always open.
    hours: Option<BTreeMap<String, String>>,
    /// Closed days.
    #[serde(default)]
    holidays: Vec<String>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is not such a file; what it says is judged by the suite.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(serde_saphyr::from_str(text)?)
    }

    /// For the wire, in the zone of the rooftop.
    ///
    /// # Errors
    /// If a day, an instant or hours cannot be read.
    pub fn into_calendars(self, zone: &TimeZone) -> anyhow::Result<(Vec<Calendar>, Vec<DepartmentCalendar>)> {
        let all = |written: Vec<Written>, whose: &str| {
            let numbered = written.into_iter().enumerate();
            let read =
                numbered.map(|(at, one)| one.read(zone).with_context(|| format!("{whose}, calendar {}", at + 1)));
            read.collect::<anyhow::Result<Vec<_>>>()
        };
        let departments = self.departments.into_iter().map(|(department, written)| {
            let calendars = all(written, &format!("department {department}"))?;
            Ok(DepartmentCalendar { department, calendars })
        });
        let departments = departments.collect::<anyhow::Result<_>>()?;
        Ok((all(self.calendars, "rooftop")?, departments))
    }
}

impl Written {
    fn read(self, zone: &TimeZone) -> anyhow::Result<Calendar> {
        let valid_from = self.valid_from.map(|text| read_instant(&text, zone)).transpose()?.map(to_wire);
        let mut hours = Vec::new();
        if let Some(written) = self.hours {
            for (days, times) in &written {
                read_hours(days, times, &mut hours)?;
            }
            ensure!(!hours.is_empty(), "it never opens; without `hours` it is always open");
        }
        Ok(Calendar { version: 0, valid_from, hours, holidays: self.holidays })
    }
}

fn read_instant(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let wrong = || format!("valid_from {text:?} is neither a day such as 2026-01-01 nor an instant in RFC 3339");
    let day: civil::Date = text.parse().with_context(wrong)?;
    zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().with_context(wrong)
}

fn read_hours(days: &str, times: &str, hours: &mut Vec<OpenHours>) -> anyhow::Result<()> {
    let day = |name: &str| {
        let place = DAYS.iter().position(|day| *day == name.trim().to_ascii_lowercase());
        place.with_context(|| format!("{:?} is no day: {} or a range such as mon-fri", name.trim(), DAYS.join(", ")))
    };
    let (first, last) = match days.split_once('-') {
        Some((first, last)) => (day(first)?, day(last)?),
        None => (day(days)?, day(days)?),
    };
    if times.trim().eq_ignore_ascii_case("closed") {
        return Ok(());
    }
    // fri-mon goes over the end of the week
    let span = (last + 7 - first) % 7;
    for stretch in times.split(',') {
        let Some((opens, closes)) = stretch.trim().split_once('-') else {
            bail!("hours of {days} are {:?}, which is neither `closed` nor like 09:00-18:00", stretch.trim());
        };
        hours.extend((first..=first + span).map(|day| OpenHours {
            weekday: (day % 7 + 1) as i32,
            opens: opens.trim().to_owned(),
            closes: closes.trim().to_owned(),
        }));
    }
    Ok(())
}

/// A rooftop's calendars as such a file, each with its version.
pub fn write(rooftop: &Rooftop, zone: &TimeZone) -> String {
    let mut text = format!("# times in {}\n", rooftop.zone);
    if rooftop.calendars.is_empty() && rooftop.department_calendars.is_empty() {
        text.push_str("# no calendar: always open\n");
    }
    if !rooftop.calendars.is_empty() {
        text.push_str("calendars:\n");
        let now = rooftop.calendar.as_ref().map(|calendar| calendar.version);
        rooftop.calendars.iter().for_each(|calendar| write_calendar(calendar, now, zone, "  ", &mut text));
    }
    if !rooftop.department_calendars.is_empty() {
        text.push_str("departments:\n");
        for own in &rooftop.department_calendars {
            let _ = writeln!(text, "  {}:", own.department);
            own.calendars.iter().for_each(|calendar| write_calendar(calendar, None, zone, "    ", &mut text));
        }
    }
    text
}

fn write_calendar(calendar: &Calendar, now: Option<u64>, zone: &TimeZone, indent: &str, text: &mut String) {
    let version = calendar.version;
    let in_force = if now == Some(version) { ", in force now" } else { "" };
    let from =
        calendar.valid_from.as_ref().and_then(from_wire).map(|from| write_instant(from, zone)).unwrap_or_default();
    let _ = writeln!(text, "{indent}- valid_from: {from} # version {version}{in_force}");
    if !calendar.hours.is_empty() {
        let _ = writeln!(text, "{indent}  hours:");
        let times: Vec<String> = (1..=7).map(|weekday| times_of(calendar, weekday)).collect();
        let mut day = 0;
        while day < 7 {
            let same = times[day..].iter().take_while(|other| **other == times[day]).count();
            let days = if same == 1 { DAYS[day].to_owned() } else { format!("{}-{}", DAYS[day], DAYS[day + same - 1]) };
            let _ = writeln!(text, "{indent}    {days}: {}", times[day]);
            day += same;
        }
    }
    if !calendar.holidays.is_empty() {
        let _ = writeln!(text, "{indent}  holidays: [{}]", calendar.holidays.join(", "));
    }
}

fn times_of(calendar: &Calendar, weekday: i32) -> String {
    let own = calendar.hours.iter().filter(|hours| hours.weekday == weekday);
    let times: Vec<String> = own.map(|hours| format!("{}-{}", hours.opens, hours.closes)).collect();
    if times.is_empty() { "closed".to_owned() } else { times.join(", ") }
}

/// The day where it is its beginning, else the instant.
fn write_instant(at: Timestamp, zone: &TimeZone) -> String {
    let day = at.to_zoned_datetime(zone.clone()).date();
    let begins = zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible();
    if begins.is_ok_and(|begins| begins == at) { day.to_string() } else { at.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "\
# times in America/New_York
calendars:
  - valid_from: 2026-01-01 # version 0
    hours:
      mon-fri: 09:00-20:00
      sat: 09:00-12:00, 13:00-18:00
      sun: closed
    holidays: [2026-11-26, 2026-12-25]
  - valid_from: 2026-11-24T18:40:00.5Z # version 0
departments:
  fi:
    - valid_from: 2026-01-01 # version 0
      hours:
        mon-sat: 10:00-20:00
        sun: closed
";

    fn read(text: &str) -> anyhow::Result<Rooftop> {
        let zone = TimeZone::get("America/New_York")?;
        let (calendars, department_calendars) = File::parse(text)?.into_calendars(&zone)?;
        Ok(Rooftop { zone: "America/New_York".into(), calendars, department_calendars, ..Rooftop::default() })
    }

    #[test]
    fn what_is_written_reads_as_what_it_was() {
        let rooftop = read(WRITTEN).unwrap();
        assert_eq!(write(&rooftop, &TimeZone::get("America/New_York").unwrap()), WRITTEN);
        assert_eq!(rooftop.calendars[0].hours.len(), 7);
        assert_eq!(rooftop.calendars[0].valid_from.unwrap().seconds, 1_767_243_600, "midnight in New York");
        let week_end = read("calendars: [{hours: {sat-mon: 10:00-16:00}}]").unwrap();
        let days: Vec<i32> = week_end.calendars[0].hours.iter().map(|hours| hours.weekday).collect();
        assert_eq!((days, week_end.calendars[0].valid_from), (vec![6, 7, 1], None));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, told) in [
            ("calendars: [{hours: {monday: 09:00-18:00}}]", "rooftop, calendar 1: \"monday\" is no day"),
            ("calendars: [{hours: {mon: all day}}]", "neither `closed` nor like 09:00-18:00"),
            ("calendars: [{hours: {mon: closed}}]", "it never opens"),
            ("departments: {fi: [{valid_from: yesterday}]}", "department fi, calendar 1: valid_from \"yesterday\""),
            ("calender: []", "unknown field"),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
