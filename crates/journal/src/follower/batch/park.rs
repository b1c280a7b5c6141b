//! Setting aside what cannot be processed, and trying it again when somebody asks.
use prost::Message;
use sqlx::Row;
use throughline_platform::{
    db::{Role, Tx},
    failure::Failure,
    jiff_sqlx,
};
use throughline_proto::log::v1::StoredEntry;

use super::{Fence, Refused, TRIES, UNREADABLE};
use crate::{
    EntityKey, Entry, Projection,
    follower::{Follower, Inner, aside::Aside, job::Outcome},
};

/// Parked entries of one entity read at a time.
const RETRY_AT_ONCE: i64 = 100;

impl<P: Projection> Follower<P> {
    pub(super) async fn park(&self, fence: Fence, entry: &Entry, cause: String) -> Result<(), Refused> {
        tracing::error!(
            consumer = self.0.spec.consumer,
            part = fence.part,
            position = entry.position,
            group = entry.group,
            rooftop = entry.rooftop,
            entity = entry.entity,
            cause,
            "an entry failed {TRIES} times: its entity is parked until RetryParked, the part goes on",
        );
        let (inner, entries) = (self.0.clone(), vec![entry.clone()]);
        let upto = entry.position;
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    inner.set_aside(tx, fence.part, &entries, &cause, TRIES).await?;
                    inner.move_cursor(tx, fence, upto).await
                })
            })
            .await
    }

    /// Applies the entries of a parked entity again, in order, until one fails or none is left.
    pub(super) async fn retry(&self, fence: Fence, aside: &mut Aside, entity: EntityKey) -> Outcome {
        loop {
            let waiting = match self.parked_of(fence.part, &entity).await {
                Ok(waiting) => waiting,
                Err(failure) => return Outcome::Transient { failure, rest: Vec::new() },
            };
            if waiting.is_empty() {
                tracing::info!(
                    consumer = self.0.spec.consumer,
                    part = fence.part,
                    entity = entity.entity,
                    "an entity is no longer parked"
                );
                aside.entries.remove(&entity);
                return Outcome::Done;
            }
            for entry in waiting {
                let position = entry.position;
                match self.apply_parked(fence, aside, entry).await {
                    Ok(()) => {}
                    Err(Refused::Lost) => return Outcome::Lost,
                    Err(Refused::Transient(failure)) => return Outcome::Transient { failure, rest: Vec::new() },
                    Err(Refused::Poison { cause, .. }) => {
                        return match self.failed_again(fence.part, &entity, position, cause).await {
                            Ok(()) => Outcome::Done,
                            Err(failure) => Outcome::Transient { failure, rest: Vec::new() },
                        };
                    }
                }
            }
        }
    }

    pub(super) async fn apply_parked(&self, fence: Fence, aside: &mut Aside, entry: Entry) -> Result<(), Refused> {
        if entry.broken {
            return Err(Refused::poison(UNREADABLE));
        }
        let (inner, known) = (self.0.clone(), aside.timers.clone());
        let (effects, timers) = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(inner.consumer.sql.unpark.clone())
                        .bind(inner.spec.consumer)
                        .bind(fence.part as i16)
                        .bind(entry.position as i64)
                        .execute(tx.conn())
                        .await?;
                    let applied = inner.projection.apply(tx, fence.part, std::slice::from_ref(&entry));
                    let (effects, timers) = inner.guarded(applied).await?;
                    let timers = inner.note_timers(tx, fence.part, &known, timers).await?;
                    inner.move_cursor(tx, fence, fence.position).await?;
                    Ok::<_, Refused>((effects, timers))
                })
            })
            .await?;
        self.noted(fence.part, aside, timers);
        self.committed(fence.part, effects).await;
        Ok(())
    }

    pub(super) async fn parked_of(&self, part: u16, entity: &EntityKey) -> Result<Vec<Entry>, Failure> {
        let (inner, entity) = (self.0.clone(), entity.clone());
        let rows = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(inner.consumer.sql.parked_of_entity.clone())
                        .bind(inner.spec.consumer)
                        .bind(part as i16)
                        .bind(entity.group)
                        .bind(entity.rooftop)
                        .bind(entity.entity)
                        .bind(RETRY_AT_ONCE)
                        .fetch_all(tx.conn())
                        .await
                })
            })
            .await?;
        let entries = rows.iter().map(|row| {
            let stored = StoredEntry::decode(row.try_get::<&[u8], _>(1)?).map_err(Failure::internal)?;
            Ok(Entry::parse(self.0.spec.log, stored))
        });
        entries.collect()
    }

    pub(super) async fn failed_again(
        &self,
        part: u16,
        entity: &EntityKey,
        position: u64,
        cause: String,
    ) -> Result<(), Failure> {
        tracing::error!(
            consumer = self.0.spec.consumer,
            part,
            position,
            entity = entity.entity,
            cause,
            "a parked entry failed again: its entity stays parked",
        );
        let (inner, entity) = (self.0.clone(), entity.clone());
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(inner.consumer.sql.parked_again.clone())
                        .bind(inner.spec.consumer)
                        .bind(part as i16)
                        .bind(entity.group)
                        .bind(entity.rooftop)
                        .bind(entity.entity)
                        .bind(position as i64)
                        .bind(cause)
                        .execute(tx.conn())
                        .await
                })
            })
            .await?;
        Ok(())
    }
}

impl<P: Projection> Inner<P> {
    pub(super) async fn set_aside(
        &self,
        tx: &mut Tx,
        part: u16,
        entries: &[Entry],
        cause: &str,
        tries: i32,
    ) -> Result<(), sqlx::Error> {
        if entries.is_empty() {
            return Ok(());
        }
        self.logs.metrics().parked.get_or_create(&self.label()).inc_by(entries.len() as u64);
        let positions: Vec<i64> = entries.iter().map(|entry| entry.position as i64).collect();
        let column = |of: fn(&Entry) -> &str| entries.iter().map(of).collect::<Vec<_>>();
        let bodies: Vec<Vec<u8>> = entries.iter().map(|entry| entry.render().encode_to_vec()).collect();
        sqlx::query(self.consumer.sql.park.clone())
            .bind(self.spec.consumer)
            .bind(part as i16)
            .bind(positions)
            .bind(column(|entry| &entry.group))
            .bind(column(|entry| &entry.rooftop))
            .bind(column(|entry| &entry.entity))
            .bind(bodies)
            .bind(cause)
            .bind(tries)
            .bind(jiff_sqlx::Timestamp::from(self.consumer.cx.clock.now()))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}
