//! Times as vendors write them, read into what they honestly say: an instant, a minute, a day, a stretch.
use jiff::{
    Span, Timestamp,
    civil::DateTime,
    fmt::strtime::BrokenDownTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// How well an instant is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    Exact,
    Bounded,
    /// A local day.
    DateOnly,
}

impl Quality {
    /// As CloudEvents' `timequality` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Bounded => "bounded",
            Self::DateOnly => "date",
        }
    }
}

/// When something happened: between two instants, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub earliest: Timestamp,
    pub latest: Timestamp,
    pub quality: Quality,
}

/// To what a vendor writes its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    #[default]
    Second,
    Minute,
    Day,
}

impl Moment {
    pub(crate) fn exact(at: Timestamp) -> Self {
        Self { earliest: at, latest: at, quality: Quality::Exact }
    }

    /// Not before one instant and not after another; `None` if the second lies before the first.
    pub(crate) fn between(earliest: Timestamp, latest: Timestamp) -> Option<Self> {
        (earliest <= latest).then_some(Self { earliest, latest, quality: Quality::Bounded })
    }

    /// The same a day later.
    pub(crate) fn next_day(self, zone: &TimeZone) -> Option<Self> {
        let later = |at: Timestamp| {
            at.to_zoned_datetime(zone.clone()).checked_add(Span::new().days(1)).ok().map(|at| at.timestamp())
        };
        Some(Self { earliest: later(self.earliest)?, latest: later(self.latest)?, quality: self.quality })
    }
}

/// Reads one time. `None` if the text is not of the format.
pub(crate) fn read(text: &str, format: &str, zone: &TimeZone, precision: Precision) -> Option<Moment> {
    if format == "rfc3339" {
        return text.parse().ok().map(Moment::exact);
    }
    let written = BrokenDownTime::parse(format, text).ok()?;
    if written.offset().is_some() {
        return written.to_timestamp().ok().map(Moment::exact);
    }
    match precision {
        Precision::Day => {
            let day = written.to_date().ok()?;
            let start = day.to_zoned_datetime(zone.clone()).ok()?;
            let end = day.tomorrow().ok()?.to_zoned_datetime(zone.clone()).ok()?.timestamp();
            let latest = end.checked_sub(Span::new().microseconds(1)).ok()?;
            Some(Moment { earliest: start.timestamp(), latest, quality: Quality::DateOnly })
        }
        Precision::Second => {
            let (earliest, latest) = instants(written.to_datetime().ok()?, zone)?;
            Some(if earliest == latest { Moment::exact(earliest) } else { Moment::between(earliest, latest)? })
        }
        Precision::Minute => {
            let (earliest, latest) = instants(written.to_datetime().ok()?, zone)?;
            Moment::between(earliest, latest.checked_add(Span::new().seconds(59).microseconds(999_999)).ok()?)
        }
    }
}

/// The instants that a wall clock may have meant: two in the hour that comes twice. One in the hour that is skipped, read
/// as if the clock had not been changed yet.
fn instants(wall: DateTime, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let (before, after) = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, offset),
        AmbiguousOffset::Gap { before, .. } => (before, before),
        AmbiguousOffset::Fold { before, after } => (before, after),
    };
    let (one, other) = (before.to_timestamp(wall).ok()?, after.to_timestamp(wall).ok()?);
    Some((one.min(other), one.max(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    fn of(text: &str, format: &str, precision: Precision) -> (String, String, Quality) {
        let moment = read(text, format, &new_york(), precision).unwrap();
        (moment.earliest.to_string(), moment.latest.to_string(), moment.quality)
    }

    #[test]
    fn a_time_says_no_more_than_was_written() {
        let local = "%m/%d/%Y %I:%M:%S %p";
        let at = "2026-09-07T16:35:34Z".to_owned();
        assert_eq!(of("09/07/2026 12:35:34 PM", local, Precision::Second), (at.clone(), at, Quality::Exact));
        assert_eq!(
            of("09/07/2026 12:02 PM", "%m/%d/%Y %I:%M %p", Precision::Minute),
            ("2026-09-07T16:02:00Z".to_owned(), "2026-09-07T16:02:59.999999Z".to_owned(), Quality::Bounded)
        );
        // A day of 25 hours.
        assert_eq!(
            of("2026-11-01", "%Y-%m-%d", Precision::Day),
            ("2026-11-01T04:00:00Z".to_owned(), "2026-11-02T04:59:59.999999Z".to_owned(), Quality::DateOnly)
        );
    }

    #[test]
    fn an_hour_that_comes_twice_may_be_either() {
        assert_eq!(
            of("2026-11-01 01:30:00", "%Y-%m-%d %H:%M:%S", Precision::Second),
            ("2026-11-01T05:30:00Z".to_owned(), "2026-11-01T06:30:00Z".to_owned(), Quality::Bounded)
        );
        // An hour that does not exist is read as if the clock had not been changed yet.
        assert_eq!(of("2026-03-08 02:30:00", "%Y-%m-%d %H:%M:%S", Precision::Second).0, "2026-03-08T07:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "13/45/2026 12:02 PM", "09/07/2026 25:00 PM"] {
            assert_eq!(read(text, "%m/%d/%Y %I:%M %p", &new_york(), Precision::Minute), None, "{text}");
        }
    }
}
