//! What a report says.
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use throughline_process::quantile::quantiles;
use throughline_proto::{
    deal::v1::{Closing, DealState, IntervalState},
    report::v1::{Dimension, GetReportRequest, MeasureRow},
    time::to_wire,
};

use crate::{
    deals::{Told, bounded, exact, rooftop, waited},
    kit::{NORTH, SOUTH, Suite, at, only},
};

/// A small generator, so that the same deals come each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64) % limit
    }

    fn micros(&mut self, limit_seconds: i64) -> SignedDuration {
        SignedDuration::from_micros(self.below(limit_seconds * 1_000_000))
    }
}

/// Lower and upper bounds of durations, in seconds, by measure, rooftop, day and hour.
type Expected = BTreeMap<(String, String, String, i32), (Vec<f64>, Vec<f64>)>;

const ZONE: &str = "America/Chicago";

#[tokio::test]
async fn percentiles_equal_an_independent_computation_in_every_cut() {
    let suite = Suite::start().await;
    let zone = TimeZone::get(ZONE).unwrap();
    let mut draws = Draws(11);
    let mut all = Vec::new();
    let mut tokens = Vec::new();
    for store in [NORTH, SOUTH] {
        let mut bodies = vec![rooftop(store, ZONE)];
        for number in 0..150 {
            let opened = at("2026-10-30T13:00:00Z") + draws.micros(5 * 24 * 3600);
            let mut told = Told::new(store, &format!("d{number}"), 1).opened(opened);
            for (measure, limit) in [("fi", 7_200), ("desk", 900), ("delivery", 3_600)] {
                let offered = opened + draws.micros(10_000);
                let offered =
                    (offered, offered + if draws.below(3) == 0 { draws.micros(600) } else { SignedDuration::ZERO });
                let accepted = offered.0 + draws.micros(limit);
                let accepted =
                    (accepted, accepted + if draws.below(3) == 0 { draws.micros(600) } else { SignedDuration::ZERO });
                told = told.handoff(measure, 0, bounded(offered.0, offered.1), Some(bounded(accepted.0, accepted.1)));
                let seconds = |from: Timestamp, to: Timestamp| (to.duration_since(from).as_secs_f64()).max(0.0);
                let local = zone.to_datetime(offered.1);
                all.push((
                    (
                        format!("handoff.{measure}"),
                        store.rooftop.to_owned(),
                        local.date().to_string(),
                        i32::from(local.hour()),
                    ),
                    (seconds(offered.1, accepted.0), seconds(offered.0, accepted.1)),
                ));
            }
            bodies.push(told.body());
        }
        tokens.push(suite.tell(store, bodies).await);
    }
    for token in &tokens {
        suite.report(&[], token).await;
    }

    use Dimension::{Day, Hour, Rooftop};
    for by in [vec![], vec![Rooftop], vec![Day], vec![Hour], vec![Rooftop, Day], vec![Rooftop, Day, Hour]] {
        let mut expected = Expected::new();
        for ((measure, rooftop, day, hour), (lower, upper)) in all.clone() {
            let cut = (
                measure,
                if by.contains(&Rooftop) { rooftop } else { String::new() },
                if by.contains(&Day) { day } else { String::new() },
                if by.contains(&Hour) { hour } else { -1 },
            );
            let durations = expected.entry(cut).or_default();
            durations.0.push(lower);
            durations.1.push(upper);
        }
        let report = suite.report(&by, "").await;
        let found: Vec<_> = report.measures.iter().map(cut_of).collect();
        assert_eq!(found, expected.keys().cloned().collect::<Vec<_>>(), "cuts by {by:?}");
        for row in &report.measures {
            let (mut lower, mut upper) = expected[&cut_of(row)].clone();
            assert_eq!(row.count, lower.len() as u64);
            let of = |values: &mut [f64]| quantiles(values, &[0.5, 0.75, 0.9]).unwrap();
            close(&[row.p50_seconds, row.p75_seconds, row.p90_seconds], &of(&mut lower));
            close(&[row.p50_upper_seconds, row.p75_upper_seconds, row.p90_upper_seconds], &of(&mut upper));
        }
    }
}

fn cut_of(row: &MeasureRow) -> (String, String, String, i32) {
    (row.measure.clone(), row.rooftop.clone(), row.day.clone(), row.hour)
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
}

#[tokio::test]
async fn only_what_has_ended_is_measured_and_the_rest_is_counted() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let after = |minutes: i64| exact(start + SignedDuration::from_mins(minutes));
    let bodies = [
        rooftop(NORTH, "UTC"),
        Told::new(NORTH, "delivered", 1)
            .opened(start)
            .state(DealState::Delivered, 0)
            .cycle("delivered", after(0), Some((after(240), Closing::Reported)))
            .stage("fi", 0, after(100), Some((after(160), Closing::Reported)))
            // nobody said when it was left; a later step shows that it was by then
            .stage(
                "get_ready",
                0,
                after(150),
                Some((bounded(start, start + SignedDuration::from_mins(200)), Closing::Inferred)),
            )
            .handoff("fi", 0, after(70), Some(after(100)))
            .body(),
        Told::new(NORTH, "lost", 1)
            .opened(start)
            .state(DealState::Lost, 0)
            .cycle("delivered", after(0), Some((after(50), Closing::DealEnded)))
            .stage("fi", 0, after(40), Some((after(50), Closing::DealEnded)))
            .handoff_in(IntervalState::Void, "fi", 0, after(45), Some(after(50)))
            .body(),
        Told::new(NORTH, "open", 1)
            .opened(start)
            .state(DealState::Agreed, 2)
            .cycle("delivered", after(0), None)
            .handoff("fi", 0, after(70), None)
            .handoff_in(IntervalState::NotObserved, "delivery", 0, after(80), None)
            .body(),
    ];
    let token = suite.tell(NORTH, bodies).await;
    let report = suite.report(&[Dimension::Rooftop, Dimension::Day], &token).await;
    insta::assert_debug_snapshot!((report.measures, report.quality));
}

#[tokio::test]
async fn a_range_of_time_holds_its_first_instant_and_not_its_last() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let bodies = (0..4)
        .map(|hour| waited(NORTH, &format!("d{hour}"), 1, start + SignedDuration::from_hours(hour), 60 * (hour + 1)));
    let token = suite.tell(NORTH, bodies).await;
    let request = GetReportRequest {
        parent: "groups/summit/rooftops/north".to_owned(),
        start_time: Some(to_wire(start + SignedDuration::from_hours(1))),
        end_time: Some(to_wire(start + SignedDuration::from_hours(3))),
        measures: vec!["handoff.fi".to_owned()],
        at_least: token,
        ..Default::default()
    };
    let report = suite.report_as(&suite.reader().await, request).await.unwrap();
    let row = only(&report, "handoff.fi");
    assert_eq!((row.count, row.p50_seconds), (2, 150.0));
    assert_eq!(report.quality[0].deals, 2);
}

#[tokio::test]
async fn a_department_is_named_without_being_asked_for_where_there_is_one() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let mut other = Told::new(NORTH, "d2", 1).handoff("fi", 0, exact(start), None);
    other.0.intervals[0].owner_department = "lender".to_owned();
    let token = suite.tell(NORTH, [waited(NORTH, "d1", 1, start, 60)]).await;
    assert_eq!(only(&suite.report(&[], &token).await, "handoff.fi").department, "fi");

    let token = suite.tell(NORTH, [other.body()]).await;
    assert_eq!(only(&suite.report(&[], &token).await, "handoff.fi").department, "");
    let report = suite.report(&[Dimension::Department], &token).await;
    let departments: Vec<_> =
        report.measures.iter().map(|row| (row.department.as_str(), row.count, row.open_count)).collect();
    assert_eq!(departments, [("fi", 1, 0), ("lender", 0, 1)]);
}

#[tokio::test]
async fn what_was_answered_and_written_is_counted() {
    let suite = Suite::start().await;
    let token = suite.tell(NORTH, [waited(NORTH, "d1", 1, at("2026-10-05T15:00:00Z"), 60)]).await;
    suite.report(&[], &token).await;
    let metrics = suite.running.cx.platform.metrics.encode();
    for line in [
        "throughline_report_rows_total{query=\"report\"} 2",
        "throughline_report_query_duration_seconds_count{query=\"report\"} 1",
        "throughline_report_intervals_written_total 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}
