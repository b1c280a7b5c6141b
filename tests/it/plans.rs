//! Statements of a batch look up each of their keys by an index on it, also by a plan that was made before the tables had
//! rows or statistics (docs/adr/0026-a-batch-looks-up-each-key.md).
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::fleet::Fleet;

/// A statement, the table that it looks keys up in, and the columns of a key; any of them if there are several.
type Lookup = (&'static str, &'static str, &'static [&'static [&'static str]]);

const LOOKUPS: [Lookup; 15] = [
    ("deal-state/sql/deals_before.sql", "deal", &[&["part", "deal_id"]]),
    ("deal-state/sql/feeds_known.sql", "source", &[&["part", "group_id", "rooftop", "source"]]),
    ("deal-state/sql/inputs.sql", "fold_input", &[&["part", "anchor"]]),
    ("deal-state/sql/inputs_until.sql", "fold_input", &[&["part", "anchor"]]),
    ("deal-state/sql/linked.sql", "deal_key", &[&["part", "key"], &["part", "deal_id"], &["part", "rooftop", "value"]]),
    ("deal-state/sql/rooftops.sql", "rooftop", &[&["group_id", "rooftop"]]),
    ("deal-state/sql/selling.sql", "deal", &[&["part", "deal_id"]]),
    ("notification/sql/take_undecided.sql", "flag", &[&["part", "group_id", "flag_id"]]),
    ("reporting/sql/load_deals.sql", "deal", &[&["part", "group_id", "rooftop", "deal_id"]]),
    ("rules/sql/load_deals.sql", "deal", &[&["part", "group_id", "rooftop", "deal_id"]]),
    ("rules/sql/load_due.sql", "deal", &[&["part", "group_id", "rooftop", "deal_id"]]),
    ("rules/sql/load_feeds.sql", "feed", &[&["part", "group_id", "rooftop"]]),
    ("rules/sql/load_floors.sql", "floor", &[&["part", "group_id", "rooftop"]]),
    ("rules/sql/load_flags.sql", "flag", &[&["part", "group_id", "rooftop", "subject"]]),
    ("rules/sql/load_reviews.sql", "review", &[&["part", "group_id", "rooftop", "subject"]]),
];

#[tokio::test(flavor = "multi_thread")]
async fn batch_looks_up_each_key_by_its_index_before_there_are_statistics() {
    let fleet = Fleet::start().await;
    // Each makes its tables, which stay empty.
    for service in ["deal-state", "rules", "notification", "reporting"] {
        fleet.spawn(&format!("throughline-{service}"), service, &[]).await.kill().await;
    }
    let mut db = fleet.database().await;
    sqlx::query("SET plan_cache_mode = force_generic_plan").execute(&mut db).await.unwrap();
    let mut wrong = Vec::new();
    for (file, table, keys) in LOOKUPS {
        let plan = generic_plan(&mut db, file).await;
        let mut conditions = Vec::new();
        scans(&plan, table, &mut conditions);
        let found = !conditions.is_empty()
            && conditions.iter().all(|condition| {
                keys.iter().any(|key| key.iter().all(|column| condition.contains(&format!("({column} = "))))
            });
        if !found {
            wrong.push(format!("{file}: {conditions:?}"));
        }
    }
    assert!(wrong.is_empty(), "these read more than what they look for:\n{}", wrong.join("\n"));
}

/// The plan that is kept for a statement, as JSON.
async fn generic_plan(db: &mut PgConnection, file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let statement = text.trim_end().trim_end_matches(';');
    let last = (1..=20).rev().find(|number| statement.contains(&format!("${number}"))).unwrap();
    let nothing = vec!["NULL"; last].join(", ");
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE looked_at AS {statement}"))).execute(&mut *db).await.unwrap();
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at ({nothing})");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(&mut *db).await.unwrap();
    sqlx::raw_sql("DEALLOCATE looked_at").execute(&mut *db).await.unwrap();
    plan[0]["Plan"].clone()
}

/// By what each scan of a table finds its rows; nothing of a scan that reads all of them.
fn scans(node: &Value, table: &str, conditions: &mut Vec<String>) {
    let reads = node["Node Type"].as_str().is_some_and(|node| node.ends_with("Scan"));
    if reads && node["Relation Name"] == table {
        let condition = node["Index Cond"].as_str().or(node["Recheck Cond"].as_str()).unwrap_or_default();
        conditions.push(condition.to_owned());
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        scans(child, table, conditions);
    }
}
