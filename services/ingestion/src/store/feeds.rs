//! What is known of each source: when it was last heard of, and how it is judged.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use throughline_platform::{Failure, db::Tx, jiff_sqlx};
use throughline_process::{Feed, Judged};

use super::at;

/// A source of a rooftop of a group.
pub(crate) type FeedKey<'a> = (&'a str, &'a str, &'a str);
/// The same, owned.
pub(crate) type FeedName = (String, String, String);

/// Feeds of one rooftop that are judged anew when it changes; the others are with their next news.
const MOST_JUDGED: i64 = 1_000;

/// A feed that is held for a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    pub(crate) feed: Feed,
    /// When the log last told of it.
    pub(crate) told_at: Option<Timestamp>,
}

/// What a commit makes of one feed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) accepted: i64,
    pub(crate) duplicates: i64,
    /// Latest claimed time of the accepted ones.
    pub(crate) occurred_at: Option<Timestamp>,
    /// Of the last accepted live one, milliseconds.
    pub(crate) lag_ms: Option<i64>,
    pub(crate) feed: Feed,
    pub(crate) judged: Judged,
    /// The log tells of it in this commit.
    pub(crate) told: bool,
}

/// A feed as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) rooftop: String,
    pub(crate) source: String,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) last_recorded_at: Option<Timestamp>,
    pub(crate) last_occurred_at: Option<Timestamp>,
    pub(crate) lag_ms: Option<u64>,
    pub(crate) feed: Feed,
    pub(crate) judged: Judged,
}

/// Holds feeds, each once and in the order of their keys, for a change; one that is heard of for the first time is made.
pub(crate) async fn hold(tx: &mut Tx, keys: &[FeedKey<'_>]) -> Result<HashMap<FeedName, Held>, Failure> {
    let mut held = HashMap::with_capacity(keys.len());
    lock(tx, keys, &mut held).await?;
    let known = |key: &FeedKey<'_>| held.contains_key(&owned(*key));
    let missing: Vec<FeedKey<'_>> = keys.iter().filter(|key| !known(key)).copied().collect();
    if !missing.is_empty() {
        let (groups, rooftops, sources) = columns(&missing);
        sqlx::query_file!("sql/feeds_made.sql", &groups as &[&str], &rooftops as &[&str], &sources as &[&str])
            .execute(tx.conn())
            .await?;
        lock(tx, &missing, &mut held).await?;
    }
    Ok(held)
}

async fn lock(tx: &mut Tx, keys: &[FeedKey<'_>], held: &mut HashMap<FeedName, Held>) -> Result<(), Failure> {
    let (groups, rooftops, sources) = columns(keys);
    let rows = sqlx::query_file!("sql/feeds_locked.sql", &groups as &[&str], &rooftops as &[&str], &sources as &[&str])
        .fetch_all(tx.conn())
        .await?;
    held.extend(rows.into_iter().map(|row| {
        let told_at = row.told_at.map(jiff_sqlx::Timestamp::to_jiff);
        ((row.group_id, row.rooftop, row.source), Held { feed: learnt(&row.state), told_at })
    }));
    Ok(())
}

/// Saves what was made of feeds that are held; each once.
pub(crate) async fn hear(
    tx: &mut Tx,
    recorded_at: Timestamp,
    changes: &[(FeedKey<'_>, Change)],
) -> Result<(), Failure> {
    let keys: Vec<FeedKey<'_>> = changes.iter().map(|(key, _)| *key).collect();
    let (groups, rooftops, sources) = columns(&keys);
    let instants = |of: fn(&Change) -> Option<Timestamp>| -> Vec<Option<i64>> {
        changes.iter().map(|(_, change)| of(change).map(Timestamp::as_microsecond)).collect()
    };
    let recorded = |is: fn(&Change) -> bool| -> Vec<Option<i64>> {
        changes.iter().map(|(_, change)| is(change).then(|| recorded_at.as_microsecond())).collect()
    };
    let accepted: Vec<i64> = changes.iter().map(|(_, change)| change.accepted).collect();
    let duplicates: Vec<i64> = changes.iter().map(|(_, change)| change.duplicates).collect();
    let lags: Vec<Option<i64>> = changes.iter().map(|(_, change)| change.lag_ms).collect();
    let expected: Vec<Option<i64>> = changes.iter().map(|(_, change)| change.judged.expected_ms()).collect();
    let states = changes.iter().map(|(_, change)| serde_json::to_string(&change.feed));
    let states = states.collect::<Result<Vec<String>, _>>().map_err(Failure::internal)?;
    sqlx::query_file!(
        "sql/feeds_heard.sql",
        &groups as &[&str],
        &rooftops as &[&str],
        &sources as &[&str],
        &accepted,
        &duplicates,
        &recorded(|change| change.accepted > 0) as &[Option<i64>],
        &instants(|change| change.occurred_at) as &[Option<i64>],
        &lags as &[Option<i64>],
        &states,
        &expected as &[Option<i64>],
        &instants(|change| change.judged.stale_at) as &[Option<i64>],
        &recorded(|change| change.told) as &[Option<i64>],
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Judges the feeds of a rooftop anew, of which the directory now says something else.
pub(crate) async fn judge(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    judge: impl Fn(&str, &Feed) -> Judged,
) -> Result<(), Failure> {
    let rows = sqlx::query_file!("sql/feeds_of_rooftop.sql", group, rooftop, MOST_JUDGED).fetch_all(tx.conn()).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let judged: Vec<Judged> = rows.iter().map(|row| judge(&row.source, &learnt(&row.state))).collect();
    let sources: Vec<String> = rows.into_iter().map(|row| row.source).collect();
    let expected: Vec<Option<i64>> = judged.iter().map(Judged::expected_ms).collect();
    let stale: Vec<Option<i64>> = judged.iter().map(|judged| judged.stale_at.map(Timestamp::as_microsecond)).collect();
    sqlx::query_file!(
        "sql/feeds_judged.sql",
        group,
        rooftop,
        &sources,
        &expected as &[Option<i64>],
        &stale as &[Option<i64>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Has feeds that were last heard of, or told of, after `latest` be so at `now`, and says how many.
pub(crate) async fn put_right(tx: &mut Tx, latest: Timestamp, now: Timestamp) -> Result<u64, Failure> {
    let done = sqlx::query_file!(
        "sql/feeds_put_right.sql",
        at(latest) as jiff_sqlx::Timestamp,
        at(now) as jiff_sqlx::Timestamp
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// How many feeds of all groups are stale.
pub(crate) async fn stale(tx: &mut Tx, now: Timestamp) -> Result<i64, Failure> {
    Ok(sqlx::query_file!("sql/feeds_stale.sql", at(now) as jiff_sqlx::Timestamp).fetch_one(tx.conn()).await?.stale)
}

/// A page of a group's feeds behind a (rooftop, source), of some rooftops or all; `stale`: only those that are by then.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    after: (&str, &str),
    rooftops: Option<&[String]>,
    stale: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<Standing>, Failure> {
    let rows = sqlx::query_file!(
        "sql/feeds_page.sql",
        group,
        after.0,
        after.1,
        rooftops as Option<&[String]>,
        limit,
        stale.map(at) as Option<jiff_sqlx::Timestamp>
    )
    .fetch_all(tx.conn())
    .await?;
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let feed = rows.into_iter().map(|row| Standing {
        feed: learnt(&row.state),
        judged: Judged {
            expected: row.expected_ms.map(SignedDuration::from_millis),
            stale_at: row.stale_at.map(|at| at.to_jiff()),
        },
        rooftop: row.rooftop,
        source: row.source,
        accepted: count(row.accepted),
        duplicates: count(row.duplicates),
        last_recorded_at: row.last_recorded_at.map(|at| at.to_jiff()),
        last_occurred_at: row.last_occurred_at.map(|at| at.to_jiff()),
        lag_ms: row.lag_ms.map(count),
    });
    Ok(feed.collect())
}

/// What was learnt can be learnt again: no event waits because it cannot be read.
fn learnt(state: &str) -> Feed {
    serde_json::from_str(state).unwrap_or_default()
}

fn owned((group, rooftop, source): FeedKey<'_>) -> FeedName {
    (group.to_owned(), rooftop.to_owned(), source.to_owned())
}

fn columns<'a>(keys: &[FeedKey<'a>]) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (mut groups, mut rooftops, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    for (group, rooftop, source) in keys {
        groups.push(*group);
        rooftops.push(*rooftop);
        sources.push(*source);
    }
    (groups, rooftops, sources)
}
