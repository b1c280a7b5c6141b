//! What only one process at a time may do, on this database.
use sqlx::{Connection, PgConnection};

use super::Db;
use crate::Failure;

/// Held as long as this value and its connection live.
#[derive(Debug)]
pub struct Exclusive {
    conn: PgConnection,
}

impl Db {
    /// The sole right to something of that name; `None` if somebody else has it. Postgres gives it back when the holder
    /// is gone, however it went.
    pub async fn exclusive(&self, name: &str) -> Result<Option<Exclusive>, Failure> {
        let mut conn = self.login().await?;
        let taken = sqlx::query_file!("sql/try_lock.sql", name).fetch_one(&mut conn).await?.taken;
        Ok(taken.then_some(Exclusive { conn }))
    }
}

impl Exclusive {
    /// Fails if the connection is gone, and the right with it.
    pub async fn check(&mut self) -> Result<(), Failure> {
        Ok(self.conn.ping().await?)
    }

    /// Gives it back.
    pub async fn release(self) -> Result<(), Failure> {
        Ok(self.conn.close().await?)
    }
}
