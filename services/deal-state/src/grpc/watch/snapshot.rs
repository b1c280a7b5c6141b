//! The snapshot of a board, a piece at a time.

use prost::Message;
use throughline_journal::live::Page;
use throughline_platform::Failure;
use throughline_platform::persons;
use throughline_proto::deal::v1::{self as pb, WatchBoardResponse};
use uuid::Uuid;

use super::Board;
use crate::{domain::board, store, wire};

/// Deals in one piece.
const PIECE: i64 = 200;

impl Board {
    /// Deals of these rooftops behind a place. The first piece has their sources and unobserved steps, too.
    pub(super) async fn piece(
        &mut self,
        rooftops: &[String],
        after: Option<(String, Uuid)>,
    ) -> Result<Page<WatchBoardResponse, (String, Uuid)>, Failure> {
        let mut message = WatchBoardResponse::default();
        if after.is_none() {
            self.fresh.retain(|(rooftop, _), _| !rooftops.contains(rooftop));
            self.unobserved.retain(|rooftop, _| !rooftops.contains(rooftop));
            message.sources = self.freshness(rooftops).await?;
            (message.unobserved_rooftops, message.unobserved) = self.unobserved(rooftops).await?;
        }
        let (deals, next) = self.deals_behind(rooftops, after).await?;
        message.upserts = deals.iter().map(|deal| self.entry(deal)).collect();
        Ok(Page { message, pieces: Vec::new(), next })
    }

    /// A piece of the open deals of these rooftops behind a place, and where the next piece begins.
    pub(super) async fn deals_behind(
        &self,
        rooftops: &[String],
        after: Option<(String, Uuid)>,
    ) -> Result<(Vec<pb::Deal>, Option<(String, Uuid)>), Failure> {
        let (group, asked) = (self.principal.group.clone(), rooftops.to_vec());
        let since = board::heard_since(self.deals.cx.platform.clock.now());
        let (behind, deal) = after.unwrap_or_default();
        let rows = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move { store::board(tx, &group, &asked, since, (&behind, deal), PIECE).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let full = i64::try_from(rows.len()).unwrap_or(PIECE) >= PIECE;
        let next = rows.last().filter(|_| full).map(|(rooftop, deal, _)| (rooftop.clone(), *deal));
        let deals = rows.iter().map(|(_, _, body)| pb::Deal::decode(body.as_slice()).map_err(Failure::internal));
        Ok((deals.collect::<Result<_, _>>()?, next))
    }

    pub(super) fn entry(&self, deal: &pb::Deal) -> pb::BoardEntry {
        let mut entry = board::entry(deal);
        let (rooftop, now) = (wire::rooftop_of(&deal.name), self.deals.cx.platform.clock.now());
        if let (Some(process), Some(evidence)) = (self.processes.get(rooftop), self.evidence.get(rooftop)) {
            wire::mark_unknown(&mut entry.intervals, process, evidence, now);
        }
        if let Some(schedule) = self.schedules.get(rooftop) {
            wire::time_intervals(&mut entry.intervals, schedule, now);
        }
        if !persons::seen_by(&self.principal) {
            persons::hide_in_entry(&mut entry);
        }
        entry
    }
}
