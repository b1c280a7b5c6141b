//! The cursors of a consumer, for whoever must stand exactly where it stands: a rebuild that is compared with it.
use std::{collections::BTreeSet, time::Duration};

use sqlx::Row;
use throughline_platform::{
    db::{Db, Role, Tx},
    failure::Failure,
};
use uuid::Uuid;

use crate::{EntityKey, FollowerSpec, PARTS, sql::ConsumerSql};

/// Reads a consumer's cursors, and takes parts from whoever follows for it.
pub struct Cursors {
    consumer: &'static str,
    /// As whom parts are held.
    owner: String,
    lease: Duration,
    sql: ConsumerSql,
}

/// A part that was taken: nobody else commits to it until it is given back or the lease has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub part: u16,
    /// Last position whose effects are committed.
    pub position: u64,
    epoch: i64,
}

impl Cursors {
    pub fn of(spec: &FollowerSpec, lease: Duration) -> Self {
        let owner = format!("guest {}", Uuid::new_v4());
        Self { consumer: spec.consumer, owner, lease, sql: ConsumerSql::new(spec.schema) }
    }

    /// How far each part is.
    pub async fn positions(&self, db: &Db) -> Result<Vec<u64>, Failure> {
        let (sql, consumer) = (self.sql.cursors.clone(), self.consumer);
        let rows = db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(consumer).fetch_all(tx.conn()).await })
            })
            .await?;
        let mut positions = vec![0; usize::from(PARTS)];
        for row in &rows {
            if let Some(position) = positions.get_mut(row.try_get::<i16, _>(0)? as usize) {
                *position = row.try_get::<i64, _>(1)? as u64;
            }
        }
        Ok(positions)
    }

    /// How far a part is, as this transaction sees it.
    pub async fn position(&self, tx: &mut Tx, part: u16) -> Result<u64, sqlx::Error> {
        let position: Option<i64> = sqlx::query_scalar(self.sql.part_position.clone())
            .bind(self.consumer)
            .bind(part as i16)
            .fetch_optional(tx.conn())
            .await?;
        Ok(position.unwrap_or_default() as u64)
    }

    /// Positions of a part that are set aside, as this transaction sees them.
    pub async fn parked(&self, tx: &mut Tx, part: u16) -> Result<BTreeSet<u64>, sqlx::Error> {
        let positions: Vec<i64> = sqlx::query_scalar(self.sql.parked_positions.clone())
            .bind(self.consumer)
            .bind(part as i16)
            .fetch_all(tx.conn())
            .await?;
        Ok(positions.into_iter().map(|position| position as u64).collect())
    }

    /// Entities of a part whose timers are parked, as this transaction sees them.
    pub async fn parked_timers(&self, tx: &mut Tx, part: u16) -> Result<BTreeSet<EntityKey>, sqlx::Error> {
        let rows = sqlx::query(self.sql.timers_of_part.clone())
            .bind(self.consumer)
            .bind(part as i16)
            .fetch_all(tx.conn())
            .await?;
        let entity = |row: &sqlx::postgres::PgRow| {
            Ok(EntityKey { group: row.try_get(0)?, rooftop: row.try_get(1)?, entity: row.try_get(2)? })
        };
        rows.iter().map(entity).collect()
    }

    /// Takes a part from its owner, for a lease at most. What the owner has under way is rolled back, and it takes the
    /// part again in its next round after it was given back.
    pub async fn take(&self, db: &Db, part: u16) -> Result<Held, Failure> {
        let (sql, consumer, owner) = (self.sql.part_taken.clone(), self.consumer, self.owner.clone());
        let lease = self.lease.as_millis() as f64;
        let row = db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(sql).bind(consumer).bind(part as i16).bind(owner).bind(lease).fetch_one(tx.conn()).await
                })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))?;
        Ok(Held { part, epoch: row.try_get(0)?, position: row.try_get::<i64, _>(1)? as u64 })
    }

    /// Ends a transaction that changes a part which is held, and renews the lease; false if the part is no longer held:
    /// then the transaction must not commit.
    pub async fn keep(&self, tx: &mut Tx, held: Held) -> Result<bool, sqlx::Error> {
        let kept = sqlx::query(self.sql.part_kept.clone())
            .bind(self.consumer)
            .bind(held.part as i16)
            .bind(held.epoch)
            .bind(held.position as i64)
            .bind(self.lease.as_millis() as f64)
            .execute(tx.conn())
            .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Gives a part back.
    pub async fn give_back(&self, db: &Db, held: Held) -> Result<(), Failure> {
        let (sql, consumer, owner) = (self.sql.lease_released.clone(), self.consumer, self.owner.clone());
        db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                let parts = vec![held.part as i16];
                sqlx::query(sql).bind(consumer).bind(owner).bind(parts).execute(tx.conn()).await
            })
        })
        .await?;
        Ok(())
    }
}
