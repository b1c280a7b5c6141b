//! One calendar: what is said of opening hours from an instant on.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil, tz::TimeZone};

use super::{Error, MINUTES, OpenHours, parse_day};

/// When a rooftop or a department is open, from an instant on.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) version: u64,
    pub(super) valid_from: Timestamp,
    pub(super) zone: TimeZone,
    /// By weekday and opening.
    pub(super) hours: Vec<OpenHours>,
    pub(super) holidays: BTreeSet<civil::Date>,
    /// Open minutes of each weekday on which no clock changes, Monday first.
    pub(super) minutes: [i64; 7],
}

impl Calendar {
    /// No hours at all mean always open.
    pub fn new(
        version: u64,
        valid_from: Timestamp,
        zone: &str,
        mut hours: Vec<OpenHours>,
        holidays: impl IntoIterator<Item = civil::Date>,
    ) -> Result<Self, Error> {
        let zone = TimeZone::get(zone).map_err(|_| Error::Zone(zone.to_owned()))?;
        for open in &hours {
            open.checked()?;
        }
        hours.sort_unstable();
        if let Some(pair) = hours.windows(2).find(|pair| pair[0].overlaps(&pair[1])) {
            return Err(Error::Overlap(pair[0].weekday));
        }
        let mut minutes = [if hours.is_empty() { i64::from(MINUTES) } else { 0 }; 7];
        for open in &hours {
            if let Some(sum) = usize::try_from(open.weekday - 1).ok().and_then(|day| minutes.get_mut(day)) {
                *sum += i64::from(open.closes - open.opens);
            }
        }
        Ok(Self { version, valid_from, zone, hours, holidays: holidays.into_iter().collect(), minutes })
    }

    /// The same from text: (weekday, `HH:MM`, `HH:MM`) and `YYYY-MM-DD`.
    pub fn parse<'a>(
        version: u64,
        valid_from: Timestamp,
        zone: &str,
        hours: impl IntoIterator<Item = (i32, &'a str, &'a str)>,
        holidays: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let hours = hours.into_iter().map(|(weekday, opens, closes)| OpenHours::parse(weekday, opens, closes));
        let holidays = holidays.into_iter().map(parse_day).collect::<Result<Vec<_>, _>>()?;
        Self::new(version, valid_from, zone, hours.collect::<Result<_, _>>()?, holidays)
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    pub(super) fn is_always_open(&self) -> bool {
        self.hours.is_empty() && self.holidays.is_empty()
    }
}
