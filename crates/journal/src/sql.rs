//! Statements that are the same for every log and consumer, with the names of the schema and the log filled in once.
//! The names come from `&'static str`s of our own code, never from a caller.
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

fn fill(template: &str, schema: &str, log: &str, upstream: &str, promised: &str) -> SqlStr {
    let text = template
        .replace("{promised}", promised)
        .replace("{schema}", schema)
        .replace("{log}", log)
        .replace("{upstream}", upstream);
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

macro_rules! statements {
    ($(#[$doc:meta])* $name:ident: $($statement:ident),+ $(,)?) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $statement: SqlStr),+ }

        impl $name {
            fn filled(schema: &str, log: &str, upstream: &str, promised: &str) -> Self {
                Self { $($statement: fill(
                    include_str!(concat!("../sql/", stringify!($statement), ".sql")), schema, log, upstream, promised,
                )),+ }
            }
        }
    };
}

statements!(
    /// What is said to a log.
    LogSql: append, clock_steps, ensure_month, heads, in_flight, marks, promised, read, read_group, stepped
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
    pub(crate) fn new(schema: &'static str, log: &'static str, upstream: Option<&'static str>) -> Self {
        // What an append may not record before: of the whole log, behind all of its locks, or of each part.
        let promised = match upstream {
            Some(consumer) => format!("{schema}.promised('{schema}.{log}', '{consumer}', locked.part)"),
            None => format!(
                "(select f.step, f.until from (select count(*) as heads from locked) n \
                 cross join lateral journal.promised('{schema}.{log}', n.heads) f)"
            ),
        };
        Self::filled(schema, log, upstream.unwrap_or_default(), &promised)
    }
}

impl ConsumerSql {
    pub(crate) fn new(schema: &'static str) -> Self {
        Self::filled(schema, "", "", "")
    }
}
