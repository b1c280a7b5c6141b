//! A store's week: when its doors are open, how many come at which hour, and the office's working hours.

use jiff::civil::{Date, Time, Weekday, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::draw::Draw;

/// Milliseconds: a duration, or an instant since 1970 UTC. The simulation reckons in whole ones so that truth is exact.
pub(crate) type Millis = i64;

const MINUTE: f64 = 60_000.0;

pub(crate) fn minutes(minutes: f64) -> Millis {
    (minutes * MINUTE).round() as Millis
}

pub(crate) fn in_minutes(lasted: Millis) -> f64 {
    lasted as f64 / MINUTE
}

/// The instant as a timestamp; one outside jiff's years is held at their edge.
pub(crate) fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

const OPENS: Time = time(9, 0, 0, 0);
pub(crate) const CLOSES: Time = time(20, 0, 0, 0);
const OFFICE_ENDS: Time = time(18, 0, 0, 0);

/// How many come in each hour from nine, as weights: a slow morning, a peak about noon, few in the last hour.
const HOURS: [f64; 11] = [4.0, 7.0, 10.0, 11.5, 11.0, 10.0, 10.0, 9.0, 7.5, 4.5, 1.5];

/// Paper and reconditioning end long before so many days.
const DAYS_AFTER: u32 = 90;

/// One day on which the store is open.
#[derive(Clone, Debug)]
pub(crate) struct StoreDay {
    pub(crate) date: Date,
    pub(crate) opens: Millis,
    pub(crate) closes: Millis,
    /// Local midnight after it: who still waits then goes home.
    pub(crate) lights_out: Millis,
}

/// The week of one store in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Week {
    zone: TimeZone,
    pub(crate) days: Vec<StoreDay>,
    office: Vec<(Millis, Millis)>,
}

impl Week {
    /// The open days among `days` from `first`; Sundays are closed.
    pub(crate) fn new(zone: TimeZone, first: Date, days: u32) -> Result<Self, jiff::Error> {
        let mut week = Self { zone, days: Vec::new(), office: Vec::new() };
        for day in 0..days + DAYS_AFTER {
            let date = first.checked_add(i64::from(day).days())?;
            if date.weekday() == Weekday::Sunday {
                continue;
            }
            let opens = week.at(date, OPENS)?;
            week.office.push((opens, week.at(date, OFFICE_ENDS)?));
            if day < days {
                let closes = week.at(date, CLOSES)?;
                let lights_out = week.at(date.tomorrow()?, Time::midnight())?;
                week.days.push(StoreDay { date, opens, closes, lights_out });
            }
        }
        Ok(week)
    }

    /// The instant of a local time. In a gap of the clock it is the later one, as people would read it.
    pub(crate) fn at(&self, date: Date, time: Time) -> Result<Millis, jiff::Error> {
        Ok(self.zone.to_timestamp(date.to_datetime(time))?.as_millisecond())
    }

    /// The instant at which work of so many office minutes ends when it is taken up at `from`: nights and Sundays do not count.
    pub(crate) fn office_time(&self, from: Millis, work: Millis) -> Millis {
        let mut left = work;
        for (opens, ends) in &self.office {
            let begins = from.max(*opens);
            if begins >= *ends {
                continue;
            }
            if begins + left <= *ends {
                return begins + left;
            }
            left -= ends - begins;
        }
        from + work
    }
}

/// Customers on this weekday, as a share of the mean day of the whole week: Saturday has 3.4 times it.
pub(crate) fn crowd(date: Date) -> f64 {
    match date.weekday() {
        Weekday::Saturday => 3.4,
        Weekday::Sunday => 0.0,
        _ => (7.0 - 3.4) / 5.0,
    }
}

/// A day's arrivals in order.
pub(crate) fn arrivals(day: &StoreDay, mean: f64, draw: &mut Draw) -> Vec<Millis> {
    let whole: f64 = HOURS.iter().sum();
    let mut arrivals: Vec<Millis> = (0..draw.count(mean))
        .map(|_| {
            let mut left = draw.between(0.0, whole);
            let mut hour = 0;
            while hour + 1 < HOURS.len() && left >= HOURS[hour] {
                left -= HOURS[hour];
                hour += 1;
            }
            day.opens + minutes((hour as f64 + left / HOURS[hour]) * 60.0)
        })
        .collect();
    arrivals.sort_unstable();
    arrivals
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn week(first: Date, days: u32) -> Week {
        let zone = TimeZone::get("America/New_York").unwrap();
        Week::new(zone, first, days).unwrap()
    }

    fn utc(at: &str) -> Millis {
        at.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn doors_open_at_nine_by_the_stores_clock_on_both_sides_of_a_clock_change() {
        let opens: Vec<Millis> = week(date(2026, 10, 31), 3).days.iter().map(|day| day.opens).collect();
        assert_eq!(opens, [utc("2026-10-31T13:00:00Z"), utc("2026-11-02T14:00:00Z")]);
    }

    #[test]
    fn office_work_rests_at_night_and_on_sunday() {
        let week = week(date(2026, 9, 5), 1);
        // Saturday 17:00 in New York: one hour that day, the second on Monday morning
        let done = week.office_time(utc("2026-09-05T21:00:00Z"), minutes(120.0));
        assert_eq!(done, utc("2026-09-07T14:00:00Z"));
    }

    #[test]
    fn a_week_has_seven_mean_days_of_customers() {
        let days = (5..12).map(|day| crowd(date(2026, 9, day)));
        assert!((days.sum::<f64>() - 7.0).abs() < 1e-9);
    }

    #[test]
    fn customers_come_while_the_doors_are_open_and_most_about_midday() {
        let week = week(date(2026, 9, 5), 1);
        let day = &week.days[0];
        let come = arrivals(day, 2_000.0, &mut Draw::stream(1, "RT001", "arrivals", 0, 0));
        assert!(come.is_sorted() && come.iter().all(|at| (day.opens..=day.closes).contains(at)));
        let within = |from: f64, to: f64| {
            let hours = day.opens + minutes(from * 60.0)..day.opens + minutes(to * 60.0);
            come.iter().filter(|at| hours.contains(at)).count()
        };
        assert!(within(2.0, 5.0) > 2 * within(0.0, 1.5) && within(2.0, 5.0) > within(8.0, 11.0));
    }
}
