//! What a follower does with entries.
use async_trait::async_trait;
use jiff::Timestamp;
use throughline_platform::{db::Tx, failure::Failure};

use crate::Entry;

/// The effects that entries have on a service's own state.
///
/// The follower opens the transaction (worker role), calls `apply` or `tick`, moves the cursor behind it and commits; if
/// another owner holds the part by then, everything is rolled back. A part is never worked on twice at a time, but
/// several parts are worked on at once.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// What must be done after the commit: wake-ups, publications. Losing it must lose nothing.
    type Effects: Default + Send + 'static;

    /// Name of the consumer, as in its cursor.
    fn consumer(&self) -> &'static str;

    /// Applies entries of one part, in order. An append to a log comes last.
    ///
    /// Called again with the same entries if the transaction did not commit; with fewer of them after a poisonous one.
    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Self::Effects, ApplyError>;

    /// Called once the transaction has committed.
    async fn committed(&self, part: u16, effects: Self::Effects);

    /// Which of these parts have an alarm at or before `until`. Reads only.
    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        let _ = (tx, parts, until);
        Ok(Vec::new())
    }

    /// Fires the alarms of a part up to `rule_time`: min(clock, `recorded_at` of the next unread entry, how complete the
    /// log is), so that a lagging follower raises nothing false. Firing twice must do nothing.
    async fn tick(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Self::Effects, ApplyError> {
        let _ = (tx, part, rule_time);
        Ok(Self::Effects::default())
    }

    /// Makes instants that this projection stored of a part, and that run ahead of the clock by more than its tolerance,
    /// follow it again: the clock that they were read off stepped back. Called before the first alarms of an owner, and
    /// after each clock step; `rule_time` is as in `tick`, which follows and judges anew. Twice must do nothing.
    async fn put_right(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<(), ApplyError> {
        let _ = (tx, part, rule_time);
        Ok(())
    }
}

/// Why entries could not be applied.
#[derive(Debug)]
pub enum ApplyError {
    /// The database or a peer is away: back off and try again. Never parks anything.
    Transient(Failure),
    /// An entry cannot be applied; after three tries its entity is parked, and the part goes on.
    Poison {
        /// Entity of the entry; empty if unknown (the follower finds it by halving the batch).
        entity: String,
        /// What went wrong, without any content of the entry.
        cause: String,
    },
}

impl From<sqlx::Error> for ApplyError {
    /// A value that the database refuses is the entry's fault; everything else is the database's.
    fn from(error: sqlx::Error) -> Self {
        match refused_value(&error) {
            Some(cause) => Self::Poison { entity: String::new(), cause },
            None => Self::Transient(Failure::from(error)),
        }
    }
}

impl From<Failure> for ApplyError {
    /// What may succeed by itself is transient, and so is a database that is not as it should be: it would refuse every
    /// entry. The rest is the entry's fault.
    fn from(failure: Failure) -> Self {
        let database = failure.cause().and_then(|cause| cause.downcast_ref::<sqlx::Error>());
        let cause = match database {
            Some(error) => refused_value(error),
            None if failure.is_transient() => None,
            None => Some(format!("{}: {}", failure.reason_text(), failure.message())),
        };
        match cause {
            Some(cause) => Self::Poison { entity: String::new(), cause },
            None => Self::Transient(failure),
        }
    }
}

fn refused_value(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    // 22: data exception, 23: constraint
    (code.starts_with("22") || code.starts_with("23"))
        .then(|| format!("the database refused a value (SQLSTATE {code})"))
}
