//! What is refused, and how.
use jiff::SignedDuration;
use throughline_proto::report::v1::{Dimension, GetReportRequest};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    deals::{Told, exact},
    kit::{NORTH, Suite, at},
};

#[tokio::test]
async fn more_rows_than_a_report_may_have_are_refused() {
    let suite = Suite::start().await;
    let start = at("2026-01-01T00:00:00Z");
    let mut token = String::new();
    for deal in 0..4 {
        let hours = deal * 2_501..(deal + 1) * 2_501;
        let told = hours.fold(Told::new(NORTH, &format!("d{deal}"), 1), |told, hour| {
            let offered = exact(start + SignedDuration::from_hours(i64::from(hour)));
            told.handoff("fi", hour, offered, None)
        });
        token = suite.tell(NORTH, [told.body()]).await;
    }
    assert_eq!(suite.report(&[Dimension::Day], &token).await.measures.len(), 417);
    let request = GetReportRequest {
        parent: "groups/summit".to_owned(),
        by: vec![Dimension::Day as i32, Dimension::Hour as i32],
        ..Default::default()
    };
    let refused = suite.report_as(&suite.reader().await, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "by");
    assert!(violations[0].description.contains("more than 10000 rows"), "{violations:?}");
}

#[tokio::test]
async fn a_request_is_told_everything_that_is_wrong_with_it() {
    let suite = Suite::start().await;
    let request = GetReportRequest {
        parent: "groups/summit".to_owned(),
        by: vec![9],
        measures: vec!["waiting".to_owned()],
        ..Default::default()
    };
    let refused = suite.report_as(&suite.reader().await, request).await.unwrap_err();
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    insta::assert_debug_snapshot!((refused.code(), violations));
}

#[tokio::test]
async fn a_token_that_was_not_issued_here_is_refused() {
    let suite = Suite::start().await;
    let parent = "groups/summit".to_owned();
    let request = GetReportRequest { parent, at_least: "nonsense".to_owned(), ..Default::default() };
    let refused = suite.report_as(&suite.reader().await, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
