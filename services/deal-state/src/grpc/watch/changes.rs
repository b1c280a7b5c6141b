//! What changes on a board after its snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use throughline_journal::Tail;
use throughline_platform::Failure;
use throughline_proto::{
    deal::v1::{self as pb, WatchBoardResponse},
    log::v1::{EntryBody, StoredEntry, entry_body::Body},
    time::{duration_to_wire, from_wire},
};
use tokio::time::Instant;
use tonic::Code;

use super::{Board, FRESHNESS, HEARTBEAT, Step, snapshot::Place};
use crate::{domain::board, domain::id::DealId, store, wire};

impl Board {
    /// The next change, news of how fresh sources are, or a heartbeat; none when the process stops.
    pub(super) async fn changes(&mut self, mut tail: Box<Tail>) -> Result<Option<WatchBoardResponse>, Failure> {
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            let by = if self.outdated { heartbeat.min(self.looked + FRESHNESS) } else { heartbeat };
            let silence = Self::silence(self.deals.cx.platform.clock.clone(), self.silent_at);
            let next = tokio::select! {
                next = tail.next(by) => next,
                () = silence => {
                    // No entry says so; it is looked up as if one did, at most so often.
                    (self.silent_at, self.outdated) = (None, true);
                    continue;
                }
            };
            let entries = match next {
                Ok(Some(entries)) => entries,
                Ok(None) => return Ok(None),
                // Months were dropped while the watcher slept.
                Err(failure) if failure.code() == Code::OutOfRange => {
                    return self.snapshot(Place::start()).await.map(Some);
                }
                Err(failure) => return Err(failure),
            };
            self.positions = tail.positions();
            if !entries.is_empty() {
                self.outdated = true;
                let (upserts, removes, newest) = self.changed(&entries)?;
                if upserts.is_empty() && removes.is_empty() {
                    continue;
                }
                self.step = Step::Changes(tail);
                let mut answer = self.answer();
                (answer.upserts, answer.removes) = (upserts, removes);
                answer.delay = newest.map(|newest| self.since(newest));
                return Ok(Some(answer));
            }
            let now = Instant::now();
            let sources =
                if self.outdated && now >= self.looked + FRESHNESS { self.freshness().await? } else { Vec::new() };
            if !sources.is_empty() || now >= heartbeat {
                let removes = if now >= heartbeat { self.aged().await? } else { Vec::new() };
                self.step = Step::Changes(tail);
                let mut answer = self.answer();
                (answer.sources, answer.removes) = (sources, removes);
                return Ok(Some(answer));
            }
        }
    }

    /// What entries of the deal log do to the board: the last word on each deal counts.
    #[allow(clippy::type_complexity, reason = "upserts, removes, when the newest was recorded")]
    fn changed(
        &mut self,
        entries: &[StoredEntry],
    ) -> Result<(Vec<pb::BoardEntry>, Vec<String>, Option<Timestamp>), Failure> {
        let now = self.deals.cx.platform.clock.now();
        let mut last: BTreeMap<String, Option<pb::BoardEntry>> = BTreeMap::new();
        let mut newest = None;
        for entry in entries {
            match EntryBody::decode(entry.body.clone()).map_err(Failure::internal)?.body {
                Some(Body::Deal(deal)) => {
                    newest = newest.max(deal.recorded_at.as_ref().and_then(from_wire));
                    let shown = board::shows(&deal, now).then(|| self.entry(&deal));
                    last.insert(deal.name, shown);
                }
                Some(Body::DealRetraction(retraction)) => {
                    last.insert(retraction.name, None);
                }
                // What comes after it is timed by its calendars.
                Some(Body::Rooftop(rooftop)) => {
                    let schedule = wire::schedule(&rooftop).map_err(Failure::internal)?;
                    self.schedules.insert(entry.rooftop.clone(), schedule);
                }
                _ => {}
            }
        }
        let (mut upserts, mut removes) = (Vec::new(), Vec::new());
        for (name, shown) in last {
            match shown {
                Some(entry) => upserts.push(entry),
                None => removes.push(name),
            }
        }
        Ok((upserts, removes, newest))
    }

    fn since(&self, recorded_at: Timestamp) -> prost_types::Duration {
        let delay = self.deals.cx.platform.clock.now().duration_since(recorded_at);
        duration_to_wire(delay.try_into().unwrap_or_default())
    }

    /// Deals that left the board since the last look because nothing was heard of them for too long.
    async fn aged(&mut self) -> Result<Vec<String>, Failure> {
        let now = self.deals.cx.platform.clock.now();
        let (from, until) = (board::heard_since(self.aged_until), board::heard_since(now));
        let (group, rooftops) = (self.principal.group.clone(), self.names());
        let aged = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move { store::board_aged(tx, &group, &rooftops, from, until).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        self.aged_until = now;
        let name = |(rooftop, deal): (String, DealId)| wire::deal_name(&self.principal.group, &rooftop, deal);
        Ok(aged.into_iter().map(name).collect())
    }
}
