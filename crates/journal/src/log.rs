//! A log, as its owner holds it.
use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use throughline_platform::{
    self as platform,
    db::Tx,
    failure::Failure,
    jiff_sqlx::{self, ToSqlx},
};
use tokio::sync::watch;

use crate::{
    Appended, Context, NewEntry, PARTS, Positions,
    heads::{Heads, Watch},
    metrics::{JournalMetrics, OfLog},
    months::{Months, month_of},
    sql::LogSql,
    token,
};

/// A log of 256 parts with gapless positions in commit order.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    schema: &'static str,
    name: &'static str,
    upstream: Option<&'static str>,
    channel: String,
    cx: platform::Context,
    metrics: JournalMetrics,
    sql: LogSql,
    watch: Watch,
    months: Months,
}

impl Log {
    /// The log `{schema}.{name}_log`, which the schema's migration made with `journal.create_log`: served from now on by
    /// this process's `LogService`. Once a process and log.
    ///
    /// `upstream` is the consumer (of the same schema) from whose work the log comes: the log is complete only as far
    /// as that consumer is. A log without one is complete up to the clock.
    pub fn register(cx: &Context, schema: &'static str, name: &'static str, upstream: Option<&'static str>) -> Self {
        let log = Self(Arc::new(Inner {
            schema,
            name,
            upstream,
            channel: format!("throughline:log:{schema}.{name}"),
            cx: cx.platform.clone(),
            metrics: cx.logs.metrics().clone(),
            sql: LogSql::new(schema, name, upstream),
            watch: Watch::new(),
            months: Months::default(),
        }));
        cx.logs.add_log(&log);
        log.watch_heads();
        log.keep_months();
        log
    }

    /// Appends entries and answers with where and when each was recorded, in the order given. The last statement before
    /// the commit: from here to there the heads of these parts are held, and every other append to them waits.
    ///
    /// `clock` is what the injected clock shows. An entry is recorded at that instant, or later: never before what its
    /// part has recorded or what was claimed of its completeness, however long the append had to wait for the head.
    pub async fn append(
        &self,
        tx: &mut Tx,
        clock: Timestamp,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<Appended>, Failure> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let month = month_of(clock);
        self.need_month(tx, month).await?;

        let columns = Columns::of(&entries)?;
        let heads = sqlx::query(self.0.sql.append.clone())
            .bind(&columns.parts)
            .bind(&columns.counts)
            .bind(clock.to_sqlx())
            .bind(&columns.part)
            .bind(&columns.nth)
            .bind(&columns.group)
            .bind(&columns.rooftop)
            .bind(&columns.entity)
            .bind(&columns.origin)
            .bind(&columns.actor)
            .bind(&columns.traceparent)
            .bind(&columns.tracestate)
            .bind(&columns.body)
            .fetch_all(tx.conn())
            .await
            .map_err(refused)?;
        let mut before = [None; PARTS as usize];
        for head in &heads {
            let part: i16 = head.try_get(0)?;
            let recorded_at: jiff_sqlx::Timestamp = head.try_get(2)?;
            before[part as usize] = Some((head.try_get::<i64, _>(1)?, recorded_at.to_jiff()));
        }
        let appended = columns.part.iter().zip(&columns.nth).map(|(part, nth)| {
            before[*part as usize]
                .map(|(before, recorded_at)| Appended { position: (before + nth) as u64, recorded_at })
                .ok_or_else(|| Failure::internal(format!("log {:?} has no head for part {part}", self.0.name)))
        });
        let appended = appended.collect::<Result<Vec<_>, _>>()?;
        self.0.metrics.appended.get_or_create(&OfLog { log: self.0.name }).inc_by(appended.len() as u64);
        Ok(appended)
    }

    /// Says, after the commit, that these parts have moved. Best effort: the poll finds what nobody was told of.
    pub fn wake(&self, parts: impl IntoIterator<Item = u16>) {
        let mut parts: Vec<u16> = parts.into_iter().collect();
        parts.sort_unstable();
        parts.dedup();
        self.0.watch.wake(&self.0.cx, &self.0.channel, &parts);
    }

    /// The heads of the parts that have entries, as they stand now.
    pub async fn heads(&self) -> Result<Vec<(u16, u64)>, Failure> {
        let all = self.read_heads(None).await?;
        let mut heads: Vec<_> =
            all.into_iter().filter(|head| head.position > 0).map(|head| (head.part, head.position)).collect();
        heads.sort_unstable();
        Ok(heads)
    }

    /// A consistency token that stands for everything up to these positions.
    pub fn token(&self, positions: &[(u16, u64)]) -> String {
        token::seal_token(&self.0.cx.sealer, self.0.name, &Positions::new(positions.iter().copied()))
    }

    /// Its name on the wire, such as `event`.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub(crate) fn schema(&self) -> &'static str {
        self.0.schema
    }

    pub(crate) fn upstream(&self) -> Option<&'static str> {
        self.0.upstream
    }

    pub(crate) fn channel(&self) -> &str {
        &self.0.channel
    }

    pub(crate) fn platform(&self) -> &platform::Context {
        &self.0.cx
    }

    pub(crate) fn sql(&self) -> &LogSql {
        &self.0.sql
    }

    pub(crate) fn watched(&self) -> &Watch {
        &self.0.watch
    }

    pub(crate) fn seen_heads(&self) -> watch::Receiver<Heads> {
        self.0.watch.receiver()
    }

    pub(crate) fn count_step(&self) {
        self.0.metrics.clock_steps.get_or_create(&OfLog { log: self.0.name }).inc();
    }

    pub(crate) fn show_ahead(&self, ahead: SignedDuration) {
        self.0.metrics.clock_ahead.get_or_create(&OfLog { log: self.0.name }).set(ahead.as_secs());
    }

    pub(crate) fn months(&self) -> &Months {
        &self.0.months
    }
}

/// A constraint of the log itself that refuses is never the entry's fault: a month that another transaction rolled back,
/// or a head that does not match its part.
fn refused(error: sqlx::Error) -> Failure {
    let constraint =
        error.as_database_error().and_then(|refusal| refusal.code()).is_some_and(|code| code.starts_with("23"));
    if constraint {
        // Not the error itself: a follower would read it as the fault of the entry.
        Failure::unavailable("the log", error.to_string())
    } else {
        Failure::from(error)
    }
}

/// Entries as the arrays that Postgres unnests; everything is borrowed.
#[derive(Default)]
struct Columns<'e> {
    parts: Vec<i16>,
    counts: Vec<i64>,
    part: Vec<i16>,
    nth: Vec<i64>,
    group: Vec<&'e str>,
    rooftop: Vec<&'e str>,
    entity: Vec<&'e str>,
    origin: Vec<i16>,
    actor: Vec<&'e str>,
    traceparent: Vec<&'e str>,
    tracestate: Vec<&'e str>,
    body: Vec<&'e [u8]>,
}

impl<'e> Columns<'e> {
    fn of(entries: &'e [NewEntry]) -> Result<Self, Failure> {
        let mut columns = Self::default();
        let mut counts: HashMap<i16, i64> = HashMap::new();
        for entry in entries {
            if entry.part >= PARTS {
                return Err(Failure::internal(format!("part {} does not exist: there are {PARTS}", entry.part)));
            }
            let part = entry.part as i16;
            let count = counts.entry(part).or_default();
            *count += 1;
            columns.part.push(part);
            columns.nth.push(*count);
            columns.group.push(&entry.group);
            columns.rooftop.push(&entry.rooftop);
            columns.entity.push(&entry.entity);
            columns.origin.push(entry.origin as i16);
            columns.actor.push(&entry.actor);
            columns.traceparent.push(&entry.trace.traceparent);
            columns.tracestate.push(&entry.trace.tracestate);
            columns.body.push(&entry.body);
        }
        (columns.parts, columns.counts) = counts.into_iter().unzip();
        Ok(columns)
    }
}
