//! Statements that are the same for every log and consumer, with the names of the schema and the log filled in once.
//! The names come from `&'static str`s of our own code, never from a caller.
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

fn fill(template: &str, schema: &str, log: &str, watermark: &str) -> SqlStr {
    let text = template.replace("{schema}", schema).replace("{log}", log).replace("{watermark}", watermark);
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

macro_rules! statements {
    ($(#[$doc:meta])* $name:ident: $($statement:ident),+ $(,)?) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $statement: SqlStr),+ }

        impl $name {
            fn filled(schema: &str, log: &str, watermark: &str) -> Self {
                Self { $($statement: fill(
                    include_str!(concat!("../sql/", stringify!($statement), ".sql")), schema, log, watermark,
                )),+ }
            }
        }
    };
}

statements!(
    /// What is said to a log.
    LogSql: append, ensure_month, heads, read, read_group
);

statements!(
    /// What is said to the tables of a schema's consumers.
    ConsumerSql:
    cursors_made, member_seen, members_live, members_swept, member_gone, leases_renewed, leases_taken, lease_released,
    cursor_moved, cursors, cursors_behind, part_stopped, watermarks_moved, parked_entities, park, parked_of_entity,
    unpark, parked_again, retry_parked, parked_count, parked_page, part_position, part_taken, part_kept,
    parked_positions, timers_parked, timers_unparked, timers_of_part, retry_timer,
);

impl LogSql {
    /// Without an upstream consumer there is no watermark to join.
    pub(crate) fn new(schema: &'static str, log: &'static str, upstream: Option<&'static str>) -> Self {
        let watermark = match upstream {
            Some(consumer) => format!("(select part, until from {schema}.watermark where consumer = '{consumer}') w"),
            None => "(select null::smallint as part, null::timestamptz as until where false) w".to_owned(),
        };
        Self::filled(schema, log, &watermark)
    }
}

impl ConsumerSql {
    pub(crate) fn new(schema: &'static str) -> Self {
        Self::filled(schema, "", "")
    }
}
