//! When each source was last heard of.

use jiff::Timestamp;
use throughline_platform::{Failure, db::Tx};

/// A source of a rooftop of a group.
pub(crate) type FeedKey<'a> = (&'a str, &'a str, &'a str);

/// What a commit heard of one feed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) accepted: i64,
    pub(crate) duplicates: i64,
    /// Latest claimed time of the accepted ones.
    pub(crate) occurred_at: Option<Timestamp>,
    /// Of the last accepted live one, milliseconds.
    pub(crate) lag_ms: Option<i64>,
}

/// A feed as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) rooftop: String,
    pub(crate) source: String,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) last_recorded_at: Option<Timestamp>,
    pub(crate) last_occurred_at: Option<Timestamp>,
    pub(crate) lag_ms: Option<u64>,
}

/// Adds what was heard; each feed once.
pub(crate) async fn hear(tx: &mut Tx, recorded_at: Timestamp, heard: &[(FeedKey<'_>, Heard)]) -> Result<(), Failure> {
    let groups: Vec<&str> = heard.iter().map(|(key, _)| key.0).collect();
    let rooftops: Vec<&str> = heard.iter().map(|(key, _)| key.1).collect();
    let sources: Vec<&str> = heard.iter().map(|(key, _)| key.2).collect();
    let accepted: Vec<i64> = heard.iter().map(|(_, heard)| heard.accepted).collect();
    let duplicates: Vec<i64> = heard.iter().map(|(_, heard)| heard.duplicates).collect();
    let recorded: Vec<Option<i64>> =
        heard.iter().map(|(_, heard)| (heard.accepted > 0).then(|| recorded_at.as_microsecond())).collect();
    let occurred: Vec<Option<i64>> =
        heard.iter().map(|(_, heard)| heard.occurred_at.map(|at| at.as_microsecond())).collect();
    let lags: Vec<Option<i64>> = heard.iter().map(|(_, heard)| heard.lag_ms).collect();
    sqlx::query_file!(
        "sql/feeds_heard.sql",
        &groups as &[&str],
        &rooftops as &[&str],
        &sources as &[&str],
        &accepted,
        &duplicates,
        &recorded as &[Option<i64>],
        &occurred as &[Option<i64>],
        &lags as &[Option<i64>],
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A page of a group's feeds behind a (rooftop, source), of some rooftops or all.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    after: (&str, &str),
    rooftops: Option<&[String]>,
    limit: i64,
) -> Result<Vec<Feed>, Failure> {
    let rows = sqlx::query_file!("sql/feeds_page.sql", group, after.0, after.1, rooftops as Option<&[String]>, limit)
        .fetch_all(tx.conn())
        .await?;
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let feed = rows.into_iter().map(|row| Feed {
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
