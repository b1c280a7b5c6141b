//! Percentiles of open hours beside those of the clock on the wall, by the calendars now known.
use jiff::SignedDuration;
use throughline_proto::{
    deal::v1::Closing,
    report::v1::{Dimension, MeasureRow},
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours, Rooftop},
    time::to_wire,
};

use crate::{
    deals::{Told, bounded, exact, rooftop, rooftop_with, waited},
    kit::{NORTH, SOUTH, Suite, at, only},
};

const FRIDAY_EVENING: &str = "2026-10-02T21:30:00Z"; // 17:30 in New York

fn daily(version: u64, from: &str, opens: &str, closes: &str, weekdays: std::ops::RangeInclusive<i32>) -> Calendar {
    let hours = weekdays.map(|weekday| OpenHours { weekday, opens: opens.to_owned(), closes: closes.to_owned() });
    Calendar { version, valid_from: Some(to_wire(at(from))), hours: hours.collect(), holidays: Vec::new() }
}

fn open(row: &MeasureRow) -> [f64; 6] {
    [
        row.p50_open_seconds,
        row.p75_open_seconds,
        row.p90_open_seconds,
        row.p50_open_upper_seconds,
        row.p75_open_upper_seconds,
        row.p90_open_upper_seconds,
    ]
}

#[tokio::test]
async fn open_hours_are_those_of_the_department_and_of_a_cycle_the_rooftops() {
    let suite = Suite::start().await;
    let start = at(FRIDAY_EVENING);
    let next_day = |hours: i64| start + SignedDuration::from_hours(hours);
    let told = Told::new(NORTH, "d1", 1)
        .opened(start)
        .cycle("delivered", exact(start), Some((exact(next_day(24)), Closing::Reported)))
        .handoff("fi", 0, exact(start), Some(exact(next_day(20))))
        // known only within bounds: until 21:30 or until noon of the next day
        .handoff("desk", 0, bounded(start, next_day(1)), Some(bounded(next_day(4), next_day(18))));
    let hours = Rooftop {
        zone: "America/New_York".to_owned(),
        calendars: vec![daily(1, "2026-01-01T00:00:00Z", "09:00", "18:00", 1..=6)],
        department_calendars: vec![DepartmentCalendar {
            department: "fi".to_owned(),
            calendars: vec![daily(2, "2026-01-01T00:00:00Z", "10:00", "20:00", 1..=6)],
        }],
        ..Default::default()
    };
    let token = suite.tell(NORTH, [rooftop_with(NORTH, hours), told.body()]).await;
    let report = suite.report(&[], &token).await;
    let minutes = |minutes: f64| [minutes * 60.0; 6];
    // 17:30 to 18:00 and 09:00 to 17:30
    assert_eq!(open(only(&report, "cycle.delivered")), minutes(9.0 * 60.0));
    // F&I is open from 10:00 to 20:00: 17:30 to 20:00 and 10:00 to 13:30
    let fi = only(&report, "handoff.fi");
    assert_eq!((open(fi), fi.p50_seconds), (minutes(6.0 * 60.0), 20.0 * 3600.0));
    // the desk as the rooftop: 18:30 to 21:30 is nothing, 17:30 to 18:00 and 09:00 to 11:30 at most
    let desk = only(&report, "handoff.desk");
    assert_eq!(open(desk), [0.0, 0.0, 0.0, 3.0 * 3600.0, 3.0 * 3600.0, 3.0 * 3600.0]);
    assert_eq!((desk.p50_seconds, desk.p50_upper_seconds), (3.0 * 3600.0, 18.0 * 3600.0));
}

#[tokio::test]
async fn a_new_calendar_changes_what_is_read_and_rewrites_no_row() {
    let suite = Suite::start().await;
    let told = [rooftop(NORTH, "America/New_York"), waited(NORTH, "d1", 1, at(FRIDAY_EVENING), 16 * 3600)];
    let token = suite.tell(NORTH, told).await;
    assert_eq!(open(only(&suite.report(&[], &token).await, "handoff.fi")), [16.0 * 3600.0; 6], "always open");
    let version = row_version(&suite).await;

    let one = daily(1, "2026-10-05T00:00:00Z", "09:00", "18:00", 1..=7);
    let mut hours = Rooftop { zone: "America/New_York".to_owned(), calendar: Some(one.clone()), ..Default::default() };
    let token = suite.tell(NORTH, [rooftop_with(NORTH, hours.clone())]).await;
    let hour = 3600.0;
    assert_eq!(open(only(&suite.report(&[], &token).await, "handoff.fi")), [hour; 6], "17:30 to 18:00, 09:00 to 09:30");
    // an older one is told of later, and Saturday was a holiday then
    let mut earlier = daily(2, "2026-01-01T00:00:00Z", "09:00", "17:45", 1..=7);
    earlier.holidays.push("2026-10-03".to_owned());
    hours.calendars = vec![earlier, one];
    let token = suite.tell(NORTH, [rooftop_with(NORTH, hours)]).await;
    let row = only(&suite.report(&[], &token).await, "handoff.fi").clone();
    assert_eq!((open(&row), row.p50_seconds), ([900.0; 6], 16.0 * hour));
    assert_eq!(row_version(&suite).await, version);
}

#[tokio::test]
async fn each_cut_has_its_own_open_hours_and_several_rooftops_are_one() {
    let suite = Suite::start().await;
    let zone = "America/New_York";
    let short = Rooftop {
        zone: zone.to_owned(),
        calendars: vec![daily(1, "2026-01-01T00:00:00Z", "09:00", "18:00", 1..=7)],
        ..Default::default()
    };
    let told = (0..3).map(|n| waited(NORTH, &format!("d{n}"), 1, at(FRIDAY_EVENING), 3600 * (n + 1)));
    let north = suite.tell(NORTH, std::iter::once(rooftop_with(NORTH, short)).chain(told)).await;
    let told = [rooftop(SOUTH, zone), waited(SOUTH, "d9", 1, at("2026-10-04T16:00:00Z"), 3600)];
    let south = suite.tell(SOUTH, told).await;
    suite.report(&[], &south).await;

    // 30 min three times in the north, an hour in the south
    assert_eq!(only(&suite.report(&[], &north).await, "handoff.fi").p90_open_seconds, 3_060.0);
    let cut = suite.report(&[Dimension::Rooftop, Dimension::Department, Dimension::Day, Dimension::Hour], &north).await;
    let rows: Vec<_> = cut
        .measures
        .iter()
        .map(|row| (row.rooftop.as_str(), row.day.as_str(), row.hour, row.count, row.p50_open_seconds))
        .collect();
    assert_eq!(rows, [("north", "2026-10-02", 17, 3, 1800.0), ("south", "2026-10-04", 12, 1, 3600.0)]);
}

async fn row_version(suite: &Suite) -> String {
    let mut db = throughline_testkit::connect(suite.database.url()).await;
    sqlx::query_scalar("SELECT xmin::text || ctid::text FROM reporting.interval").fetch_one(&mut db).await.unwrap()
}
