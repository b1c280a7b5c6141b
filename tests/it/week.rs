//! A week of three rooftops in the shapes in which vendors hand data over: the record that comes of it, against what
//! really happened.
use std::path::Path;

use serde_json::Value;
use throughline_testkit::{connect, samples};

use crate::{
    profiles::found,
    suite::{Suite, scratch_suite},
};

const ROOFTOPS: [&str; 3] = ["RT001", "RT002", "RT003"];
/// Each profile with what it reads of a rooftop's folder.
pub const FEEDS: [(&str, &str); 7] = [
    ("lender-status", "lender"),
    ("recon-steps", "recon"),
    ("dms-fi-sales", "dms"),
    ("adf", "crm/leads"),
    ("staff-shifts", "staff"),
    ("crm-visits", "crm/showroom_visits.csv"),
    ("finance-log", "fni"),
];
/// What stands in the files for customers.
const CANARIES: [&str; 3] = ["CANARY-", "@example.invalid", "555-01"];

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_real_feeds_becomes_one_true_record() {
    let Some(samples) = samples() else { return };
    let week = samples.join("samples/store-week");
    let (_one, suite) = scratch_suite(&[]).await;
    import(&suite, &week, FEEDS.into_iter().collect()).await;

    let record = suite.run(&["evaluate", "record", "--truth", week.to_str().unwrap(), "--format", "json"]).await.line();
    let share = |name: &str| record[name].as_f64().unwrap_or_else(|| panic!("{name}: {record}"));
    assert!(share("link_precision") >= 0.99, "{record}");
    assert!(share("link_recall") >= 0.95, "{record}");
    assert!(share("link_recall_with_review") >= 0.99, "{record}");
    // Visit, lead, DMS deal, application, stock number and both VINs of 104 sold deals, as far as they stand in the feeds.
    assert!(share("true_links") >= 1_700.0, "{record}");
    assert_eq!((share("bounds_hold"), share("duplicate_occurrences")), (1.0, 0.0), "{record}");
    assert!(share("bounds_checked") >= 800.0, "{record}");
    assert_eq!((share("fi_checked"), share("fi_equal")), (104.0, 104.0), "{record}");

    let mut db = connect(&suite.postgres_url()).await;
    for canary in CANARIES {
        assert_eq!(found(&mut db, canary).await, Vec::<String>::new(), "{canary}");
    }
    assert!(!found(&mut db, "APP5005").await.is_empty(), "what is kept is found");

    // The same files, the other way round, elsewhere.
    let (_other, other) = scratch_suite(&[]).await;
    import(&other, &week, FEEDS.into_iter().rev().collect()).await;
    assert_eq!(other.state_hash().await, suite.state_hash().await);
}

async fn import(suite: &Suite, week: &Path, feeds: Vec<(&str, &str)>) {
    for rooftop in ROOFTOPS {
        suite.run(&["rooftop", "add", rooftop, "--zone", "America/New_York"]).await;
    }
    for (profile, place) in feeds {
        for rooftop in ROOFTOPS {
            let path = week.join(rooftop).join(place);
            let printed =
                suite.run(&["import", "--profile", profile, "--rooftop", rooftop, path.to_str().unwrap()]).await;
            let summary: Value = printed.line();
            assert_eq!((&summary["quarantined"], &summary["files_failed"]), (&0.into(), &0.into()), "{summary}");
            assert!(CANARIES.iter().all(|canary| !printed.stderr.contains(canary)), "{}", printed.stderr);
        }
    }
}
