//! What a caller could see of every table there is: the check behind the promise that no group sees another's rows.
use sqlx::AssertSqlSafe;

use super::{Db, Role, Tx};
use crate::{Failure, Principal};

/// One table as the catalogue knows it, and how much of it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// `schema.table`.
    pub table: String,
    /// Whether it has a column `group_id`.
    pub tenant: bool,
    /// Whether row-level security is enabled and forced.
    pub forced: bool,
    /// Whether calls from outside may read it at all.
    pub readable: bool,
    /// Rows that there are, as our own work sees them; 0 for a table that it may not read.
    pub rows: i64,
    /// Rows that a caller of the group sees.
    pub seen: i64,
    /// Rows that a transaction without a group sees.
    pub unset: i64,
}

impl Sight {
    /// What is wrong with it, if a caller of a group that owns nothing looked.
    pub fn leak(&self) -> Option<String> {
        let table = &self.table;
        if self.seen > 0 {
            return Some(format!("{table}: a stranger sees {} rows of {}", self.seen, self.rows));
        }
        if self.unset > 0 {
            return Some(format!("{table}: without a group {} rows of {} are seen", self.unset, self.rows));
        }
        if self.tenant && self.readable && !self.forced {
            return Some(format!("{table}: has group_id and no forced row-level security"));
        }
        if self.readable && !self.tenant {
            return Some(format!("{table}: calls from outside may read it and it has no group_id"));
        }
        None
    }
}

/// Looks at every table outside the system's schemas as `stranger`, without a group, and as our own work.
pub async fn catalogue_check(db: &Db, stranger: &Principal) -> Result<Vec<Sight>, Failure> {
    let tables = db
        .work(Role::Worker, |tx| {
            Box::pin(async move {
                let tables = sqlx::query_file!("sql/catalogue.sql").fetch_all(tx.conn()).await?;
                Ok::<_, Failure>(tables)
            })
        })
        .await?;
    let nobody = Principal { group: String::new(), ..stranger.clone() };
    let mut sights = Vec::with_capacity(tables.len());
    for table in tables {
        let count = format!("SELECT count(*) FROM {}", table.name);
        let mut sight = Sight {
            table: table.name,
            tenant: table.tenant,
            forced: table.forced,
            readable: table.readable,
            rows: 0,
            seen: 0,
            unset: 0,
        };
        if table.worker {
            sight.rows = count_rows(db, None, count.clone()).await?;
        }
        if table.readable {
            sight.seen = count_rows(db, Some(stranger), count.clone()).await?;
            sight.unset = count_rows(db, Some(&nobody), count).await?;
        }
        sights.push(sight);
    }
    Ok(sights)
}

async fn count_rows(db: &Db, as_whom: Option<&Principal>, count: String) -> Result<i64, Failure> {
    match as_whom {
        Some(principal) => db.read(principal, |tx| Box::pin(count_in(tx, count))).await,
        None => db.work(Role::Worker, |tx| Box::pin(count_in(tx, count))).await,
    }
}

async fn count_in(tx: &mut Tx, count: String) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(tx.conn()).await?)
}
