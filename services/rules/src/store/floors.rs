//! Floors: their flags, and when to look at each again.

use jiff::Timestamp;
use throughline_platform::{db::Tx, jiff_sqlx::ToSqlx};

use super::{Error, flags::parse, stored_part, stored_up};
use crate::domain::Flag;

/// Subject of what is about the floor of a rooftop.
pub const FLOOR: &str = "floor";

/// The flags of a floor that stand, and these of it, locked until the transaction ends.
pub async fn load_floor_flags(
    tx: &mut Tx,
    part: u16,
    (group, rooftop): (&str, &str),
    ids: &[String],
) -> Result<Vec<Flag>, Error> {
    let rows = sqlx::query_file!("sql/load_floor_flags.sql", stored_part(part), group, rooftop, ids)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter().map(|row| parse(&row.body, row.retracted)).collect()
}

/// Keeps that a floor was judged, with its alarm.
pub async fn save_floor(
    tx: &mut Tx,
    part: u16,
    (group, rooftop): (&str, &str),
    judged_at: Timestamp,
    next_change: Option<Timestamp>,
) -> Result<(), Error> {
    sqlx::query_file!(
        "sql/save_floor.sql",
        stored_part(part),
        group,
        rooftop,
        judged_at.to_sqlx() as _,
        next_change.map(stored_up) as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
