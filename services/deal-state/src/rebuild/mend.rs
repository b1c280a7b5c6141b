//! Mending the differing rows of a part, in transactions of bounded size.
//!
//! The part is taken from its live owner as another replica would take it: what the owner has under way no longer
//! commits. The shadow is brought to where the live tables then stand, every row is read and compared again, and each
//! transaction ends by asking whether the part is still held at that position.

mod transaction;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use prost::Message;
use throughline_journal::{Held as Part, Replayed};
use throughline_platform::{Failure, db::Role};
use throughline_proto::log::v1::EntryBody;
use tokio::time::Instant;
use uuid::Uuid;

use self::transaction::{Mending, Rebuilt, Refused};
use super::{Run, Sayer, compare::Held};
use crate::{
    domain::{id::DealId, mending::LastSaid},
    store::{self, rows},
};

/// Rows and deals of a transaction, unless one deal has more.
const MOST_ROWS: usize = 1_000;
const MOST_DEALS: usize = 100;

/// A part is held at most so long at a time, and left to its owner for twice as long: long enough to take it again.
const HELD_FOR: Duration = Duration::from_secs(2);

/// Positions of the deal log that are looked through in one statement.
const STRETCH: u64 = 5_000;

impl Run {
    /// Mends what was found. What is lost to others, or comes on meanwhile, the next comparison finds.
    pub(super) async fn mend(
        &self,
        at: &mut Replayed,
        part: u16,
        found: Vec<Held>,
        sayer: &Sayer,
    ) -> Result<(), Failure> {
        let last = Arc::new(self.last_said(part, &found).await?);
        let mut chunks = chunks(found).into_iter().peekable();
        while chunks.peek().is_some() {
            let held = self.cursors.take(&self.live, part).await?;
            let mended = self.mend_held(at, held, &mut chunks, &last, sayer).await;
            self.cursors.give_back(&self.live, held).await?;
            self.log.wake([part]);
            if !mended? {
                return Ok(());
            }
            if chunks.peek().is_some() {
                tokio::time::sleep(HELD_FOR * 2).await;
            }
        }
        Ok(())
    }

    /// False if the part was lost.
    async fn mend_held(
        &self,
        at: &mut Replayed,
        held: Part,
        chunks: &mut std::iter::Peekable<std::vec::IntoIter<Chunk>>,
        last: &Arc<HashMap<Uuid, LastSaid>>,
        sayer: &Sayer,
    ) -> Result<bool, Failure> {
        let until = Instant::now() + HELD_FOR.min(self.lease / 2);
        let before = at.position();
        self.shadow.replay.run_to(at, held.position).await?;
        sayer.read(at.position() - before);
        while let Some(chunk) = chunks.next_if(|_| Instant::now() < until) {
            match self.mend_chunk(held, chunk, last.clone()).await {
                Ok((rows, entries)) => sayer.mended(held.part, rows, entries),
                Err(Refused::Lost) => return Ok(false),
                Err(Refused::Failed(failure)) => return Err(failure),
            }
        }
        Ok(true)
    }

    async fn mend_chunk(
        &self,
        held: Part,
        chunk: Chunk,
        last: Arc<HashMap<Uuid, LastSaid>>,
    ) -> Result<(u64, u64), Refused> {
        let rebuilt = self.rebuilt(held.part, &chunk).await?;
        let mending = Mending {
            held,
            chunk,
            rebuilt,
            last,
            tables: self.tables.clone(),
            cursors: self.cursors.clone(),
            log: self.log.clone(),
            clock: self.cx.platform.clock.clone(),
        };
        self.live.work(Role::Worker, move |tx| Box::pin(mending.run(tx))).await
    }

    /// The rows as the event log gives them, and where deals went that should not be there.
    async fn rebuilt(&self, part: u16, chunk: &Chunk) -> Result<Rebuilt, Failure> {
        let (tables, keys) = (self.tables.clone(), chunk.keys.clone());
        let deals: Vec<Uuid> = chunk.deals.clone();
        self.shadow
            .read(move |tx| {
                Box::pin(async move {
                    let mut rows = BTreeMap::new();
                    for (table, keys) in &keys {
                        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                        rows.insert(*table, tables[*table].whole(tx, part, &keys).await?);
                    }
                    let survivors = rows::deals_of_keys(tx, part, &deals).await?;
                    let survivors = survivors.into_iter().map(|(key, deal)| (key, DealId(deal))).collect();
                    Ok(Rebuilt { rows, survivors })
                })
            })
            .await
    }

    /// What the deal log last said of the deals that differ: their rows are what is in doubt.
    async fn last_said(&self, part: u16, found: &[Held]) -> Result<HashMap<Uuid, LastSaid>, Failure> {
        let deals = found.iter().filter(|held| self.tables[held.table].table.is_deal());
        let mut wanted: Vec<Uuid> = deals.filter_map(|held| held.difference.deal.map(|deal| deal.0)).collect();
        let mut last = HashMap::new();
        if wanted.is_empty() {
            return Ok(last);
        }
        let head = self.live.statement(Role::Worker, move |tx| Box::pin(rows::log_head(tx, part))).await;
        let mut upto = head.map_err(|error: store::Error| Failure::from(error))?;
        while upto > 0 && !wanted.is_empty() {
            let after = upto.saturating_sub(STRETCH);
            let entities: Vec<String> = wanted.iter().map(|deal| DealId(*deal).to_string()).collect();
            let said = self
                .live
                .statement(Role::Worker, move |tx| {
                    Box::pin(async move { rows::last_said(tx, part, (after, upto), &entities).await })
                })
                .await
                .map_err(|error: store::Error| Failure::from(error))?;
            for (entity, body) in said {
                let body = EntryBody::decode(body.as_slice()).ok().and_then(|entry| entry.body);
                if let (Some(deal), Some(body)) = (DealId::parse(&entity), body) {
                    last.insert(deal.0, LastSaid::read(&body));
                }
            }
            wanted.retain(|deal| !last.contains_key(deal));
            upto = after;
        }
        Ok(last)
    }
}

/// What one transaction mends: whole deals, so that nobody sees a deal without its keys for longer than must be.
#[derive(Debug, Default)]
struct Chunk {
    /// By the place of the table.
    keys: BTreeMap<usize, Vec<String>>,
    deals: Vec<Uuid>,
    rows: usize,
}

fn chunks(mut found: Vec<Held>) -> Vec<Chunk> {
    found.sort_by_key(|held| (held.difference.deal, held.table));
    let mut chunks: Vec<Chunk> = Vec::new();
    for held in found {
        let deal = held.difference.deal.map(|deal| deal.0);
        let full = chunks.last().is_none_or(|chunk| {
            let begins = deal.is_none() || chunk.deals.last() != deal.as_ref();
            begins && (chunk.rows >= MOST_ROWS || chunk.deals.len() >= MOST_DEALS)
        });
        if full {
            chunks.push(Chunk::default());
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.rows += 1;
            chunk.keys.entry(held.table).or_default().push(held.key);
            if let Some(deal) = deal.filter(|deal| chunk.deals.last() != Some(deal)) {
                chunk.deals.push(deal);
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rebuild::{Difference, Kind};

    fn held(table: usize, deal: u128, key: usize) -> Held {
        let deal = (deal > 0).then(|| DealId(Uuid::from_u128(deal)));
        let (group, rooftop) = ("g".to_owned(), "r".to_owned());
        let difference = Difference { part: 0, table: "t", kind: Kind::Changed, group, rooftop, deal };
        Held { table, key: key.to_string(), difference }
    }

    #[test]
    fn a_chunk_holds_whole_deals_and_not_many_of_them() {
        // A deal of many rows, then many of two rows each, in no order.
        let mut found: Vec<Held> = (0..3_000).map(|key| held(3, 1, key)).collect();
        for deal in 2..=250 {
            found.insert(0, held(6, deal, 0));
            found.push(held(4, deal, 1));
        }
        let chunks = chunks(found);
        assert_eq!(chunks.iter().map(|chunk| chunk.rows).collect::<Vec<_>>(), [3_000, 200, 200, 98]);
        assert_eq!(chunks.iter().map(|chunk| chunk.deals.len()).sum::<usize>(), 250, "none is in two");
    }

    #[test]
    fn what_is_of_no_deal_is_bounded_too() {
        let chunks = chunks((0..2_500).map(|key| held(1, 0, key)).collect());
        assert_eq!(chunks.iter().map(|chunk| chunk.rows).collect::<Vec<_>>(), [1_000, 1_000, 500]);
    }
}
