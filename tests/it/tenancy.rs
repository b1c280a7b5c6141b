//! No group sees another's rows: every table of every service is looked at, after real work filled them.
use throughline_platform::{
    Options, Principal,
    db::{Db, catalogue_check},
    principal::Scope,
};
use throughline_testkit::Scratch;

use crate::suite::Suite;

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_no_row_of_any_table() {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &["--clock-start", "2026-09-05T20:00:00Z", "--clock-rate", "1"]).await;
    let simulated = suite.run(&["simulate", "--seed", "3", "--rooftops", "3"]).await;
    let file = scratch.path().join("events.jsonl");
    // What lies in the clock's future would be quarantined: that fills another table.
    std::fs::write(&file, &simulated.stdout).unwrap();
    let imported =
        suite.run(&["import", "--create-rooftops", "--zone", "America/New_York", file.to_str().unwrap()]).await.line();
    assert!(imported["accepted"].as_u64().unwrap() > 0, "{imported}");
    assert!(imported["quarantined"].as_u64().unwrap() > 0, "{imported}");
    for command in ["flags", "report"] {
        assert!(suite.run(&[command]).await.status.success());
    }

    let db = Db::connect(&Options::for_test(suite.postgres_url(), None)).await.unwrap();
    let stranger = Principal {
        group: "stranger".to_owned(),
        scopes: [Scope::Admin].into_iter().collect(),
        ..Principal::service()
    };
    let sights = catalogue_check(&db, &stranger).await.unwrap();
    let leaks: Vec<String> = sights.iter().filter_map(throughline_platform::db::Sight::leak).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");

    // The check looked at tables with rows, of every service.
    let filled: Vec<&str> =
        sights.iter().filter(|sight| sight.tenant && sight.rows > 0).map(|sight| sight.table.as_str()).collect();
    for schema in ["directory", "ingestion", "deal_state", "rules", "reporting"] {
        assert!(filled.iter().any(|table| table.starts_with(schema)), "nothing in {schema}: {filled:?}");
    }
    assert!(suite.stop().await.success());
}
