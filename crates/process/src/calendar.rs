//! When a rooftop is open: zones, hours, holidays. Applied when durations are read, never when deals are folded.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

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

/// When a rooftop is open, from an instant on.
#[derive(Clone, Debug)]
pub struct Calendar {
    version: u64,
    valid_from: Timestamp,
    zone: TimeZone,
    hours: Vec<OpenHours>,
    holidays: BTreeSet<civil::Date>,
}

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
        total if minute < 60 && total <= 1440 => Ok(total),
        _ => Err(error()),
    }
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
        hours.sort_unstable();
        for open in &hours {
            match open {
                OpenHours { weekday, .. } if !(1..=7).contains(weekday) => return Err(Error::Weekday(*weekday)),
                OpenHours { weekday, opens, closes } if opens >= closes || *closes > 1440 => {
                    return Err(Error::Hours(*weekday));
                }
                _ => {}
            }
        }
        if let Some(pair) = hours.windows(2).find(|p| p[0].weekday == p[1].weekday && p[1].opens < p[0].closes) {
            return Err(Error::Overlap(pair[0].weekday));
        }
        Ok(Self { version, valid_from, zone, hours, holidays: holidays.into_iter().collect() })
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    fn is_always_open(&self) -> bool {
        self.hours.is_empty() && self.holidays.is_empty()
    }

    /// The stretches of a local day during which it is open, as instants; on a day on which clocks change they are
    /// shorter or longer than the clock says.
    fn open_on(&self, day: civil::Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let closed = self.holidays.contains(&day);
        let weekday = day.weekday().to_monday_one_offset();
        let whole_day = OpenHours { weekday, opens: 0, closes: 1440 };
        let whole_day = self.hours.is_empty().then_some(whole_day);
        let hours = self.hours.iter().copied().chain(whole_day);
        let hours = hours.filter(move |open| !closed && open.weekday == weekday);
        hours.filter_map(move |open| {
            let (opens, closes) = (self.instant(day, open.opens)?, self.instant(day, open.closes)?);
            (opens < closes).then_some((opens, closes))
        })
    }

    /// A local time that a clock change skips means the instant after the gap; one that it repeats, the first.
    fn instant(&self, day: civil::Date, minutes: u16) -> Option<Timestamp> {
        let (day, minutes) = if minutes >= 1440 { (day.tomorrow().ok()?, 0) } else { (day, minutes) };
        let local = day.at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
        self.zone.to_ambiguous_timestamp(local).compatible().ok()
    }
}

/// The calendars of a rooftop, each in force until the next is. Without any: UTC, always open.
#[derive(Clone, Debug, Default)]
pub struct Calendars {
    /// By `valid_from`.
    versions: Vec<Calendar>,
}

/// Durations over longer stretches than this are those of their first ten years.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3653);
/// Open time that is not used up by then never is.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Calendars {
    pub fn new(mut versions: Vec<Calendar>) -> Self {
        versions.sort_by_key(|calendar| (calendar.valid_from, calendar.version));
        Self { versions }
    }

    /// The calendar in force; before the first one, the first.
    pub fn at(&self, instant: Timestamp) -> Option<&Calendar> {
        let after = self.versions.partition_point(|calendar| calendar.valid_from <= instant);
        self.versions.get(after.saturating_sub(1))
    }

    /// Version of the calendar in force, 0 without any.
    pub fn version_at(&self, instant: Timestamp) -> u64 {
        self.at(instant).map_or(0, Calendar::version)
    }

    /// Local date and time of an instant.
    pub fn local(&self, instant: Timestamp) -> civil::DateTime {
        self.at(instant).map_or(TimeZone::UTC.to_datetime(instant), |calendar| calendar.zone.to_datetime(instant))
    }

    pub fn local_day(&self, instant: Timestamp) -> civil::Date {
        self.local(instant).date()
    }

    /// 0 to 23.
    pub fn local_hour(&self, instant: Timestamp) -> i8 {
        self.local(instant).hour()
    }

    pub fn is_open(&self, instant: Timestamp) -> bool {
        self.open_from(instant).next().is_some_and(|(opens, _)| opens <= instant)
    }

    /// How long the rooftop was open between two instants; zero if they are in the wrong order.
    pub fn open_duration(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let to = to.min(from.checked_add(LONGEST).unwrap_or(Timestamp::MAX));
        let open = self.open_from(from).take_while(|(opens, _)| *opens < to);
        open.fold(SignedDuration::ZERO, |sum, (opens, closes)| sum + closes.min(to).duration_since(opens))
    }

    /// The instant at which the rooftop has been open for so long since `from`; none if that is over a year away.
    pub fn add_open(&self, from: Timestamp, duration: SignedDuration) -> Option<Timestamp> {
        if duration <= SignedDuration::ZERO {
            return Some(from);
        }
        let horizon = from.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
        let mut left = duration;
        for (opens, closes) in self.open_from(from).take_while(|(opens, _)| *opens <= horizon) {
            let open = closes.duration_since(opens);
            if left <= open {
                return opens.checked_add(left).ok();
            }
            left -= open;
        }
        None
    }

    /// The open stretches from an instant on, in order.
    fn open_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.reigns(from).flat_map(|(calendar, start, end)| -> Box<dyn Iterator<Item = (Timestamp, Timestamp)>> {
            let Some(calendar) = calendar.filter(|calendar| !calendar.is_always_open()) else {
                return Box::new(std::iter::once((start, end)));
            };
            let first = calendar.zone.to_datetime(start).date();
            let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
            let open = days.flat_map(|day| calendar.open_on(day)).take_while(move |(opens, _)| *opens < end);
            let clipped = open.map(move |(opens, closes)| (opens.max(start), closes.min(end)));
            Box::new(clipped.filter(|(opens, closes)| opens < closes))
        })
    }

    /// Each calendar in force from an instant on, with its beginning and end.
    fn reigns(&self, from: Timestamp) -> impl Iterator<Item = (Option<&Calendar>, Timestamp, Timestamp)> {
        let first = self.versions.partition_point(|calendar| calendar.valid_from <= from).saturating_sub(1);
        let reigns = (first..self.versions.len()).map(move |at| {
            let start = if at == first { from } else { self.versions[at].valid_from };
            let end = self.versions.get(at + 1).map_or(Timestamp::MAX, |next| next.valid_from);
            (Some(&self.versions[at]), start, end)
        });
        let always = self.versions.is_empty().then_some((None, from, Timestamp::MAX));
        reigns.chain(always)
    }
}
