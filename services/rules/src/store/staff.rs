//! What the floors of rooftops are made of.

use std::collections::HashMap;

use jiff::Timestamp;
use prost::Message;
use throughline_platform::db::Tx;
use throughline_proto as pb;

use super::{Error, stored_part};

/// (group, rooftop).
type RooftopKey = (String, String);

/// What is kept, encoded, of the staff and store events of those of these rooftops that had any.
pub async fn load_floors(
    tx: &mut Tx,
    part: u16,
    rooftops: &[&RooftopKey],
) -> Result<HashMap<RooftopKey, Vec<u8>>, Error> {
    let (groups, rooftops): (Vec<_>, Vec<_>) = rooftops.iter().map(|(g, r)| (g.clone(), r.clone())).unzip();
    let rows =
        sqlx::query_file!("sql/load_floors.sql", stored_part(part), &groups, &rooftops).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| ((row.group_id, row.rooftop), row.body)).collect())
}

/// Keeps, encoded, what is kept of the staff and store events of rooftops.
pub async fn save_floors(tx: &mut Tx, part: u16, floors: Vec<(RooftopKey, Vec<u8>)>) -> Result<(), Error> {
    if floors.is_empty() {
        return Ok(());
    }
    let (keys, bodies): (Vec<_>, Vec<_>) = floors.into_iter().unzip();
    let (groups, rooftops): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    sqlx::query_file!("sql/save_floors.sql", stored_part(part), &groups, &rooftops, &bodies).execute(tx.conn()).await?;
    Ok(())
}

/// How far the floor of a rooftop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloorProgress {
    pub rooftop: String,
    /// Position of its part: it moves whenever an entry of the part was applied.
    pub position: i64,
    /// Everything recorded before is contained.
    pub known_until: Option<Timestamp>,
}

/// How far the floors of these rooftops of a group are (none: of all), by ID, at most `limit`. For a worker.
pub async fn floor_rooftops(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    limit: i64,
) -> Result<Vec<FloorProgress>, Error> {
    let rows = sqlx::query_file!("sql/floor_rooftops.sql", group, rooftops as _, crate::CONSUMER, limit)
        .fetch_all(tx.conn())
        .await?;
    let progress = |rooftop, position, until: Option<throughline_platform::jiff_sqlx::Timestamp>| FloorProgress {
        rooftop,
        position,
        known_until: until.map(|until| until.to_jiff()),
    };
    Ok(rows.into_iter().map(|row| progress(row.rooftop, row.pos, row.until)).collect())
}

/// A rooftop, and what is kept of its staff and store events.
#[derive(Debug)]
pub struct StoredFloor {
    pub part: u16,
    pub rooftop: pb::tenant::v1::Rooftop,
    /// Encoded; none before the first event.
    pub staff: Option<Vec<u8>>,
}

/// One rooftop; none if it is not known.
pub async fn get_floor(tx: &mut Tx, group: &str, rooftop: &str) -> Result<Option<StoredFloor>, Error> {
    let row = sqlx::query_file!("sql/get_floor.sql", group, rooftop).fetch_optional(tx.conn()).await?;
    let stored = row.map(|row| {
        Ok(StoredFloor {
            part: u16::try_from(row.part).map_err(|why| Error::unreadable("part")(&why))?,
            rooftop: pb::tenant::v1::Rooftop::decode(&*row.rooftop)
                .map_err(|why| Error::unreadable("rooftop")(&why))?,
            staff: row.staff,
        })
    });
    stored.transpose()
}

/// (deal, encoded `Deal`) of deals on the floor, those that changed last first, at most `limit`, and how many there are.
pub async fn floor_deals(
    tx: &mut Tx,
    part: u16,
    group: &str,
    rooftop: &str,
    limit: i64,
) -> Result<(Vec<(String, Vec<u8>)>, u64), Error> {
    let rows =
        sqlx::query_file!("sql/floor_deals.sql", stored_part(part), group, rooftop, limit).fetch_all(tx.conn()).await?;
    let total = rows.first().map_or(0, |row| u64::try_from(row.total).unwrap_or(0));
    Ok((rows.into_iter().map(|row| (row.deal_id, row.body)).collect(), total))
}
