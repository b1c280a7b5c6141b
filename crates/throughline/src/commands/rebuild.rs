//! `throughline rebuild deal-state`: deals from the event log again, compared with the live ones, which go on serving.
use std::path::PathBuf;

use anyhow::Context as _;
use throughline_proto::deal::v1::{
    RebuildDifference, RebuildDifferenceKind, RebuildRequest, RebuildSummary, rebuild_response::Said,
    rebuild_service_client::RebuildServiceClient,
};

use crate::{
    Connection,
    output::{Format, Output, json_line, table},
};

/// Rebuild what a service keeps from its log.
#[derive(clap::Args)]
pub struct Arguments {
    /// Whose tables.
    #[arg(value_enum)]
    service: Service,
    /// Compare, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// At most so many differences are named; all are counted.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    max_differences: i32,
    /// Address of the suite's gRPC port, or of deal-state where it runs apart.
    #[arg(long, env = "THROUGHLINE_SERVER", default_value = "127.0.0.1:7700", value_name = "HOST:PORT")]
    server: String,
    /// The secret that the services share; instead of the file.
    #[arg(long, env = "THROUGHLINE_SERVICE_KEY", hide_env_values = true)]
    service_key: Option<String>,
    /// File of that secret, which `throughline up` writes into its folder.
    #[arg(long, env = "THROUGHLINE_SERVICE_KEY_FILE", default_value = ".throughline/service.key", value_name = "FILE")]
    service_key_file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Services whose tables can be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Service {
    /// Keys, fold inputs, deals.
    DealState,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Service::DealState = arguments.service;
    let key = match &arguments.service_key {
        Some(key) => key.clone(),
        None => std::fs::read_to_string(&arguments.service_key_file).with_context(|| {
            format!(
                "cannot read {}: name the services' secret with --service-key-file or THROUGHLINE_SERVICE_KEY",
                arguments.service_key_file.display()
            )
        })?,
    };
    let channel = Connection::channel(&arguments.server, &key).await?;
    let request = RebuildRequest { dry_run: arguments.dry_run, max_differences: arguments.max_differences };
    let mut said = RebuildServiceClient::new(channel).rebuild(request).await?.into_inner();
    let (mut named, mut refused, mut summary) = (Vec::new(), 0_u32, None);
    while let Some(next) = said.message().await? {
        match next.said {
            Some(Said::Progress(progress)) => eprintln!(
                "{} of {} parts, {} entries read, {} rows compared, {} differ",
                progress.parts_compared,
                progress.parts,
                progress.entries_read,
                progress.rows_compared,
                progress.rows_differing
            ),
            Some(Said::Difference(difference)) => named.push(difference),
            Some(Said::Refusal(refusal)) => {
                refused += 1;
                eprintln!("part {} was not mended: {}", refusal.part, refusal.reason);
            }
            Some(Said::Summary(last)) => summary = Some(last),
            None => {}
        }
    }
    let summary =
        summary.context("the rebuild was stopped before its end: what was mended so far stands, begin again")?;
    match arguments.output.format {
        Format::Json => print_json(&named, &summary)?,
        Format::Table => print_table(named, &summary, arguments.dry_run),
    }
    anyhow::ensure!(refused == 0, "{refused} parts differ and were not mended, see above");
    Ok(())
}

fn kind(kind: RebuildDifferenceKind) -> &'static str {
    match kind {
        RebuildDifferenceKind::Unspecified => "?",
        RebuildDifferenceKind::Missing => "missing",
        RebuildDifferenceKind::Surplus => "surplus",
        RebuildDifferenceKind::Changed => "changed",
    }
}

fn print_json(named: &[RebuildDifference], summary: &RebuildSummary) -> anyhow::Result<()> {
    for difference in named {
        json_line(&serde_json::json!({
            "table": difference.table, "kind": kind(difference.kind()), "rooftop": difference.rooftop,
            "deal": difference.deal, "part": difference.part,
        }))?;
    }
    let counts = summary
        .differences
        .iter()
        .map(|count| serde_json::json!({"table": count.table, "kind": kind(count.kind()), "rows": count.rows}));
    json_line(&serde_json::json!({
        "parts": summary.parts, "entries_read": summary.entries_read, "rows_compared": summary.rows_compared,
        "deals_compared": summary.deals_compared, "differences": counts.collect::<Vec<_>>(),
        "rows_mended": summary.rows_mended, "entries_said": summary.entries_said,
        "parts_refused": summary.parts_refused,
    }))
}

fn print_table(named: Vec<RebuildDifference>, summary: &RebuildSummary, dry_run: bool) {
    let differing: u64 = summary.differences.iter().map(|count| count.rows).sum();
    if differing > 0 {
        let shown = named.len() as u64;
        let rows = named.into_iter().map(|difference| {
            let of = if difference.deal.is_empty() { &difference.rooftop } else { &difference.deal };
            vec![difference.table.clone(), kind(difference.kind()).to_owned(), of.clone()]
        });
        table(&["row of", "is", "of"], rows.collect(), "");
        if differing > shown {
            eprintln!("and {} more", differing - shown);
        }
        let counts = summary.differences.iter();
        let rows = counts.map(|count| vec![count.table.clone(), kind(count.kind()).to_owned(), count.rows.to_string()]);
        table(&["row of", "is", "rows"], rows.collect(), "");
    }
    say!(
        "{} entries read, {} deals compared, {differing} rows differ, {} mended, {} entries said",
        summary.entries_read,
        summary.deals_compared,
        summary.rows_mended,
        summary.entries_said
    );
    if dry_run && differing > 0 {
        eprintln!("nothing was changed: run it without --dry-run to mend them");
    }
}
