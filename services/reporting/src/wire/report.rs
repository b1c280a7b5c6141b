//! Requests for reports, and what they are answered with.

use jiff::Timestamp;
use throughline_platform::{Failure, Violation, name::shown};
use throughline_process::IntervalKind;
use throughline_proto::{report::v1 as pb, time::from_wire};
use throughline_wire::render_kind;

use crate::{
    domain::{Cut, Question, Waits},
    store,
};

/// Most measures that a request may name: a definition has fewer.
const MOST_MEASURES: usize = 256;
/// Longest name of a measure.
const LONGEST_MEASURE: usize = 128;

/// What is asked for, held to these rooftops; all that is wrong with it at once.
pub fn parse_question(request: &pb::GetReportRequest, rooftops: Option<Vec<String>>) -> Result<Question, Failure> {
    let mut wrong = Vec::new();
    let cut = cut(&request.by, &mut wrong);
    let from = instant("start_time", request.start_time.as_ref(), &mut wrong);
    let until = instant("end_time", request.end_time.as_ref(), &mut wrong);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        wrong.push(Violation::new("end_time", format!("must lie after start_time ({from}), was {until}")));
    }
    if request.measures.len() > MOST_MEASURES {
        let count = request.measures.len();
        wrong.push(Violation::new("measures", format!("must be at most {MOST_MEASURES}, were {count}")));
    }
    for (index, measure) in request.measures.iter().enumerate().take(MOST_MEASURES) {
        if !is_measure(measure) {
            let description = format!("must be like \"handoff.fi\", was {}", shown(measure));
            wrong.push(Violation::new(format!("measures[{index}]"), description));
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::violations(wrong));
    }
    let measures = (!request.measures.is_empty()).then(|| request.measures.clone());
    Ok(Question { rooftops, cut, from, until, measures })
}

fn cut(by: &[i32], wrong: &mut Vec<Violation>) -> Cut {
    let mut cut = Cut::default();
    for (index, dimension) in by.iter().enumerate() {
        match pb::Dimension::try_from(*dimension) {
            Ok(pb::Dimension::Rooftop) => cut.rooftop = true,
            Ok(pb::Dimension::Department) => cut.department = true,
            Ok(pb::Dimension::Day) => cut.day = true,
            Ok(pb::Dimension::Hour) => cut.hour = true,
            Ok(pb::Dimension::Unspecified) | Err(_) => {
                let description = format!("must be rooftop, department, day or hour (1 to 4), was {dimension}");
                wrong.push(Violation::new(format!("by[{index}]"), description));
                // a list of wrong ones is as wrong as its first
                break;
            }
        }
    }
    cut
}

fn instant(field: &str, at: Option<&prost_types::Timestamp>, wrong: &mut Vec<Violation>) -> Option<Timestamp> {
    let at = at?;
    let in_range = (0..1_000_000_000).contains(&at.nanos).then(|| from_wire(at)).flatten();
    if in_range.is_none() {
        wrong.push(Violation::new(field, "must lie in the years -9999 to 9999, with 0 to 999,999,999 nanoseconds"));
    }
    in_range
}

fn is_measure(name: &str) -> bool {
    let named = IntervalKind::parse_measure(name).is_some_and(|(_, name)| !name.is_empty());
    name.len() <= LONGEST_MEASURE && !name.contains('\0') && named
}

/// One measure of one cut.
pub fn render_measure(row: store::Measure) -> pb::MeasureRow {
    let [p50, p75, p90] = row.shortest;
    let [p50_upper, p75_upper, p90_upper] = row.longest;
    let [p50_open, p75_open, p90_open] = row.open_hours.shortest;
    let [p50_open_upper, p75_open_upper, p90_open_upper] = row.open_hours.longest;
    pb::MeasureRow {
        measure: row.measure,
        kind: render_kind(row.kind) as i32,
        rooftop: row.rooftop,
        department: row.department,
        day: row.day,
        hour: row.hour,
        count: row.ended,
        p50_seconds: p50,
        p75_seconds: p75,
        p90_seconds: p90,
        p50_upper_seconds: p50_upper,
        p75_upper_seconds: p75_upper,
        p90_upper_seconds: p90_upper,
        open_count: row.open,
        not_observed_count: row.not_observed,
        p50_open_seconds: p50_open,
        p75_open_seconds: p75_open,
        p90_open_seconds: p90_open,
        p50_open_upper_seconds: p50_open_upper,
        p75_open_upper_seconds: p75_open_upper,
        p90_open_upper_seconds: p90_open_upper,
    }
}

/// The counts of one cut.
pub fn render_quality(row: store::Counts) -> pb::QualityRow {
    pb::QualityRow {
        rooftop: row.rooftop,
        day: row.day,
        deals: row.deals,
        delivered: row.delivered,
        funded: row.funded,
        lost: row.lost,
        unwound: row.unwound,
        deals_with_rework: row.deals_with_rework,
        rework: row.rework,
    }
}

/// The waits of one deal.
pub fn render_waits(group: &str, deal: store::DealWaits) -> pb::DealWaits {
    let store::DealWaits { rooftop, deal, subject, waits } = deal;
    let waits: Waits = waits;
    pb::DealWaits {
        deal: format!("groups/{group}/rooftops/{rooftop}/deals/{deal}"),
        subject,
        rooftop,
        waits_minutes: waits.into_minutes().map(|(name, minutes)| (name.to_owned(), minutes)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
        let request = pb::GetReportRequest {
            by: vec![1, 0],
            start_time: at(10, -1),
            end_time: at(i64::MAX, 0),
            measures: vec!["handoff.fi".to_owned(), "fi".to_owned(), "stage.".to_owned()],
            ..Default::default()
        };
        let failure = parse_question(&request, None).unwrap_err();
        let fields: Vec<_> = failure.field_violations().iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["by[1]", "start_time", "end_time", "measures[1]", "measures[2]"]);
    }

    #[test]
    fn a_range_must_hold_an_instant() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let request = pb::GetReportRequest { start_time: at(10), end_time: at(10), ..Default::default() };
        let failure = parse_question(&request, None).unwrap_err();
        assert_eq!(failure.field_violations()[0].field, "end_time");
    }

    #[test]
    fn no_dimension_is_no_cut() {
        let question = parse_question(&pb::GetReportRequest::default(), Some(vec!["north".to_owned()])).unwrap();
        let rooftops = Some(vec!["north".to_owned()]);
        assert_eq!(question, Question { rooftops, ..Question::default() });
    }
}
