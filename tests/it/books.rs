//! What the database says of logs and cursors, for those who trust no answer of the services.
use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _, Transaction};
use throughline_proto::log::v1::{EntryBody, entry_body::Body};

use crate::events::Identity;

/// The logs, with the schemas that keep them.
pub const LOGS: [(&str, &str); 3] = [("ingestion", "event"), ("deal_state", "deal"), ("rules", "flag")];

/// Every part of these logs holds the positions from 1 to its head, each once, and no cursor lies beyond a head.
pub async fn assert_whole(db: &mut PgConnection, logs: &[(&str, &str)]) {
    for (schema, log) in logs {
        let broken = sqlx::query(AssertSqlSafe(format!(
            "SELECT part, head.pos, kept, low, high
             FROM {schema}.{log}_head head
             LEFT JOIN (SELECT part, count(*) AS kept, min(pos) AS low, max(pos) AS high
                        FROM {schema}.{log}_log GROUP BY part) log USING (part)
             WHERE head.pos <> coalesce(kept, 0) OR head.pos <> coalesce(high, 0) OR (kept > 0 AND low <> 1)"
        )))
        .fetch_all(&mut *db)
        .await
        .unwrap();
        let broken: Vec<_> = broken
            .iter()
            .map(|row| (row.get::<i16, _>(0), row.get::<i64, _>(1), row.get::<Option<i64>, _>(2)))
            .collect();
        assert!(broken.is_empty(), "log {log:?} has gaps, as (part, head, entries): {broken:?}");
    }
    let beyond: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM deal_state.cursor cursor JOIN ingestion.event_head head USING (part)
         WHERE cursor.consumer = 'deal-state' AND cursor.pos > head.pos",
    )
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(beyond, 0, "a cursor lies beyond the end of the log");
}

/// Rows that were read by going through a whole table, over all of an import: a statement that did so for each batch, or for
/// each of some hundred calls, would have read millions.
const READ_AT_LENGTH: i64 = 20_000;

/// What the services did so far cost no more because there was more of it.
pub async fn assert_rows_were_reached_by_key(db: &mut PgConnection) {
    let read: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT relid::regclass::text, seq_scan, seq_tup_read FROM pg_stat_user_tables
         WHERE seq_tup_read > $1 ORDER BY seq_tup_read DESC",
    )
    .bind(READ_AT_LENGTH)
    .fetch_all(db)
    .await
    .unwrap();
    assert!(read.is_empty(), "read from end to end, as (table, times, rows): {read:?}");
}

/// Every event of the event log. Fails if one is there twice, or is not among the ids that were used.
pub async fn accepted(db: &mut PgConnection) -> BTreeSet<Identity> {
    let rows = sqlx::query("SELECT rooftop, body FROM ingestion.event_log").fetch_all(&mut *db).await.unwrap();
    let mut events = BTreeSet::new();
    for row in &rows {
        let body = EntryBody::decode(row.get::<&[u8], _>(1)).unwrap().body;
        if let Some(Body::Event(event)) = body {
            let identity = (row.get::<String, _>(0), event.source, event.id);
            assert!(events.insert(identity.clone()), "{identity:?} is in the log twice");
        }
    }
    let claimed: i64 = sqlx::query_scalar("SELECT count(*) FROM ingestion.event_key").fetch_one(db).await.unwrap();
    assert_eq!(events.len() as i64, claimed, "ids used and events kept are one commit");
    events
}

/// In the deal log each deal's revision rises from entry to entry: nobody said something of an older state later.
pub async fn assert_revisions_rise(db: &mut PgConnection) {
    let rows =
        sqlx::query("SELECT part, pos, group_id, rooftop, entity, body FROM deal_state.deal_log ORDER BY part, pos")
            .fetch_all(db)
            .await
            .unwrap();
    let mut known: BTreeMap<(String, String, String), (i64, u64)> = BTreeMap::new();
    for row in &rows {
        let revision = match EntryBody::decode(row.get::<&[u8], _>(5)).unwrap().body {
            Some(Body::Deal(deal)) => deal.revision,
            Some(Body::DealRetraction(retraction)) => retraction.revision,
            _ => continue,
        };
        let deal = (row.get(2), row.get(3), row.get(4));
        let position: i64 = row.get(1);
        if let Some((before, last)) = known.insert(deal.clone(), (position, revision)) {
            assert!(last < revision, "{deal:?} has revision {last} at {before} and {revision} at {position}");
        }
    }
    assert!(!known.is_empty(), "the deal log is empty");
}

/// Who holds parts of `deal-state` that have entries.
pub async fn owners(db: &mut PgConnection) -> BTreeSet<String> {
    let owners = sqlx::query_scalar(
        "SELECT DISTINCT owner FROM deal_state.cursor JOIN ingestion.event_head head USING (part)
         WHERE consumer = 'deal-state' AND head.pos > 0 AND lease_until > now()",
    );
    owners.fetch_all(db).await.unwrap().into_iter().collect()
}

/// Lets nobody append to the deal log until the transaction ends.
pub async fn hold_deal_log(db: &mut PgConnection) -> Transaction<'_, Postgres> {
    let mut held = db.begin().await.unwrap();
    sqlx::query("SELECT FROM deal_state.deal_head ORDER BY part FOR UPDATE").execute(&mut *held).await.unwrap();
    held
}

/// How many transactions have done their work and stand before the end of the deal log.
pub async fn waiting_for_deal_log(db: &mut PgConnection) -> i64 {
    let waiting = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%deal_head%'",
    );
    waiting.fetch_one(db).await.unwrap()
}
