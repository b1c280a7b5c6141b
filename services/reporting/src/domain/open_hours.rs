//! Durations of one measure in one cut, in open hours.

use throughline_process::{Bound, Calendars, quantile::quantiles};

/// Most ended intervals that a report times by open hours: their durations are held in memory.
pub const MOST_TIMED: u64 = 4_000_000;

const PERCENTILES: [f64; 3] = [0.5, 0.75, 0.9];

/// Open hours of some intervals, seconds.
#[derive(Clone, Debug, Default)]
pub struct OpenHours {
    shortest: Vec<f64>,
    longest: Vec<f64>,
}

/// Median, 75th and 90th percentile, seconds; 0 of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// Of the lower bounds.
    pub shortest: [f64; 3],
    /// Of the upper bounds.
    pub longest: [f64; 3],
}

impl OpenHours {
    /// Takes in an ended interval, by the hours of whoever it waited for.
    pub fn add(&mut self, calendars: &Calendars, started: &Bound, ended: &Bound) {
        let (shortest, longest) = calendars.durations(started, ended).open;
        self.shortest.push(shortest.as_secs_f64());
        self.longest.push(longest.as_secs_f64());
    }

    /// As they are reported.
    pub fn percentiles(mut self) -> Percentiles {
        let of = |values: &mut Vec<f64>| {
            quantiles(values, &PERCENTILES).and_then(|found| found.try_into().ok()).unwrap_or_default()
        };
        Percentiles { shortest: of(&mut self.shortest), longest: of(&mut self.longest) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use throughline_process::Calendar;

    use super::*;

    #[test]
    fn percentiles_are_of_the_hours_in_which_it_was_open() {
        let nights = Calendar::parse(1, Timestamp::MIN, "UTC", (1..=7).map(|day| (day, "00:00", "06:00")), []);
        let calendars = Calendars::new(vec![nights.expect("valid")]);
        let midnight: Timestamp = "2026-10-05T00:00:00Z".parse().expect("valid");
        let after = |hours| Bound::exact(midnight + SignedDuration::from_hours(hours));
        let mut open = OpenHours::default();
        for hours in [1, 4, 12, 30] {
            open.add(&calendars, &after(0), &after(hours));
        }
        open.add(&calendars, &Bound::between(midnight, after(2).latest), &after(3));
        let found = open.percentiles();
        // 1, 1, 4, 6, 12 hours at least, 1, 3, 4, 6, 12 at most
        assert_eq!((found.shortest[0], found.longest[1]), (4.0 * 3600.0, 6.0 * 3600.0));
        assert_eq!(OpenHours::default().percentiles(), Percentiles::default());
    }
}
