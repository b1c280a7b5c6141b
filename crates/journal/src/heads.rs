//! Where a log ends, as this process last saw it: one watcher a log reads the heads when somebody says that they moved,
//! and behind that all of them at every poll. Whoever reads the log waits here.
use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, postgres::PgRow};
use throughline_platform::{
    self as platform,
    db::Role,
    failure::Failure,
    jiff_sqlx::{self, ToSqlx},
    tasks::OnExit,
};
use tokio::{
    sync::{Notify, broadcast, watch},
    time::Instant,
};
use uuid::Uuid;

use crate::{
    Log, PARTS,
    claim::{Claim, InFlight, Pending},
    haste::Haste,
    months::month_of,
    step::{Finding, Stepping},
};

/// From one look to the next at least: under load many are told at once, and the first after a quiet time never waits.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// When to look once more at parts that were being appended to at a poll: most appends have ended by then, so that a busy
/// part is complete almost as far as a quiet one. Nothing is concluded from the time itself.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// An append to a log without an upstream is followed by a look at how far the log is complete, so long after it: by then
/// what it caused downstream has been appended as well, and waits for word. Nothing is concluded from the time itself.
const LOOK_SOON: Duration = Duration::from_millis(60);

/// After so many polls in which nothing has moved an instant that runs ahead of the clock, no clock shows it any more.
const UNMOVED_POLLS: u32 = 20;

/// The end of one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Last position; 0 if the part is empty.
    pub(crate) position: u64,
    /// First kept position.
    pub(crate) first: u64,
    /// Up to this position, everything that was recorded before the instant is contained, also of what lies upstream.
    pub(crate) complete: Option<(u64, Claim)>,
}

impl Head {
    /// The clock step of what is claimed of it.
    pub(crate) fn step(&self) -> Option<u64> {
        self.complete.map(|(_, claim)| claim.step)
    }
}

/// The end of one part as the database has it.
pub(crate) struct HeadRow {
    pub(crate) part: u16,
    /// Last position; 0 if the part is empty.
    pub(crate) position: u64,
    /// First kept position.
    pub(crate) first: u64,
    /// Of the last entry: the clock step in which it was recorded, and when. Nothing of an empty part.
    pub(crate) last: Claim,
}

/// What no append that takes its lock later records before.
enum Promised {
    OfLog(Claim),
    /// Of a log with an upstream: the watermarks of its consumer, whose clock steps come on top of the log's own.
    OfParts {
        own_step: u64,
        claims: HashMap<u16, Claim>,
    },
}

impl Promised {
    fn of(&self, part: u16) -> Option<Claim> {
        match self {
            Self::OfLog(claim) => Some(*claim),
            Self::OfParts { claims, .. } => claims.get(&part).copied(),
        }
    }

    /// How often the log's own clock stepped back.
    fn own_step(&self) -> u64 {
        match self {
            Self::OfLog(claim) => claim.step,
            Self::OfParts { own_step, .. } => *own_step,
        }
    }

    /// The latest instant that bounds appends to some part. A watermark that runs ahead itself is put right by whoever
    /// writes it, and what was recorded by it then belongs to an earlier step.
    fn latest(&self, rows: &[HeadRow], in_order: impl Fn(Timestamp) -> bool) -> Option<Claim> {
        let recorded = rows.iter().filter(|row| row.position > 0).filter_map(|row| match self {
            Self::OfLog(promise) => Some(row.last).filter(|last| last.step == promise.step),
            Self::OfParts { own_step, claims } => {
                let claim = claims.get(&row.part);
                let step = claim.map_or(*own_step, |claim| claim.step);
                Some(row.last).filter(|last| last.step == step && claim.is_none_or(|claim| in_order(claim.until)))
            }
        });
        let promise = match self {
            Self::OfLog(promise) => Some(*promise),
            Self::OfParts { .. } => None,
        };
        recorded.chain(promise).max_by_key(|claim| claim.until)
    }
}

/// All heads; empty until they were read once.
pub(crate) type Heads = Vec<Head>;

/// Parts that were said to have moved since the watcher last looked.
#[derive(Default)]
pub(crate) struct Moved {
    bits: [AtomicU64; PARTS as usize / 64],
    said: Notify,
    /// The watermarks that bound the log have moved.
    completeness: Notify,
}

impl Moved {
    fn say(&self, parts: impl IntoIterator<Item = u16>) {
        for part in parts.into_iter().filter(|part| *part < PARTS) {
            self.bits[usize::from(part / 64)].fetch_or(1 << (part % 64), Ordering::Release);
        }
        self.said.notify_one();
    }

    fn take(&self) -> Vec<i16> {
        let mut parts = Vec::new();
        for (word, bits) in self.bits.iter().enumerate() {
            let mut bits = bits.swap(0, Ordering::AcqRel);
            while bits != 0 {
                parts.push((word * 64) as i16 + bits.trailing_zeros() as i16);
                bits &= bits - 1;
            }
        }
        parts
    }
}

/// The watcher of one log and what it saw.
pub(crate) struct Watch {
    seen: watch::Sender<Heads>,
    moved: Moved,
    /// How far what is stored runs ahead of this process's clock; zero within the tolerance.
    ahead: Mutex<SignedDuration>,
    /// Names this process in wake-ups, so that it does not wake itself twice.
    process: Uuid,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            seen: watch::Sender::new(Vec::new()),
            moved: Moved::default(),
            ahead: Mutex::default(),
            process: Uuid::new_v4(),
        }
    }

    /// How far what is stored runs ahead of this process's clock; zero within the tolerance.
    pub(crate) fn ahead(&self) -> SignedDuration {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn receiver(&self) -> watch::Receiver<Heads> {
        self.seen.subscribe()
    }

    /// Tells this process and the others that parts have moved.
    pub(crate) fn wake(&self, cx: &platform::Context, channel: &str, parts: &[u16]) {
        if parts.is_empty() {
            return;
        }
        self.moved.say(parts.iter().copied());
        let mut message = Vec::with_capacity(16 + parts.len());
        message.extend_from_slice(self.process.as_bytes());
        message.extend(parts.iter().filter_map(|part| u8::try_from(*part).ok()));
        cx.redis.publish(channel, message);
    }

    /// Tells this process and the others that the log is complete further than it was.
    fn wake_completeness(&self, cx: &platform::Context, channel: &str) {
        self.moved.completeness.notify_one();
        cx.redis.publish(channel, self.process.as_bytes().to_vec());
    }

    fn heard(&self, message: Result<Bytes, broadcast::error::RecvError>) {
        match message {
            Ok(message) => {
                let (process, parts) = message.split_at(message.len().min(16));
                if process == self.process.as_bytes() {
                    return;
                }
                if parts.is_empty() {
                    self.moved.completeness.notify_one();
                } else {
                    self.moved.say(parts.iter().map(|part| u16::from(*part)));
                }
            }
            // Too many to hear them all: look at all.
            Err(broadcast::error::RecvError::Lagged(_)) => self.moved.say(0..PARTS),
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }
}

impl Log {
    /// Tells the watchers of the log that the watermarks which bound it have moved.
    pub(crate) fn wake_completeness(&self) {
        self.watched().wake_completeness(self.platform(), self.channel());
    }

    /// Watches the heads until shutdown.
    pub(crate) fn watch_heads(&self) {
        let log = self.clone();
        let tasks = &self.platform().tasks;
        tasks.spawn("journal-heads", OnExit::Restart, move || {
            let log = log.clone();
            async move { log.run_watch().await }
        });
    }

    async fn run_watch(&self) {
        let cx = self.platform();
        let shutdown = cx.tasks.shutdown();
        let mut wakes = cx.redis.subscribe(self.channel());
        let mut poll = tokio::time::interval(cx.options.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut deaf = false;
        let mut failing = false;
        let (mut pending, mut stepping) = (Pending::default(), Stepping::default());
        let mut again: Option<Instant> = None;
        let (mut haste, mut soon) = (Haste::every(cx.options.poll), None);
        loop {
            let look = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = poll.tick() => Look::All,
                () = at(soon) => Look::All,
                () = self.watched().moved.completeness.notified() => {
                    sooner(&mut soon, haste.earliest(Instant::now()));
                    continue;
                }
                () = at(again) => Look::Pending,
                () = self.watched().moved.said.notified() => Look::Moved,
                message = wakes.recv(), if !deaf => {
                    deaf = matches!(message, Err(broadcast::error::RecvError::Closed));
                    self.watched().heard(message);
                    continue;
                }
            };
            let looked = match look {
                Look::All => {
                    poll.reset();
                    haste.begun(Instant::now());
                    soon = None;
                    self.watched().moved.take();
                    let looked = self.look_at_all(&mut pending, &mut stepping).await;
                    again = pending.parts().next().map(|_| Instant::now() + LOOK_AGAIN);
                    looked
                }
                Look::Pending => {
                    again = None;
                    self.look_at_pending(&mut pending).await
                }
                Look::Moved => match self.watched().moved.take() {
                    parts if parts.is_empty() => continue,
                    parts => {
                        if self.upstream().is_none() {
                            let now = Instant::now();
                            sooner(&mut soon, haste.earliest(now).max(now + LOOK_SOON));
                        }
                        self.look(parts).await
                    }
                },
            };
            match looked {
                Ok(()) => failing = false,
                Err(failure) if !failing => {
                    failing = true;
                    tracing::warn!(log = self.name(), error = ?failure, "the heads could not be read, trying again at each poll");
                }
                Err(_) => {}
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Reads where parts end now, and no more.
    async fn look(&self, parts: Vec<i16>) -> Result<(), Failure> {
        let rows = self.read_heads(Some(parts)).await?;
        self.publish(&rows, |_| None);
        Ok(())
    }

    /// Reads all heads, and proves how far each part is complete.
    async fn look_at_all(&self, pending: &mut Pending, stepping: &mut Stepping) -> Result<(), Failure> {
        let promised = self.promised().await?;
        let in_flight = self.in_flight().await?;
        let rows = self.read_heads(None).await?;
        let clock = &self.platform().clock;
        // Read behind what is compared with it: only a step puts that ahead.
        let (now, tolerance) = (clock.now(), clock.tolerance());
        let latest = promised.latest(&rows, |stored| stored.duration_since(now) <= tolerance);
        let unmoved = self.platform().options.poll * UNMOVED_POLLS;
        let found = stepping.look(latest.map(|latest| latest.until), now, tolerance, Instant::now(), unmoved);
        self.say_found(found);
        if let (Finding::SteppedBack(_), Some(latest)) = (found, latest) {
            // What is claimed from here on is claimed in the new step, at the next look.
            self.publish(&rows, |_| None);
            return self.step(promised.own_step(), latest.until, now).await;
        }
        self.publish(&rows, |part| {
            let promised = promised.of(part)?;
            pending.prove(part, promised, &in_flight).and_then(|claim| self.claimable(claim, now, tolerance))
        });
        Ok(())
    }

    /// Begins a clock step, unless another process has done so.
    async fn step(&self, step: u64, from: Timestamp, to: Timestamp) -> Result<(), Failure> {
        let sql = self.sql().stepped.clone();
        let begun = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(sql).bind(step as i64).bind(to.to_sqlx()).bind(from.to_sqlx()).execute(tx.conn()).await
                })
            })
            .await?;
        if begun.rows_affected() > 0 {
            tracing::error!(
                log = self.name(), step = step + 1, %from, %to,
                "THE CLOCK STEPPED BACK: what was recorded ahead of it no longer bounds what follows, and everything judged \
                 ahead of it is judged again",
            );
            self.count_step();
        }
        Ok(())
    }

    /// Shows how far what is stored runs ahead, and logs once that it does.
    fn say_found(&self, found: Finding) {
        let ahead = match found {
            Finding::InOrder => SignedDuration::ZERO,
            Finding::Ahead(by) | Finding::SteppedBack(by) => by,
        };
        let before = {
            let mut said = self.watched().ahead.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *said, ahead)
        };
        self.show_ahead(ahead);
        if before.is_zero() && matches!(found, Finding::Ahead(_)) {
            tracing::error!(
                log = self.name(),
                seconds = ahead.as_secs(),
                "what is recorded runs ahead of this process's clock: another process's clock is ahead and must be put right, \
                 or this one stepped back, which is certain once nothing moves it any more",
            );
        }
        if !before.is_zero() && ahead.is_zero() {
            tracing::warn!(log = self.name(), "what is recorded no longer runs ahead of this process's clock");
        }
    }

    /// Looks again at parts whose claims wait for the end of appends.
    async fn look_at_pending(&self, pending: &mut Pending) -> Result<(), Failure> {
        let in_flight = self.in_flight().await?;
        let rows = self.read_heads(Some(pending.parts().map(|part| part as i16).collect())).await?;
        let clock = &self.platform().clock;
        let (now, tolerance) = (clock.now(), clock.tolerance());
        self.publish(&rows, |part| {
            pending.resolve(part, &in_flight).and_then(|claim| self.claimable(claim, now, tolerance))
        });
        Ok(())
    }

    /// What may be claimed of what is proven: nothing that lies ahead of the clock. A promise that does so holds for the
    /// present all the same; a watermark that does so was written by a clock that has since stepped back, and says nothing of
    /// what came upstream afterwards.
    fn claimable(&self, claim: Claim, now: Timestamp, tolerance: SignedDuration) -> Option<Claim> {
        match self.upstream() {
            None => Some(Claim { until: claim.until.min(now), ..claim }),
            Some(_) => Some(claim).filter(|claim| claim.until.duration_since(now) <= tolerance),
        }
    }

    fn publish(&self, rows: &[HeadRow], mut proven: impl FnMut(u16) -> Option<Claim>) {
        self.watched().seen.send_modify(|heads| {
            heads.resize(usize::from(PARTS), Head { first: 1, ..Head::default() });
            for row in rows {
                let Some(head) = heads.get_mut(usize::from(row.part)) else { continue };
                head.position = head.position.max(row.position);
                head.first = head.first.max(row.first);
                // Of a part without entries nothing is claimed: there are hundreds of them.
                if row.position > 0
                    && let Some(claim) = proven(row.part)
                {
                    head.complete = Some((row.position, claim));
                }
            }
        });
    }

    /// What no later append records before: committed when this returns.
    async fn promised(&self) -> Result<Promised, Failure> {
        let now = self.platform().clock.now();
        // Before it is promised: an append may record in it however outdated its own clock is.
        self.make_month(month_of(now)).await?;
        if self.upstream().is_some() {
            return self.marked().await;
        }
        let (sql, now) = (self.sql().promised.clone(), now.to_sqlx());
        let row = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(now).fetch_one(tx.conn()).await })
            })
            .await?;
        Ok(Promised::OfLog(claim(&row, 0)?))
    }

    async fn marked(&self) -> Result<Promised, Failure> {
        let sql = self.sql().marks.clone();
        let rows = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| Box::pin(async move { sqlx::query(sql).fetch_all(tx.conn()).await }))
            .await?;
        let own_step = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>(0))? as u64;
        let marks = rows.iter().filter_map(|row| match row.try_get::<Option<i16>, _>(1) {
            Ok(part) => part.map(|part| Ok((part as u16, claim(row, 2)?))),
            Err(error) => Some(Err(error)),
        });
        Ok(Promised::OfParts { own_step, claims: marks.collect::<Result<_, sqlx::Error>>()? })
    }

    /// Which transactions are appending just now.
    async fn in_flight(&self) -> Result<InFlight, Failure> {
        let sql = self.sql().in_flight.clone();
        let rows = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| Box::pin(async move { sqlx::query(sql).fetch_all(tx.conn()).await }))
            .await?;
        let mut in_flight = InFlight::new();
        for row in &rows {
            let part = u16::try_from(row.try_get::<i64, _>(0)?).map_err(Failure::internal)?;
            in_flight.entry(part).or_default().insert(row.try_get(1)?);
        }
        Ok(in_flight)
    }

    /// Some heads, or all of them, as they stand in the database now.
    pub(crate) async fn read_heads(&self, parts: Option<Vec<i16>>) -> Result<Vec<HeadRow>, Failure> {
        let sql = self.sql().heads.clone();
        let parts = parts.unwrap_or_else(|| (0..PARTS as i16).collect());
        let rows = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(parts).fetch_all(tx.conn()).await })
            })
            .await?;
        let rows = rows.iter().map(|row| {
            Ok(HeadRow {
                part: row.try_get::<i16, _>(0)? as u16,
                position: row.try_get::<i64, _>(1)? as u64,
                first: row.try_get::<i64, _>(2)? as u64,
                last: claim(row, 3)?,
            })
        });
        rows.collect::<Result<_, sqlx::Error>>().map_err(Failure::from)
    }
}

/// Columns of a claim: the clock step, then the instant.
fn claim(row: &PgRow, first: usize) -> Result<Claim, sqlx::Error> {
    Ok(Claim {
        step: row.try_get::<i64, _>(first)? as u64,
        until: row.try_get::<jiff_sqlx::Timestamp, _>(first + 1)?.to_jiff(),
    })
}

enum Look {
    All,
    Pending,
    Moved,
}

fn sooner(soon: &mut Option<Instant>, at: Instant) {
    *soon = Some(soon.map_or(at, |soon| soon.min(at)));
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_said_to_have_moved_are_taken_once() {
        let moved = Moved::default();
        moved.say([255, 0, 64, 0, 300]);
        assert_eq!(moved.take(), [0, 64, 255]);
        assert!(moved.take().is_empty());
    }
}
