use super::*;

const NOW: &str = "2026-09-07T12:00:00Z";

fn parse(sent: SentTimes<'_>) -> Result<Times, Vec<Fault>> {
    let mut faults = Vec::new();
    let times = Times::parse(&sent, NOW.parse().unwrap(), &mut faults);
    times.filter(|_| faults.is_empty()).ok_or(faults)
}

fn text(text: &str) -> Option<SentTime<'_>> {
    Some(SentTime::Text(text))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_instant_is_its_own_bound() {
    let times = parse(SentTimes { time: text("2026-09-07T08:00:00.1234567-04:00"), ..Default::default() }).unwrap();
    let instant = at("2026-09-07T12:00:00.123456Z");
    assert_eq!(times.occurred_at, Some(instant));
    assert_eq!(times.when, When::Bound(Bound { earliest: instant, latest: instant, quality: Quality::Exact }));
}

#[test]
fn bounds_may_stand_without_an_instant_and_end_at_one() {
    let (a, b) = ("2026-09-07T11:00:00Z", "2026-09-07T11:05:00Z");
    let bounds = SentTimes { earliest: text(a), latest: text(b), ..Default::default() };
    let bound = When::Bound(Bound { earliest: at(a), latest: at(b), quality: Quality::Bounded });
    let times = parse(bounds).unwrap();
    assert_eq!((times.occurred_at, times.when), (None, bound));
    let times = parse(SentTimes { time: text(b), earliest: text(a), ..Default::default() }).unwrap();
    assert_eq!((times.occurred_at, times.when), (Some(at(b)), bound));
}

#[test]
fn a_day_is_the_day_as_written_where_the_rooftop_stands() {
    let zone = TimeZone::get("America/New_York").unwrap();
    for written in ["2026-09-07", "2026-09-07T00:00:00Z", "2026-09-07T23:59:59+05:00"] {
        let times = parse(SentTimes { time: text(written), quality: Some("date"), ..Default::default() }).unwrap();
        let bound = times.when.bound(&zone).unwrap();
        assert_eq!((bound.earliest, bound.latest), (at("2026-09-07T04:00:00Z"), at("2026-09-08T03:59:59.999999Z")));
        assert_eq!(times.occurred_at, None);
    }
}

#[test]
fn a_day_rests_in_utc_and_wakes_as_the_same_day() {
    let day: Date = "2026-09-07".parse().unwrap();
    let when = When::Day(day);
    assert_eq!(When::at_rest(when.bound(&TimeZone::UTC).unwrap()), when);
    let elsewhere = when.bound(&TimeZone::get("America/New_York").unwrap()).unwrap();
    assert_eq!(When::at_rest(elsewhere), When::Bound(elsewhere));
}

#[test]
fn each_fault_has_its_name() {
    let at = text("2026-09-07T11:00:00Z");
    let later = text("2026-09-07T11:30:00Z");
    let cases = [
        (SentTimes::default(), Fault::Missing("time")),
        (SentTimes { time: text("yesterday"), ..Default::default() }, Fault::Malformed("time")),
        (SentTimes { time: text("2026-09-07T11:00:00"), ..Default::default() }, Fault::Malformed("time")),
        (SentTimes { time: Some(SentTime::Malformed), ..Default::default() }, Fault::Malformed("time")),
        (SentTimes { time: at, quality: Some("guess"), ..Default::default() }, Fault::UnknownQuality),
        (SentTimes { earliest: later, latest: at, ..Default::default() }, Fault::Reversed),
        (
            SentTimes { time: text("2026-09-07T10:00:00Z"), earliest: at, latest: later, ..Default::default() },
            Fault::Reversed,
        ),
        (SentTimes { time: at, latest: later, quality: Some("exact"), ..Default::default() }, Fault::Reversed),
        (SentTimes { earliest: at, ..Default::default() }, Fault::Missing("latest")),
        (SentTimes { latest: at, ..Default::default() }, Fault::Missing("earliest")),
        (SentTimes { time: text("1970-01-01T00:00:00Z"), ..Default::default() }, Fault::TooOld("time")),
        (SentTimes { time: text("2026-09-07T12:15:01Z"), ..Default::default() }, Fault::InFuture("time")),
        (
            SentTimes { time: at, observed_at: text("2026-09-07T12:16:00Z"), ..Default::default() },
            Fault::InFuture("observedat"),
        ),
        (
            SentTimes { earliest: at, latest: text("2026-09-07T13:00:00Z"), ..Default::default() },
            Fault::InFuture("latest"),
        ),
        (SentTimes { time: text("2026-09-09"), quality: Some("date"), ..Default::default() }, Fault::InFuture("time")),
        (SentTimes { quality: Some("date"), ..Default::default() }, Fault::Missing("time")),
    ];
    for (sent, fault) in cases {
        assert_eq!(parse(sent), Err(vec![fault]), "{sent:?}");
    }
}

#[test]
fn a_clock_a_little_ahead_is_borne_and_today_is_no_future() {
    assert!(parse(SentTimes { time: text("2026-09-07T12:15:00Z"), ..Default::default() }).is_ok());
    assert!(parse(SentTimes { time: text("2026-09-07"), quality: Some("date"), ..Default::default() }).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_time_makes_it_panic(time in ".*", earliest in "[0-9TZ:.+-]{0,30}", quality in "date|bounded|exact|.{0,4}") {
        let sent = SentTimes { time: text(&time), earliest: text(&earliest), latest: text(&time), observed_at: text(&earliest), quality: Some(&quality) };
        let _ = parse(sent);
        let _ = parse(SentTimes { earliest: None, latest: None, ..sent });
    }

    #[test]
    fn no_instant_makes_it_panic(second in jiff::Timestamp::MIN.as_second()..=jiff::Timestamp::MAX.as_second(), quality in "date|bounded|exact") {
        let time = Some(SentTime::Instant(Timestamp::from_second(second).unwrap()));
        if let Ok(times) = parse(SentTimes { time, quality: Some(&quality), ..Default::default() }) {
            times.when.bound(&TimeZone::get("Pacific/Kiritimati").unwrap());
        }
    }
}
