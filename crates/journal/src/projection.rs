//! What a follower does with entries.
use async_trait::async_trait;
use jiff::Timestamp;
use throughline_platform::{db::Tx, failure::Failure};

use crate::{EntityKey, Entry};

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

    /// What the transaction means for timers, asked before it commits.
    fn timers(&self, effects: &mut Self::Effects) -> Timers {
        let _ = effects;
        Timers::default()
    }

    /// Which of these parts have an alarm at or before `until`. Reads only. An entity whose timer is parked (it stands in
    /// the schema's `parked_timer`) has none.
    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        let _ = (tx, parts, until);
        Ok(Vec::new())
    }

    /// Lists the first alarms of a part that are due, a bounded number, in the order in which they fire; none of an entity
    /// whose timer is parked. It must not fail because of what is stored of one entity: it reads names and times alone.
    ///
    /// `rule_time`: min(clock, `recorded_at` of the next unread entry, how complete the log is), so that a lagging follower
    /// raises nothing false.
    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        let _ = (tx, part, rule_time);
        Ok(Due::default())
    }

    /// Fires the alarms of entities that [`Projection::list_due`] named, in that order. Firing twice must do nothing.
    ///
    /// Called with fewer of them after a failure, until the one is found that fails alone: it is tried three times and then
    /// its timer is parked. If the failure names another entity of the same rooftop, on which several of them depend, that
    /// one's timer is parked instead, and `list_due` must list none that depends on it.
    async fn fire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entities: &[EntityKey],
    ) -> Result<Self::Effects, ApplyError> {
        let _ = (tx, part, rule_time, entities);
        Ok(Self::Effects::default())
    }

    /// Fires the timer of one entity again, whose timer was parked; it need not be due.
    async fn refire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entity: &EntityKey,
    ) -> Result<Self::Effects, ApplyError> {
        self.fire(tx, part, rule_time, std::slice::from_ref(entity)).await
    }

    /// Makes instants that this projection stored of a part, and that run ahead of the clock by more than its tolerance,
    /// follow it again: the clock that they were read off stepped back. Called before the first alarms of an owner, and
    /// after each clock step; `rule_time` is as in `fire`, which follows and judges anew. Twice must do nothing.
    async fn put_right(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<(), ApplyError> {
        let _ = (tx, part, rule_time);
        Ok(())
    }
}

/// Alarms that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Each once.
    pub entities: Vec<EntityKey>,
    /// There may be others, which must fire before the log counts as complete up to the rule time.
    pub more: bool,
}

/// What a transaction means for timers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    /// Entities that are now up to date: if their timers were parked, they are so no longer.
    pub settled: Vec<EntityKey>,
    /// Entities that the transaction passed over because what is stored of them cannot be read, with the reason (without
    /// content): their timers are parked, so that people see them.
    pub failed: Vec<(EntityKey, String)>,
}

/// Why entries could not be applied.
#[derive(Debug)]
pub enum ApplyError {
    /// The database or a peer is away: back off and try again. Never parks anything.
    Transient(Failure),
    /// An entry cannot be applied, or an alarm cannot fire; after three tries its entity is parked, and the part goes on.
    Poison {
        /// Entity at fault; empty if unknown. The follower finds it by halving the batch, and minds the name on the timer
        /// path alone.
        entity: String,
        /// What went wrong, without any content of the entry.
        cause: String,
    },
}

impl From<sqlx::Error> for ApplyError {
    /// A value that the database refuses, or that cannot be read from it, is the entry's fault; everything else is the
    /// database's.
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

/// Why a value is at fault, in words that quote nothing of it; none if the database is.
fn refused_value(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::ColumnDecode { index, .. } => Some(format!("a stored value of column {index} cannot be read")),
        sqlx::Error::Decode(_) => Some("a stored value cannot be read".to_owned()),
        sqlx::Error::Encode(_) => Some("a value cannot be stored".to_owned()),
        _ => {
            let code = error.as_database_error()?.code()?;
            let refused = REFUSALS.iter().any(|class| code.starts_with(class));
            refused.then(|| format!("the database refused a value (SQLSTATE {code})"))
        }
    }
}

/// Classes of SQLSTATE that a try later does not mend: data exception, constraint, program limit, raised by a function,
/// and a row that the server itself cannot read.
const REFUSALS: [&str; 6] = ["22", "23", "54", "P0", "XX001", "XX002"];
