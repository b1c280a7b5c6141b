//! Mending the differing rows of a part, in transactions of bounded size.
//!
//! The part is taken from its live owner as another replica would take it: what the owner has under way no longer
//! commits. The shadow is brought to where the live tables then stand, every row is read and compared again, and each
//! transaction ends by asking whether the part is still held at that position.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use prost::Message;
use throughline_journal::{Cursors, Held as Part, Log, NewEntry, Replayed};
use throughline_platform::{
    Failure,
    clock::Clock,
    db::{Role, Tx},
};
use throughline_proto::{
    deal::v1 as pb,
    event::v1::Origin,
    log::v1::{EntryBody, entry_body::Body},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Run, Sayer, compare::Held};
use crate::{
    domain::{
        id::DealId,
        mending::{self, LastSaid},
    },
    store::{
        self,
        rows::{self, Row, Rows},
    },
    worker,
};

/// Rows and deals of a transaction, unless one deal has more.
const MOST_ROWS: usize = 1_000;
const MOST_DEALS: usize = 100;

/// A part is held at most so long at a time, and left to its owner for twice as long: long enough to take it again.
const HELD_FOR: Duration = Duration::from_secs(2);

/// Positions of the deal log that are looked through in one statement.
const STRETCH: u64 = 5_000;

/// Why a transaction did not commit.
enum Refused {
    /// Somebody else took the part.
    Lost,
    Failed(Failure),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Failed(Failure::from(error))
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

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

/// What the event log gives for a chunk.
struct Rebuilt {
    rows: BTreeMap<usize, Vec<Row>>,
    /// The deal of each key that a deal is named after.
    survivors: HashMap<Uuid, DealId>,
}

/// One transaction.
struct Mending {
    held: Part,
    chunk: Chunk,
    rebuilt: Rebuilt,
    last: Arc<HashMap<Uuid, LastSaid>>,
    tables: Arc<[Rows]>,
    cursors: Arc<Cursors>,
    log: Log,
    clock: Clock,
}

/// What the deal log is told.
#[derive(Default)]
struct Telling {
    stand: Vec<NewEntry>,
    /// Behind the survivors: whoever follows finds them when it reads whose place they took.
    gone: Vec<NewEntry>,
}

impl Mending {
    /// Answers with how many rows it mended and how many entries it appended.
    async fn run(mut self, tx: &mut Tx) -> Result<(u64, u64), Refused> {
        rows::session(tx).await?;
        let (mut mended, mut telling) = (0, Telling::default());
        for (table, keys) in std::mem::take(&mut self.chunk.keys) {
            let rebuilt = self.rebuilt.rows.remove(&table).unwrap_or_default();
            mended += self.table(tx, table, &keys, rebuilt, &mut telling).await?;
        }
        let mut said = telling.stand;
        said.extend(telling.gone);
        let entries = said.len() as u64;
        self.log.append(tx, self.clock.now(), said).await?;
        if self.cursors.keep(tx, self.held).await? { Ok((mended, entries)) } else { Err(Refused::Lost) }
    }

    async fn table(
        &self,
        tx: &mut Tx,
        table: usize,
        keys: &[String],
        rebuilt: Vec<Row>,
        telling: &mut Telling,
    ) -> Result<u64, Refused> {
        let (part, rows) = (self.held.part, &self.tables[table]);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let live = rows.look_up(tx, part, &keys).await?;
        let mut live: HashMap<String, Row> = live.into_iter().map(|row| (row.key.clone(), row)).collect();
        let (mut put, mut bodies) = (Vec::new(), (Vec::new(), Vec::new()));
        for row in &rebuilt {
            let stood = live.remove(&row.key);
            let differs = if rows.table.is_deal() {
                self.deal(row, stood.as_ref(), &mut bodies, telling)?
            } else {
                stood.is_none_or(|stood| stood.hash != row.hash)
            };
            if differs {
                put.extend(row.row.as_deref());
            }
        }
        rows.put(tx, &put).await?;
        store::rows::put_bodies(tx, part, &bodies.0, &bodies.1).await?;

        if rows.table.is_deal() {
            for row in live.values() {
                self.surplus(row, telling);
            }
        }
        let surplus: Vec<&str> = live.keys().map(String::as_str).collect();
        rows.take_out(tx, part, &surplus).await?;
        Ok((put.len() + surplus.len()) as u64)
    }

    /// Whether a live deal differs; then what becomes of it.
    fn deal(
        &self,
        rebuilt: &Row,
        live: Option<&Row>,
        bodies: &mut (Vec<Uuid>, Vec<Vec<u8>>),
        telling: &mut Telling,
    ) -> Result<bool, Failure> {
        let (Some(id), Some(body)) = (rebuilt.deal, &rebuilt.body) else {
            return Err(Failure::internal("a rebuilt deal was read without its body"));
        };
        let deal = pb::Deal::decode(body.as_slice()).map_err(Failure::internal)?;
        let stood = live.and_then(read);
        let last = self.last.get(&id).copied().unwrap_or_default();
        let mended = mending::mend(stood.as_ref(), deal, last);
        let columns = live.is_some_and(|live| live.hash == rebuilt.hash);
        if columns && stood.as_ref() == Some(&mended.deal) {
            return Ok(false);
        }
        bodies.0.push(id);
        bodies.1.push(mended.deal.encode_to_vec());
        let origin = mended.deal.origin();
        match mended.said {
            Some(body @ Body::Deal(_)) => telling.stand.push(self.entry(rebuilt, id, body, origin)),
            Some(body) => telling.gone.push(self.entry(rebuilt, id, body, origin)),
            None => {}
        }
        Ok(true)
    }

    fn surplus(&self, row: &Row, telling: &mut Telling) {
        let Some(id) = row.deal else { return };
        let stood = read(row);
        let last = self.last.get(&id).copied().unwrap_or_default();
        let survivor = self.rebuilt.survivors.get(&id).copied().filter(|survivor| survivor.0 != id);
        let name = (row.group.as_str(), row.rooftop.as_str(), DealId(id));
        let origin = stood.as_ref().map_or(Origin::Unspecified, pb::Deal::origin);
        if let Some(body) = mending::retract(name, stood.as_ref(), survivor, last) {
            telling.gone.push(self.entry(row, id, body, origin));
        }
    }

    fn entry(&self, row: &Row, deal: Uuid, body: Body, origin: Origin) -> NewEntry {
        let name = (row.group.as_str(), row.rooftop.as_str());
        worker::entry(self.held.part, name, DealId(deal).to_string(), body, origin, None)
    }
}

/// A live deal, if it can be read.
fn read(row: &Row) -> Option<pb::Deal> {
    pb::Deal::decode(row.body.as_deref()?).ok()
}
