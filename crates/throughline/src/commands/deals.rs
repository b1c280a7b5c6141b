//! `throughline deals`: every deal, the latest first.
use jiff::{Timestamp, tz::TimeZone};
use throughline_proto::{
    deal::v1::{
        Deal, DealKey, DealState, Interval, IntervalKind, IntervalState, KeyLink, ListDealsRequest,
        deal_service_client::DealServiceClient,
    },
    time::from_wire,
};

use crate::{
    Connection,
    client::{Patience, Server},
    output::{Format, Output, department, json_line, last_segment, rooftop_of, table, when},
};

/// List deals.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only of this rooftop.
    #[arg(long)]
    rooftop: Option<String>,
    /// Such as `state = AGREED AND open = true`, `key = "D100"`.
    #[arg(long, default_value = "")]
    filter: String,
    /// At most so many; all with --format json.
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("deal-state", arguments.patience.timeout).await?;
    let parent = match &arguments.rooftop {
        Some(rooftop) => format!("{}/rooftops/{rooftop}", connection.parent),
        None => connection.parent.clone(),
    };
    let limit = arguments.limit.unwrap_or(match arguments.output.format {
        Format::Json => usize::MAX,
        Format::Table => 40,
    });
    let mut client = DealServiceClient::new(connection.channel.clone());
    let mut rows = Vec::new();
    let mut shown = 0;
    let mut page_token = String::new();
    loop {
        let page = client
            .list_deals(ListDealsRequest {
                parent: parent.clone(),
                page_size: limit.min(200) as i32,
                page_token,
                filter: arguments.filter.clone(),
                ..ListDealsRequest::default()
            })
            .await?
            .into_inner();
        for deal in page.deals {
            if shown == limit {
                break;
            }
            shown += 1;
            match arguments.output.format {
                Format::Json => json_line(&json(&deal))?,
                Format::Table => rows.push(row(&deal)),
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() || shown == limit {
            break;
        }
    }
    if arguments.output.format == Format::Table {
        table(&["rooftop", "deal", "state", "customer with", "waits for", "opened (UTC)", "events"], rows, "no deals");
        if !page_token.is_empty() {
            eprintln!("more deals: raise --limit, or narrow with --filter");
        }
    }
    Ok(())
}

/// What a key is called by people: its value, with its kind where that says something.
pub fn key_text(keys: &[DealKey]) -> String {
    let mut best = keys.iter().filter(|key| !key.value.is_empty());
    match best.next() {
        Some(key) => key.value.clone(),
        None => "-".to_owned(),
    }
}

/// `AGREED` for people: `agreed`.
pub fn state_text(state: DealState) -> String {
    state.as_str_name().trim_start_matches("DEAL_STATE_").to_lowercase().replace('_', " ")
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    at.and_then(from_wire).map(|at| at.to_string())
}

fn row(deal: &Deal) -> Vec<String> {
    let customer = deal
        .holders
        .as_ref()
        .and_then(|holders| holders.customer.as_ref())
        .map_or_else(|| "nobody".to_owned(), |holder| department(&holder.department));
    let waits: Vec<String> = deal
        .intervals
        .iter()
        .filter(|interval| interval.kind() == IntervalKind::Handoff && interval.state() == IntervalState::Open)
        .map(|handoff| department(&handoff.owner_department))
        .collect();
    vec![
        rooftop_of(&deal.name).to_owned(),
        key_text(&deal.keys),
        state_text(deal.state()),
        customer,
        waits.join(", "),
        deal.opened.as_ref().map(|opened| when(opened, &TimeZone::UTC, Timestamp::MIN)).unwrap_or_default(),
        deal.event_count.to_string(),
    ]
}

fn link(link: &KeyLink) -> serde_json::Value {
    let number = |key: &Option<DealKey>| key.as_ref().map(|key| format!("{}:{}", key.kind, key.value));
    serde_json::json!({
        "one": number(&link.one),
        "other": number(&link.other),
        "rule": link.rule,
        "confidence": link.confidence().as_str_name().trim_start_matches("CONFIDENCE_"),
        "reason": link.reason,
        "decision": link.decision,
    })
}

/// What a program is told of a deal.
pub fn json(deal: &Deal) -> serde_json::Value {
    serde_json::json!({
        "deal": last_segment(&deal.name),
        "name": deal.name,
        "rooftop": rooftop_of(&deal.name),
        "state": deal.state().as_str_name().trim_start_matches("DEAL_STATE_"),
        "keys": deal.keys.iter().map(|key| serde_json::json!({"kind": key.kind, "scope": key.scope, "value": key.value})).collect::<Vec<_>>(),
        "former_ids": deal.former_ids,
        "links": deal.links.iter().map(link).collect::<Vec<_>>(),
        "exceptions": deal.exceptions.iter().map(|exception| serde_json::json!({
            "kind": exception.kind,
            "detail": exception.detail,
            "candidates": exception.candidates.iter().map(|found| &found.deal).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "opened_at": instant(deal.opened_at.as_ref()),
        "last_event_at": instant(deal.last_event_at.as_ref()),
        "events": deal.event_count,
        "rework": deal.rework,
        "pencil_rounds": deal.pencil_rounds,
        "revision": deal.revision,
        "definition": deal.definition_version,
        "intervals": deal.intervals.iter().map(|interval| serde_json::json!({
            "id": interval.id,
            "measure": measure(interval),
            "round": interval.round,
            "state": interval_state(interval),
            "started_at": interval.start.as_ref().and_then(|time| instant(time.latest.as_ref())),
            "ended_at": interval.end.as_ref().and_then(|time| instant(time.latest.as_ref())),
        })).collect::<Vec<_>>(),
    })
}

/// Such as `handoff.fi`.
pub fn measure(interval: &Interval) -> String {
    let kind = interval.kind().as_str_name().trim_start_matches("INTERVAL_KIND_").to_lowercase();
    format!("{kind}.{}", interval.name)
}

/// `OPEN`, `ENDED`, `NOT_OBSERVED`, `VOID`, `UNKNOWN`.
pub fn interval_state(interval: &Interval) -> &'static str {
    interval.state().as_str_name().trim_start_matches("INTERVAL_STATE_")
}
