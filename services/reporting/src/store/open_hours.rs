//! Durations in open hours, reckoned when a report is read: a new calendar rewrites no row.

use std::collections::HashMap;

use futures::TryStreamExt;
use jiff::Timestamp;
use throughline_platform::{db::Tx, jiff_sqlx::ToSqlx};
use throughline_process::{Bound, Schedule};
use throughline_proto::deal::v1 as pb;
use throughline_wire::render_kind;

use super::{Error, Measure};
use crate::{
    domain::{OpenHours, Question},
    wire,
};

/// Intervals that are timed between two turns of other tasks.
const AT_ONCE: usize = 1_024;

/// Fills the open hours of measures that [`super::measure`] found for the same question.
pub async fn time_open_hours(
    tx: &mut Tx,
    group: &str,
    question: &Question,
    measures: &mut [Measure],
) -> Result<(), Error> {
    let schedules = schedules(tx, group, question).await?;
    let always_open = Schedule::default();
    let cut = question.cut;
    let mut rows = sqlx::query_file!(
        "sql/report_instants.sql",
        group,
        question.rooftops.as_deref(),
        question.from.map(ToSqlx::to_sqlx) as _,
        question.until.map(ToSqlx::to_sqlx) as _,
        question.measures.as_deref(),
        cut.rooftop,
        cut.department,
        cut.day,
        cut.hour
    )
    .fetch(tx.conn());
    let mut measures = measures.iter_mut();
    // The measure that rows are read of, and its hours so far.
    let mut current: Option<(&mut Measure, OpenHours)> = None;
    while let Some(row) = rows.try_next().await? {
        let is_of = |measure: &Measure| {
            measure.measure == row.measure
                && render_kind(measure.kind) as i16 == row.kind
                && measure.rooftop == row.of_rooftop
                && measure.cut_department == row.of_department
                && (measure.day == row.of_day && measure.hour == row.of_hour)
        };
        if current.as_ref().is_none_or(|(measure, _)| !is_of(measure)) {
            finish(current.take());
            current = measures.find(|measure| is_of(measure)).map(|measure| (measure, OpenHours::default()));
        }
        let Some((_, open)) = &mut current else {
            return Err(Error::Unreadable { what: "report", why: "intervals in no cut of it".to_owned() });
        };
        let schedule = schedules.get(&row.rooftop).unwrap_or(&always_open);
        // Many departments hold a deal from the first step of a cycle to its last.
        let cycle = row.kind == pb::IntervalKind::Cycle as i16;
        let calendars = if cycle { schedule.rooftop() } else { schedule.of(&row.department) };
        let starts = row.start_earliest.into_iter().zip(row.start_latest);
        let ends = row.end_earliest.into_iter().zip(row.end_latest);
        for (at, (start, end)) in starts.zip(ends).enumerate() {
            open.add(calendars, &bound(start)?, &bound(end)?);
            if at % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }
    finish(current);
    Ok(())
}

fn finish(timed: Option<(&mut Measure, OpenHours)>) {
    if let Some((measure, open)) = timed {
        measure.open_hours = open.percentiles();
    }
}

async fn schedules(tx: &mut Tx, group: &str, question: &Question) -> Result<HashMap<String, Schedule>, Error> {
    let rows =
        sqlx::query_file!("sql/load_calendars.sql", group, question.rooftops.as_deref()).fetch_all(tx.conn()).await?;
    rows.into_iter()
        .map(|row| {
            let schedule = wire::schedule(&row.calendars)
                .map_err(|why| Error::Unreadable { what: "calendar", why: why.to_string() })?;
            Ok((row.rooftop, schedule))
        })
        .collect()
}

fn bound((earliest, latest): (i64, i64)) -> Result<Bound, Error> {
    let instant = |micros| {
        Timestamp::from_microsecond(micros).map_err(|why| Error::Unreadable { what: "instant", why: why.to_string() })
    };
    Ok(Bound::between(instant(earliest)?, instant(latest)?))
}
