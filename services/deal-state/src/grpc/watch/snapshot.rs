//! The snapshot of a board, a piece at a time.

use std::collections::BTreeSet;

use prost::Message;
use throughline_platform::Failure;
use throughline_platform::persons;
use throughline_proto::{
    deal::v1::{self as pb, WatchBoardResponse},
    tenant::v1::Rooftop,
};
use uuid::Uuid;

use super::{Board, Step};
use crate::{
    definitions::Definitions,
    domain::board,
    store::{self, BoardRooftop},
    wire,
};

/// Deals in one piece.
const PIECE: i64 = 200;

/// Behind which deal a piece begins.
pub(super) struct Place {
    first: bool,
    rooftop: String,
    deal: Uuid,
}

impl Place {
    pub(super) fn start() -> Self {
        Self { first: true, rooftop: String::new(), deal: Uuid::nil() }
    }
}

impl Board {
    pub(super) async fn snapshot(&mut self, place: Place) -> Result<WatchBoardResponse, Failure> {
        if place.first {
            self.positions = self.heads().await?;
        }
        let (group, rooftops) = (self.principal.group.clone(), self.names());
        let since = board::heard_since(self.deals.cx.platform.clock.now());
        let (after, behind) = (place.rooftop, place.deal);
        let rows = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move { store::board(tx, &group, &rooftops, since, (&after, behind), PIECE).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let full = i64::try_from(rows.len()).unwrap_or(PIECE) >= PIECE;
        let next = rows.last().map(|(rooftop, deal, _)| Place { first: false, rooftop: rooftop.clone(), deal: *deal });

        let mut answer = self.answer();
        answer.snapshot = true;
        for (_, _, body) in &rows {
            let deal = pb::Deal::decode(body.as_slice()).map_err(Failure::internal)?;
            answer.upserts.push(self.entry(&deal));
        }
        if place.first {
            answer.sources = self.freshness().await?;
            answer.unobserved = unobserved(&self.rooftops)?;
        }
        match next.filter(|_| full) {
            Some(next) => {
                // A snapshot is taken whole or not at all.
                answer.complete = false;
                answer.resume_token.clear();
                self.step = Step::Snapshot(next);
            }
            None if self.once => self.step = Step::Ended,
            None => self.step = Step::Changes(Box::new(self.tail())),
        }
        Ok(answer)
    }

    pub(super) fn entry(&self, deal: &pb::Deal) -> pb::BoardEntry {
        let mut entry = board::entry(deal);
        if let Some(schedule) = self.schedules.get(wire::rooftop_of(&entry.deal)) {
            wire::time_intervals(&mut entry.intervals, schedule, self.deals.cx.platform.clock.now());
        }
        if !persons::seen_by(&self.principal) {
            persons::hide_in_entry(&mut entry);
        }
        entry
    }
}

/// The steps of each rooftop's process that none of its sources has ever reported.
fn unobserved(rooftops: &[BoardRooftop]) -> Result<Vec<pb::UnobservedStep>, Failure> {
    let definitions = Definitions::default();
    let mut steps = Vec::new();
    for rooftop in rooftops {
        let said = Rooftop::decode(rooftop.body.as_slice()).map_err(Failure::internal)?;
        let definition = definitions.read(&said.definition_json).map_err(Failure::internal)?;
        let observed: BTreeSet<&str> = rooftop.observed.iter().map(String::as_str).collect();
        let missing = definition.events.iter().filter(|event| !observed.contains(event.event_type.as_str()));
        steps.extend(missing.map(|event| pb::UnobservedStep {
            rooftop: rooftop.rooftop.clone(),
            event_type: event.event_type.clone(),
        }));
    }
    Ok(steps)
}
