//! `throughline deal KEY`: one deal, with when things happened, how well that is known, and how long they took.
use jiff::{Timestamp, tz::TimeZone};
use throughline_proto::{
    deal::v1::{
        Closing, Deal, DealKey, Durations, GetDealRequest, Interval, IntervalKind, IntervalState, Relation,
        deal_service_client::DealServiceClient,
    },
    event::v1::TimeBound,
    time::{duration_from_wire, from_wire, to_wire},
};

use crate::{
    Connection,
    client::{Patience, Server},
    commands::{board, deals},
    output::{Format, Output, department, json_line, render, rooftop_of, span_between, when},
};

/// Show one deal.
#[derive(clap::Args)]
pub struct Arguments {
    /// Any number by which it is known.
    key: String,
    /// What kind of number, such as dms_deal or stock; any if absent.
    #[arg(long, default_value = "")]
    kind: String,
    /// Only of this rooftop.
    #[arg(long)]
    rooftop: Option<String>,
    /// As it was known then, such as 2026-09-07T15:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<Timestamp>,
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
    let rooftop = arguments.rooftop.as_deref().unwrap_or("-");
    let request = GetDealRequest {
        name: format!("{}/rooftops/{rooftop}/deals/-", connection.parent),
        key: Some(DealKey { kind: arguments.kind, scope: String::new(), value: arguments.key }),
        at_least: String::new(),
        known_at: arguments.known_at.map(to_wire),
    };
    let deal = DealServiceClient::new(connection.channel.clone()).get_deal(request).await?.into_inner();
    match arguments.output.format {
        Format::Json => json_line(&json(&deal)),
        Format::Table => {
            let zones = board::zones(&connection).await?;
            let zone = zones.get(rooftop_of(&deal.name)).cloned().unwrap_or(TimeZone::UTC);
            say!("{}", text(&deal, &zone));
            Ok(())
        }
    }
}

/// For people, in the time of the rooftop.
fn text(deal: &Deal, zone: &TimeZone) -> String {
    // Each time with its date: a deal lasts for days.
    let now = Timestamp::MIN;
    // What a source calls it says something only where it is no number that others have.
    let known = |key: &&DealKey| {
        key.kind != "subject" || !deal.keys.iter().any(|other| other.kind != "subject" && other.value == key.value)
    };
    let keys: Vec<String> =
        deal.keys.iter().filter(known).map(|key| format!("{} {}", key.kind.replace('_', " "), key.value)).collect();
    let holder = |holder: Option<&throughline_proto::deal::v1::Holder>| match holder {
        None => "nobody".to_owned(),
        Some(holder) => {
            let since = holder.since_bound.as_ref().map(|since| when(since, zone, now)).unwrap_or_default();
            format!("{} since {since}", department(&holder.department))
        }
    };
    let holders = deal.holders.clone().unwrap_or_default();
    let rows = intervals(deal).into_iter().map(|interval| {
        let time = |time: Option<&TimeBound>| time.map(|time| when(time, zone, now)).unwrap_or_default();
        let (wall, open) = interval.durations.as_ref().map(both).unwrap_or_default();
        // Said where it is not the same.
        let open = if open == wall { String::new() } else { open };
        let note = note(interval);
        vec![
            title(interval),
            time(interval.start.as_ref()),
            interval.end.as_ref().map_or_else(|| note.to_owned(), |end| format!("{}{note}", when(end, zone, now))),
            wall,
            open,
        ]
    });
    let exceptions: String = deal
        .exceptions
        .iter()
        .map(|exception| format!("to review: {}, {}\n", exception.kind.replace('_', " "), exception.detail))
        .collect();
    let relations: String =
        deal.relations.iter().map(|relation| format!("{}\n", related(relation, zone, now))).collect();
    format!(
        "{} at {}: {}\ncustomer with {}, car with {}, paper with {}\n{exceptions}{relations}{}",
        keys.join(", "),
        rooftop_of(&deal.name),
        deals::state_text(deal.state()),
        holder(holders.customer.as_ref()),
        holder(holders.car.as_ref()),
        holder(holders.paper.as_ref()),
        render(&["", "from", "until", "took", "in open hours"], rows.collect(), "nothing happened yet"),
    )
}

/// What it has to do with another rooftop or deal.
fn related(relation: &Relation, zone: &TimeZone, now: Timestamp) -> String {
    let number = |key: &DealKey| format!("{} {}", key.kind.replace('_', " "), key.value);
    let car = relation.car.as_ref().map_or_else(|| "a trade".to_owned(), number);
    let other = relation.deal.as_ref().and_then(|deal| deal.key.as_ref()).map(number).unwrap_or_default();
    let rooftop = if relation.rooftop.is_empty() { "another rooftop" } else { &relation.rooftop };
    let time = relation.time.as_ref().map(|time| format!(", {}", when(time, zone, now))).unwrap_or_default();
    match relation.kind.as_str() {
        "transferred_to" => format!("{car} went to {rooftop}{time}"),
        "transferred_from" => format!("{car} came from {rooftop}, the trade of {other}{time}"),
        _ => format!("{car} is also in {other} at {rooftop}"),
    }
}

/// Stages and handoffs by time of start; cycles last, for they lie over the others.
fn intervals(deal: &Deal) -> Vec<&Interval> {
    let (cycles, others): (Vec<_>, Vec<_>) =
        deal.intervals.iter().partition(|interval| interval.kind() == IntervalKind::Cycle);
    [others, cycles].concat()
}

fn title(interval: &Interval) -> String {
    let name = interval.name.replace('_', " ");
    let instance = if interval.instance.is_empty() { String::new() } else { format!(" [{}]", interval.instance) };
    let owner = department(&interval.owner_department);
    match interval.kind() {
        IntervalKind::Handoff => format!("wait for {owner}{instance}"),
        IntervalKind::Cycle => format!("all until {name}{instance}"),
        IntervalKind::Stage | IntervalKind::Unspecified => format!("{name}{instance} ({owner})"),
    }
}

/// What there is to say of its end.
fn note(interval: &Interval) -> &'static str {
    match (interval.end.is_some(), interval.closing(), interval.state()) {
        (false, _, IntervalState::NotObserved) => "not observed",
        (false, _, IntervalState::Unknown) => "unknown",
        (false, _, _) => "now",
        (true, Closing::Inferred, _) => ", not reported",
        (true, Closing::DealEnded, _) => ", with the deal",
        (true, _, _) => "",
    }
}

/// By the wall and in open hours.
fn both(durations: &Durations) -> (String, String) {
    let seconds =
        |of: &Option<prost_types::Duration>| of.as_ref().map_or(0.0, |of| duration_from_wire(of).as_secs_f64());
    let wall = span_between(seconds(&durations.least_wall), seconds(&durations.most_wall));
    (wall, span_between(seconds(&durations.least_open), seconds(&durations.most_open)))
}

fn json(deal: &Deal) -> serde_json::Value {
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_wire).map(|at| at.to_string());
    let time = |time: Option<&TimeBound>| {
        time.map(|time| {
            let quality = time.quality().as_str_name().trim_start_matches("TIME_QUALITY_").to_lowercase();
            serde_json::json!({
                "earliest": instant(&time.earliest), "latest": instant(&time.latest), "quality": quality,
            })
        })
    };
    let seconds = |of: &Option<prost_types::Duration>| of.as_ref().map(|of| duration_from_wire(of).as_secs_f64());
    let mut json = deals::json(deal);
    json["relations"] = deal
        .relations
        .iter()
        .map(|relation| {
            serde_json::json!({
                "kind": relation.kind, "rooftop": relation.rooftop,
                "car": relation.car.as_ref().map(|car| format!("{}:{}", car.kind, car.value)),
                "deal": relation.deal.as_ref().map(|deal| &deal.deal), "time": time(relation.time.as_ref()),
            })
        })
        .collect();
    json["intervals"] = intervals(deal)
        .into_iter()
        .map(|interval| {
            serde_json::json!({
                "id": interval.id,
                "measure": deals::measure(interval),
                "department": interval.owner_department,
                "state": deals::interval_state(interval),
                "from": time(interval.start.as_ref()),
                "until": time(interval.end.as_ref()),
                "durations": interval.durations.as_ref().map(|durations| serde_json::json!({
                    "least_wall_seconds": seconds(&durations.least_wall),
                    "most_wall_seconds": seconds(&durations.most_wall),
                    "least_open_seconds": seconds(&durations.least_open),
                    "most_open_seconds": seconds(&durations.most_open),
                })),
                "founded_by": interval.founded_by.iter().map(|event| serde_json::json!({
                    "source": event.source, "id": event.id,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json
}
