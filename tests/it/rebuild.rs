//! A rebuild by the command, and one whose suite is killed in the middle.
use std::time::Duration;

use serde_json::{Value, json};
use throughline_proto::deal::v1::{
    RebuildRequest, rebuild_response::Said, rebuild_service_client::RebuildServiceClient,
};
use throughline_testkit::{Scratch, connect, eventually};

use crate::{
    events,
    record::write_lines,
    suite::{Suite, keyed},
};

/// Every line that the command printed; the last one is the summary.
async fn rebuild(suite: &Suite, flags: &[&str]) -> Vec<Value> {
    let key = suite.data.join("service.key");
    let command = ["rebuild", "deal-state", "--format", "json", "--service-key-file", key.to_str().unwrap()];
    let printed = suite.run(&[&command[..], flags].concat()).await;
    assert!(printed.status.success(), "{printed:?}");
    printed.json()
}

async fn count(suite: &Suite, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(&suite.postgres_url()).await).await.unwrap()
}

const SAID: &str = "SELECT sum(pos)::bigint FROM deal_state.deal_head";
const REFOLDS: &str = "SELECT count(*) FROM deal_state.refold";
const LEFT: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'throughline\\_rebuild\\_%'";

#[tokio::test]
async fn a_rebuild_survives_the_death_of_its_suite_and_ends_where_nobody_had_damaged_anything() {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &[]).await;
    let file = scratch.path().join("events.jsonl");
    let lines = events::simulated(5, 3);
    write_lines(&file, &lines);
    let imported = suite.run(&["import", "--create-rooftops", file.to_str().unwrap()]).await.line();
    assert_eq!(imported["read"], json!(lines.len()));
    let hash = suite.state_hash().await;
    // What is folded anew because a step was seen for the first time is said by the live follower.
    eventually(Duration::from_secs(60), async || count(&suite, REFOLDS).await == 0).await;
    let said = count(&suite, SAID).await;

    // Nothing is wrong: nothing is said.
    let [summary] = &rebuild(&suite, &[]).await[..] else { panic!("differences in sound deals") };
    assert_eq!(summary["differences"], json!([]));
    assert_eq!(summary["deals_compared"], json!(count(&suite, "SELECT count(*) FROM deal_state.deal").await));
    assert_eq!((summary["rows_mended"].clone(), summary["entries_said"].clone()), (json!(0), json!(0)));
    assert_eq!((suite.state_hash().await, count(&suite, SAID).await), (hash.clone(), said));

    // Every deal is wrong: the suite dies as soon as the first is named.
    let damaged: i64 = {
        let mut connection = connect(&suite.postgres_url()).await;
        let done = sqlx::query("UPDATE deal_state.deal SET state_hash = '\\x00', body = '\\xff'");
        done.execute(&mut connection).await.unwrap().rows_affected().cast_signed()
    };
    let key = std::fs::read_to_string(suite.data.join("service.key")).unwrap();
    let mut client = RebuildServiceClient::new(suite.channel().await);
    let mut stream = client.rebuild(keyed(key.trim(), RebuildRequest::default())).await.unwrap().into_inner();
    while !matches!(stream.message().await.unwrap().unwrap().said, Some(Said::Difference(_))) {}
    suite.kill().await;
    let suite = Suite::start(scratch.path(), &[]).await;
    assert_eq!(count(&suite, LEFT).await, 1, "what it left behind");

    let dry = rebuild(&suite, &["--dry-run", "--max-differences", "7"]).await;
    assert!(dry.len() <= 8, "at most seven are named: {dry:?}");
    let printed = rebuild(&suite, &[]).await;
    let summary = printed.last().unwrap();
    assert_eq!(suite.state_hash().await, hash, "{summary}");
    assert!(summary["rows_mended"].as_i64().unwrap() <= damaged, "{summary}");
    assert_eq!(
        count(&suite, SAID).await,
        said + damaged,
        "each of them is said once, before and after the death together"
    );
    assert_eq!(rebuild(&suite, &["--dry-run"]).await.last().unwrap()["differences"], json!([]));
    assert_eq!(count(&suite, LEFT).await, 0);
    assert!(suite.metric("throughline_rebuild_deals_compared_total", &[]).await >= damaged as f64);
    // Who follows the deal log goes on.
    assert!(suite.run(&["flags", "--format", "json"]).await.status.success());
    assert!(suite.stop().await.success());
}
