//! When a rooftop and its departments are open. Applied when durations are read, never when deals are folded.

mod day;
mod schedule;
mod series;
mod version;

use serde::{Deserialize, Serialize};

pub use schedule::{Durations, Schedule};
pub use series::Calendars;
pub use version::Calendar;

/// Opening hours of a weekday; several for one weekday make a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenHours {
    /// 1 Monday to 7 Sunday.
    pub weekday: i8,
    /// Minutes of local time after midnight, 0 to 1,439.
    pub opens: u16,
    /// Minutes of local time after midnight, after `opens`, at most 1,440.
    pub closes: u16,
}

impl OpenHours {
    /// Reads a weekday and two times `HH:MM`.
    pub fn parse(weekday: i32, opens: &str, closes: &str) -> Result<Self, Error> {
        let (opens, closes) = (parse_minutes(opens)?, parse_minutes(closes)?);
        let weekday = i8::try_from(weekday).map_err(|_| Error::Weekday(if weekday < 0 { i8::MIN } else { i8::MAX }))?;
        Self { weekday, opens, closes }.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        match self {
            Self { weekday, .. } if !(1..=7).contains(&weekday) => Err(Error::Weekday(weekday)),
            Self { weekday, opens, closes } if opens >= closes || closes > MINUTES => Err(Error::Hours(weekday)),
            _ => Ok(self),
        }
    }

    /// Whether both are open at some minute of a week.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.weekday == other.weekday && self.opens < other.closes && other.opens < self.closes
    }
}

/// Minutes of a day on which no clock changes.
const MINUTES: u16 = 1440;

/// What is wrong with a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("zone '{0}' is not known; use an IANA name such as America/New_York")]
    Zone(String),
    #[error("time '{0}' is no HH:MM between 00:00 and 24:00")]
    Time(String),
    #[error("weekday {0} is not between 1 (Monday) and 7 (Sunday)")]
    Weekday(i8),
    #[error("hours of weekday {0} must close after they open and within the day")]
    Hours(i8),
    #[error("hours of weekday {0} overlap")]
    Overlap(i8),
    #[error("holiday '{0}' is no day as YYYY-MM-DD")]
    Holiday(String),
}

/// Reads `HH:MM` as minutes after midnight; `24:00` is the end of the day.
pub fn parse_minutes(text: &str) -> Result<u16, Error> {
    let error = || Error::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(error)?;
    let digits = |part: &str| match part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) {
        true => part.parse::<u16>().map_err(|_| error()),
        false => Err(error()),
    };
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    match hour * 60 + minute {
        total if minute < 60 && total <= MINUTES => Ok(total),
        _ => Err(error()),
    }
}

/// Reads a local day `YYYY-MM-DD`.
pub fn parse_day(text: &str) -> Result<jiff::civil::Date, Error> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = plain.then(|| text.parse().ok()).flatten();
    day.ok_or_else(|| Error::Holiday(text.to_owned()))
}
