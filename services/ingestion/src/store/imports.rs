//! Imports: how far each is. What is durable is saved by its uploader alone, and only by the last one.

use jiff::Timestamp;
use prost::Message;
use throughline_platform::{Failure, db::Tx, jiff_sqlx};
use throughline_proto::ingestion::v1::ImportCounts;
use uuid::Uuid;

use super::at;

/// An import that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) group: String,
    pub(crate) id: Uuid,
    pub(crate) rooftop: String,
    pub(crate) profile: String,
    pub(crate) version: u32,
    /// The text of the profile.
    pub(crate) definition: String,
    pub(crate) actor: String,
    /// Whether it reports the present rather than history.
    pub(crate) live: bool,
}

/// Whether an import has ended, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Succeeded,
    Failed,
    Cancelled,
}

/// An import as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) id: Uuid,
    pub(crate) rooftop: String,
    pub(crate) profile: String,
    pub(crate) version: u32,
    pub(crate) state: State,
    /// An upload is under way.
    pub(crate) uploading: bool,
    pub(crate) current_file: u32,
    pub(crate) counts: ImportCounts,
    /// An encoded status.
    pub(crate) error: Option<Vec<u8>>,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

/// Which upload of which import saves.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) group: String,
    pub(crate) id: Uuid,
    pub(crate) epoch: i64,
}

/// What an upload begins with.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) held: Held,
    pub(crate) rooftop: String,
    pub(crate) definition: String,
    pub(crate) actor: String,
    /// Whether it reports the present rather than history.
    pub(crate) live: bool,
    pub(crate) counts: ImportCounts,
}

/// How long an uploader is believed to be there without being heard of, milliseconds of the database's clock.
const BELIEVED_MS: f64 = 30_000.0;

#[derive(Debug)]
struct Row {
    id: Uuid,
    rooftop: String,
    profile: String,
    version: i64,
    state: i16,
    uploading: bool,
    current_file: i64,
    counts: Vec<u8>,
    error: Option<Vec<u8>>,
    created_at: jiff_sqlx::Timestamp,
    changed_at: jiff_sqlx::Timestamp,
}

impl TryFrom<Row> for Import {
    type Error = Failure;

    fn try_from(row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: row.id,
            rooftop: row.rooftop,
            profile: row.profile,
            version: u32::try_from(row.version).map_err(Failure::internal)?,
            state: match row.state {
                1 => State::Open,
                2 => State::Succeeded,
                3 => State::Failed,
                4 => State::Cancelled,
                other => return Err(Failure::internal(format!("an import of state {other}"))),
            },
            uploading: row.uploading,
            current_file: u32::try_from(row.current_file).map_err(Failure::internal)?,
            counts: counts(&row.counts)?,
            error: row.error,
            created_at: row.created_at.to_jiff(),
            changed_at: row.changed_at.to_jiff(),
        })
    }
}

fn counts(encoded: &[u8]) -> Result<ImportCounts, Failure> {
    ImportCounts::decode(encoded).map_err(Failure::internal)
}

/// Begins an import.
pub(crate) async fn add(tx: &mut Tx, new: &New, now: Timestamp) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/import_add.sql",
        new.group,
        new.id,
        new.rooftop,
        new.profile,
        i64::from(new.version),
        new.definition,
        new.actor,
        new.live,
        at(now) as jiff_sqlx::Timestamp,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many imports of a group have not ended.
pub(crate) async fn open(tx: &mut Tx, group: &str) -> Result<i64, Failure> {
    Ok(sqlx::query_file!("sql/imports_open.sql", group).fetch_one(tx.conn()).await?.open)
}

/// An import.
pub(crate) async fn find(tx: &mut Tx, group: &str, id: Uuid) -> Result<Option<Import>, Failure> {
    let row = sqlx::query_file_as!(Row, "sql/import_find.sql", group, id).fetch_optional(tx.conn()).await?;
    row.map(Import::try_from).transpose()
}

/// A page, newest first, before a place if one is given, of some rooftops or all.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    before: Option<(Timestamp, Uuid)>,
    rooftops: Option<&[String]>,
    limit: i64,
) -> Result<Vec<Import>, Failure> {
    let (created_at, id) = before.unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "sql/imports_page.sql",
        group,
        created_at.map(at) as Option<jiff_sqlx::Timestamp>,
        id as Option<Uuid>,
        rooftops as Option<&[String]>,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Import::try_from).collect()
}

/// Begins an upload, which shuts a former one out; none if the import is not there or has ended.
pub(crate) async fn begin(tx: &mut Tx, group: &str, id: Uuid, now: Timestamp) -> Result<Option<Begun>, Failure> {
    let row = sqlx::query_file!("sql/import_begin.sql", group, id, BELIEVED_MS, at(now) as jiff_sqlx::Timestamp)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| {
        Ok(Begun {
            held: Held { group: group.to_owned(), id, epoch: row.epoch },
            rooftop: row.rooftop,
            definition: row.definition,
            actor: row.actor,
            live: row.live,
            counts: counts(&row.counts)?,
        })
    })
    .transpose()
}

/// Notes what is durable; false if this upload may not save any more.
pub(crate) async fn save(
    tx: &mut Tx,
    held: &Held,
    counts: &ImportCounts,
    current_file: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    let saved = sqlx::query_file!(
        "sql/import_save.sql",
        held.group,
        held.id,
        held.epoch,
        counts.encode_to_vec(),
        i64::from(current_file),
        at(now) as jiff_sqlx::Timestamp,
        BELIEVED_MS,
    )
    .execute(tx.conn())
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// Says that the uploader is there; false if this upload may not save any more.
pub(crate) async fn alive(tx: &mut Tx, held: &Held) -> Result<bool, Failure> {
    let said = sqlx::query_file!("sql/import_alive.sql", held.group, held.id, held.epoch, BELIEVED_MS)
        .execute(tx.conn())
        .await?;
    Ok(said.rows_affected() == 1)
}

/// Says that the uploader has left.
pub(crate) async fn left(tx: &mut Tx, held: &Held) -> Result<(), Failure> {
    sqlx::query_file!("sql/import_left.sql", held.group, held.id, held.epoch).execute(tx.conn()).await?;
    Ok(())
}

/// Whether an upload is under way, and of which rooftop.
pub(crate) async fn under_way(tx: &mut Tx, held: &Held) -> Result<Option<String>, Failure> {
    let row =
        sqlx::query_file!("sql/import_holds.sql", held.group, held.id, held.epoch).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| row.rooftop))
}

/// Ends an import with success; false if this upload may not do so any more.
pub(crate) async fn finish(tx: &mut Tx, held: &Held, now: Timestamp) -> Result<bool, Failure> {
    let ended =
        sqlx::query_file!("sql/import_finish.sql", held.group, held.id, held.epoch, at(now) as jiff_sqlx::Timestamp)
            .execute(tx.conn())
            .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends an import that has not ended, with an encoded status.
pub(crate) async fn cancel(tx: &mut Tx, group: &str, id: Uuid, error: &[u8], now: Timestamp) -> Result<(), Failure> {
    sqlx::query_file!("sql/import_cancel.sql", group, id, error, at(now) as jiff_sqlx::Timestamp)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets an import that has ended.
pub(crate) async fn delete(tx: &mut Tx, group: &str, id: Uuid) -> Result<(), Failure> {
    sqlx::query_file!("sql/import_delete.sql", group, id).execute(tx.conn()).await?;
    Ok(())
}

/// Ends at most `most` imports to which nothing was uploaded since an instant; answers how many.
pub(crate) async fn abandon(
    tx: &mut Tx,
    since: Timestamp,
    error: &[u8],
    now: Timestamp,
    most: i64,
) -> Result<u64, Failure> {
    let (since, now) = (at(since), at(now));
    let ended = sqlx::query_file!(
        "sql/imports_abandoned.sql",
        since as jiff_sqlx::Timestamp,
        error,
        now as jiff_sqlx::Timestamp,
        most
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected())
}

/// Forgets at most `most` imports that ended before an instant; answers how many.
pub(crate) async fn expire(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, Failure> {
    let gone = sqlx::query_file!("sql/imports_expired.sql", at(before) as jiff_sqlx::Timestamp, most)
        .execute(tx.conn())
        .await?;
    Ok(gone.rows_affected())
}
