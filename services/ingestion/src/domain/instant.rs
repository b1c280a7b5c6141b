//! When something happened: an instant, bounds, or a local day, whichever the source can honestly say.

use jiff::{SignedDuration, Timestamp, Unit, civil::Date, tz::TimeZone};
pub(crate) use throughline_process::{Bound, Quality};

/// Clocks of vendors run ahead a little; an event from further away is a mistake of theirs.
pub(crate) const MOST_AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// Events before 1990 are clocks that were never set.
const EARLIEST_SECOND: i64 = 631_152_000;

/// A time as sent: CloudEvents in JSON writes it, protobuf may have an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SentTime<'a> {
    Text(&'a str),
    Instant(Timestamp),
    /// Of a type that is no time.
    Malformed,
}

/// The attributes of an event that say when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SentTimes<'a> {
    pub(crate) time: Option<SentTime<'a>>,
    pub(crate) earliest: Option<SentTime<'a>>,
    pub(crate) latest: Option<SentTime<'a>>,
    pub(crate) observed_at: Option<SentTime<'a>>,
    pub(crate) quality: Option<&'a str>,
}

/// When an event happened, as far as it can be said without knowing the rooftop's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Bound(Bound),
    /// A calendar day where the rooftop stands.
    Day(Date),
}

/// What a sound event says of time; all instants are cut to microseconds, which is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) observed_at: Option<Timestamp>,
    pub(crate) when: When,
}

/// What is wrong with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing(&'static str),
    Malformed(&'static str),
    UnknownQuality,
    /// `latest` lies before `earliest`, or `time` outside of both.
    Reversed,
    /// Before 1990.
    TooOld(&'static str),
    InFuture(&'static str),
}

impl Times {
    /// Reads the time attributes; all that is wrong goes to `faults`. What only lies too far ahead is given all the same:
    /// one day it won't.
    pub(crate) fn parse(sent: &SentTimes<'_>, now: Timestamp, faults: &mut Vec<Fault>) -> Option<Self> {
        let known = faults.len();
        let mut read = |field, sent: Option<SentTime<'_>>| sent.and_then(|sent| instant(field, sent, faults));
        let observed_at = read("observedat", sent.observed_at);
        let earliest = read("earliest", sent.earliest);
        let latest = read("latest", sent.latest);
        let bounded = sent.earliest.is_some() || sent.latest.is_some();
        let quality = match sent.quality {
            None if bounded => Quality::Bounded,
            None | Some("exact") => Quality::Exact,
            Some("bounded") => Quality::Bounded,
            Some("date") => Quality::DateOnly,
            Some(_) => {
                faults.push(Fault::UnknownQuality);
                return None;
            }
        };
        let (occurred_at, when) = match quality {
            Quality::DateOnly if !bounded => (None, When::Day(day(sent.time, faults)?)),
            _ => {
                let time = sent.time.and_then(|time| instant("time", time, faults));
                if faults.len() > known {
                    return None;
                }
                let (earliest, latest) = match (earliest.or(time), latest.or(time)) {
                    (Some(earliest), Some(latest)) => (earliest, latest),
                    (None, None) => return missing("time", faults),
                    (None, _) => return missing("earliest", faults),
                    (_, None) => return missing("latest", faults),
                };
                if quality == Quality::Exact && time.is_none() {
                    return missing("time", faults);
                }
                let outside =
                    time.is_some_and(|time| quality != Quality::DateOnly && (time < earliest || latest < time));
                if latest < earliest || outside || quality == Quality::Exact && earliest != latest {
                    faults.push(Fault::Reversed);
                    return None;
                }
                let occurred_at = time.filter(|_| quality != Quality::DateOnly);
                (occurred_at, When::Bound(Bound { earliest, latest, quality }))
            }
        };
        let times = Self { occurred_at, observed_at, when };
        if faults.len() > known {
            return None;
        }
        times.check_future(now, faults);
        Some(times)
    }

    /// Notes what lies too far ahead of `now`. It is asked again when an event leaves quarantine: by then it may not.
    pub(crate) fn check_future(&self, now: Timestamp, faults: &mut Vec<Fault>) {
        let Ok(limit) = now.checked_add(MOST_AHEAD) else { return };
        match self.when {
            // Today ends in the future, so of a day only its beginning counts; no zone is further ahead than 14 hours.
            When::Day(day) if zone_ahead(day).is_some_and(|start| start > limit) => {
                faults.push(Fault::InFuture("time"))
            }
            When::Bound(bound) if bound.earliest > limit => {
                faults.push(Fault::InFuture(if self.occurred_at.is_some() { "time" } else { "earliest" }));
            }
            When::Bound(bound) if bound.quality != Quality::DateOnly && bound.latest > limit => {
                faults.push(Fault::InFuture("latest"));
            }
            _ => {}
        }
        if self.observed_at.is_some_and(|observed| observed > limit) {
            faults.push(Fault::InFuture("observedat"));
        }
    }
}

impl When {
    /// The same from bounds as they rest in quarantine, where no zone is known and a day stands in UTC.
    pub(crate) fn at_rest(bound: Bound) -> Self {
        let day = Self::Day(TimeZone::UTC.to_datetime(bound.earliest).date());
        if bound.quality == Quality::DateOnly && day.bound(&TimeZone::UTC) == Some(bound) {
            day
        } else {
            Self::Bound(bound)
        }
    }

    /// The bounds, once it is known where the rooftop stands. None for a day that its zone can't represent.
    pub(crate) fn bound(self, zone: &TimeZone) -> Option<Bound> {
        let day = match self {
            Self::Bound(bound) => return Some(bound),
            Self::Day(day) => day,
        };
        let midnight = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let (start, next) = (midnight(day)?, midnight(day.tomorrow().ok()?)?);
        let latest = next.checked_sub(SignedDuration::from_micros(1)).ok()?;
        Some(Bound { earliest: start, latest, quality: Quality::DateOnly })
    }
}

fn missing(field: &'static str, faults: &mut Vec<Fault>) -> Option<Times> {
    faults.push(Fault::Missing(field));
    None
}

fn instant(field: &'static str, sent: SentTime<'_>, faults: &mut Vec<Fault>) -> Option<Timestamp> {
    let at = match sent {
        SentTime::Text(text) if text.len() <= 40 => text.parse().ok(),
        SentTime::Instant(at) => Some(at),
        SentTime::Text(_) | SentTime::Malformed => None,
    };
    let at = at.and_then(|at: Timestamp| Timestamp::from_microsecond(at.as_nanosecond().div_euclid(1_000) as i64).ok());
    match at {
        None => faults.push(Fault::Malformed(field)),
        Some(at) if at.as_second() < EARLIEST_SECOND => faults.push(Fault::TooOld(field)),
        Some(at) => return Some(at),
    }
    None
}

/// The day as written: `2026-09-07T00:00:00Z` of a date-only source means the seventh, wherever the rooftop stands.
fn day(sent: Option<SentTime<'_>>, faults: &mut Vec<Fault>) -> Option<Date> {
    let day = match sent {
        None => {
            faults.push(Fault::Missing("time"));
            return None;
        }
        Some(SentTime::Text(text)) if text.len() == 10 => text.parse().ok(),
        Some(SentTime::Text(text)) if text.len() <= 40 && text.parse::<Timestamp>().is_ok() => {
            text.get(..10).and_then(|day| day.parse().ok())
        }
        Some(SentTime::Instant(at)) => Some(TimeZone::UTC.to_datetime(at).date()),
        Some(SentTime::Text(_) | SentTime::Malformed) => None,
    };
    match day {
        None => faults.push(Fault::Malformed("time")),
        Some(day) if day.year() < 1990 => faults.push(Fault::TooOld("time")),
        Some(day) => return Some(day),
    }
    None
}

/// When a day begins on the easternmost island.
fn zone_ahead(day: Date) -> Option<Timestamp> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    midnight.checked_sub(SignedDuration::from_hours(14)).ok()
}

/// Whole milliseconds from `earlier` to `later`, never negative.
pub(crate) fn millis_between(earlier: Timestamp, later: Timestamp) -> i64 {
    let between = later.duration_since(earlier).round(Unit::Millisecond);
    between.ok().and_then(|between| i64::try_from(between.as_millis()).ok()).unwrap_or(0).max(0)
}

#[cfg(test)]
mod tests;
