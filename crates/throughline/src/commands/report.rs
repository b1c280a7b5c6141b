//! `throughline report`: cycle time, time in stage, idle at handoffs; or the waits of each deal.
use std::collections::BTreeMap;

use serde::Serialize;
use throughline_proto::{
    deal::v1::IntervalKind,
    report::v1::{
        Dimension, GetReportRequest, ListDealWaitsRequest, MeasureRow, Report,
        report_service_client::ReportServiceClient,
    },
};

use crate::{
    Connection,
    client::{Patience, Server},
    output::{Format, Output, department, json_line, last_segment, span_between, table},
};

/// How a report is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// One row a measure.
    Group,
    /// By rooftop.
    Rooftop,
    /// By department.
    Department,
    /// By local day.
    Day,
    /// By local hour.
    Hour,
    /// The waits of each deal, in minutes.
    Deal,
}

/// By which clock durations are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Hours {
    /// While the department was open; of a cycle, the rooftop.
    Open,
    /// By the clock on the wall.
    Wall,
    /// The wall, and below it open hours where they are others.
    Both,
}

/// Measures over many deals.
#[derive(clap::Args)]
pub struct Arguments {
    /// How to cut it; repeat for several cuts at once.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [By::Group])]
    by: Vec<By>,
    /// Only of this rooftop.
    #[arg(long)]
    rooftop: Option<String>,
    /// Only these measures, such as handoff.fi.
    #[arg(long, value_delimiter = ',')]
    measure: Vec<String>,
    /// By which clock; --format json has both.
    #[arg(long, value_enum, default_value_t = Hours::Both)]
    hours: Hours,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("reporting", arguments.patience.timeout).await?;
    let parent = match &arguments.rooftop {
        Some(rooftop) => format!("{}/rooftops/{rooftop}", connection.parent),
        None => connection.parent.clone(),
    };
    if arguments.by.contains(&By::Deal) {
        anyhow::ensure!(arguments.by.len() == 1, "--by deal stands alone");
        return waits(&connection, parent, arguments.output.format).await;
    }
    let report = load(&connection, parent, &arguments.by, arguments.measure).await?;
    match arguments.output.format {
        Format::Json => {
            report.measures.iter().try_for_each(|row| json_line(&json(row)))?;
            report.quality.iter().try_for_each(|row| {
                json_line(&serde_json::json!({
                    "measure": "quality", "rooftop": row.rooftop, "day": row.day, "deals": row.deals,
                    "delivered": row.delivered, "funded": row.funded, "lost": row.lost, "unwound": row.unwound,
                    "deals_with_rework": row.deals_with_rework, "rework": row.rework,
                }))
            })
        }
        Format::Table => {
            say!("{}", text(&report, arguments.hours));
            Ok(())
        }
    }
}

/// A report in the cuts asked for.
///
/// # Errors
/// If the suite refuses.
pub async fn load(connection: &Connection, parent: String, by: &[By], measures: Vec<String>) -> anyhow::Result<Report> {
    let by = by
        .iter()
        .filter_map(|cut| match cut {
            By::Group | By::Deal => None,
            By::Rooftop => Some(Dimension::Rooftop.into()),
            By::Department => Some(Dimension::Department.into()),
            By::Day => Some(Dimension::Day.into()),
            By::Hour => Some(Dimension::Hour.into()),
        })
        .collect();
    let request = GetReportRequest { parent, by, measures, ..GetReportRequest::default() };
    Ok(ReportServiceClient::new(connection.channel.clone()).get_report(request).await?.into_inner())
}

/// A report for people.
pub fn text(report: &Report, hours: Hours) -> String {
    let rows: Vec<Vec<String>> = report
        .measures
        .iter()
        .flat_map(|row| {
            let mut cut: Vec<String> = Vec::new();
            cut.extend((!row.rooftop.is_empty()).then(|| row.rooftop.clone()));
            cut.extend((!row.day.is_empty()).then(|| row.day.clone()));
            cut.extend((row.hour >= 0).then(|| format!("{:02}:00", row.hour)));
            let line = |what: String, [median, p75, p90]: [String; 3]| {
                vec![
                    what,
                    cut.join(" "),
                    row.count.to_string(),
                    median,
                    p75,
                    p90,
                    row.open_count.to_string(),
                    if row.not_observed_count > 0 { row.not_observed_count.to_string() } else { String::new() },
                ]
            };
            let (wall, open) = (wall(row), open(row));
            let below = |open: [String; 3]| {
                let mut below = vec![String::new(); 8];
                below[0] = "  in open hours".to_owned();
                below.splice(3..6, open);
                below
            };
            match hours {
                Hours::Wall => vec![line(measure_text(row), wall)],
                Hours::Open => vec![line(measure_text(row), open)],
                Hours::Both if wall == open => vec![line(measure_text(row), wall)],
                Hours::Both => vec![line(measure_text(row), wall), below(open)],
            }
        })
        .collect();
    let measure = if hours == Hours::Open { "in open hours" } else { "measure" };
    let mut text = crate::output::render(
        &[measure, "cut", "count", "median", "p75", "p90", "open", "not observed"],
        rows,
        "nothing to report yet",
    );
    let rows: Vec<Vec<String>> = report
        .quality
        .iter()
        .map(|row| {
            let cut = format!("{} {}", row.rooftop, row.day);
            let counts =
                [row.deals, row.delivered, row.funded, row.lost, row.unwound, row.deals_with_rework, row.rework];
            std::iter::once(cut.trim().to_owned()).chain(counts.iter().map(u64::to_string)).collect()
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&crate::output::render(
            &["quality", "deals", "delivered", "funded", "lost", "unwound", "with rework", "rework"],
            rows,
            "",
        ));
    }
    text
}

fn measure_text(row: &MeasureRow) -> String {
    let name = row.measure.split_once('.').map_or(row.measure.as_str(), |(_, name)| name);
    match row.kind() {
        IntervalKind::Handoff => format!("idle before {} ({name})", department(&row.department)),
        IntervalKind::Stage => format!("in stage {} ({})", name.replace('_', " "), department(&row.department)),
        IntervalKind::Cycle | IntervalKind::Unspecified => format!("cycle {}", name.replace('_', " ")),
    }
}

fn wall(row: &MeasureRow) -> [String; 3] {
    [
        percentile(row, row.p50_seconds, row.p50_upper_seconds),
        percentile(row, row.p75_seconds, row.p75_upper_seconds),
        percentile(row, row.p90_seconds, row.p90_upper_seconds),
    ]
}

fn open(row: &MeasureRow) -> [String; 3] {
    [
        percentile(row, row.p50_open_seconds, row.p50_open_upper_seconds),
        percentile(row, row.p75_open_seconds, row.p75_open_upper_seconds),
        percentile(row, row.p90_open_seconds, row.p90_open_upper_seconds),
    ]
}

/// One figure where times are exact, two where they are bounded.
fn percentile(row: &MeasureRow, lower: f64, upper: f64) -> String {
    if row.count == 0 {
        return "-".to_owned();
    }
    span_between(lower, upper)
}

fn json(row: &MeasureRow) -> serde_json::Value {
    serde_json::json!({
        "measure": row.measure, "rooftop": row.rooftop, "department": row.department, "day": row.day,
        "hour": (row.hour >= 0).then_some(row.hour), "count": row.count,
        "p50_seconds": row.p50_seconds, "p75_seconds": row.p75_seconds, "p90_seconds": row.p90_seconds,
        "p50_upper_seconds": row.p50_upper_seconds, "p75_upper_seconds": row.p75_upper_seconds,
        "p90_upper_seconds": row.p90_upper_seconds,
        "p50_open_seconds": row.p50_open_seconds, "p75_open_seconds": row.p75_open_seconds,
        "p90_open_seconds": row.p90_open_seconds, "p50_open_upper_seconds": row.p50_open_upper_seconds,
        "p75_open_upper_seconds": row.p75_open_upper_seconds, "p90_open_upper_seconds": row.p90_open_upper_seconds,
        "open": row.open_count, "not_observed": row.not_observed_count,
    })
}

/// The waits of one deal, as they are printed.
#[derive(Serialize)]
struct Line<'a> {
    deal: &'a str,
    subject: &'a str,
    rooftop: &'a str,
    waits: BTreeMap<&'a str, f64>,
}

async fn waits(connection: &Connection, parent: String, format: Format) -> anyhow::Result<()> {
    let mut client = ReportServiceClient::new(connection.channel.clone());
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListDealWaitsRequest { parent: parent.clone(), page_size: 1_000, page_token, at_least: String::new() };
        let page = client.list_deal_waits(request).await?.into_inner();
        for deal in &page.deals {
            let waits: BTreeMap<&str, f64> =
                deal.waits_minutes.iter().map(|(name, minutes)| (name.as_str(), *minutes)).collect();
            match format {
                Format::Json => json_line(&Line {
                    deal: last_segment(&deal.deal),
                    subject: &deal.subject,
                    rooftop: &deal.rooftop,
                    waits,
                })?,
                Format::Table => rows.push(
                    [deal.rooftop.clone(), deal.subject.clone()]
                        .into_iter()
                        .chain(
                            ["appraisal", "desk0", "desk1", "desk2", "fi", "delivery"]
                                .map(|name| waits.get(name).map(|minutes| format!("{minutes:.1}")).unwrap_or_default()),
                        )
                        .collect(),
                ),
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if format == Format::Table {
        table(&["rooftop", "deal", "appraisal", "desk", "desk 2", "desk 3", "F&I", "delivery"], rows, "no deals");
    }
    Ok(())
}
