//! What is remembered of polled tables, as the last upload that read each has saved it.

use throughline_adapters::{Changes, Given, Memory, Polls};
use throughline_platform::{Failure, db::Tx, jiff_sqlx};
use uuid::Uuid;

use super::{at, imports::Held};
use crate::domain::identity;

/// Polled tables of a rooftop.
const MOST_TABLES: i64 = 64;

/// A polled table of a rooftop.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) group: String,
    pub(crate) rooftop: String,
    pub(crate) part: u16,
    pub(crate) source: String,
    pub(crate) profile: String,
}

/// Who reads a table, or read it last, and what is remembered of it; locked.
pub(crate) struct Locked {
    pub(crate) holder: Held,
    polls: Polls,
    types: Vec<String>,
}

impl Table {
    fn id(&self) -> Uuid {
        identity::polled_table(&self.group, &self.rooftop, &self.source, &self.profile)
    }
}

/// Holds a table until the transaction ends; none if the rooftop has too many.
pub(crate) async fn lock(tx: &mut Tx, table: &Table, held: &Held) -> Result<Option<Locked>, Failure> {
    sqlx::query_file!(
        "sql/polled_made.sql",
        table.group,
        table.id(),
        table.part as i16,
        table.rooftop,
        table.source,
        table.profile,
        held.id,
        held.epoch,
        MOST_TABLES,
    )
    .execute(tx.conn())
    .await?;
    let row = sqlx::query_file!("sql/polled_lock.sql", table.group, table.id()).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Locked {
        holder: Held { group: table.group.clone(), id: row.import_id, epoch: row.epoch },
        polls: Polls { before: row.before_at.map(|at| at.to_jiff()), last: row.last_at.map(|at| at.to_jiff()) },
        types: row.types,
    }))
}

/// Makes an upload the only one that changes what is remembered of a table, and gives that.
pub(crate) async fn hold(tx: &mut Tx, table: &Table, locked: Locked, held: &Held) -> Result<Memory, Failure> {
    let id = table.id();
    sqlx::query_file!("sql/polled_hold.sql", table.group, id, held.id, held.epoch).execute(tx.conn()).await?;
    let rows = sqlx::query_file!("sql/polled_rows.sql", table.part as i16, id).fetch_all(tx.conn()).await?;
    // The signs are of no meaning: 64 bits, and a count.
    let rows = rows
        .into_iter()
        .map(|row| (row.row.into_bytes(), Given { types: row.given.cast_unsigned(), seen: row.seen.cast_unsigned() }));
    Ok(Memory::load(locked.polls, locked.types, rows))
}

/// Saves what has changed; false if another upload reads the table now.
pub(crate) async fn save(tx: &mut Tx, table: &Table, held: &Held, changes: &Changes) -> Result<bool, Failure> {
    let (id, part) = (table.id(), table.part as i16);
    let Polls { before, last } = changes.polls;
    let saved = sqlx::query_file!(
        "sql/polled_save.sql",
        table.group,
        id,
        held.id,
        held.epoch,
        before.map(at) as Option<jiff_sqlx::Timestamp>,
        last.map(at) as Option<jiff_sqlx::Timestamp>,
        &changes.types,
    )
    .execute(tx.conn())
    .await?;
    if saved.rows_affected() == 0 {
        return Ok(false);
    }
    if !changes.forgotten.is_empty() {
        let forgotten: Vec<Uuid> = changes.forgotten.iter().copied().map(Uuid::from_bytes).collect();
        sqlx::query_file!("sql/polled_rows_forgotten.sql", part, id, &forgotten).execute(tx.conn()).await?;
    }
    if !changes.rows.is_empty() {
        let rows: Vec<Uuid> = changes.rows.iter().map(|(row, _)| Uuid::from_bytes(*row)).collect();
        let given: Vec<i64> = changes.rows.iter().map(|(_, given)| given.types.cast_signed()).collect();
        let seen: Vec<i64> = changes.rows.iter().map(|(_, given)| given.seen.cast_signed()).collect();
        sqlx::query_file!("sql/polled_rows_saved.sql", part, id, table.group, &rows, &given, &seen)
            .execute(tx.conn())
            .await?;
    }
    Ok(true)
}
