//! Local days of one calendar as instants.
//!
//! A day is what lies between its midnight and the next one. Local times become instants in one order: one that clocks skip
//! is the moment at which they go forward, one that they repeat is its first. So days, and the hours within them, neither
//! overlap nor leave anything out, whatever clocks do.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::AmbiguousOffset};

use super::{Calendar, MINUTES, OpenHours};

/// Stretches of more whole days than this are reckoned by weeks.
const WALKED: i64 = 14;
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

impl Calendar {
    /// Open time between two instants; zero if they are in the wrong order. Years cost little more than weeks.
    pub(super) fn open_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if from >= to {
            return SignedDuration::ZERO;
        }
        if self.is_always_open() {
            return to.duration_since(from);
        }
        let (first, last) = (self.day_of(from), self.day_of(to));
        let within = |day| {
            let clipped = self.open_on(day).map(|(opens, closes)| (opens.max(from), closes.min(to)));
            clipped.filter(|(opens, closes)| opens < closes).map(|(opens, closes)| closes.duration_since(opens)).sum()
        };
        let ends: SignedDuration = if first == last { within(first) } else { within(first) + within(last) };
        match first.tomorrow() {
            Ok(second) if second < last => ends + self.open_days(second, last),
            _ => ends,
        }
    }

    /// Open time of the days from `first` to before `end`.
    fn open_days(&self, first: Date, end: Date) -> SignedDuration {
        let days = first.duration_until(end).as_hours() / 24;
        let each = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        if days <= WALKED {
            return each.take_while(|day| *day < end).map(|day| self.open_day(day)).sum();
        }
        let odd_days = each.take((days % 7) as usize).map(|day| self.weekday_minutes(day)).sum::<i64>();
        let holidays = self.holidays.range(first..end).map(|day| self.weekday_minutes(*day)).sum::<i64>();
        let minutes = days / 7 * self.minutes.iter().sum::<i64>() + odd_days - holidays;
        let changed = self.days_with_a_change(first, end);
        changed.into_iter().fold(SignedDuration::from_mins(minutes), |sum, day| {
            let usually = if self.holidays.contains(&day) { 0 } else { self.weekday_minutes(day) };
            sum + self.open_day(day) - SignedDuration::from_mins(usually)
        })
    }

    /// Those of the days from `first` to before `end` on which clocks may have been changed.
    fn days_with_a_change(&self, first: Date, end: Date) -> BTreeSet<Date> {
        let mut changed = BTreeSet::new();
        let (Some(begins), Some(ends)) = (self.instant(first, 0), self.instant(end, 0)) else { return changed };
        let changes = self.zone.following(begins.checked_sub(INSTANT).unwrap_or(begins));
        for change in changes.map(|change| change.timestamp()).take_while(|change| *change <= ends) {
            // Several where a whole day was skipped.
            let before = self.day_of(change.checked_sub(INSTANT).unwrap_or(change));
            let days = std::iter::successors(Some(before), |day| day.tomorrow().ok());
            let last = self.day_of(change);
            changed.extend(days.take_while(|day| *day <= last).filter(|day| (first..end).contains(day)));
        }
        changed
    }

    fn open_day(&self, day: Date) -> SignedDuration {
        self.open_on(day).map(|(opens, closes)| closes.duration_since(opens)).sum()
    }

    fn weekday_minutes(&self, day: Date) -> i64 {
        self.minutes[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs()) % 7]
    }

    /// The stretches of a local day during which it is open, as instants, in order.
    pub(super) fn open_on(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let closed = self.holidays.contains(&day);
        let weekday = day.weekday().to_monday_one_offset();
        let whole_day = OpenHours { weekday, opens: 0, closes: MINUTES };
        let whole_day = self.hours.is_empty().then_some(whole_day);
        let hours = self.hours.iter().copied().chain(whole_day);
        let hours = hours.filter(move |open| !closed && open.weekday == weekday);
        hours.filter_map(move |open| {
            let (opens, closes) = (self.instant(day, open.opens)?, self.instant(day, open.closes)?);
            (opens < closes).then_some((opens, closes))
        })
    }

    /// The day between whose midnights an instant lies.
    pub(super) fn day_of(&self, at: Timestamp) -> Date {
        let mut day = self.zone.to_datetime(at).date();
        // Where clocks go back over midnight, an instant behind it reads as the day before.
        while let Ok(next) = day.tomorrow()
            && self.instant(next, 0).is_some_and(|begins| begins <= at)
        {
            day = next;
        }
        day
    }

    /// A local time as an instant; none beyond the ends of time.
    fn instant(&self, day: Date, minutes: u16) -> Option<Timestamp> {
        let (day, minutes) = if minutes >= MINUTES { (day.tomorrow().ok()?, 0) } else { (day, minutes) };
        let local = day.at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
        let instant = self.zone.to_ambiguous_timestamp(local);
        match instant.offset() {
            AmbiguousOffset::Gap { before, .. } => {
                let behind = before.to_timestamp(local).ok()?.checked_add(INSTANT).ok()?;
                Some(self.zone.preceding(behind).next()?.timestamp())
            }
            _ => instant.compatible().ok(),
        }
    }
}
