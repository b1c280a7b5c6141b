//! One part, row by row, at one position of the event log on both sides.
//!
//! The live tables are read in one snapshot, so that nobody waits for it; the shadow stands still by itself. Rows are
//! looked up by key rather than read side by side, for two databases may sort texts differently.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use prost::Message;
use throughline_journal::{Cursors, Replayed};
use throughline_platform::{
    Failure,
    db::{Role, Tx},
};
use throughline_proto::deal::v1 as pb;

use super::{Difference, Kind, Run, shadow::Shadow};
use crate::{
    domain::{id::DealId, mending},
    store::{
        self,
        rows::{self, Row, Rows},
    },
};

/// The live owner may have come so far ahead while the snapshot was taken: few enough to read them while it is open.
const AHEAD: u64 = 200;

/// So many differing rows of a part are remembered; the next pass finds the others.
const MOST_HELD: usize = 20_000;

/// A live row that differs, with what it takes to mend it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Place of the table among all.
    pub table: usize,
    pub key: String,
    pub difference: Difference,
}

/// How a part compares.
#[derive(Debug, Default)]
pub struct Compared {
    pub rows: u64,
    pub deals: u64,
    pub counts: BTreeMap<(&'static str, Kind), u64>,
    pub held: Vec<Held>,
    /// Why it must not be mended.
    pub refused: Option<String>,
    /// Entries that are set aside in the live part alone: whatever else comes of their deals waits behind them there.
    pub waiting: usize,
}

impl Compared {
    pub fn differing(&self) -> u64 {
        self.counts.values().sum()
    }

    fn found(&mut self, part: u16, table: (usize, &'static str), kind: Kind, row: Row) {
        *self.counts.entry((table.1, kind)).or_default() += 1;
        if self.held.len() < MOST_HELD {
            let Row { key, deal, group, rooftop, .. } = row;
            let difference = Difference { part, table: table.1, kind, group, rooftop, deal: deal.map(DealId) };
            self.held.push(Held { table: table.0, key, difference });
        }
    }
}

/// A comparison that could not be made now, and why.
type NotNow = String;

impl Run {
    pub(super) async fn compare(
        &self,
        at: Replayed,
        part: u16,
    ) -> Result<(Replayed, Result<Compared, NotNow>), Failure> {
        let comparing =
            Comparing { part, shadow: self.shadow.clone(), cursors: self.cursors.clone(), tables: self.tables.clone() };
        self.live.snapshot(Role::Worker, move |tx| Box::pin(comparing.run(tx, at))).await
    }
}

struct Comparing {
    part: u16,
    shadow: Arc<Shadow>,
    cursors: Arc<Cursors>,
    tables: Arc<[Rows]>,
}

impl Comparing {
    async fn run(self, tx: &mut Tx, mut at: Replayed) -> Result<(Replayed, Result<Compared, NotNow>), Failure> {
        let part = self.part;
        rows::session(tx).await?;
        let live = self.cursors.position(tx, part).await?;
        if live < at.position() {
            let message =
                format!("the live cursor of part {part} went back from {} to {live}: rebuild again", at.position());
            return Err(Failure::precondition(message).with("part", part.to_string()));
        }
        if live > at.position() + AHEAD {
            return Ok((
                at,
                Err(format!("the live deals come on faster than they are rebuilt, {live} entries so far")),
            ));
        }
        if !store::due(tx, &[part]).await?.is_empty() {
            return Ok((at, Err("the live deals of a rooftop are being folded anew".to_owned())));
        }
        self.shadow.replay.run_to(&mut at, live).await?;
        let (refused, waiting) = self.set_aside(tx).await?;
        let mut compared = Compared { refused, waiting, ..Compared::default() };
        for table in 0..self.tables.len() {
            self.table(tx, table, &mut compared).await?;
        }
        Ok((at, Ok(compared)))
    }

    /// What the shadow could not process and the live deals contain would be lost by mending; and how much is set aside in
    /// the live part alone.
    async fn set_aside(&self, tx: &mut Tx) -> Result<(Option<String>, usize), Failure> {
        let (cursors, part) = (self.cursors.clone(), self.part);
        let aside = self.shadow.read(move |tx| Box::pin(async move { cursors.parked(tx, part).await })).await?;
        let live = self.cursors.parked(tx, part).await?;
        let mut only = aside.difference(&live);
        let refused = only.next().map(|first| {
            format!(
                "{} entries of the event log that the live deals contain could not be processed, the first at position {first}: \
                 mend the cause, which the log of this process names, and rebuild again",
                only.count() + 1
            )
        });
        let cursors = self.cursors.clone();
        let timers = self.shadow.read(move |tx| Box::pin(async move { cursors.parked_timers(tx, part).await })).await?;
        let live_timers = self.cursors.parked_timers(tx, part).await?;
        let mut only = timers.difference(&live_timers);
        let unfolded = only.next().map(|first| {
            format!(
                "{} deals that the live part folds could not be folded anew, the first is {} of rooftop {}: fix the cause, \
                 which the log of this process names, and rebuild again",
                only.count() + 1,
                first.entity,
                first.rooftop
            )
        });
        Ok((refused.or(unfolded), live.difference(&aside).count()))
    }

    async fn table(&self, tx: &mut Tx, table: usize, compared: &mut Compared) -> Result<(), Failure> {
        let (part, rows) = (self.part, &self.tables[table]);
        let name = (table, rows.table.name);
        let (mut there, mut missing) = (0, 0);
        let mut after = None;
        loop {
            let page = self.shadow.page(&self.tables, table, part, after).await?;
            let keys: Vec<&str> = page.iter().map(|row| row.key.as_str()).collect();
            let live = rows.look_up(tx, part, &keys).await?;
            let live: HashMap<String, Row> = live.into_iter().map(|row| (row.key.clone(), row)).collect();
            there += page.len() as u64;
            after = page.last().map(|row| row.key.clone());
            let done = page.is_empty();
            for row in page {
                match live.get(&row.key) {
                    None => {
                        missing += 1;
                        compared.found(part, name, Kind::Missing, row);
                    }
                    Some(live) if same(&row, live)? => {}
                    Some(_) => compared.found(part, name, Kind::Changed, row),
                }
            }
            if done {
                break;
            }
        }
        compared.rows += there;
        if rows.table.is_deal() {
            compared.deals += there;
        }
        // As many live rows as were found: none is too many.
        if rows.count(tx, part).await? + missing != there {
            self.surplus(tx, table, compared).await?;
        }
        Ok(())
    }

    async fn surplus(&self, tx: &mut Tx, table: usize, compared: &mut Compared) -> Result<(), Failure> {
        let (part, rows) = (self.part, &self.tables[table]);
        let mut after = None;
        loop {
            let page = rows.keys(tx, part, after.as_deref()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key.clone());
            let keys: Vec<String> = page.iter().map(|row| row.key.clone()).collect();
            let there = self.shadow.keys(&self.tables, table, part, keys).await?;
            let there: HashSet<&str> = there.iter().map(|row| row.key.as_str()).collect();
            let surplus: Vec<Row> = page.iter().filter(|row| !there.contains(row.key.as_str())).cloned().collect();
            for row in surplus {
                compared.rows += 1;
                compared.found(part, (table, rows.table.name), Kind::Surplus, row);
            }
        }
    }
}

fn same(rebuilt: &Row, live: &Row) -> Result<bool, Failure> {
    let (Some(ours), Some(theirs)) = (&rebuilt.body, &live.body) else { return Ok(rebuilt.hash == live.hash) };
    let ours = pb::Deal::decode(ours.as_slice()).map_err(Failure::internal)?;
    // A live deal that cannot be read says something else.
    let theirs = pb::Deal::decode(theirs.as_slice()).ok();
    Ok(rebuilt.hash == live.hash && theirs.is_some_and(|theirs| mending::same(&ours, &theirs)))
}
