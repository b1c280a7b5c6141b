//! One transaction that mends a chunk: every row is compared again, the deal log comes next to last, the lease last.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use prost::Message;
use throughline_journal::{Cursors, Held as Part, Log, NewEntry};
use throughline_platform::{Failure, clock::Clock, db::Tx};
use throughline_proto::{deal::v1 as pb, event::v1::Origin, log::v1::entry_body::Body};
use uuid::Uuid;

use super::Chunk;
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

/// Why a transaction did not commit.
pub(super) enum Refused {
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

/// What the event log gives for a chunk.
pub(super) struct Rebuilt {
    pub(super) rows: BTreeMap<usize, Vec<Row>>,
    /// The deal of each key that a deal is named after.
    pub(super) survivors: HashMap<Uuid, DealId>,
}

/// One transaction.
pub(super) struct Mending {
    pub(super) held: Part,
    pub(super) chunk: Chunk,
    pub(super) rebuilt: Rebuilt,
    pub(super) last: Arc<HashMap<Uuid, LastSaid>>,
    pub(super) tables: Arc<[Rows]>,
    pub(super) cursors: Arc<Cursors>,
    pub(super) log: Log,
    pub(super) clock: Clock,
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
    pub(super) async fn run(mut self, tx: &mut Tx) -> Result<(u64, u64), Refused> {
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
