//! Days and hours are local, by the zone now in force.
use throughline_proto::report::v1::{Dimension, MeasureRow};

use crate::{
    deals::{rooftop, waited},
    kit::{NORTH, Suite, at},
};

const BY: [Dimension; 2] = [Dimension::Day, Dimension::Hour];

fn hours(rows: &[MeasureRow]) -> Vec<(&str, i32, u64)> {
    rows.iter().map(|row| (row.day.as_str(), row.hour, row.count)).collect()
}

#[tokio::test]
async fn days_and_hours_are_local_across_the_change_of_clocks() {
    let suite = Suite::start().await;
    let starts = [
        "2026-03-08T06:59:00Z", // 01:59, a minute before clocks go forward
        "2026-03-08T07:00:00Z", // 03:00
        "2026-11-01T03:59:00Z", // 23:59 of the day before
        "2026-11-01T05:30:00Z", // 01:30, the first time
        "2026-11-01T06:30:00Z", // 01:30, the second time
        "2026-11-02T04:30:00Z", // 23:30
    ];
    let deals = starts.iter().enumerate().map(|(number, start)| waited(NORTH, &format!("d{number}"), 1, at(start), 60));
    let bodies: Vec<_> = std::iter::once(rooftop(NORTH, "America/New_York")).chain(deals).collect();
    let token = suite.tell(NORTH, bodies).await;

    let report = suite.report(&BY, &token).await;
    let expected = [
        ("2026-03-08", 1, 1),
        ("2026-03-08", 3, 1),
        ("2026-10-31", 23, 1),
        ("2026-11-01", 1, 2),
        ("2026-11-01", 23, 1),
    ];
    assert_eq!(hours(&report.measures), expected);
    let days: Vec<_> = report.quality.iter().map(|row| (row.day.as_str(), row.deals)).collect();
    assert_eq!(days, [("2026-03-08", 2), ("2026-10-31", 1), ("2026-11-01", 3)]);
}

#[tokio::test]
async fn a_new_zone_cuts_old_rows_anew_and_rewrites_none() {
    let suite = Suite::start().await;
    let told = [rooftop(NORTH, "America/New_York"), waited(NORTH, "d1", 1, at("2026-10-05T05:30:00Z"), 60)];
    let token = suite.tell(NORTH, told).await;
    assert_eq!(hours(&suite.report(&BY, &token).await.measures), [("2026-10-05", 1, 1)]);
    let version = row_version(&suite).await;

    let token = suite.tell(NORTH, [rooftop(NORTH, "America/Los_Angeles")]).await;
    assert_eq!(hours(&suite.report(&BY, &token).await.measures), [("2026-10-04", 22, 1)]);
    assert_eq!(row_version(&suite).await, version);
}

async fn row_version(suite: &Suite) -> String {
    let mut db = throughline_testkit::connect(suite.database.url()).await;
    sqlx::query_scalar("SELECT xmin::text || ctid::text FROM reporting.interval").fetch_one(&mut db).await.unwrap()
}
