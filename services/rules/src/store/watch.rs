//! What a watcher's snapshot reads.

use prost::Message;
use sqlx::query_file;
use throughline_platform::db::Tx;
use throughline_proto::rule::v1 as pb;

use super::{Error, stored_part};

/// Rooftops of a group with their parts, by id, at most `limit`. `wanted`: none means all; those in `known` are left out.
pub async fn watch_rooftops(
    tx: &mut Tx,
    group: &str,
    wanted: Option<&[String]>,
    known: &[String],
    limit: i64,
) -> Result<Vec<(String, u16)>, Error> {
    let rows = query_file!("sql/watch_rooftops.sql", group, wanted as _, known, limit).fetch_all(tx.conn()).await?;
    let rooftop = |(rooftop, part): (String, i16)| match u16::try_from(part) {
        Ok(part) => Ok((rooftop, part)),
        Err(why) => Err(Error::unreadable("part")(&why)),
    };
    rows.into_iter().map(|row| rooftop((row.rooftop, row.part))).collect()
}

/// Which items of a snapshot are read.
#[derive(Clone, Debug)]
pub struct WatchQuery {
    pub group: String,
    pub rooftops: Vec<String>,
    /// (rooftop, id): behind this item.
    pub after: (String, String),
    pub limit: i64,
    /// Positions of the log, by part, that precede what is read.
    pub seen: Vec<(u16, u64)>,
}

/// Items as they stand at one instant.
#[derive(Clone, Debug)]
pub struct WatchPage<T> {
    /// (rooftop, id, item), in this order, compared bytewise.
    pub items: Vec<(String, String, T)>,
    /// How far the log goes that the items hold, for the parts that moved behind `WatchQuery::seen`.
    pub seen: Vec<(u16, u64)>,
}

macro_rules! page {
    ($tx:ident, $query:ident, $sql:literal, $item:ty, $what:literal) => {{
        let WatchQuery { group, rooftops, after: (rooftop, id), limit, seen } = $query;
        let (parts, positions): (Vec<i16>, Vec<i64>) = seen
            .into_iter()
            .map(|(part, position)| (stored_part(part), i64::try_from(position).unwrap_or(i64::MAX)))
            .unzip();
        let rows =
            query_file!($sql, group, &rooftops, rooftop, id, limit, &parts, &positions).fetch_all($tx.conn()).await?;
        let mut page = WatchPage { items: Vec::with_capacity(rows.len()), seen: Vec::new() };
        for row in rows {
            if page.seen.is_empty() {
                page.seen = moved(&row.parts, &row.positions);
            }
            if let (Some(rooftop), Some(id), Some(body)) = (row.rooftop, row.id, row.body) {
                let item = <$item>::decode(&*body).map_err(|why| Error::unreadable($what)(&why))?;
                page.items.push((rooftop, id, item));
            }
        }
        Ok(page)
    }};
}

/// A page of standing flags.
pub async fn watch_flags(tx: &mut Tx, query: WatchQuery) -> Result<WatchPage<pb::Flag>, Error> {
    page!(tx, query, "sql/watch_flags.sql", pb::Flag, "flag")
}

/// A page of open reviews.
pub async fn watch_reviews(tx: &mut Tx, query: WatchQuery) -> Result<WatchPage<pb::Review>, Error> {
    page!(tx, query, "sql/watch_reviews.sql", pb::Review, "review")
}

/// Positions as Postgres says them; they are never negative.
fn moved(parts: &[i16], positions: &[i64]) -> Vec<(u16, u64)> {
    let places = parts.iter().zip(positions);
    places.filter_map(|(part, position)| Some((u16::try_from(*part).ok()?, u64::try_from(*position).ok()?))).collect()
}
