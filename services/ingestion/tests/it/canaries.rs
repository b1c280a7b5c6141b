//! What no table may ever hold, and what no stranger may see.

use sqlx::{AssertSqlSafe, Row};
use throughline_platform::{Principal, db::catalogue_check};
use throughline_proto::cloudevents::CloudEvent;

use crate::kit::{Suite, event, with, with_data};

const CANARIES: [&str; 5] =
    ["CANARY Smith", "canary@example.invalid", "(212) 555-0123", "078-05-1120", "12 Canary Street"];

/// Events that carry a canary wherever one can stand.
fn carriers(canary: &str) -> Vec<CloudEvent> {
    let data =
        |json: serde_json::Value| with_data(event(&format!("data-{}", json.to_string().len())), &json.to_string());
    let mut all = vec![
        CloudEvent { id: canary.into(), ..event("x") },
        CloudEvent { source: canary.into(), ..event("source") },
        CloudEvent { r#type: canary.into(), ..event("type") },
    ];
    for attribute in ["subject", "rooftop", "time", "timequality", "observedat", "sequence", "customer", "traceparent"]
    {
        all.push(with(event(attribute), attribute, canary));
    }
    for field in
        ["actor", "role", "trade", "reason", "result", "step", "round", "kind", "replaces", "withdraws", "name"]
    {
        all.push(data(serde_json::json!({ field: canary })));
        all.push(data(serde_json::json!({ field: { "nested": [canary] } })));
    }
    for key in ["visit", "dms_deal", "application", "stock", "vin", "lead", "license"] {
        all.push(data(serde_json::json!({ "keys": { key: canary } })));
    }
    all.push(data(serde_json::json!({ canary: canary, "keys": { canary: canary } })));
    all.push(with_data(event("no-json"), canary));
    all
}

#[tokio::test]
async fn no_canary_is_stored_or_answered() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    for canary in CANARIES {
        let answer = suite.append(&admin, carriers(canary)).await;
        let told: Vec<_> = answer.results.iter().map(|result| (&result.status, &result.dropped_fields)).collect();
        assert!(!format!("{told:?}").contains(canary), "answered: {told:?}");
    }
    assert_nowhere(&suite, &CANARIES).await;
}

/// Looks for these texts in every table and in the metrics.
pub async fn assert_nowhere(suite: &Suite, canaries: &[&str]) {
    let mut db = throughline_testkit::connect(suite.database.url()).await;
    let tables = sqlx::query(
        "SELECT table_schema, table_name FROM information_schema.tables \
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let table = format!("{}.{}", table.get::<&str, _>(0), table.get::<&str, _>(1));
        for canary in canaries {
            // bytea reads as hexadecimal.
            let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
            let query =
                format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{canary}%' OR t::text LIKE '%{hex}%'");
            let found: i64 = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut db).await.unwrap();
            assert_eq!(found, 0, "{canary} is in {table}");
        }
    }
    let metrics = suite.running.cx.platform.metrics.encode();
    assert!(canaries.iter().all(|canary| !metrics.contains(canary)));
}

#[tokio::test]
async fn a_stranger_sees_no_row_of_any_table() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![event("e-1"), with(event("e-2"), "time", "never")]).await;
    let stranger = Principal { group: "other".into(), service: false, ..Principal::service() };
    let sights = catalogue_check(&suite.running.cx.platform.db, &stranger).await.unwrap();
    let leaks: Vec<String> = sights.iter().filter_map(|sight| sight.leak()).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    for table in ["ingestion.event_key", "ingestion.feed", "ingestion.quarantine", "directory.rooftop"] {
        assert!(sights.iter().any(|sight| sight.table == table && sight.rows > 0 && sight.seen == 0), "{table}");
    }
}
