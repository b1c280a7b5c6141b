//! Rooftops, their parts and the codes that vendors call them by.

use jiff::Timestamp;
use prost::Message;
use throughline_platform::{Failure, db::Tx};
use throughline_proto::tenant::v1::Rooftop;

use throughline_platform::jiff_sqlx;

use super::at;
use crate::domain::watch::watched;

/// A code and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) rooftop_id: String,
    pub(crate) part: i16,
    pub(crate) zone: String,
    /// Zone, calendar and feeds; with the id alone.
    pub(crate) watch: Option<Rooftop>,
}

/// A rooftop held for a change, with its revision.
pub(crate) async fn lock(tx: &mut Tx, group: &str, id: &str) -> Result<Option<(Rooftop, i64)>, Failure> {
    let row = sqlx::query_file!("sql/rooftop_lock.sql", group, id).fetch_optional(tx.conn()).await?;
    row.map(|row| Ok((decode(&row.body)?, row.revision))).transpose()
}

/// A rooftop.
pub(crate) async fn find(tx: &mut Tx, group: &str, id: &str) -> Result<Option<Rooftop>, Failure> {
    let row = sqlx::query_file!("sql/rooftop_find.sql", group, id).fetch_optional(tx.conn()).await?;
    row.map(|row| decode(&row.body)).transpose()
}

/// A page by id, behind one, of some rooftops or all.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    after: &str,
    rooftops: Option<&[String]>,
    limit: i64,
) -> Result<Vec<(String, Rooftop)>, Failure> {
    let rows = sqlx::query_file!("sql/rooftops_page.sql", group, after, rooftops as Option<&[String]>, limit)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter().map(|row| Ok((row.rooftop_id, decode(&row.body)?))).collect()
}

/// Every code of a group.
pub(crate) async fn codes(tx: &mut Tx, group: &str) -> Result<Vec<Code>, Failure> {
    let rows = sqlx::query_file!("sql/rooftops_known.sql", group).fetch_all(tx.conn()).await?;
    let codes = rows.into_iter().map(|row| {
        let watch = row.watch.map(|watch| decode(&watch)).transpose()?;
        Ok(Code { code: row.code, rooftop_id: row.rooftop_id, part: row.part, zone: row.zone, watch })
    });
    codes.collect()
}

/// How many rooftops a group has.
pub(crate) async fn count(tx: &mut Tx, group: &str) -> Result<i64, Failure> {
    Ok(sqlx::query_file!("sql/rooftops_count.sql", group).fetch_one(tx.conn()).await?.rooftops)
}

/// Makes this transaction the only one that adds rooftops.
pub(crate) async fn lock_parts(tx: &mut Tx) -> Result<(), Failure> {
    sqlx::query_file!("sql/part_lock.sql").execute(tx.conn()).await?;
    Ok(())
}

/// Takes the part that has the fewest rooftops; the caller holds [`lock_parts`].
pub(crate) async fn take_part(tx: &mut Tx) -> Result<u16, Failure> {
    Ok(sqlx::query_file!("sql/part_take.sql").fetch_one(tx.conn()).await?.part as u16)
}

/// Adds a rooftop.
pub(crate) async fn add(tx: &mut Tx, group: &str, id: &str, rooftop: &Rooftop, now: Timestamp) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/rooftop_add.sql",
        group,
        id,
        rooftop.part as i16,
        rooftop.zone,
        rooftop.encode_to_vec(),
        at(now) as jiff_sqlx::Timestamp,
        watched(rooftop).encode_to_vec()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a rooftop that is locked.
pub(crate) async fn change(
    tx: &mut Tx,
    group: &str,
    id: &str,
    rooftop: &Rooftop,
    revision: i64,
    now: Timestamp,
) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/rooftop_change.sql",
        group,
        id,
        rooftop.zone,
        rooftop.encode_to_vec(),
        revision,
        at(now) as jiff_sqlx::Timestamp,
        watched(rooftop).encode_to_vec()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives a rooftop exactly these codes; answers with one that another rooftop has, if there is one.
pub(crate) async fn set_codes(tx: &mut Tx, group: &str, id: &str, codes: &[String]) -> Result<Option<String>, Failure> {
    sqlx::query_file!("sql/codes_cleared.sql", group, id, codes).execute(tx.conn()).await?;
    let given = sqlx::query_file!("sql/codes_set.sql", group, id, codes).fetch_all(tx.conn()).await?;
    Ok(codes.iter().find(|code| given.iter().all(|row| row.code != **code)).cloned())
}

fn decode(body: &[u8]) -> Result<Rooftop, Failure> {
    Rooftop::decode(body).map_err(Failure::internal)
}
