//! What entries of the deal log change on a board.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use throughline_platform::Failure;
use throughline_proto::{
    deal::v1::{self as pb, WatchBoardResponse},
    log::v1::{EntryBody, StoredEntry, entry_body::Body},
    time::{duration_to_wire, from_wire},
};

use super::Board;
use crate::domain::board;

impl Board {
    /// The last entry of each deal counts. `None`: nothing that is shown changed.
    pub(super) fn changed(&mut self, entries: &[StoredEntry]) -> Result<Option<WatchBoardResponse>, Failure> {
        let now = self.deals.cx.platform.clock.now();
        let mut last: BTreeMap<String, Option<pb::BoardEntry>> = BTreeMap::new();
        let mut newest = None;
        for entry in entries {
            self.stirred.insert(entry.rooftop.clone());
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
                Some(Body::Rooftop(rooftop)) => self.learn(&entry.rooftop, &rooftop)?,
                _ => {}
            }
        }
        if last.is_empty() {
            return Ok(None);
        }
        let mut message = WatchBoardResponse { delay: newest.map(|newest| self.since(newest)), ..Default::default() };
        for (name, shown) in last {
            match shown {
                Some(entry) => message.upserts.push(entry),
                None => message.removes.push(name),
            }
        }
        Ok(Some(message))
    }

    fn since(&self, recorded_at: Timestamp) -> prost_types::Duration {
        let delay = self.deals.cx.platform.clock.now().duration_since(recorded_at);
        duration_to_wire(delay.try_into().unwrap_or_default())
    }
}
