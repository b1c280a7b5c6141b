//! Open hours, holidays and the days on which clocks change.

use jiff::{SignedDuration, Timestamp, civil::date};
use throughline_process::{
    Bound, Calendar, Calendars, Durations, Quality, Schedule,
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

    // the night shift that opens in the hour that is skipped opens at 03:00, when the clock has moved on
    let night = OpenHours { weekday: 7, opens: 2 * 60 + 30, closes: 6 * 60 };
    let night = Calendar::new(1, Timestamp::MIN, "America/New_York", vec![night], []).unwrap();
    let night = Calendars::new(vec![night]);
    let skipped = night.open_duration(instant("2026-03-08T00:00-05"), instant("2026-03-09T00:00-04"));
    assert_eq!(skipped.as_hours(), 3);
}

fn daily(zone: &str, opens: &str, closes: &str) -> Calendars {
    Calendars::new(vec![Calendar::parse(1, Timestamp::MIN, zone, (1..=7).map(|day| (day, opens, closes)), []).unwrap()])
}

/// Open minutes of the local days from the first to before the last, by walking the instants of each.
fn open_minutes(calendars: &Calendars, from: &str, to: &str) -> i64 {
    calendars.open_duration(instant(from), instant(to)).as_mins()
}

#[test]
fn hours_around_the_change_of_clocks_are_those_that_the_clock_shows() {
    // (zone, opens, closes, from, to, minutes): the day of the change from midnight to midnight
    let spring = ("2026-03-08T00:00-05", "2026-03-09T00:00-04");
    let autumn = ("2026-11-01T00:00-04", "2026-11-02T00:00-05");
    let new_york = [
        ("00:00", "24:00", 23 * 60, 25 * 60),
        ("09:00", "18:00", 9 * 60, 9 * 60),
        ("01:30", "03:30", 60, 3 * 60),
        // wholly within the hour that is skipped, or that comes twice
        ("02:10", "02:50", 0, 40),
        ("01:10", "01:50", 40, 40),
        ("02:30", "06:00", 3 * 60, 210),
    ];
    for (opens, closes, on_spring, on_autumn) in new_york {
        let open = daily("America/New_York", opens, closes);
        assert_eq!(open_minutes(&open, spring.0, spring.1), on_spring, "{opens}-{closes} in spring");
        assert_eq!(open_minutes(&open, autumn.0, autumn.1), on_autumn, "{opens}-{closes} in autumn");
    }
    // Two stretches that meet in the hour that is skipped do not count it twice.
    let split = [(7, "01:00", "02:30"), (7, "02:30", "05:00")];
    let split = Calendars::new(vec![Calendar::parse(1, Timestamp::MIN, "America/New_York", split, []).unwrap()]);
    assert_eq!(open_minutes(&split, spring.0, spring.1), 3 * 60);

    // half hours: India never changes, Lord Howe by half an hour
    let india = daily("Asia/Kolkata", "09:30", "18:15");
    assert_eq!(open_minutes(&india, "2026-03-08T00:00+05:30", "2026-03-09T00:00+05:30"), 8 * 60 + 45);
    let howe = daily("Australia/Lord_Howe", "00:00", "24:00");
    assert_eq!(open_minutes(&howe, "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30"), 24 * 60 + 30);
    assert_eq!(open_minutes(&howe, "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00"), 24 * 60 - 30);
    // St John's went back over midnight: from 00:01 to 23:01 of the day before, which was over by then.
    let johns = daily("America/St_Johns", "00:00", "24:00");
    assert_eq!(open_minutes(&johns, "2010-11-07T03:00:00Z", "2010-11-08T15:00:00Z"), 36 * 60);
    assert_eq!(open_minutes(&johns, "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"), 25 * 60);
    // Samoa left out a Friday
    let samoa = daily("Pacific/Apia", "09:00", "17:00");
    assert_eq!(open_minutes(&samoa, "2011-12-29T00:00-10", "2012-01-01T00:00+14"), 2 * 8 * 60);
}

#[test]
fn years_are_reckoned_as_exactly_as_days() {
    for (zone, opens, closes) in [
        ("America/New_York", "01:30", "03:30"),
        ("Australia/Lord_Howe", "00:00", "24:00"),
        ("America/Havana", "00:00", "01:00"),
        ("Africa/Casablanca", "02:00", "03:00"),
        ("Pacific/Apia", "09:00", "17:00"),
    ] {
        let open = daily(zone, opens, closes);
        let (mut at, end) = (instant("2009-01-01T05:17:00Z"), instant("2018-06-01T13:11:00Z"));
        let whole = open.open_duration(at, end);
        let mut sum = SignedDuration::ZERO;
        while at < end {
            let next = (at + SignedDuration::from_hours(31)).min(end);
            sum += open.open_duration(at, next);
            at = next;
        }
        assert_eq!(whole, sum, "{zone}");
    }
}

#[test]
fn what_lasts_for_decades_takes_no_time_to_reckon() {
    let (open, started) = (daily("America/New_York", "09:00", "18:00"), std::time::Instant::now());
    for minute in 0..200 {
        let from = instant("1990-01-01T00:00:00Z") + SignedDuration::from_mins(minute);
        let days = open.open_duration(from, instant("2030-01-01T00:00:00Z")).as_hours() / 9;
        assert_eq!(days, 40 * 365 + 10);
    }
    // a tenth of a millisecond each, were it optimized; days walked one by one would take a hundred times as long
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
}

#[test]
fn a_department_keeps_its_own_hours_from_when_it_has_them() {
    let of = |version, from: &str, opens, closes| {
        let hours = (1..=7).map(|day| (day, opens, closes));
        Calendar::parse(version, instant(from), "UTC", hours, []).unwrap()
    };
    let rooftop = vec![of(1, "2026-01-01T00:00:00Z", "09:00", "18:00")];
    let fi = vec![of(2, "2026-10-02T00:00:00Z", "10:00", "20:00")];
    let schedule = Schedule::new(rooftop, [("fi".to_owned(), fi.clone()), ("desk".to_owned(), vec![])]);
    let day = |calendars: &Calendars, day: &str| {
        let midnight = instant(&format!("{day}T00:00:00Z"));
        calendars.open_duration(midnight, midnight + SignedDuration::from_hours(24)).as_hours()
    };
    assert_eq!((day(schedule.of("fi"), "2026-10-01"), day(schedule.of("fi"), "2026-10-02")), (9, 10));
    assert_eq!((day(schedule.of("desk"), "2026-10-02"), day(schedule.rooftop(), "2026-10-02")), (9, 9));
    let versions = |at: &str| schedule.of("fi").version_at(instant(at));
    assert_eq!((versions("2026-10-01T23:59:59Z"), versions("2026-10-02T00:00:00Z")), (1, 2));

    // A rooftop's first calendar holds before it too, and a department's where the rooftop has none.
    let late = Schedule::new(vec![of(1, "2026-12-01T00:00:00Z", "09:00", "18:00")], [("fi".to_owned(), fi.clone())]);
    assert_eq!(day(late.of("fi"), "2026-10-01"), 9);
    let alone = Schedule::new(vec![], [("fi".to_owned(), fi)]);
    assert_eq!((day(alone.of("fi"), "2026-10-01"), day(alone.rooftop(), "2026-10-01")), (10, 24));
}

#[test]
fn bounded_times_give_the_least_and_the_most() {
    let store = Calendars::new(vec![store(1, "2026-01-01T00:00:00Z")]);
    let bound = |earliest: &str, latest: &str, quality| Bound {
        earliest: instant(&format!("2026-10-{earliest}-04")),
        latest: instant(&format!("2026-10-{latest}-04")),
        quality,
    };
    // offered between two polls in the evening, accepted on the next day
    let offered = bound("01T17:00", "01T17:20", Quality::Bounded);
    let accepted = bound("02T09:10", "02T09:10", Quality::Exact);
    let minutes = |durations: Durations| {
        let [a, b, c, d] = [durations.wall.0, durations.wall.1, durations.open.0, durations.open.1];
        (a.as_mins(), b.as_mins(), c.as_mins(), d.as_mins())
    };
    assert_eq!(minutes(store.durations(&offered, &accepted)), (950, 970, 50, 70));
    // of a date without a time, less than nothing is nothing
    let day = bound("02T00:00", "02T23:59:59", Quality::DateOnly);
    assert_eq!(minutes(store.durations(&day, &accepted)), (0, 550, 0, 10));
    assert_eq!(minutes(store.durations(&accepted, &accepted)), (0, 0, 0, 0));
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

    let holiday = |day: &'static str| Calendar::parse(1, Timestamp::MIN, "UTC", [], [day]).map(|_| ());
    assert_eq!(holiday("2026-12-25"), Ok(()));
    for wrong in ["2026-13-01", "2026-12-25T00:00", "20261225", "+026-12-25", ""] {
        assert_eq!(holiday(wrong), Err(Error::Holiday(wrong.to_owned())));
    }
    assert_eq!(OpenHours::parse(i32::MAX, "09:00", "10:00"), Err(Error::Weekday(i8::MAX)));

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
