//! Schemas, brought up to what this binary needs.
use sqlx::{Connection, PgConnection, migrate::Migrator};

use super::Db;
use crate::Failure;

/// The platform's own: roles, protection of tables, the directory.
pub static MIGRATIONS: Migrations = Migrations { schema: "platform", migrator: &MIGRATOR };
static MIGRATOR: Migrator = sqlx::migrate!();

/// The migrations of one schema, which also holds the table that counts them.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Name of the schema.
    pub schema: &'static str,
    /// `sqlx::migrate!()` of the crate that owns it.
    pub migrator: &'static Migrator,
}

// Any constant will do as long as it never changes.
const LOCK: i64 = 0x7468_726f_7567_686c;

impl Db {
    /// Migrates the schemas in this order, the platform's own first, as the login user; processes that start together take turns.
    pub async fn migrate(&self, schemas: &[Migrations]) -> Result<(), Failure> {
        let mut conn = self.login().await?;
        sqlx::query_file!("sql/lock.sql", LOCK).execute(&mut conn).await?;
        for migrations in all(schemas) {
            migrations.owned().run_direct(None, &mut conn, false).await.map_err(|error| migrations.failed(error))?;
        }
        // Closing gives the lock back as well.
        conn.close().await?;
        Ok(())
    }

    /// Refuses schemas that are older than this binary needs; newer ones are accepted.
    pub async fn check_schemas(&self, schemas: &[Migrations]) -> Result<(), Failure> {
        let mut conn = self.login().await?;
        for migrations in all(schemas) {
            let Some(wanted) = migrations.migrator.iter().map(|migration| migration.version).max() else { continue };
            let found = migrations.version(&mut conn).await?;
            if found.is_none_or(|found| found < wanted) {
                let found = found.map_or_else(|| "absent".to_owned(), |found| format!("at version {found}"));
                return Err(Failure::precondition(format!(
                    "schema {:?} is {found} and this binary needs {wanted}: run it with --migrate=true first",
                    migrations.schema
                )));
            }
        }
        conn.close().await?;
        Ok(())
    }

    pub(super) async fn login(&self) -> Result<PgConnection, Failure> {
        Ok(PgConnection::connect_with(&self.0.login).await?)
    }
}

fn all(schemas: &[Migrations]) -> impl Iterator<Item = &Migrations> {
    let own = std::iter::once(&MIGRATIONS);
    own.chain(schemas.iter().filter(|migrations| migrations.schema != MIGRATIONS.schema))
}

impl Migrations {
    fn owned(&self) -> Migrator {
        let mut migrator = Migrator::with_migrations(self.migrator.iter().cloned().collect());
        migrator.dangerous_set_table_name(format!("{}._migrations", self.schema));
        migrator.create_schema(self.schema);
        // During a rolling upgrade the schema may be newer than this binary; ours is the lock.
        migrator.set_ignore_missing(true).set_locking(false);
        migrator
    }

    async fn version(&self, conn: &mut PgConnection) -> Result<Option<i64>, Failure> {
        let table = format!("{}._migrations", self.schema);
        if sqlx::query_file!("sql/table_exists.sql", table).fetch_one(&mut *conn).await?.exists {
            let count = format!("SELECT max(version) FROM {table} WHERE success");
            return Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(conn).await?);
        }
        Ok(None)
    }

    fn failed(&self, error: sqlx::migrate::MigrateError) -> Failure {
        let message = format!("schema {:?} could not be migrated: {error}", self.schema);
        Failure::precondition(message).because(error)
    }
}
