//! A group's own entries of a log, as they come: what `Follow` sends, and what live views of a service wake on. Every part
//! named is looked through, a window of positions at a time.
use throughline_platform::{Principal, failure::Failure};
use throughline_proto::log::v1::StoredEntry;
use tokio::{sync::watch, time::Instant};

use crate::{
    Log, Positions,
    feed::{Feed, READ_CUT, Stretch, columns, too_old},
    heads::Heads,
    rows::stored,
};

/// Positions looked through at a time, of all parts together: most may be other groups'.
const WINDOW: u64 = 1_000;

/// Reads a log on behalf of a caller, in this process.
pub struct Tail {
    log: Log,
    heads: watch::Receiver<Heads>,
    caller: Principal,
    rooftops: Option<Vec<String>>,
    feed: Feed,
    fresh: bool,
}

impl Log {
    /// Entries of the caller's group (see [`Principal::in_group`]) and of these rooftops (`None`: all of the group) in
    /// these parts, each after a position.
    pub fn tail(
        &self,
        caller: &Principal,
        rooftops: Option<Vec<String>>,
        after: impl IntoIterator<Item = (u16, u64)>,
    ) -> Tail {
        let feed = Feed::new(Positions::new(after).iter());
        Tail { heads: self.seen_heads(), log: self.clone(), caller: caller.clone(), rooftops, feed, fresh: true }
    }
}

impl Tail {
    /// The next entries, those of each part in order; none at all (an empty list) if nothing comes by then, and `None`
    /// when the process stops. OUT_OF_RANGE when the log no longer keeps what comes next.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self, by: Instant) -> Result<Option<Vec<StoredEntry>>, Failure> {
        let shutdown = self.log.platform().tasks.shutdown();
        loop {
            // A sender that is gone means that the process is stopping.
            if std::mem::take(&mut self.fresh) || self.heads.has_changed().unwrap_or(false) {
                let heads = self.heads.borrow_and_update();
                self.feed.absorb(&heads).map_err(|old| too_old(self.log.name(), old))?;
            }
            if !self.feed.is_idle() {
                let entries = self.read().await?;
                // Also between windows in which nothing was the caller's, so that its cursor moves.
                if !entries.is_empty() || Instant::now() >= by {
                    return Ok(Some(entries));
                }
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                changed = self.heads.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                    self.fresh = true;
                }
                () = tokio::time::sleep_until(by) => return Ok(Some(Vec::new())),
            }
        }
    }

    /// Where it stands: everything up to here has been returned or was not the caller's.
    pub fn positions(&self) -> Vec<(u16, u64)> {
        self.feed.positions().collect()
    }

    async fn read(&mut self) -> Result<Vec<StoredEntry>, Failure> {
        let stretches = self.feed.next_read(WINDOW);
        if stretches.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.read_group(&stretches).await?;
        let entries = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = entries.iter().map(|entry| entry.body.len()).sum();
        // It may have been cut short at the last entry, and then nothing is known of what lies behind that.
        let cut = entries.last().filter(|_| bytes >= READ_CUT).map(|last| (last.part as u16, last.position));
        for stretch in &stretches {
            match cut {
                Some((part, position)) if part == stretch.part => {
                    self.feed.sent(part, position);
                    break;
                }
                // The rest of it holds nothing of this caller's.
                _ => self.feed.sent(stretch.part, stretch.upto),
            }
        }
        self.feed.turn(&stretches);
        Ok(entries)
    }

    async fn read_group(&self, stretches: &[Stretch]) -> Result<Vec<sqlx::postgres::PgRow>, Failure> {
        let (sql, group, rooftops) =
            (self.log.sql().read_group.clone(), self.caller.group.clone(), self.rooftops.clone());
        let (parts, after, upto) = columns(stretches);
        self.log
            .platform()
            .db
            .read(&self.caller, move |tx| {
                Box::pin(async move {
                    sqlx::query(sql)
                        .bind(parts)
                        .bind(after)
                        .bind(upto)
                        .bind(group)
                        .bind(rooftops)
                        .fetch_all(tx.conn())
                        .await
                })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))
    }
}
