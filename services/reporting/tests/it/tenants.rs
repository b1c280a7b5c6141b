//! Who sees what.
use throughline_platform::{Principal, db::catalogue_check};
use throughline_proto::report::v1::{GetReportRequest, ListDealWaitsRequest};
use tonic::Code;

use crate::{
    deals::{rooftop, waited},
    kit::{NORTH, SOUTH, Store, Suite, at},
};

const RIVAL: Store = Store { group: "rival", rooftop: "north", part: 7 };

async fn told() -> Suite {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    suite.tell(RIVAL, [rooftop(RIVAL, "UTC"), waited(RIVAL, "d1", 1, start, 7_000)]).await;
    let north = suite.tell(NORTH, [rooftop(NORTH, "UTC"), waited(NORTH, "d1", 1, start, 60)]).await;
    let south = suite.tell(SOUTH, [rooftop(SOUTH, "UTC"), waited(SOUTH, "d1", 1, start, 120)]).await;
    for token in [north, south] {
        suite.report(&[], &token).await;
    }
    suite
}

fn report_of(parent: &str) -> GetReportRequest {
    GetReportRequest { parent: parent.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_group_sees_its_own_deals_alone() {
    let suite = told().await;
    let rival = suite.key("rival", &[], &["read"]).await;
    let ours = suite.report(&[], "").await;
    assert_eq!((ours.measures[0].count, ours.measures[0].p50_seconds, ours.quality[0].deals), (2, 90.0, 2));
    let theirs = suite.report_as(&rival, report_of("groups/rival")).await.unwrap();
    assert_eq!((theirs.measures[0].count, theirs.measures[0].p50_seconds), (1, 7_000.0));

    for parent in ["groups/summit", "groups/summit/rooftops/north"] {
        let refused = suite.report_as(&rival, report_of(parent)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{parent}");
        let request = ListDealWaitsRequest { parent: parent.to_owned(), ..Default::default() };
        assert_eq!(suite.waits_as(&rival, request).await.unwrap_err().code(), Code::PermissionDenied, "{parent}");
    }
}

#[tokio::test]
async fn a_key_of_one_rooftop_sees_its_deals_alone() {
    let suite = told().await;
    let south = suite.key("summit", &["south"], &["read"]).await;
    let report = suite.report_as(&south, report_of("groups/summit")).await.unwrap();
    assert_eq!((report.measures[0].count, report.measures[0].p50_seconds, report.quality[0].deals), (1, 120.0, 1));
    let request = ListDealWaitsRequest { parent: "groups/summit".to_owned(), ..Default::default() };
    let listed = suite.waits_as(&south, request).await.unwrap().deals;
    assert_eq!(listed.iter().map(|deal| deal.rooftop.as_str()).collect::<Vec<_>>(), ["south"]);

    let refused = suite.report_as(&south, report_of("groups/summit/rooftops/north")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_key_that_may_not_read_is_refused() {
    let suite = told().await;
    let vendor = suite.key("summit", &[], &["ingest"]).await;
    let refused = suite.report_as(&vendor, report_of("groups/summit")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(suite.report_as("wrong", report_of("groups/summit")).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_stranger_sees_no_row_of_any_table() {
    let suite = told().await;
    let stranger = Principal::service().in_group("groups/nobody").unwrap();
    let sights = catalogue_check(&suite.running.cx.platform.db, &stranger).await.unwrap();
    let ours: Vec<_> = sights.iter().filter(|sight| sight.table.starts_with("reporting.")).collect();
    for table in ["reporting.rooftop", "reporting.deal", "reporting.interval"] {
        let sight = ours.iter().find(|sight| sight.table.replace('"', "") == table).unwrap();
        assert_eq!((sight.rows, sight.tenant, sight.forced), (3, true, true), "{table}");
    }
    assert_eq!(ours.iter().filter_map(|sight| sight.leak()).collect::<Vec<_>>(), [""; 0]);
}
