//! Calendars that follow one another.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use super::Calendar;

/// Calendars, each in force until the next is. Without any: UTC, always open.
#[derive(Clone, Debug, Default)]
pub struct Calendars {
    /// By `valid_from`.
    versions: Vec<Calendar>,
}

/// Open time that is not used up by then never is.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Calendars {
    /// In any order.
    pub fn new(mut versions: Vec<Calendar>) -> Self {
        versions.sort_by_key(|calendar| (calendar.valid_from, calendar.version));
        Self { versions }
    }

    pub(super) fn versions(&self) -> &[Calendar] {
        &self.versions
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

    /// When it opens or closes next; none without a calendar, or if it never does.
    pub fn next_turn(&self, instant: Timestamp) -> Option<Timestamp> {
        let (opens, closes) = self.open_from(instant).next()?;
        let turn = if opens > instant { opens } else { closes };
        Some(turn).filter(|turn| *turn < Timestamp::MAX)
    }

    /// When it closes for the last time on the local day of an instant; none if it does not behind the instant, or if it
    /// is always open.
    pub fn last_closing_of_day(&self, instant: Timestamp) -> Option<Timestamp> {
        let calendar = self.at(instant).filter(|calendar| !calendar.is_always_open())?;
        let closings = calendar.open_on(calendar.day_of(instant)).map(|(_, closes)| closes);
        closings.max().filter(|closes| *closes > instant)
    }

    /// How long it was open between two instants; zero if they are in the wrong order.
    pub fn open_duration(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let reigns = self.reigns(from).take_while(|(_, start, _)| *start < to);
        let open = reigns.map(|(calendar, start, end)| match calendar {
            Some(calendar) => calendar.open_between(start, end.min(to)),
            None => end.min(to).duration_since(start),
        });
        open.sum()
    }

    /// The instant at which it has been open for so long since `from`; none if that is over a year away.
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

    /// The end of the n-th local day after that of `from` on which it was open at all; none if that is over 400 days and
    /// seven times as many days away.
    pub fn after_open_days(&self, from: Timestamp, days: u32) -> Option<Timestamp> {
        let (mut left, mut day) = (days, self.local_day(from));
        let mut ends = self.start_of(day.tomorrow().ok()?)?;
        for _ in 0..days.saturating_mul(7).saturating_add(400) {
            if left == 0 {
                return Some(ends);
            }
            day = day.tomorrow().ok()?;
            let starts = ends;
            ends = self.start_of(day.tomorrow().ok()?)?;
            left -= u32::from(self.open_duration(starts, ends).is_positive());
        }
        None
    }

    /// The instant at which a local day begins.
    fn start_of(&self, day: civil::Date) -> Option<Timestamp> {
        let guess = TimeZone::UTC.to_timestamp(day.to_datetime(civil::Time::midnight())).ok()?;
        let zone = self.at(guess).map_or(TimeZone::UTC, |calendar| calendar.zone.clone());
        Some(day.to_zoned_datetime(zone).ok()?.start_of_day().ok()?.timestamp())
    }

    /// The open stretches from an instant on, in order.
    fn open_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.reigns(from).flat_map(|(calendar, start, end)| -> Box<dyn Iterator<Item = (Timestamp, Timestamp)>> {
            let Some(calendar) = calendar.filter(|calendar| !calendar.is_always_open()) else {
                return Box::new(std::iter::once((start, end)));
            };
            let days = std::iter::successors(Some(calendar.day_of(start)), |day| day.tomorrow().ok());
            // A calendar that never opens has days, and nothing in them: its last day ends it.
            let last = calendar.day_of(end);
            let days = days.take_while(move |day| *day <= last);
            let clipped = days
                .flat_map(|day| calendar.open_on(day))
                .map(move |(opens, closes)| (opens.max(start), closes.min(end)));
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
