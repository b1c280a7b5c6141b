//! Reports, computed when they are read: a day and an hour are those of the zone now in force.

use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_process::IntervalKind;
use throughline_proto::deal::v1 as pb;
use throughline_wire::read_kind;

use super::{Error, counted};
use crate::domain::{MOST_ROWS, Percentiles, Question};

/// One measure of one cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub measure: String,
    pub kind: IntervalKind,
    /// Empty unless cut by it.
    pub rooftop: String,
    /// Empty if several and not cut by it.
    pub department: String,
    /// Empty unless cut by it.
    pub cut_department: String,
    /// Empty unless cut by it.
    pub day: String,
    /// -1 unless cut by it.
    pub hour: i32,
    pub ended: u64,
    pub open: u64,
    pub not_observed: u64,
    /// Median, 75th and 90th percentile of the lower bounds of durations, seconds; 0 of nothing.
    pub shortest: [f64; 3],
    /// The same of the upper bounds.
    pub longest: [f64; 3],
    /// Both in open hours; see [`super::time_open_hours`].
    pub open_hours: Percentiles,
}

/// Counts of one cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    pub rooftop: String,
    pub day: String,
    pub deals: u64,
    pub delivered: u64,
    pub funded: u64,
    pub lost: u64,
    pub unwound: u64,
    pub deals_with_rework: u64,
    pub rework: u64,
}

/// Percentiles of durations, at most one row more than a report may have.
pub async fn measure(tx: &mut Tx, group: &str, question: &Question) -> Result<Vec<Measure>, Error> {
    let cut = question.cut;
    let rows = sqlx::query_file!(
        "sql/report_measures.sql",
        group,
        question.rooftops.as_deref(),
        question.from.map(ToSqlx::to_sqlx) as _,
        question.until.map(ToSqlx::to_sqlx) as _,
        question.measures.as_deref(),
        cut.rooftop,
        cut.department,
        cut.day,
        cut.hour,
        one_too_many()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = pb::IntervalKind::try_from(i32::from(row.kind)).ok().and_then(read_kind);
            let kind = kind
                .ok_or_else(|| Error::Unreadable { what: "kind of interval", why: format!("no kind {}", row.kind) })?;
            Ok(Measure {
                measure: row.measure,
                kind,
                rooftop: row.rooftop,
                department: row.department,
                cut_department: row.cut_department,
                day: row.day,
                hour: row.hour,
                ended: counted(row.ended),
                open: counted(row.open),
                not_observed: counted(row.not_observed),
                shortest: percentiles(row.shortest)?,
                longest: percentiles(row.longest)?,
                open_hours: Percentiles::default(),
            })
        })
        .collect()
}

/// Counts of deals, at most one row more than a report may have.
pub async fn count_deals(tx: &mut Tx, group: &str, question: &Question) -> Result<Vec<Counts>, Error> {
    let rows = sqlx::query_file!(
        "sql/report_quality.sql",
        group,
        question.rooftops.as_deref(),
        question.from.map(ToSqlx::to_sqlx) as _,
        question.until.map(ToSqlx::to_sqlx) as _,
        question.cut.rooftop,
        question.cut.day,
        one_too_many()
    )
    .fetch_all(tx.conn())
    .await?;
    let counts = rows.into_iter().map(|row| Counts {
        rooftop: row.rooftop,
        day: row.day,
        deals: counted(row.deals),
        delivered: counted(row.delivered),
        funded: counted(row.funded),
        lost: counted(row.lost),
        unwound: counted(row.unwound),
        deals_with_rework: counted(row.deals_with_rework),
        rework: counted(row.rework),
    });
    Ok(counts.collect())
}

fn percentiles(found: Option<Vec<f64>>) -> Result<[f64; 3], Error> {
    let Some(found) = found else { return Ok([0.0; 3]) };
    <[f64; 3]>::try_from(found.as_slice())
        .map_err(|_| Error::Unreadable { what: "list of percentiles", why: format!("{} instead of 3", found.len()) })
}

fn one_too_many() -> i64 {
    MOST_ROWS as i64 + 1
}
