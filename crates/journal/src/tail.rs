//! A group's own entries of a log, as they come: what `Follow` sends, and what live views of a service wake on. Every part
//! named is looked through, a window of positions at a time.
use throughline_platform::{Principal, failure::Failure};
use throughline_proto::log::v1::StoredEntry;
use tokio::{sync::watch, time::Instant};

use crate::{
    Log, Positions,
    feed::{Feed, READ_CUT, Stretch, too_old},
    heads::Heads,
    rows::stored,
};

/// Positions looked through at a time: most may be other groups'.
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
    /// The next entries, all of one part and in order; none at all (an empty list) if nothing comes by then, and `None`
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
        let Some(stretch) = stretches.first().copied() else { return Ok(Vec::new()) };
        let rows = self.read_group(stretch).await?;
        let entries = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = entries.iter().map(|entry| entry.body.len()).sum();
        let upto = match entries.last() {
            // The window may have been cut short here.
            Some(last) if bytes >= READ_CUT => last.position,
            // The rest of it holds nothing of this caller's.
            _ => stretch.upto,
        };
        self.feed.sent(stretch.part, upto);
        self.feed.turn(&[stretch]);
        Ok(entries)
    }

    async fn read_group(&self, stretch: Stretch) -> Result<Vec<sqlx::postgres::PgRow>, Failure> {
        let (sql, group, rooftops) =
            (self.log.sql().read_group.clone(), self.caller.group.clone(), self.rooftops.clone());
        self.log
            .platform()
            .db
            .read(&self.caller, move |tx| {
                Box::pin(async move {
                    sqlx::query(sql)
                        .bind(stretch.part as i16)
                        .bind(stretch.after as i64)
                        .bind(stretch.upto as i64)
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
