//! Sharing the parts among replicas: member rows say who lives, cursor rows who holds what.
use std::collections::HashMap;

use sqlx::Row;
use throughline_platform::{db::Role, failure::Failure};

use super::{Follower, aside::Aside};
use crate::{EntityKey, PARTS, Projection};

/// What the database says about this owner's parts.
pub(super) struct Leases {
    /// Parts held, with their epochs and positions.
    pub(super) held: Vec<Held>,
    /// What is set aside of the parts held.
    pub(super) aside: HashMap<u16, Aside>,
    /// How many parts are this owner's fair share.
    pub(super) share: usize,
}

pub(super) struct Held {
    pub(super) part: u16,
    pub(super) epoch: i64,
    pub(super) position: u64,
}

/// What the coordinator tells the database in the same round.
#[derive(Default)]
pub(super) struct Told {
    pub(super) given_back: Vec<i16>,
    /// (part, epoch, why it stands still, or that it no longer does)
    pub(super) notes: Vec<(u16, i64, Option<String>)>,
}

/// A fair share of the parts, so that `live` owners hold them all.
pub(super) fn fair_share(live: usize) -> usize {
    usize::from(PARTS).div_ceil(live.max(1))
}

impl<P: Projection> Follower<P> {
    /// Makes the cursor rows, once a start.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        let inner = self.0.clone();
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    let (sql, name) = (&inner.consumer.sql, inner.spec.consumer);
                    sqlx::query(sql.cursors_made.clone()).bind(name).execute(tx.conn()).await?;
                    sqlx::query(sql.members_swept.clone()).bind(name).execute(tx.conn()).await?;
                    Ok(())
                })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))
    }

    /// Lives for another lease, gives back, renews, and takes up to the fair share.
    pub(super) async fn lease_round(&self, told: Told) -> Result<Leases, Failure> {
        let inner = self.0.clone();
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    let (sql, name, owner) = (&inner.consumer.sql, inner.spec.consumer, &inner.owner);
                    let lease = inner.consumer.cx.options.lease.as_millis() as f64;
                    sqlx::query(sql.member_seen.clone()).bind(name).bind(owner).bind(lease).execute(tx.conn()).await?;
                    for (part, epoch, why) in told.notes {
                        sqlx::query(sql.part_stopped.clone())
                            .bind(name)
                            .bind(part as i16)
                            .bind(owner)
                            .bind(epoch)
                            .bind(why)
                            .execute(tx.conn())
                            .await?;
                    }
                    if !told.given_back.is_empty() {
                        sqlx::query(sql.lease_released.clone())
                            .bind(name)
                            .bind(owner)
                            .bind(told.given_back)
                            .execute(tx.conn())
                            .await?;
                    }
                    let live: i64 =
                        sqlx::query_scalar(sql.members_live.clone()).bind(name).fetch_one(tx.conn()).await?;
                    let share = fair_share(usize::try_from(live).unwrap_or(1));
                    let renewed = sqlx::query(sql.leases_renewed.clone())
                        .bind(name)
                        .bind(owner)
                        .bind(lease)
                        .fetch_all(tx.conn())
                        .await?;
                    let mut held = renewed.iter().map(held).collect::<Result<Vec<_>, _>>()?;
                    if held.len() < share {
                        let taken = sqlx::query(sql.leases_taken.clone())
                            .bind(name)
                            .bind(owner)
                            .bind(lease)
                            .bind((share - held.len()) as i64)
                            .fetch_all(tx.conn())
                            .await?;
                        for row in &taken {
                            held.push(self::held(row)?);
                        }
                    }
                    // Of every part held: one that was lost and won again in between has a new epoch, and what was parked
                    // of it meanwhile must not be overtaken.
                    let parts: Vec<i16> = held.iter().map(|held| held.part as i16).collect();
                    let mut aside: HashMap<u16, Aside> = HashMap::new();
                    if !parts.is_empty() {
                        let rows = sqlx::query(sql.parked_entities.clone())
                            .bind(name)
                            .bind(parts)
                            .fetch_all(tx.conn())
                            .await?;
                        for row in &rows {
                            let (part, entity, _, timer) = parked_entity(row)?;
                            aside.entry(part).or_default().add(entity, timer);
                        }
                    }
                    Ok(Leases { held, aside, share })
                })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))
    }

    /// Gives everything back and says goodbye.
    pub(super) async fn leave(&self, parts: Vec<i16>) -> Result<(), Failure> {
        let inner = self.0.clone();
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    let (sql, name, owner) = (&inner.consumer.sql, inner.spec.consumer, &inner.owner);
                    sqlx::query(sql.member_gone.clone()).bind(name).bind(owner).execute(tx.conn()).await?;
                    sqlx::query(sql.lease_released.clone())
                        .bind(name)
                        .bind(owner)
                        .bind(parts)
                        .execute(tx.conn())
                        .await?;
                    Ok(())
                })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))
    }

    /// Parked entities of these parts that somebody asked to retry, each with whether its timer is what is parked.
    pub(super) async fn asked_retries(&self, parts: Vec<i16>) -> Result<Vec<(u16, EntityKey, bool)>, Failure> {
        let inner = self.0.clone();
        let rows = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(inner.consumer.sql.parked_entities.clone())
                        .bind(inner.spec.consumer)
                        .bind(parts)
                        .fetch_all(tx.conn())
                        .await
                })
            })
            .await?;
        let mut asked = Vec::new();
        for row in &rows {
            let (part, entity, retry, timer) = parked_entity(row)?;
            if retry {
                asked.push((part, entity, timer));
            }
        }
        Ok(asked)
    }
}

fn held(row: &sqlx::postgres::PgRow) -> Result<Held, sqlx::Error> {
    Ok(Held {
        part: row.try_get::<i16, _>(0)? as u16,
        epoch: row.try_get(1)?,
        position: row.try_get::<i64, _>(2)? as u64,
    })
}

/// With whether somebody asked to retry it, and whether it is a timer.
fn parked_entity(row: &sqlx::postgres::PgRow) -> Result<(u16, EntityKey, bool, bool), sqlx::Error> {
    let entity = EntityKey { group: row.try_get(1)?, rooftop: row.try_get(2)?, entity: row.try_get(3)? };
    Ok((row.try_get::<i16, _>(0)? as u16, entity, row.try_get(4)?, row.try_get(5)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fair_shares_cover_all_parts() {
        for live in 0..=300 {
            assert!(fair_share(live) * live.max(1) >= usize::from(PARTS));
        }
        assert_eq!((fair_share(1), fair_share(2), fair_share(3), fair_share(256)), (256, 128, 86, 1));
    }
}
