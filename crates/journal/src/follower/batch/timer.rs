//! Firing what is due: a page of alarms in one transaction, and in halves when one of them is at fault.
use std::collections::HashSet;

use jiff::Timestamp;
use throughline_platform::{
    db::{Role, Tx},
    jiff_sqlx,
};

use super::{BETWEEN_TRIES, Fence, Refused, TRIES};
use crate::{
    Due, EntityKey, Projection, Timers,
    claim::Claim,
    follower::{Follower, Inner, aside::Aside, job::Outcome},
};

/// Pages fired in one piece of work: entries never wait for more.
const MAX_PAGES: u32 = 64;
/// Timers parked in one piece of work, each after three tries.
const MAX_PARKED: u32 = 16;

/// How far a page of alarms came.
enum Fired {
    /// None is left that is due.
    All,
    /// There may be others.
    Page,
    /// There are others, and entries go first.
    Enough,
}

impl<P: Projection> Follower<P> {
    /// Fires what is due up to `rule_time`. A failure parks the timer of the entity at fault; the others fire all the same.
    pub(super) async fn tick(&self, fence: Fence, aside: &mut Aside, claim: Claim) -> Outcome {
        let rule_time = claim.until;
        for _ in 0..MAX_PAGES {
            let fired = match self.fire_page(fence, aside, rule_time).await {
                Err(Refused::Poison { .. }) => self.fire_apart(fence, aside, rule_time).await,
                fired => fired,
            };
            match fired {
                Ok(Fired::All) => return Outcome::Ticked(claim),
                Ok(Fired::Page) => {}
                Ok(Fired::Enough) => break,
                Err(Refused::Lost) => return Outcome::Lost,
                Err(Refused::Transient(failure)) => return Outcome::Transient { failure, rest: Vec::new() },
                Err(Refused::Poison { cause, .. }) => {
                    tracing::error!(
                        consumer = self.0.spec.consumer,
                        part = fence.part,
                        %rule_time,
                        cause,
                        "the alarms of a part cannot be listed: they rest, and its entries go on",
                    );
                    return Outcome::TickFailed(cause);
                }
            }
        }
        Outcome::TickedInPart
    }

    /// Lists and fires one page in one transaction.
    async fn fire_page(&self, fence: Fence, aside: &mut Aside, rule_time: Timestamp) -> Result<Fired, Refused> {
        let (inner, known) = (self.0.clone(), aside.timers.clone());
        let work = self.0.consumer.cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                let due = inner.list_due(tx, fence.part, rule_time).await?;
                let mut fired = None;
                if !due.entities.is_empty() {
                    let firing = inner.projection.fire(tx, fence.part, rule_time, &due.entities);
                    let (effects, timers) = inner.guarded(firing).await?;
                    fired = Some((effects, inner.note_timers(tx, fence.part, &known, timers).await?));
                }
                inner.move_cursor(tx, fence, fence.position).await?;
                Ok::<_, Refused>((due.more, fired))
            })
        });
        let (more, fired) = work.await?;
        if let Some((effects, timers)) = fired {
            self.noted(fence.part, aside, timers);
            self.committed(fence.part, effects).await;
        }
        Ok(if more { Fired::Page } else { Fired::All })
    }

    /// Fires one page in halves until the entities at fault are found, which are tried again and then parked.
    async fn fire_apart(&self, fence: Fence, aside: &mut Aside, rule_time: Timestamp) -> Result<Fired, Refused> {
        let inner = self.0.clone();
        let listed = self.0.consumer.cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                let due = inner.list_due(tx, fence.part, rule_time).await?;
                inner.move_cursor(tx, fence, fence.position).await?;
                Ok::<_, Refused>(due)
            })
        });
        let Due { entities, more } = listed.await?;
        let mut ranges = Vec::new();
        if !entities.is_empty() {
            ranges.push(0..entities.len());
        }
        let (mut tries, mut parked) = (0, 0);
        while let Some(range) = ranges.pop() {
            // The whole page has failed already.
            let fired = match range.len() {
                whole if whole > 1 && whole == entities.len() => Err(Refused::poison("the whole page failed")),
                _ => self.fire(fence, aside, rule_time, entities[range.clone()].to_vec()).await,
            };
            match fired {
                Ok(()) => tries = 0,
                Err(Refused::Poison { .. }) if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Refused::Poison { entity, cause }) => {
                    tries += 1;
                    if tries < TRIES {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                        ranges.push(range);
                        continue;
                    }
                    let due = &entities[range.start];
                    let at_fault = EntityKey { entity, ..due.clone() };
                    // Others of the page may wait for what is at fault: it is listed again, without them.
                    let shared = !at_fault.entity.is_empty() && at_fault != *due && !aside.timers.contains(&at_fault);
                    self.park_timer(fence, aside, if shared { at_fault } else { due.clone() }, cause).await?;
                    (tries, parked) = (0, parked + 1);
                    if shared {
                        return Ok(Fired::Page);
                    }
                    if parked == MAX_PARKED {
                        return Ok(Fired::Enough);
                    }
                }
                Err(other) => return Err(other),
            }
        }
        Ok(if more { Fired::Page } else { Fired::All })
    }

    async fn fire(
        &self,
        fence: Fence,
        aside: &mut Aside,
        rule_time: Timestamp,
        entities: Vec<EntityKey>,
    ) -> Result<(), Refused> {
        let (inner, known) = (self.0.clone(), aside.timers.clone());
        let work = self.0.consumer.cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                let (effects, timers) =
                    inner.guarded(inner.projection.fire(tx, fence.part, rule_time, &entities)).await?;
                let timers = inner.note_timers(tx, fence.part, &known, timers).await?;
                inner.move_cursor(tx, fence, fence.position).await?;
                Ok::<_, Refused>((effects, timers))
            })
        });
        let (effects, timers) = work.await?;
        self.noted(fence.part, aside, timers);
        self.committed(fence.part, effects).await;
        Ok(())
    }

    async fn park_timer(
        &self,
        fence: Fence,
        aside: &mut Aside,
        entity: EntityKey,
        cause: String,
    ) -> Result<(), Refused> {
        let (inner, parked) = (self.0.clone(), vec![(entity.clone(), cause.clone())]);
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    inner.set_timers_aside(tx, fence.part, &parked, TRIES).await?;
                    inner.move_cursor(tx, fence, fence.position).await
                })
            })
            .await?;
        self.noted(fence.part, aside, Timers { settled: Vec::new(), failed: vec![(entity, cause)] });
        Ok(())
    }

    /// Fires the timer of a parked entity again: it is parked no longer, or until somebody asks once more.
    pub(super) async fn refire(&self, fence: Fence, aside: &mut Aside, entity: EntityKey, rule_time: Claim) -> Outcome {
        let (inner, known, parked) = (self.0.clone(), aside.timers.clone(), entity.clone());
        let work = self.0.consumer.cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                inner.unpark_timers(tx, fence.part, std::slice::from_ref(&parked)).await?;
                let firing = inner.projection.refire(tx, fence.part, rule_time.until, &parked);
                let (effects, timers) = inner.guarded(firing).await?;
                let timers = inner.note_timers(tx, fence.part, &known, timers).await?;
                inner.move_cursor(tx, fence, fence.position).await?;
                Ok::<_, Refused>((effects, timers))
            })
        });
        match work.await {
            Ok((effects, timers)) => {
                self.noted(fence.part, aside, Timers { settled: vec![entity], failed: Vec::new() });
                self.noted(fence.part, aside, timers);
                self.committed(fence.part, effects).await;
                Outcome::Done
            }
            Err(Refused::Lost) => Outcome::Lost,
            Err(Refused::Transient(failure)) => Outcome::Transient { failure, rest: Vec::new() },
            Err(Refused::Poison { cause, .. }) => match self.park_timer(fence, aside, entity, cause).await {
                Ok(()) => Outcome::Done,
                Err(Refused::Lost) => Outcome::Lost,
                Err(Refused::Transient(failure)) => Outcome::Transient { failure, rest: Vec::new() },
                Err(Refused::Poison { cause, .. }) => Outcome::TickFailed(cause),
            },
        }
    }

    /// Remembers what a transaction has committed about timers, and says what people must look at.
    pub(super) fn noted(&self, part: u16, aside: &mut Aside, timers: Timers) {
        let consumer = self.0.spec.consumer;
        for entity in timers.settled {
            tracing::info!(consumer, part, entity = entity.entity, "the timer of an entity is no longer parked");
            aside.unpark_timer(&entity);
        }
        for (entity, cause) in timers.failed {
            if aside.timers.contains(&entity) {
                tracing::error!(
                    consumer,
                    part,
                    entity = entity.entity,
                    cause,
                    "a parked timer failed again: it stays parked"
                );
                continue;
            }
            tracing::error!(
                consumer,
                part,
                group = entity.group,
                rooftop = entity.rooftop,
                entity = entity.entity,
                cause,
                "the timer of an entity is parked until RetryParked or an entry of it that applies, the part goes on",
            );
            self.0.logs.metrics().parked_timers.get_or_create(&self.0.label()).inc();
            aside.park_timer(entity);
        }
    }
}

impl<P: Projection> Inner<P> {
    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, Refused> {
        self.caught(self.projection.list_due(tx, part, rule_time)).await
    }

    /// Parks and unparks timers with the transaction; answers with what is new.
    pub(super) async fn note_timers(
        &self,
        tx: &mut Tx,
        part: u16,
        known: &HashSet<EntityKey>,
        timers: Timers,
    ) -> Result<Timers, Refused> {
        let Timers { mut settled, mut failed } = timers;
        settled.retain(|entity| known.contains(entity));
        failed.retain(|(entity, _)| !known.contains(entity));
        self.unpark_timers(tx, part, &settled).await?;
        self.set_timers_aside(tx, part, &failed, 1).await?;
        Ok(Timers { settled, failed })
    }

    async fn unpark_timers(&self, tx: &mut Tx, part: u16, entities: &[EntityKey]) -> Result<(), sqlx::Error> {
        if entities.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&EntityKey) -> &str| entities.iter().map(of).collect::<Vec<_>>();
        sqlx::query(self.consumer.sql.timers_unparked.clone())
            .bind(self.spec.consumer)
            .bind(part as i16)
            .bind(column(|entity| &entity.group))
            .bind(column(|entity| &entity.rooftop))
            .bind(column(|entity| &entity.entity))
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    async fn set_timers_aside(
        &self,
        tx: &mut Tx,
        part: u16,
        failed: &[(EntityKey, String)],
        tries: i32,
    ) -> Result<(), sqlx::Error> {
        if failed.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&(EntityKey, String)) -> &str| failed.iter().map(of).collect::<Vec<_>>();
        sqlx::query(self.consumer.sql.timers_parked.clone())
            .bind(self.spec.consumer)
            .bind(part as i16)
            .bind(column(|(entity, _)| &entity.group))
            .bind(column(|(entity, _)| &entity.rooftop))
            .bind(column(|(entity, _)| &entity.entity))
            .bind(column(|(_, cause)| cause))
            .bind(tries)
            .bind(jiff_sqlx::Timestamp::from(self.consumer.cx.clock.now()))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}
