//! Groups and their API keys; of a secret only its hash.

use jiff::Timestamp;
use throughline_platform::{Failure, auth::NewKey, db::Tx};
use throughline_proto::{
    tenant::v1::{ApiKey, Group},
    time::to_wire,
};

use throughline_platform::jiff_sqlx;

use super::at;

/// Adds a group; false if there is one of that id.
pub(crate) async fn add_group(tx: &mut Tx, group: &str, label: &str, now: Timestamp) -> Result<bool, Failure> {
    let done = sqlx::query_file!("sql/group_add.sql", group, label, at(now) as jiff_sqlx::Timestamp)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// A group.
pub(crate) async fn find_group(tx: &mut Tx, group: &str) -> Result<Option<Group>, Failure> {
    let row = sqlx::query_file!("sql/group_find.sql", group).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Group {
        name: format!("groups/{}", row.group_id),
        display_name: row.display_name,
        create_time: Some(to_wire(row.created_at.to_jiff())),
    }))
}

/// Adds a key, unless the group has `most` live ones; false then.
pub(crate) async fn add(
    tx: &mut Tx,
    group: &str,
    key: &NewKey,
    content: &ApiKey,
    now: Timestamp,
    most: i64,
) -> Result<bool, Failure> {
    let added = sqlx::query_file!(
        "sql/key_add.sql",
        key.key_id,
        group,
        key.hash.as_slice(),
        content.display_name,
        &content.scopes,
        &content.rooftops,
        &content.sources,
        at(now) as jiff_sqlx::Timestamp,
        most,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(added.is_some())
}

/// A key of a group, locked until it is changed.
pub(crate) async fn lock(tx: &mut Tx, group: &str, key_id: &str) -> Result<Option<ApiKey>, Failure> {
    let row = sqlx::query_file_as!(Row, "sql/key_lock.sql", group, key_id).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| row.render(group)))
}

/// A key of a group.
pub(crate) async fn find(tx: &mut Tx, group: &str, key_id: &str) -> Result<Option<ApiKey>, Failure> {
    let row = sqlx::query_file_as!(Row, "sql/key_find.sql", group, key_id).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| row.render(group)))
}

/// Revokes a key.
pub(crate) async fn revoke(tx: &mut Tx, group: &str, key_id: &str, now: Timestamp) -> Result<(), Failure> {
    sqlx::query_file!("sql/key_revoke.sql", group, key_id, at(now) as jiff_sqlx::Timestamp).execute(tx.conn()).await?;
    Ok(())
}

/// A page of keys by creation, each with the place that it is found behind.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    after: Option<(Timestamp, &str)>,
    limit: i64,
) -> Result<Vec<(ApiKey, (Timestamp, String))>, Failure> {
    let (created_at, key_id) = after.unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "sql/keys_page.sql",
        group,
        created_at.map(at) as Option<jiff_sqlx::Timestamp>,
        key_id as Option<&str>,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let place = (row.created_at.to_jiff(), row.key_id.clone());
            (row.render(group), place)
        })
        .collect())
}

struct Row {
    key_id: String,
    display_name: String,
    scopes: Vec<String>,
    rooftops: Vec<String>,
    sources: Vec<String>,
    created_at: jiff_sqlx::Timestamp,
    revoked_at: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn render(self, group: &str) -> ApiKey {
        ApiKey {
            name: format!("groups/{group}/apiKeys/{}", self.key_id),
            display_name: self.display_name,
            scopes: self.scopes,
            rooftops: self.rooftops,
            sources: self.sources,
            create_time: Some(to_wire(self.created_at.to_jiff())),
            revoke_time: self.revoked_at.map(|at| to_wire(at.to_jiff())),
        }
    }
}
