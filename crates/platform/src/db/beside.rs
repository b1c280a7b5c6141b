//! Databases beside ours on the same server, for work that must not touch ours: made, used by one process, dropped.
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Db, Pools};
use crate::{Failure, Options};

/// An empty database of our own that nobody else knows of.
#[derive(Debug)]
pub struct Beside {
    pub db: Db,
    name: String,
    /// The database that it stands beside.
    of: Db,
}

impl Db {
    /// Makes a database for `purpose` (a word of small letters) that lasts until it is dropped. What an earlier process
    /// left behind for the same purpose goes first: whoever calls this has the sole right to the purpose.
    pub async fn beside(&self, purpose: &str, options: &Options) -> Result<Beside, Failure> {
        let mut conn = self.login().await?;
        let prefix = sqlx::query_file!("sql/beside_prefix.sql", purpose).fetch_one(&mut conn).await?.prefix;
        for left in sqlx::query_file!("sql/beside_left.sql", prefix).fetch_all(&mut conn).await? {
            drop_database(&mut conn, &left.name).await?;
        }
        // A name of its own each time: a process that still believes in an older one finds it gone, never another.
        let name = format!("{prefix}{:08x}", uuid::Uuid::new_v4().as_fields().0);
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.map_err(refused)?;
        // Nobody needs it after a crash.
        conn.execute(AssertSqlSafe(format!("ALTER DATABASE {name} SET synchronous_commit = off"))).await?;
        conn.close().await?;
        let login = self.0.login.clone().database(&name);
        Ok(Beside { db: Db(Arc::new(Pools::on(login, options))), name, of: self.clone() })
    }
}

impl Beside {
    /// Drops the database under whatever still works on it.
    pub async fn remove(self) -> Result<(), Failure> {
        let mut conn = self.of.login().await?;
        drop_database(&mut conn, &self.name).await?;
        conn.close().await?;
        self.db.close().await;
        Ok(())
    }
}

/// The name is made of our own letters and digits.
async fn drop_database(conn: &mut PgConnection, name: &str) -> Result<(), Failure> {
    conn.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
    Ok(())
}

fn refused(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    // insufficient_privilege
    if code.is_some_and(|code| code == "42501") {
        let message = "the login may not create databases, and this needs one beside its own: grant it CREATEDB";
        return Failure::precondition(message).because(error);
    }
    Failure::from(error)
}
