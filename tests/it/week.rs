//! Days of some rooftops in the shapes in which vendors hand data over: the record that comes of them, against what really
//! happened. The simulator's are always there, the samples' week where the samples are.
use std::{fs, path::Path};

use serde_json::Value;
use throughline_testkit::{Scratch, connect, samples};

use crate::{
    places::Places,
    profiles::found,
    suite::{Suite, scratch_suite},
};

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
/// What a DMS row says of a customer that could be nothing else.
const PERSONAL: [&str; 5] = ["name1", "birthDate", "address", "homePhone", "email1"];

#[tokio::test(flavor = "multi_thread")]
async fn simulated_feeds_become_one_true_record_in_any_order() {
    let (_one, suite) = scratch_suite(&[]).await;
    let scratch = Scratch::new();
    let folder = scratch.path().join("feeds");
    let rooftops = simulate(&suite, &folder, &["--rooftops", "2"]).await;
    assert_eq!(rooftops.len(), 2);
    import(&suite, &folder, &rooftops, FEEDS.into_iter().collect()).await;

    let record = evaluate(&suite, &folder).await;
    let share = |name: &str| share(&record, name);
    assert!(share("link_precision") >= 0.99, "{record}");
    assert!(share("link_recall") >= 0.9, "{record}");
    assert!(share("link_recall_with_review") >= 0.95, "{record}");
    // Two cars of one stock number were sold on one day: that is for a person to say.
    assert!(share("true_links") >= 350.0 && share("true_links_in_review") >= 10.0, "{record}");
    assert_eq!((share("bounds_hold"), share("duplicate_occurrences")), (1.0, 0.0), "{record}");
    assert!(share("bounds_checked") >= 200.0, "{record}");
    let logged: Vec<String> = rooftops.iter().flat_map(|(rooftop, _)| finance_log(&folder, rooftop)).collect();
    assert!(logged.iter().any(|row| row.contains("PM,") && row.contains("AM,")), "somebody signed after midnight");
    let logged = logged.len() as f64;
    assert_eq!((share("fi_checked"), share("fi_equal")), (logged, logged), "{record}");

    let mut places = Places::default();
    places.add_database(&suite.postgres_url()).await;
    let customers: Vec<String> = rooftops.iter().flat_map(|(rooftop, _)| customers(&folder, rooftop)).collect();
    assert!(customers.len() > 100, "{}", customers.len());
    for word in customers.iter().map(String::as_str).chain(CANARIES) {
        assert_eq!(places.holding(word), Vec::<&str>::new(), "{word}, first in {:?}", places.excerpt(word));
    }
    let statuses = fs::read_to_string(folder.join(&rooftops[0].0).join("lender/contract_status.csv")).unwrap();
    let application = statuses.lines().nth(1).unwrap().split(',').next().unwrap();
    assert!(!places.holding(application).is_empty(), "{application} is kept, and not found");

    // The same files, the other way round, elsewhere.
    let (_other, other) = scratch_suite(&[]).await;
    import(&other, &folder, &rooftops, FEEDS.into_iter().rev().collect()).await;
    assert_eq!(other.state_hash().await, suite.state_hash().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_real_feeds_becomes_one_true_record() {
    let Some(samples) = samples() else { return };
    let week = samples.join("samples/store-week");
    let rooftops = ["RT001", "RT002", "RT003"].map(|rooftop| (rooftop.to_owned(), "America/New_York".to_owned()));
    let (_one, suite) = scratch_suite(&[]).await;
    import(&suite, &week, &rooftops, FEEDS.into_iter().collect()).await;

    let record = evaluate(&suite, &week).await;
    let share = |name: &str| share(&record, name);
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
    import(&other, &week, &rooftops, FEEDS.into_iter().rev().collect()).await;
    assert_eq!(other.state_hash().await, suite.state_hash().await);
}

/// Writes vendors' files of a simulated day and gives the rooftops with their zones. What is there already stays as it is.
pub async fn simulate(suite: &Suite, folder: &Path, flags: &[&str]) -> Vec<(String, String)> {
    let arguments: Vec<&str> = ["simulate", "--feeds", folder.to_str().unwrap()].iter().chain(flags).copied().collect();
    let printed = suite.run(&arguments).await;
    assert!(printed.status.success(), "{printed:?}");
    let again = suite.run(&arguments).await;
    assert!(!again.status.success() && again.stderr.contains("is not empty"), "{again:?}");
    let word = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    printed.json().iter().map(|line| (word(line, "rooftop"), word(line, "zone"))).collect()
}

async fn import(suite: &Suite, folder: &Path, rooftops: &[(String, String)], feeds: Vec<(&str, &str)>) {
    for (rooftop, zone) in rooftops {
        suite.run(&["rooftop", "add", rooftop, "--zone", zone]).await;
    }
    for (profile, place) in feeds {
        for (rooftop, _) in rooftops {
            let path = folder.join(rooftop).join(place);
            let printed =
                suite.run(&["import", "--profile", profile, "--rooftop", rooftop, path.to_str().unwrap()]).await;
            let summary: Value = printed.line();
            assert_eq!((&summary["quarantined"], &summary["files_failed"]), (&0.into(), &0.into()), "{summary}");
            assert!(CANARIES.iter().all(|canary| !printed.stderr.contains(canary)), "{}", printed.stderr);
        }
    }
}

async fn evaluate(suite: &Suite, truth: &Path) -> Value {
    suite.run(&["evaluate", "record", "--truth", truth.to_str().unwrap(), "--format", "json"]).await.line()
}

fn share(record: &Value, name: &str) -> f64 {
    record[name].as_f64().unwrap_or_else(|| panic!("{name}: {record}"))
}

/// The rows of a rooftop's finance log.
fn finance_log(folder: &Path, rooftop: &str) -> Vec<String> {
    let log = fs::read_to_string(folder.join(rooftop).join("fni/finance_log.csv")).unwrap();
    log.lines().skip(1).map(str::to_owned).collect()
}

/// Whatever a rooftop's DMS says of customers.
fn customers(folder: &Path, rooftop: &str) -> Vec<String> {
    let rows = fs::read_to_string(folder.join(rooftop).join("dms/fi_sales.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let mut words: Vec<String> =
        rows.iter().flat_map(|row| PERSONAL.map(|field| row[field].as_str().unwrap().to_owned())).collect();
    words.sort();
    words.dedup();
    words
}
