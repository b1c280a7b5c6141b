//! Rows of the tables that are folded from the event log, whatever their columns: what a rebuild compares and mends.
//!
//! A row is told by its key (without the part) as JSON text, and compared by a hash over all its columns. A new table
//! that events fill needs one line in [`FOLDED`].

mod statements;

use std::sync::Arc;

use sqlx::{Error, Row as _, SqlStr, postgres::PgRow, query_file};
use throughline_platform::{Failure, db::Tx};
use uuid::Uuid;

use self::statements::Statements;
use super::small;

/// A table that follows from the event log alone.
#[derive(Debug)]
pub struct Folded {
    pub name: &'static str,
    /// The deal that a row `t` is of, as SQL.
    deal: &'static str,
    /// Columns that are not compared as they are stored: they hold numbering beside content.
    apart: &'static [&'static str],
}

const NO_DEAL: &str = "null::uuid";

/// In the order in which rows are written. Their columns `group_id` and `rooftop` say whose they are.
const FOLDED: [Folded; 10] = [
    Folded { name: "rooftop", deal: NO_DEAL, apart: &[] },
    Folded { name: "observed", deal: NO_DEAL, apart: &["expires_at", "expired"] },
    Folded { name: "reported", deal: NO_DEAL, apart: &[] },
    Folded { name: "source", deal: NO_DEAL, apart: &["told_at"] },
    Folded {
        name: "fold_input",
        deal: "(select k.deal_id from deal_state.deal_key k where k.part = t.part and k.key = t.anchor)",
        apart: &[],
    },
    Folded { name: "deal_key", deal: "t.deal_id", apart: &[] },
    Folded { name: "deal_mark", deal: "t.deal_id", apart: &[] },
    Folded { name: "car_sold", deal: "t.deal_id", apart: &[] },
    Folded { name: "worklist", deal: "t.deal_id", apart: &[] },
    Folded { name: DEAL, deal: "t.deal_id", apart: &["body"] },
];

/// The table of deals: its bodies are read, and compared without their numbering.
const DEAL: &str = "deal";

/// Tables that do not follow from the event log: where a follower is, what it set aside, what it said, work under way.
const NOT_FOLDED: [&str; 9] =
    ["_migrations", "cursor", "deal_head", "deal_log", "member", "parked", "parked_timer", "refold", "watermark"];

/// A row of one of these tables, as far as it was asked for.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: String,
    pub deal: Option<Uuid>,
    pub group: String,
    pub rooftop: String,
    /// Over every column that is compared as it is stored.
    pub hash: Option<Vec<u8>>,
    /// The body of a deal.
    pub body: Option<Vec<u8>>,
    /// All of it, as JSON text.
    pub row: Option<String>,
}

/// One of these tables with what is said to it.
#[derive(Debug)]
pub struct Rows {
    pub table: &'static Folded,
    /// All columns: two databases whose rows are compared must agree.
    pub columns: Vec<String>,
    said: Statements,
}

impl Folded {
    pub fn is_deal(&self) -> bool {
        self.name == DEAL
    }
}

/// How the text of rows is rendered, until the transaction ends.
pub async fn session(tx: &mut Tx) -> Result<(), Error> {
    query_file!("sql/rebuild/session.sql").fetch_one(tx.conn()).await?;
    Ok(())
}

/// All of these tables as the database has them. Refuses a schema with a table that nobody has given a place here.
pub async fn folded(tx: &mut Tx) -> Result<Arc<[Rows]>, Failure> {
    let found = query_file!("sql/rebuild/columns.sql").fetch_all(tx.conn()).await?;
    let stranger = found
        .iter()
        .map(|found| found.table.as_str())
        .find(|name| !NOT_FOLDED.contains(name) && !FOLDED.iter().any(|table| table.name == *name));
    if let Some(name) = stranger {
        let message = format!(
            "table deal_state.{name} has no place in a rebuild: say in store/rows.rs whether it is folded from events"
        );
        return Err(Failure::precondition(message).with("table", name));
    }
    let mut rows = Vec::with_capacity(FOLDED.len());
    for table in &FOLDED {
        let columns = found.iter().find(|found| found.table == table.name && found.by_part);
        let Some(columns) = columns else {
            let message =
                format!("table deal_state.{} is not there, or does not begin its key with the part", table.name);
            return Err(Failure::precondition(message).with("table", table.name));
        };
        rows.push(Rows {
            table,
            columns: columns.keys.iter().chain(&columns.others).cloned().collect(),
            said: Statements::of(table, &columns.keys, &columns.types, &columns.others),
        });
    }
    Ok(rows.into())
}

impl Rows {
    /// The next rows of a part after a key, with their content.
    pub async fn page(&self, tx: &mut Tx, part: u16, after: Option<&str>) -> Result<Vec<Row>, Error> {
        read_page(tx, [&self.said.first_page, &self.said.next_page], part, after).await
    }

    /// The same without their content.
    pub async fn keys(&self, tx: &mut Tx, part: u16, after: Option<&str>) -> Result<Vec<Row>, Error> {
        read_page(tx, [&self.said.first_keys, &self.said.next_keys], part, after).await
    }

    /// The rows that there are of these keys, with their content.
    pub async fn look_up(&self, tx: &mut Tx, part: u16, keys: &[&str]) -> Result<Vec<Row>, Error> {
        look_up(tx, &self.said.look_up, part, keys).await
    }

    /// The same without their content.
    pub async fn look_up_keys(&self, tx: &mut Tx, part: u16, keys: &[&str]) -> Result<Vec<Row>, Error> {
        look_up(tx, &self.said.look_up_keys, part, keys).await
    }

    /// The same with all of them.
    pub async fn whole(&self, tx: &mut Tx, part: u16, keys: &[&str]) -> Result<Vec<Row>, Error> {
        look_up(tx, &self.said.whole, part, keys).await
    }

    /// How many rows a part has.
    pub async fn count(&self, tx: &mut Tx, part: u16) -> Result<u64, Error> {
        let rows: i64 = sqlx::query_scalar(self.said.count.clone()).bind(small(part)).fetch_one(tx.conn()).await?;
        Ok(rows as u64)
    }

    /// Which parts have rows.
    pub async fn parts(&self, tx: &mut Tx) -> Result<Vec<u16>, Error> {
        let parts: Vec<i16> = sqlx::query_scalar(self.said.parts.clone()).fetch_all(tx.conn()).await?;
        Ok(parts.into_iter().map(|part| part as u16).collect())
    }

    /// Writes rows that were read whole somewhere else.
    pub async fn put(&self, tx: &mut Tx, rows: &[&str]) -> Result<(), Error> {
        if !rows.is_empty() {
            sqlx::query(self.said.put.clone()).bind(array(rows)).execute(tx.conn()).await?;
        }
        Ok(())
    }

    /// Takes out the rows of these keys.
    pub async fn take_out(&self, tx: &mut Tx, part: u16, keys: &[&str]) -> Result<(), Error> {
        if !keys.is_empty() {
            sqlx::query(self.said.take_out.clone()).bind(small(part)).bind(array(keys)).execute(tx.conn()).await?;
        }
        Ok(())
    }
}

async fn read_page(
    tx: &mut Tx,
    [first, next]: [&SqlStr; 2],
    part: u16,
    after: Option<&str>,
) -> Result<Vec<Row>, Error> {
    let rows = match after {
        None => sqlx::query(first.clone()).bind(small(part)).fetch_all(tx.conn()).await?,
        Some(after) => sqlx::query(next.clone()).bind(small(part)).bind(after).fetch_all(tx.conn()).await?,
    };
    rows.iter().map(|row| read(row, false)).collect()
}

async fn look_up(tx: &mut Tx, sql: &SqlStr, part: u16, keys: &[&str]) -> Result<Vec<Row>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(sql.clone()).bind(small(part)).bind(array(keys)).fetch_all(tx.conn()).await?;
    rows.iter().map(|row| read(row, true)).collect()
}

/// JSON texts as one.
fn array(items: &[&str]) -> String {
    format!("[{}]", items.join(","))
}

fn read(row: &PgRow, whole: bool) -> Result<Row, Error> {
    Ok(Row {
        key: row.try_get(0)?,
        deal: row.try_get(1)?,
        group: row.try_get(2)?,
        rooftop: row.try_get(3)?,
        hash: row.try_get(4)?,
        body: row.try_get(5)?,
        row: if whole { row.try_get(6)? } else { None },
    })
}

/// Gives deals bodies of their own, behind [`Rows::put`].
pub async fn put_bodies(tx: &mut Tx, part: u16, deals: &[Uuid], bodies: &[Vec<u8>]) -> Result<(), Error> {
    if !deals.is_empty() {
        query_file!("sql/rebuild/put_bodies.sql", small(part), deals, bodies).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Which deals have these keys.
pub async fn deals_of_keys(tx: &mut Tx, part: u16, keys: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = query_file!("sql/rebuild/survivors.sql", small(part), keys).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.deal_id)).collect())
}

/// Where the deal log of a part ends.
pub async fn log_head(tx: &mut Tx, part: u16) -> Result<u64, Error> {
    Ok(query_file!("sql/rebuild/head.sql", small(part)).fetch_one(tx.conn()).await?.pos as u64)
}

/// What the deal log last said of these entities after one position and up to another: encoded entry bodies.
pub async fn last_said(
    tx: &mut Tx,
    part: u16,
    (after, upto): (u64, u64),
    entities: &[String],
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let rows = query_file!("sql/rebuild/last_said.sql", small(part), after as i64, upto as i64, entities)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (row.entity, row.body)).collect())
}
