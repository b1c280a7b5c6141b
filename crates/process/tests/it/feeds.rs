//! Sources that fall silent, and sources whose clocks are wrong.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use throughline_process::{
    Calendar, Calendars, Feed, Health, News,
    calendar::OpenHours,
    feed::{LEARNT_FROM, LEAST_SILENCE, MISSED},
    health,
};

fn minute(minute: i64) -> Timestamp {
    "2026-09-07T13:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn arrival(at: Timestamp) -> News {
    News { live: true, arrived: true, ..News::at(at) }
}

/// Arrivals at these minutes.
fn heard(minutes: impl IntoIterator<Item = i64>, calendars: &Calendars) -> Feed {
    let mut feed = Feed::default();
    for at in minutes {
        feed.hear(&arrival(minute(at)), calendars);
    }
    feed
}

/// Monday to Saturday 9 to 18, New York; minute 0 is Monday at 9.
fn store() -> Calendars {
    let hours = (1..=6).map(|weekday| OpenHours { weekday, opens: 9 * 60, closes: 18 * 60 });
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    Calendars::new(vec![Calendar::new(1, from, "America/New_York", hours.collect(), []).unwrap()])
}

#[test]
fn a_rhythm_is_known_from_the_twentieth_arrival_on() {
    let always = Calendars::default();
    let nineteen = heard((0..19).map(|nth| nth * 10), &always);
    assert_eq!((nineteen.expected(None), nineteen.arrivals), (None, 19));
    assert_eq!(health(&nineteen, None, &always, minute(100_000)), Health::Unknown);
    let twenty = heard((0..20).map(|nth| nth * 10), &always);
    assert_eq!(twenty.expected(None), Some(mins(10)));
    assert_eq!(health(&twenty, None, &always, minute(190 + 40)), Health::Fresh);
    let just_over = minute(190 + 40) + SignedDuration::from_micros(1);
    assert_eq!(health(&twenty, None, &always, just_over), Health::Stale { since: just_over });
    // What the directory says goes before what was learnt, and a quick source is given a quarter of an hour.
    assert_eq!(twenty.stale_at(Some(mins(1)), &always), Some(minute(190 + 15) + SignedDuration::from_micros(1)));
    assert_eq!(nineteen.stale_at(Some(mins(60)), &always), Some(minute(180 + 240) + SignedDuration::from_micros(1)));
    assert_eq!(health(&Feed::default(), Some(mins(1)), &always, minute(0)), Health::Unknown);
}

#[test]
fn a_closed_store_is_not_silent_and_a_night_is_no_gap() {
    let store = store();
    // Every half hour of three days.
    let days = (0..3).flat_map(|day| (0..18).map(move |nth| day * 24 * 60 + nth * 30));
    let feed = heard(days, &store);
    assert_eq!(feed.expected(None).unwrap().as_mins(), 30);
    // The last one came on Wednesday at 17:30; two open hours later it is Thursday, 10:30.
    let thursday = 3 * 24 * 60;
    assert_eq!(health(&feed, None, &store, minute(thursday + 90)), Health::Fresh);
    assert!(matches!(health(&feed, None, &store, minute(thursday + 91)), Health::Stale { .. }));
}

#[test]
fn a_burst_is_one_arrival_and_history_teaches_nothing() {
    let always = Calendars::default();
    let mut feed = Feed::default();
    for hour in 0..30 {
        for second in 0..50 {
            feed.hear(&arrival(minute(hour * 60) + SignedDuration::from_secs(second)), &always);
        }
    }
    assert_eq!((feed.arrivals, feed.expected(None)), (30, Some(mins(60))));
    let mut imported = Feed::default();
    for nth in 0..100 {
        imported.hear(&News { live: false, ..arrival(minute(nth)) }, &always);
    }
    assert_eq!((imported.arrivals, imported.expected(None)), (0, None));
    assert_eq!(imported.last_arrival, Some(minute(99)), "it lives all the same");
}

#[test]
fn a_failure_is_counted_and_is_no_arrival() {
    let mut feed = Feed::default();
    feed.hear(&News { failures: 2, ..News::at(minute(5)) }, &Calendars::default());
    assert_eq!((feed.failures, feed.last_failure, feed.last_arrival), (2, Some(minute(5)), None));
}

#[test]
fn news_after_a_clock_step_takes_the_last_arrival_back() {
    let calendars = Calendars::default();
    let mut feed = heard((0..30).map(|nth| nth * 10), &calendars);
    feed.hear(&arrival(minute(900)), &calendars);
    // The clock was ten hours ahead; what overtook another commit by a moment changes nothing.
    feed.hear(&arrival(minute(300)), &calendars);
    assert_eq!(feed.last_arrival, Some(minute(300)));
    feed.hear(&arrival(minute(300) - SignedDuration::from_millis(20)), &calendars);
    assert_eq!(feed.last_arrival, Some(minute(300)));
    let silence = feed.stale_at(Some(mins(10)), &calendars).unwrap();
    assert!(silence < minute(345), "{silence}");
}

#[test]
fn a_claimed_time_in_our_future_shows_a_clock_that_is_ahead_and_nothing_else() {
    let claimed = |seconds| Some(SignedDuration::from_secs(seconds));
    let always = Calendars::default();
    let mut feed = Feed::default();
    feed.hear(&News { claimed_ahead: claimed(-600), ..arrival(minute(0)) }, &always);
    assert_eq!(feed.clock_ahead(minute(0)), None, "late or behind: nobody can tell");
    feed.hear(&News { claimed_ahead: claimed(90), ..arrival(minute(1)) }, &always);
    feed.hear(&News { claimed_ahead: claimed(20), ..arrival(minute(2)) }, &always);
    assert_eq!(feed.clock_ahead(minute(2)), claimed(90));
    assert_eq!(feed.clock_skew(minute(2)), None);
    assert_eq!(feed.clock_ahead(minute(24 * 60)), None, "of late means of half a day");
    // Once the clock was set, the old figure goes within two windows.
    for hour in 1..14 {
        feed.hear(&News { claimed_ahead: claimed(-5), ..arrival(minute(hour * 60)) }, &always);
    }
    assert_eq!(feed.clock_ahead(minute(14 * 60)), None);
}

proptest! {
    #[test]
    fn stale_is_open_silence_beyond_four_intervals_or_a_quarter_of_an_hour(
        gaps in prop::collection::vec(0i64..2_000, 0..60), silence in 0i64..20_000, declared in prop::option::of(1i64..300),
    ) {
        let store = store();
        let mut at = 0;
        let feed = heard(gaps.iter().map(|gap| { at += gap; at }), &store);
        let declared = declared.map(mins);
        let now = minute(at + silence);
        let expected = match feed.last_arrival {
            None => Health::Unknown,
            Some(last) => match feed.expected(declared) {
                None => Health::Unknown,
                Some(interval) => {
                    let allowed = (interval * MISSED).max(LEAST_SILENCE);
                    if store.open_duration(last, now) > allowed { Health::Stale { since: now } } else { Health::Fresh }
                }
            },
        };
        match (health(&feed, declared, &store, now), expected) {
            (Health::Stale { since }, Health::Stale { .. }) => prop_assert!(since <= now),
            (judged, expected) => prop_assert_eq!(judged, expected),
        }
        prop_assert_eq!(feed.expected(None).is_some(), feed.arrivals >= LEARNT_FROM);
    }

    #[test]
    fn the_learnt_interval_lies_among_the_gaps(gaps in prop::collection::vec(1i64..500, 20..80)) {
        let always = Calendars::default();
        let mut at = 0;
        let feed = heard(std::iter::once(0).chain(gaps.iter().map(|gap| { at += gap; at })), &always);
        let learnt = feed.expected(None).unwrap();
        let (least, most) = (mins(*gaps.iter().min().unwrap()), mins(*gaps.iter().max().unwrap()));
        let rounding = SignedDuration::from_millis(1);
        prop_assert!(least - rounding <= learnt && learnt <= most + rounding, "{learnt:?}");
    }

    #[test]
    fn no_news_makes_it_panic_and_it_never_grows(news in prop::collection::vec(
        (any::<i32>(), any::<bool>(), any::<bool>(), any::<u64>(), prop::option::of(any::<i64>()), prop::option::of(any::<i64>())), 0..40,
    )) {
        let store = store();
        let mut feed = Feed::default();
        for (at, live, arrived, failures, claimed, observed) in news {
            let at = Timestamp::from_second(at.into()).unwrap();
            feed.hear(&News {
                at, live, arrived, failures,
                claimed_ahead: claimed.map(SignedDuration::from_secs),
                observed_ahead: observed.map(SignedDuration::from_secs),
            }, &store);
            let _ = (health(&feed, None, &store, at), feed.clock_ahead(at), feed.clock_skew(at));
        }
        let text = serde_json::to_string(&feed).unwrap();
        prop_assert!(text.len() < 700, "{}", text.len());
        prop_assert_eq!(serde_json::from_str::<Feed>(&text).unwrap(), feed);
    }

    #[test]
    fn a_steady_clock_is_estimated_within_the_shortest_delay(skew in -600i64..600, delays in prop::collection::vec(0i64..300, 1..60)) {
        let mut feed = Feed::default();
        for (nth, delay) in delays.iter().enumerate() {
            let ahead = Some(SignedDuration::from_secs(skew - delay));
            feed.hear(&News { claimed_ahead: ahead, observed_ahead: ahead, ..arrival(minute(nth as i64)) }, &Calendars::default());
        }
        let now = minute(delays.len() as i64);
        let best = skew - delays.iter().min().unwrap();
        prop_assert_eq!(feed.clock_skew(now), Some(SignedDuration::from_secs(best)));
        prop_assert_eq!(feed.clock_ahead(now), (best > 0).then(|| SignedDuration::from_secs(best)));
    }
}
