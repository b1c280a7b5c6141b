//! Hooks, what they sign with, and what was answered to them.

use jiff::Timestamp;
use throughline_platform::{
    Failure,
    db::{Db, Role, Tx},
    jiff_sqlx,
    signature::Secret,
};
use throughline_proto::{ingestion::v1::InboundHook, time::to_wire};
use uuid::Uuid;

use super::at;
use crate::domain::hook::Content;

/// Adds a hook with its secret, unless the group has `most`; false then.
pub(crate) async fn add(
    tx: &mut Tx,
    group: &str,
    id: &str,
    content: &Content,
    secret: &Secret,
    now: Timestamp,
    most: i64,
) -> Result<bool, Failure> {
    let added = sqlx::query_file!(
        "sql/hook_add.sql",
        group,
        id,
        content.display_name,
        content.rooftop,
        content.profile,
        content.profile_yaml,
        content.source,
        at(now) as jiff_sqlx::Timestamp,
        most,
    )
    .fetch_optional(tx.conn())
    .await?;
    if added.is_none() {
        return Ok(false);
    }
    sqlx::query_file!("sql/hook_secret_add.sql", group, id, secret.bytes()).execute(tx.conn()).await?;
    Ok(true)
}

/// What a hook signs with now; none once it is gone.
pub(crate) async fn find_secret(tx: &mut Tx, group: &str, id: &str) -> Result<Option<Secret>, Failure> {
    let row = sqlx::query_file!("sql/hook_secret_find.sql", group, id).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Secret::new(row.secret)))
}

/// A hook of a group, locked until it is changed.
pub(crate) async fn lock(tx: &mut Tx, group: &str, id: &str) -> Result<Option<InboundHook>, Failure> {
    let row = sqlx::query_file_as!(Row, "sql/hook_lock.sql", group, id).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| row.render(group)))
}

/// Gives a hook another secret; the present one is accepted until `former_until`, if that is said.
pub(crate) async fn rotate(
    tx: &mut Tx,
    group: &str,
    id: &str,
    secret: &Secret,
    now: Timestamp,
    former_until: Option<Timestamp>,
) -> Result<(), Failure> {
    sqlx::query_file!("sql/hook_secret_rotate.sql", group, id, secret.bytes(), former_until.is_some())
        .execute(tx.conn())
        .await?;
    let until = former_until.map(at);
    sqlx::query_file!(
        "sql/hook_rotated.sql",
        group,
        id,
        at(now) as jiff_sqlx::Timestamp,
        until as Option<jiff_sqlx::Timestamp>
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a hook, its secrets and what it remembers.
pub(crate) async fn delete(tx: &mut Tx, group: &str, id: &str) -> Result<(), Failure> {
    sqlx::query_file!("sql/hook_delete.sql", group, id).execute(tx.conn()).await?;
    Ok(())
}

/// A page of hooks by creation, each with the place that it is found behind. `rooftops`: what the key is held to.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    after: Option<(Timestamp, &str)>,
    limit: i64,
) -> Result<Vec<(InboundHook, (Timestamp, String))>, Failure> {
    let (created_at, hook_id) = after.unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "sql/hooks_page.sql",
        group,
        rooftops as Option<&[String]>,
        created_at.map(at) as Option<jiff_sqlx::Timestamp>,
        hook_id as Option<&str>,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let page = rows.into_iter().map(|row| {
        let place = (row.created_at.to_jiff(), row.hook_id.clone());
        (row.render(group), place)
    });
    Ok(page.collect())
}

struct Row {
    hook_id: String,
    display_name: String,
    rooftop: String,
    profile: String,
    profile_yaml: String,
    source: String,
    created_at: jiff_sqlx::Timestamp,
    rotated_at: Option<jiff_sqlx::Timestamp>,
    former_until: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn render(self, group: &str) -> InboundHook {
        let instant = |at: jiff_sqlx::Timestamp| to_wire(at.to_jiff());
        InboundHook {
            name: format!("groups/{group}/inboundHooks/{}", self.hook_id),
            path: format!("/v1/hooks/{}", self.hook_id),
            display_name: self.display_name,
            rooftop: self.rooftop,
            profile: self.profile,
            profile_yaml: self.profile_yaml,
            source: self.source,
            create_time: Some(instant(self.created_at)),
            rotate_time: self.rotated_at.map(instant),
            former_secret_expire_time: self.former_until.map(instant),
        }
    }
}

/// A hook as it is called.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) group: String,
    pub(crate) rooftop: String,
    pub(crate) profile: String,
    pub(crate) profile_yaml: String,
    pub(crate) source: String,
    pub(crate) secret: Secret,
    /// And until when it is accepted.
    pub(crate) former: Option<(Secret, Timestamp)>,
}

/// The hook of that id, of whichever group.
pub(crate) async fn called(db: &Db, id: String) -> Result<Option<Called>, Failure> {
    let row = db
        .statement(Role::Worker, move |tx| {
            Box::pin(async move {
                Ok::<_, Failure>(sqlx::query_file!("sql/hook_called.sql", id).fetch_optional(tx.conn()).await?)
            })
        })
        .await?;
    Ok(row.map(|row| Called {
        group: row.group_id,
        rooftop: row.rooftop,
        profile: row.profile,
        profile_yaml: row.profile_yaml,
        source: row.source,
        secret: Secret::new(row.secret),
        former: row.former.map(Secret::new).zip(row.former_until.map(jiff_sqlx::Timestamp::to_jiff)),
    }))
}

/// A message of a hook, by its fingerprints.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) group: String,
    pub(crate) hook: String,
    pub(crate) id: Uuid,
    pub(crate) body: Uuid,
}

/// What was answered to this id before, and to which body.
pub(crate) async fn answered(db: &Db, message: Message, now: Timestamp) -> Result<Option<(Uuid, String)>, Failure> {
    db.statement(Role::Worker, move |tx| {
        Box::pin(async move {
            let Message { group, hook, id, .. } = &message;
            let now = at(now);
            let row = sqlx::query_file!("sql/hook_answered.sql", group, hook, id, now as jiff_sqlx::Timestamp)
                .fetch_optional(tx.conn())
                .await?;
            Ok::<_, Failure>(row.map(|row| (row.body, row.answer)))
        })
    })
    .await
}

/// Keeps an answer until nobody can repeat its message any more. True if it is the one that is kept.
pub(crate) async fn keep_answer(
    db: &Db,
    message: Message,
    answer: String,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, Failure> {
    db.statement(Role::Appender, move |tx| {
        Box::pin(async move {
            let Message { group, hook, id, body } = &message;
            let done = sqlx::query_file!(
                "sql/hook_answer_keep.sql",
                group,
                hook,
                id,
                body,
                answer,
                at(expires_at) as jiff_sqlx::Timestamp,
                at(now) as jiff_sqlx::Timestamp
            )
            .execute(tx.conn())
            .await?;
            Ok::<_, Failure>(done.rows_affected() > 0)
        })
    })
    .await
}

/// Forgets a bounded number of answers.
pub(crate) async fn expire_answers(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, Failure> {
    let done = sqlx::query_file!("sql/hook_answers_expired.sql", at(now) as jiff_sqlx::Timestamp, most)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
