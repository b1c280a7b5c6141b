//! `throughline status`: lag, parked deals, stopped parts, feeds. The first thing to look at when something seems wrong.
use throughline_proto::{
    ingestion::v1::{Feed, FeedHealth, ListFeedsRequest, ingestion_service_client::IngestionServiceClient},
    log::v1::{
        ListConsumersRequest, ListConsumersResponse, ListParkedRequest, LogClock, Parked, ParkedPath,
        log_service_client::LogServiceClient,
    },
    time::{duration_from_wire, from_wire},
};

use crate::{
    Connection,
    client::Server,
    output::{Format, Output, json_line, span, table},
};

/// Parked entries that are shown.
const PARKED: i32 = 20;

/// How far each consumer is.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    let mut log = LogServiceClient::new(connection.channel.clone());
    let ListConsumersResponse { consumers, clocks } = log.list_consumers(ListConsumersRequest {}).await?.into_inner();
    let mut parked = Vec::new();
    for consumer in consumers.iter().filter(|consumer| consumer.parked_entities + consumer.parked_timers > 0) {
        let request =
            ListParkedRequest { consumer: consumer.consumer.clone(), page_size: PARKED, page_token: String::new() };
        parked.extend(log.list_parked(request).await?.into_inner().parked);
    }
    let mut feeds = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = IngestionServiceClient::new(connection.channel.clone())
            .list_feeds(ListFeedsRequest {
                parent: connection.parent.clone(),
                page_size: 500,
                page_token,
                stale_only: false,
            })
            .await?
            .into_inner();
        feeds.extend(page.feeds);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }

    // What has fallen silent first.
    feeds.sort_by_key(|feed| feed.health() != FeedHealth::Stale);
    match arguments.output.format {
        Format::Json => json_line(&serde_json::json!({
            "consumers": consumers.iter().map(|consumer| serde_json::json!({
                "consumer": consumer.consumer, "log": consumer.log, "lag_entries": consumer.lag_entries,
                "lag_seconds": consumer.lag_time.as_ref().map(|lag| duration_from_wire(lag).as_secs_f64()).unwrap_or(0.0),
                "parts_leased": consumer.parts_leased, "parked_entities": consumer.parked_entities,
                "parked_entries": consumer.parked_entries, "parked_timers": consumer.parked_timers,
                "stopped_parts": consumer.stopped_parts,
                "stopped": consumer.stopped.iter().map(|stopped| serde_json::json!({
                    "part": stopped.part, "reason": stopped.reason,
                })).collect::<Vec<_>>(),
                "clock_behind_seconds": length(consumer.clock_behind.as_ref()),
            })).collect::<Vec<_>>(),
            "clocks": clocks.iter().map(|clock| serde_json::json!({
                "log": clock.log, "steps": clock.clock_steps, "ahead_seconds": length(clock.ahead.as_ref()),
                "last_stepped_from": clock.last_stepped_from.as_ref().and_then(from_wire).map(|at| at.to_string()),
                "last_stepped_to": clock.last_stepped_to.as_ref().and_then(from_wire).map(|at| at.to_string()),
            })).collect::<Vec<_>>(),
            "parked": parked.iter().map(|parked| serde_json::json!({
                "consumer": parked.consumer, "part": parked.part, "position": parked.position, "group": parked.group,
                "rooftop": parked.rooftop, "entity": parked.entity, "path": path(parked), "error": parked.error,
            })).collect::<Vec<_>>(),
            "feeds": feeds.iter().map(|feed| serde_json::json!({
                "rooftop": feed.rooftop, "source": feed.source, "accepted": feed.accepted, "duplicates": feed.duplicates,
                "last_recorded_at": feed.last_recorded_at.as_ref().and_then(from_wire).map(|at| at.to_string()),
                "last_occurred_at": feed.last_occurred_at.as_ref().and_then(from_wire).map(|at| at.to_string()),
                "last_arrival_at": feed.last_arrival_time.as_ref().and_then(from_wire).map(|at| at.to_string()),
                "health": health(feed), "stale_since": feed.stale_since.as_ref().and_then(from_wire).map(|at| at.to_string()),
                "expected_interval_seconds": feed.expected_interval.as_ref().map(seconds),
                "clock_ahead_at_least_seconds": feed.clock_ahead_at_least.as_ref().map(seconds),
                "clock_skew_seconds": feed.clock_skew.as_ref().map(seconds), "failures": feed.failures,
                "last_failure_at": feed.last_failure_time.as_ref().and_then(from_wire).map(|at| at.to_string()),
            })).collect::<Vec<_>>(),
        })),
        Format::Table => {
            let rows = consumers.iter().map(|consumer| {
                vec![
                    consumer.consumer.clone(),
                    consumer.log.clone(),
                    consumer.lag_entries.to_string(),
                    span(consumer.lag_time.as_ref().map(|lag| duration_from_wire(lag).as_secs_f64()).unwrap_or(0.0)),
                    format!("{} of 256", consumer.parts_leased),
                    (consumer.parked_entities + consumer.parked_timers).to_string(),
                    if consumer.stopped_parts.is_empty() {
                        String::new()
                    } else {
                        format!("{:?}", consumer.stopped_parts)
                    },
                ]
            });
            table(
                &["consumer", "log", "entries behind", "time behind", "parts", "parked", "stopped parts"],
                rows.collect(),
                "no consumers here",
            );
            let warnings: Vec<_> = clocks.iter().filter_map(clock_warning).collect();
            let behind =
                consumers.iter().filter(|consumer| length(consumer.clock_behind.as_ref()) > 0.0).map(|consumer| {
                    let by = span(length(consumer.clock_behind.as_ref()));
                    vec![
                        consumer.log.clone(),
                        format!("{}'s clock is {by} behind it: alarms are late", consumer.consumer),
                    ]
                });
            let warnings: Vec<_> = warnings.into_iter().chain(behind).collect();
            if !warnings.is_empty() {
                table(&["clock of", "what"], warnings, "");
            }
            if !parked.is_empty() {
                let rows = parked.iter().map(|parked| {
                    vec![
                        parked.consumer.clone(),
                        parked.rooftop.clone(),
                        parked.entity.clone(),
                        path(parked).to_owned(),
                        parked.error.clone(),
                    ]
                });
                table(&["parked by", "rooftop", "what", "path", "why"], rows.collect(), "");
            }
            let stopped = consumers.iter().flat_map(|consumer| {
                consumer
                    .stopped
                    .iter()
                    .map(|stopped| vec![consumer.consumer.clone(), stopped.part.to_string(), stopped.reason.clone()])
            });
            let stopped: Vec<Vec<String>> = stopped.collect();
            if !stopped.is_empty() {
                table(&["stopped for", "part", "why"], stopped, "");
            }
            let rows = feeds.iter().map(|feed| {
                vec![
                    feed.rooftop.clone(),
                    feed.source.clone(),
                    feed.accepted.to_string(),
                    feed.duplicates.to_string(),
                    health(feed).to_owned(),
                    feed.expected_interval.as_ref().map(|every| span(seconds(every))).unwrap_or_default(),
                    clock(feed),
                    feed.last_arrival_time
                        .as_ref()
                        .or(feed.last_recorded_at.as_ref())
                        .and_then(from_wire)
                        .map(|at| at.strftime("%b %d %H:%M:%S").to_string())
                        .unwrap_or_default(),
                ]
            });
            table(
                &["rooftop", "source", "accepted", "repeated", "health", "expected every", "clock", "last heard (UTC)"],
                rows.collect(),
                "no feed has been heard of",
            );
            Ok(())
        }
    }
}

/// What failed: an entry, or what time brings.
fn path(parked: &Parked) -> &'static str {
    match parked.path() {
        ParkedPath::Entry => "entry",
        ParkedPath::Timer => "timer",
        ParkedPath::Unspecified => "unknown",
    }
}

fn length(of: Option<&prost_types::Duration>) -> f64 {
    of.map_or(0.0, |of| duration_from_wire(of).as_secs_f64())
}

/// What is to be known of the clock of a log: nothing if it never stepped back and nothing runs ahead of it.
fn clock_warning(clock: &LogClock) -> Option<Vec<String>> {
    let ahead = length(clock.ahead.as_ref());
    let stepped =
        clock.last_stepped_from.as_ref().and_then(from_wire).zip(clock.last_stepped_to.as_ref().and_then(from_wire));
    let what = match stepped {
        _ if ahead > 0.0 => format!("CLOCKS DISAGREE: what is recorded is {} ahead", span(ahead)),
        Some((from, to)) => {
            format!(
                "stepped back {} times, last by {} to {to}",
                clock.clock_steps,
                span(from.duration_since(to).as_secs_f64())
            )
        }
        None => return None,
    };
    Some(vec![clock.log.clone(), what])
}

fn health(feed: &Feed) -> &'static str {
    match feed.health() {
        FeedHealth::Fresh => "fresh",
        FeedHealth::Stale => "STALE",
        FeedHealth::Unspecified => "unknown",
    }
}

/// What is known of its clock: `2 min ahead`, and nothing where nothing is.
fn clock(feed: &Feed) -> String {
    let known = feed.clock_ahead_at_least.as_ref().or(feed.clock_skew.as_ref()).map(seconds);
    match known {
        Some(ahead) if ahead >= 1.0 => format!("{} ahead", span(ahead)),
        Some(ahead) if ahead <= -1.0 => format!("{} behind", span(-ahead)),
        Some(_) => "right".to_owned(),
        None => String::new(),
    }
}

/// Negative ones too, which a Rust duration cannot be.
fn seconds(of: &prost_types::Duration) -> f64 {
    of.seconds as f64 + f64::from(of.nanos) / 1e9
}
