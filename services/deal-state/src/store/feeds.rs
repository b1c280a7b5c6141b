//! Sources: how fresh each is, and how it is judged.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp, civil::Date};
use sqlx::{Error, query_file};
use throughline_platform::{db::Tx, jiff_sqlx};
use throughline_process::{Feed, Heard, Judged};

use super::{at, small};

/// Sources of one rooftop that are judged anew when it changes; the others are with their next news.
const MOST_JUDGED: i64 = 1_000;

/// What is kept of a source.
#[derive(Clone, Debug)]
pub struct SourceColumns {
    pub recorded_at: Timestamp,
    pub event_at: Timestamp,
    pub feed: Feed,
    pub judged: Judged,
    /// When followers of the deal log are told of it; none: not now.
    pub told_at: Option<Timestamp>,
}

/// A source that is heard of again.
#[derive(Clone, Debug, Default)]
pub struct KnownFeed {
    pub feed: Feed,
    pub stale_at: Option<Timestamp>,
    /// When followers of the deal log were last told of it.
    pub told_at: Option<Timestamp>,
    /// Event types that it reports, with the day on which it last did.
    pub reports: BTreeMap<String, Date>,
}

/// A source of a rooftop, to be judged anew.
#[derive(Clone, Debug)]
pub struct KnownSource {
    pub source: String,
    pub columns: SourceColumns,
    pub reports: BTreeMap<String, Date>,
}

/// What is learnt of these sources: (group, rooftop, source).
pub async fn feeds_known(
    tx: &mut Tx,
    part: u16,
    names: &[(&String, &String, &String)],
) -> Result<HashMap<(String, String, String), KnownFeed>, Error> {
    let groups: Vec<String> = names.iter().map(|name| name.0.clone()).collect();
    let rooftops: Vec<String> = names.iter().map(|name| name.1.clone()).collect();
    let sources: Vec<String> = names.iter().map(|name| name.2.clone()).collect();
    let rows =
        query_file!("sql/feeds_known.sql", small(part), &groups, &rooftops, &sources).fetch_all(tx.conn()).await?;
    let known = rows.into_iter().map(|row| {
        let days = row.days.into_iter().map(jiff_sqlx::Date::to_jiff);
        let known = KnownFeed {
            feed: learnt(&row.state),
            stale_at: row.stale_at.map(jiff_sqlx::Timestamp::to_jiff),
            told_at: row.told_at.map(jiff_sqlx::Timestamp::to_jiff),
            reports: row.types.into_iter().zip(days).collect(),
        };
        ((row.group_id, row.rooftop, row.source), known)
    });
    Ok(known.collect())
}

/// The sources of a rooftop.
pub async fn feeds_of_rooftop(tx: &mut Tx, part: u16, group: &str, rooftop: &str) -> Result<Vec<KnownSource>, Error> {
    let rows =
        query_file!("sql/feeds_of_rooftop.sql", small(part), group, rooftop, MOST_JUDGED).fetch_all(tx.conn()).await?;
    let known = rows.into_iter().map(|row| KnownSource {
        source: row.source,
        reports: row.types.into_iter().zip(row.days.into_iter().map(jiff_sqlx::Date::to_jiff)).collect(),
        columns: SourceColumns {
            recorded_at: row.last_recorded_at.to_jiff(),
            event_at: row.last_event_at.to_jiff(),
            feed: learnt(&row.state),
            judged: Judged::default(),
            told_at: None,
        },
    });
    Ok(known.collect())
}

/// A source as a board shows it.
#[derive(Clone, Debug)]
pub struct SourceRow {
    pub rooftop: String,
    pub source: String,
    pub last_recorded_at: Timestamp,
    pub last_event_at: Timestamp,
    pub judged: Judged,
    /// Event types that it reports.
    pub types: Vec<String>,
}

impl SourceRow {
    /// As intervals are judged by it.
    pub fn heard(&self) -> Heard {
        let mut heard = Heard::default();
        heard.hear(self.last_recorded_at, &self.judged);
        heard.reports = self.types.iter().map(|event_type| (event_type.clone(), self.last_recorded_at)).collect();
        heard
    }
}

/// The sources of these rooftops of a group.
pub async fn sources(tx: &mut Tx, group: &str, rooftops: &[String]) -> Result<Vec<SourceRow>, Error> {
    let rows = query_file!("sql/sources.sql", group, rooftops).fetch_all(tx.conn()).await?;
    let sources = rows.into_iter().map(|row| SourceRow {
        rooftop: row.rooftop,
        source: row.source,
        last_recorded_at: row.last_recorded_at.to_jiff(),
        last_event_at: row.last_event_at.to_jiff(),
        judged: Judged {
            expected: row.expected_ms.map(SignedDuration::from_millis),
            stale_at: row.stale_at.map(jiff_sqlx::Timestamp::to_jiff),
        },
        types: row.types,
    });
    Ok(sources.collect())
}

/// Has sources of a part that were last heard of after `latest` be heard of at `now`, and says how many.
pub async fn put_feeds_right(tx: &mut Tx, part: u16, latest: Timestamp, now: Timestamp) -> Result<u64, Error> {
    let done =
        query_file!("sql/put_feeds_right.sql", small(part), at(latest) as _, at(now) as _).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}

/// How many sources of all groups are stale.
pub async fn stale_feeds(tx: &mut Tx, now: Timestamp) -> Result<i64, Error> {
    Ok(query_file!("sql/feeds_stale.sql", at(now) as _).fetch_one(tx.conn()).await?.stale)
}

/// What was learnt can be learnt again: no deal waits because it cannot be read.
fn learnt(state: &str) -> Feed {
    serde_json::from_str(state).unwrap_or_default()
}
