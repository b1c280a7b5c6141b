//! Rows of a log as stored entries: the body's bytes are passed on as they are.
use bytes::Bytes;
use sqlx::{Row, postgres::PgRow};
use throughline_platform::jiff_sqlx;
use throughline_proto::{
    log::v1::{StoredEntry, TraceContext},
    time,
};

/// A row of `read.sql` or `read_group.sql`.
pub(crate) fn stored(row: &PgRow) -> Result<StoredEntry, sqlx::Error> {
    let recorded_at: jiff_sqlx::Timestamp = row.try_get(2)?;
    Ok(StoredEntry {
        part: u32::from(row.try_get::<i16, _>(0)? as u16),
        position: row.try_get::<i64, _>(1)? as u64,
        recorded_at: Some(time::to_wire(recorded_at.to_jiff())),
        group: row.try_get(3)?,
        rooftop: row.try_get(4)?,
        entity: row.try_get(5)?,
        origin: i32::from(row.try_get::<i16, _>(6)?),
        actor: row.try_get(7)?,
        trace: Some(TraceContext { traceparent: row.try_get(8)?, tracestate: row.try_get(9)? }),
        body: Bytes::from(row.try_get::<Vec<u8>, _>(10)?),
    })
}
