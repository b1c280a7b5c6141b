//! What becomes of entries, in whatever order and however often they come.
use std::time::Duration;

use jiff::SignedDuration;
use throughline_proto::{
    deal::v1::{Closing, DealState},
    log::v1::entry_body::Body,
};
use throughline_testkit::eventually;

use crate::{
    deals::{Told, exact, retracted, rooftop, waited},
    kit::{NORTH, Suite, at, only},
};

#[tokio::test]
async fn a_late_revision_overwrites_nothing() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    suite.tell(NORTH, [waited(NORTH, "d1", 5, start, 300)]).await;
    let token = suite.tell(NORTH, [waited(NORTH, "d1", 3, start, 900), waited(NORTH, "d1", 5, start, 800)]).await;
    let report = suite.report(&[], &token).await;
    assert_eq!(only(&report, "handoff.fi").p50_seconds, 300.0);
    assert_eq!(report.quality[0].deals, 1);
}

#[tokio::test]
async fn what_a_deal_no_longer_has_is_removed_and_what_changed_is_replaced() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let after = |minutes: i64| exact(start + SignedDuration::from_mins(minutes));
    let mut told = Told::new(NORTH, "d1", 1)
        .opened(start)
        .handoff("fi", 0, after(0), None)
        .handoff("desk", 0, after(0), Some(after(9)))
        .stage("demo", 0, after(0), Some((after(5), Closing::Reported)));
    let token = suite.tell(NORTH, [told.clone().body()]).await;
    let report = suite.report(&[], &token).await;
    assert_eq!(report.measures.len(), 3);
    assert_eq!(only(&report, "handoff.fi").open_count, 1);

    told.0.revision = 2;
    told.0.state = DealState::Agreed as i32;
    told.0.intervals.retain(|interval| interval.name == "desk");
    let told = told.handoff("fi", 0, after(0), Some(after(20)));
    let token = suite.tell(NORTH, [told.body()]).await;
    let report = suite.report(&[], &token).await;
    let rows: Vec<_> =
        report.measures.iter().map(|row| (row.measure.as_str(), row.p50_seconds, row.open_count)).collect();
    assert_eq!(rows, [("handoff.desk", 540.0, 0), ("handoff.fi", 1200.0, 0)]);
}

#[tokio::test]
async fn a_retracted_deal_is_gone_until_a_newer_revision_brings_it_back() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    suite.tell(NORTH, [waited(NORTH, "d1", 1, start, 60), waited(NORTH, "d2", 1, start, 120)]).await;
    let token = suite.tell(NORTH, [retracted(NORTH, "d1", 2), waited(NORTH, "d1", 1, start, 60)]).await;
    let report = suite.report(&[], &token).await;
    assert_eq!(only(&report, "handoff.fi").count, 1);
    assert_eq!(report.quality[0].deals, 1);
    let listed: Vec<_> = suite.waits(0, "", "").await.deals.into_iter().map(|deal| deal.subject).collect();
    assert_eq!(listed, ["S-d2"]);

    let token = suite.tell(NORTH, [waited(NORTH, "d1", 3, start, 60)]).await;
    assert_eq!(suite.report(&[], &token).await.quality[0].deals, 2);
}

#[tokio::test]
async fn what_cannot_be_read_parks_its_deal_alone() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let mut broken = Told::new(NORTH, "broken", 1).handoff("fi", 0, exact(start), None);
    broken.0.intervals[0].start = None;
    let mut foreign = Told::new(NORTH, "foreign", 1);
    foreign.0.name = "groups/other/rooftops/north/deals/foreign".to_owned();
    let bodies = [broken.body(), rooftop(NORTH, "Nowhere/Land"), foreign.body(), waited(NORTH, "d1", 1, start, 60)];
    suite.tell(NORTH, bodies).await;

    let parked = async || {
        let mut db = throughline_testkit::connect(suite.database.url()).await;
        let query = "SELECT entity || ': ' || error FROM reporting.parked ORDER BY pos";
        let parked: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap();
        if parked.len() == 3 { Ok(parked) } else { Err(format!("{parked:?}")) }
    };
    let parked = eventually(Duration::from_secs(20), parked).await;
    assert!(parked[0].contains("broken: time of handoff.fi.0 is missing"), "{parked:?}");
    assert!(parked[1].starts_with("rooftop: "), "{parked:?}");
    assert!(parked[2].contains("foreign: name is missing or malformed"), "{parked:?}");
    let counted = async || suite.report(&[], "").await.quality.first().is_some_and(|row| row.deals == 1);
    eventually(Duration::from_secs(20), counted).await;
}

#[tokio::test]
async fn bodies_that_say_nothing_of_deals_are_passed_over() {
    let suite = Suite::start().await;
    let token = suite.tell(NORTH, [Body::Event(Default::default()), Body::Tombstone(Default::default())]).await;
    assert!(suite.report(&[], &token).await.measures.is_empty());
}
