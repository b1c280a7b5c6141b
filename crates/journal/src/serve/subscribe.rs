//! `Subscribe`: entries of many parts on one stream, pulled by the reader, so that nothing piles up here.
use std::{collections::VecDeque, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use throughline_platform::{db::Role, failure::Failure};
use throughline_proto::{
    log::v1::{PartComplete, SubscribeRequest, SubscribeResponse},
    time,
};
use tokio::{sync::watch, time::Instant};
use tonic::Status;

use crate::{
    Log, PARTS,
    claim::Claim,
    feed::{Feed, READ_CUT, Stretch, columns, too_old},
    heads::Heads,
    rows::stored,
};

/// Entries read at a time; a read is also cut at about a megabyte.
const READ: u64 = 1_000;
/// A reader may take three of these for the sign of a dead stream.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(12);

pub(super) fn stream(
    log: Log,
    request: SubscribeRequest,
) -> Result<BoxStream<'static, Result<SubscribeResponse, Status>>, Failure> {
    let mut after = Vec::with_capacity(request.after.len());
    for (index, wanted) in request.after.iter().enumerate() {
        let part = u16::try_from(wanted.part).ok().filter(|part| *part < PARTS);
        let Some(part) = part.filter(|_| i64::try_from(wanted.position).is_ok()) else {
            let message =
                format!("part {} at position {} does not exist: parts are 0 to 255", wanted.part, wanted.position);
            return Err(Failure::invalid(format!("after[{index}]"), message));
        };
        after.push((part, wanted.position));
    }
    tracing::debug!(log = log.name(), consumer = request.consumer, parts = after.len(), "a follower subscribed");
    let subscription =
        Subscription { heads: log.seen_heads(), log, feed: Feed::new(after), out: VecDeque::new(), fresh: true };
    let answers = futures::stream::try_unfold(subscription, |mut subscription| async move {
        let next = subscription.next().await?;
        Ok::<_, Status>(next.map(|next| (next, subscription)))
    });
    Ok(answers.boxed())
}

struct Subscription {
    log: Log,
    heads: watch::Receiver<Heads>,
    feed: Feed,
    out: VecDeque<SubscribeResponse>,
    fresh: bool,
}

impl Subscription {
    /// The next message; `None` when this process is stopping.
    async fn next(&mut self) -> Result<Option<SubscribeResponse>, Failure> {
        let shutdown = self.log.platform().tasks.shutdown();
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            if let Some(message) = self.out.pop_front() {
                return Ok(Some(message));
            }
            // A sender that is gone means that the process is stopping.
            if std::mem::take(&mut self.fresh) || self.heads.has_changed().unwrap_or(false) {
                self.absorb()?;
            }
            if !self.feed.is_idle() {
                self.read().await?;
            }
            let complete = self.feed.completeness();
            if !complete.is_empty() {
                self.say(complete);
            }
            if !self.out.is_empty() || !self.feed.is_idle() {
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
                () = tokio::time::sleep_until(heartbeat) => return Ok(Some(SubscribeResponse::default())),
            }
        }
    }

    fn absorb(&mut self) -> Result<(), Failure> {
        let heads = self.heads.borrow_and_update();
        self.feed.absorb(&heads).map_err(|old| too_old(self.log.name(), old))
    }

    fn say(&mut self, complete: Vec<(u16, Claim)>) {
        let complete = complete
            .into_iter()
            .map(|(part, claim)| PartComplete {
                part: u32::from(part),
                until: Some(time::to_wire(claim.until)),
                clock_step: claim.step,
            })
            .collect();
        // Behind the entries that it speaks of.
        match self.out.back_mut() {
            Some(last) => last.complete = complete,
            None => self.out.push_back(SubscribeResponse { entries: Vec::new(), complete }),
        }
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let stretches = self.feed.next_read(READ);
        let rows = self.log.read_stretches(&stretches).await?;
        let mut bytes = 0;
        for row in &rows {
            let entry = stored(row)?;
            bytes += entry.body.len();
            self.feed.sent(entry.part as u16, entry.position);
            match self.out.back_mut().filter(|run| run.entries.last().is_some_and(|last| last.part == entry.part)) {
                Some(run) => run.entries.push(entry),
                None => self.out.push_back(SubscribeResponse { entries: vec![entry], complete: Vec::new() }),
            }
        }
        if bytes < READ_CUT {
            // Not cut short: whatever did not come is not there.
            for stretch in &stretches {
                if self.feed.exhausted(*stretch) {
                    tracing::error!(
                        log = self.log.name(),
                        part = stretch.part,
                        after = stretch.after,
                        upto = stretch.upto,
                        "POSITIONS OF THE LOG ARE MISSING: followers will stop this part",
                    );
                }
            }
        }
        self.feed.turn(&stretches);
        Ok(())
    }
}

impl Log {
    async fn read_stretches(&self, stretches: &[Stretch]) -> Result<Vec<sqlx::postgres::PgRow>, Failure> {
        let sql = self.sql().read.clone();
        let (parts, after, upto) = columns(stretches);
        self.platform()
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(parts).bind(after).bind(upto).fetch_all(tx.conn()).await })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))
    }
}
