//! Where a log ends, as this process last saw it: one watcher a log reads the heads when somebody says that they moved,
//! and behind that all of them at every poll. Whoever reads the log waits here.
use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use throughline_platform::jiff_sqlx;

use bytes::Bytes;
use jiff::Timestamp;
use sqlx::Row;
use throughline_platform::{self as platform, db::Role, failure::Failure, tasks::OnExit};
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use crate::{Log, PARTS};

/// A commit in flight may carry a `recorded_at` that lies this long back (real time); completeness keeps clear of it.
const SETTLED_AFTER: Duration = Duration::from_millis(200);

/// From one look to the next at least: under load many are told at once, and the first after a quiet time never waits.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The end of one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Last position; 0 if the part is empty.
    pub(crate) position: u64,
    /// First kept position.
    pub(crate) first: u64,
    /// Up to this position, everything that was recorded before the instant is contained, also of what lies upstream.
    pub(crate) complete: Option<(u64, Timestamp)>,
}

/// All heads; empty until they were read once.
pub(crate) type Heads = Vec<Head>;

/// Parts that were said to have moved since the watcher last looked.
#[derive(Default)]
pub(crate) struct Moved {
    bits: [AtomicU64; PARTS as usize / 64],
    said: Notify,
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
    /// Names this process in wake-ups, so that it does not wake itself twice.
    process: Uuid,
    looks: Mutex<VecDeque<(Instant, Timestamp)>>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let looks = Mutex::default();
        Self { seen: watch::Sender::new(Vec::new()), moved: Moved::default(), process: Uuid::new_v4(), looks }
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

    fn heard(&self, message: Result<Bytes, broadcast::error::RecvError>) {
        match message {
            Ok(message) => {
                let (process, parts) = message.split_at(message.len().min(16));
                if process != self.process.as_bytes() {
                    self.moved.say(parts.iter().map(|part| u16::from(*part)));
                }
            }
            // Too many to hear them all: look at all.
            Err(broadcast::error::RecvError::Lagged(_)) => self.moved.say(0..PARTS),
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }

    /// The latest look that nothing recorded before it can still be in flight of.
    fn settled(&self, now: (Instant, Timestamp)) -> Option<Timestamp> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push_back(now);
        let settled = looks.iter().take_while(|look| now.0.duration_since(look.0) >= SETTLED_AFTER).count();
        let until = settled.checked_sub(1).map(|last| looks[last].1);
        looks.drain(..settled.saturating_sub(1));
        until
    }
}

impl Log {
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
        loop {
            let all = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = poll.tick() => true,
                () = self.watched().moved.said.notified() => false,
                message = wakes.recv(), if !deaf => {
                    deaf = matches!(message, Err(broadcast::error::RecvError::Closed));
                    self.watched().heard(message);
                    continue;
                }
            };
            let parts = self.watched().moved.take();
            if !all && parts.is_empty() {
                continue;
            }
            match self.look(if all { None } else { Some(parts) }).await {
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

    async fn look(&self, parts: Option<Vec<i16>>) -> Result<(), Failure> {
        let all = parts.is_none();
        // Before the heads are read: what is recorded later is above them.
        let now = (Instant::now(), self.platform().clock.now());
        let rows = self.read_heads(parts).await?;
        let settled = if all { self.watched().settled(now) } else { None };
        self.watched().seen.send_modify(|heads| {
            heads.resize(usize::from(PARTS), Head { first: 1, ..Head::default() });
            for (part, position, first, upstream) in rows {
                let Some(head) = heads.get_mut(usize::from(part)) else { continue };
                head.position = head.position.max(position);
                head.first = head.first.max(first);
                if all && position > 0 {
                    let until = if self.upstream().is_some() { upstream } else { settled };
                    head.complete = until.map(|until| (position, until)).or(head.complete);
                }
            }
        });
        Ok(())
    }

    /// (part, last position, first kept position, completeness upstream), as they stand in the database now.
    pub(crate) async fn read_heads(
        &self,
        parts: Option<Vec<i16>>,
    ) -> Result<Vec<(u16, u64, u64, Option<Timestamp>)>, Failure> {
        let sql = self.sql().heads.clone();
        let parts = parts.unwrap_or_else(|| (0..PARTS as i16).collect());
        let rows = self
            .platform()
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(parts).fetch_all(tx.conn()).await })
            })
            .await?;
        rows.iter()
            .map(|row| {
                let until: Option<jiff_sqlx::Timestamp> = row.try_get(3)?;
                Ok((
                    row.try_get::<i16, _>(0)? as u16,
                    row.try_get::<i64, _>(1)? as u64,
                    row.try_get::<i64, _>(2)? as u64,
                    until.map(jiff_sqlx::Timestamp::to_jiff),
                ))
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(Failure::from)
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

    #[test]
    fn completeness_keeps_clear_of_commits_in_flight() {
        let watch = Watch::new();
        let start = Instant::now();
        let look = |millis: u64| {
            let at = Timestamp::UNIX_EPOCH + Duration::from_millis(millis);
            watch.settled((start + Duration::from_millis(millis), at)).map(|at| at.as_millisecond())
        };
        assert_eq!(look(0), None);
        assert_eq!(look(150), None);
        assert_eq!(look(210), Some(0));
        assert_eq!(look(400), Some(150));
        assert_eq!(look(5_000), Some(400));
    }
}
