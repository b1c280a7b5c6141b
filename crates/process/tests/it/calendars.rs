//! Open hours, holidays and the days on which clocks change.

use jiff::{SignedDuration, Timestamp, civil::date};
use throughline_process::{
    Calendar, Calendars,
    calendar::{Error, OpenHours, parse_minutes},
    quantile::{quantile, quantiles},
};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Monday to Saturday 9 to 18, New York, closed on 26 November 2026.
fn store(version: u64, valid_from: &str) -> Calendar {
    let hours = (1..=6).map(|weekday| OpenHours { weekday, opens: 9 * 60, closes: 18 * 60 });
    Calendar::new(version, instant(valid_from), "America/New_York", hours.collect(), [date(2026, 11, 26)]).unwrap()
}

fn whole_days() -> Calendar {
    let hours = (1..=7).map(|weekday| OpenHours { weekday, opens: 0, closes: 1440 });
    Calendar::new(1, instant("2020-01-01T00:00:00Z"), "America/New_York", hours.collect(), []).unwrap()
}

#[test]
fn only_open_time_counts() {
    let store = Calendars::new(vec![store(1, "2026-01-01T00:00:00Z")]);
    let cases = [
        ("within a day", "2026-10-02T10:00-04", "2026-10-02T11:30-04", 90),
        ("over night", "2026-10-01T17:00-04", "2026-10-02T10:00-04", 120),
        ("over Sunday", "2026-10-03T17:00-04", "2026-10-05T10:00-04", 120),
        ("over a holiday", "2026-11-25T17:00-05", "2026-11-27T10:00-05", 120),
        ("before opening", "2026-10-02T06:00-04", "2026-10-02T08:00-04", 0),
        ("the wrong way round", "2026-10-02T11:00-04", "2026-10-02T10:00-04", 0),
        ("a week", "2026-10-02T00:00-04", "2026-10-09T00:00-04", 6 * 9 * 60),
    ];
    for (name, from, to, minutes) in cases {
        let (from, to) = (instant(from), instant(to));
        assert_eq!(store.open_duration(from, to).as_mins(), minutes, "{name}");
        if minutes > 0 {
            let reached = store.add_open(from, SignedDuration::from_mins(minutes)).unwrap();
            assert_eq!(store.open_duration(from, reached).as_mins(), minutes, "{name}");
        }
    }
    assert!(store.is_open(instant("2026-10-02T09:00-04")));
    assert!(!store.is_open(instant("2026-10-02T18:00-04")));
    assert!(!store.is_open(instant("2026-11-26T12:00-05")));
    let late = instant("2026-10-03T17:50-04");
    assert_eq!(store.add_open(late, SignedDuration::from_mins(20)), Some(instant("2026-10-05T09:10-04")));
    assert_eq!(store.add_open(late, SignedDuration::ZERO), Some(late));
}

#[test]
fn a_day_on_which_clocks_change_is_an_hour_shorter_or_longer() {
    let open = Calendars::new(vec![whole_days()]);
    let day = |from: &str, to: &str| open.open_duration(instant(from), instant(to)).as_hours();
    assert_eq!(day("2026-03-08T00:00-05", "2026-03-09T00:00-04"), 23);
    assert_eq!(day("2026-11-01T00:00-04", "2026-11-02T00:00-05"), 25);
    assert_eq!(day("2026-11-02T00:00-05", "2026-11-03T00:00-05"), 24);

    // the night shift that opens in the hour that is skipped opens when the clock has moved on
    let night = OpenHours { weekday: 7, opens: 2 * 60 + 30, closes: 6 * 60 };
    let night = Calendar::new(1, Timestamp::MIN, "America/New_York", vec![night], []).unwrap();
    let night = Calendars::new(vec![night]);
    let skipped = night.open_duration(instant("2026-03-08T00:00-05"), instant("2026-03-09T00:00-04"));
    assert_eq!(skipped.as_mins(), 150);
}

#[test]
fn an_instant_has_its_local_day_and_hour() {
    let store = Calendars::new(vec![store(1, "2026-01-01T00:00:00Z")]);
    let evening = instant("2026-10-03T02:30:00Z");
    assert_eq!((store.local_day(evening), store.local_hour(evening)), (date(2026, 10, 2), 22));
    let utc = Calendars::default();
    assert_eq!((utc.local_day(evening), utc.local_hour(evening)), (date(2026, 10, 3), 2));
    // the hour that comes twice
    let (first, second) = (instant("2026-11-01T01:30-04"), instant("2026-11-01T01:30-05"));
    assert_eq!((store.local_hour(first), store.local_hour(second)), (1, 1));
}

#[test]
fn each_calendar_is_in_force_until_the_next() {
    let both = Calendars::new(vec![whole_days_from(2, "2026-10-02T14:00:00Z"), store(1, "2026-01-01T00:00:00Z")]);
    let (from, to) = (instant("2026-10-02T08:00-04"), instant("2026-10-02T20:00-04"));
    // 9 to 10 by the first calendar, 10 to 20 by the second
    assert_eq!(both.open_duration(from, to).as_hours(), 11);
    assert_eq!((both.version_at(from), both.version_at(to)), (1, 2));
    assert_eq!(both.version_at(instant("2000-01-01T00:00:00Z")), 1, "before the first, the first");
    assert_eq!(Calendars::default().version_at(from), 0);
}

fn whole_days_from(version: u64, valid_from: &str) -> Calendar {
    Calendar::new(version, instant(valid_from), "America/New_York", vec![], []).unwrap()
}

#[test]
fn without_hours_it_is_always_open_but_for_holidays() {
    let (from, to) = (instant("2026-11-25T00:00:00Z"), instant("2026-11-28T00:00:00Z"));
    assert_eq!(Calendars::default().open_duration(from, to).as_hours(), 72);
    let holiday = Calendar::new(1, from, "UTC", vec![], [date(2026, 11, 26)]).unwrap();
    assert_eq!(Calendars::new(vec![holiday]).open_duration(from, to).as_hours(), 48);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for calendars in [Calendars::default(), Calendars::new(vec![store(1, "2026-01-01T00:00:00Z")])] {
        for from in [Timestamp::MIN, Timestamp::MAX] {
            calendars.local(from);
            calendars.is_open(from);
            calendars.open_duration(from, Timestamp::MAX);
            calendars.add_open(from, SignedDuration::MAX);
            calendars.add_open(from, SignedDuration::from_hours(24));
        }
    }
}

#[test]
fn a_calendar_that_makes_no_sense_is_refused_with_the_reason() {
    let make = |zone: &str, hours: &[(i8, u16, u16)]| {
        let hours = hours.iter().map(|&(weekday, opens, closes)| OpenHours { weekday, opens, closes });
        Calendar::new(1, Timestamp::MIN, zone, hours.collect(), []).map(|_| ())
    };
    assert_eq!(make("Mars/Olympus", &[]), Err(Error::Zone("Mars/Olympus".to_owned())));
    assert_eq!(make("UTC", &[(0, 1, 2)]), Err(Error::Weekday(0)));
    assert_eq!(make("UTC", &[(1, 60, 60)]), Err(Error::Hours(1)));
    assert_eq!(make("UTC", &[(1, 60, 1441)]), Err(Error::Hours(1)));
    assert_eq!(make("UTC", &[(1, 60, 120), (1, 90, 180)]), Err(Error::Overlap(1)));
    assert_eq!(make("UTC", &[(1, 60, 120), (1, 120, 180), (2, 60, 120)]), Ok(()));

    assert_eq!(parse_minutes("09:30"), Ok(570));
    assert_eq!(parse_minutes("24:00"), Ok(1440));
    for wrong in ["", "9:30", "24:01", "12:60", "+1:00", "99:99", "aa:bb"] {
        assert_eq!(parse_minutes(wrong), Err(Error::Time(wrong.to_owned())));
    }
}

#[test]
fn quantiles_are_those_of_type_7() {
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
    // R: quantile(c(1, 2, 3, 4, 10), c(.5, .75, .875))
    assert_eq!(quantiles(&mut [10.0, 3.0, 1.0, 4.0, 2.0], &[0.5, 0.75, 0.875]), Some(vec![3.0, 4.0, 7.0]));
    assert_eq!(quantile(&[1.0, 2.0], -3.0), Some(1.0));
    assert_eq!(quantile(&[1.0, 2.0], f64::INFINITY), Some(2.0));
    assert_eq!(quantile(&[1.0, 2.0], f64::NAN), Some(1.0));
}
