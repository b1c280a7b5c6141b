//! `throughline deal KEY`: one deal, with when things happened, how well that is known, and how long they took.
use jiff::{Timestamp, tz::TimeZone};
use throughline_proto::{
    deal::v1::{
        Closing, Deal, DealKey, Durations, GetDealRequest, HandoffState, Relation,
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

/// A stage, a handoff or a cycle.
struct Interval<'a> {
    what: String,
    id: &'a str,
    /// Who has it, or whom it waits for; by whose hours it is timed.
    department: &'a str,
    start: Option<&'a TimeBound>,
    end: Option<&'a TimeBound>,
    durations: Option<&'a Durations>,
    /// What there is to say of its end.
    note: &'static str,
    /// Nobody has it.
    waits: bool,
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
        let (wall, open) = interval.durations.map(both).unwrap_or_default();
        // Said where it is not the same.
        let open = if open == wall { String::new() } else { open };
        let by = if interval.department.is_empty() || interval.waits {
            String::new()
        } else {
            format!(" ({})", department(interval.department))
        };
        vec![
            format!("{}{by}", interval.what),
            time(interval.start),
            interval
                .end
                .map_or_else(|| interval.note.to_owned(), |end| format!("{}{}", when(end, zone, now), interval.note)),
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

fn intervals(deal: &Deal) -> Vec<Interval<'_>> {
    let stages = deal.spans.iter().map(|span| Interval {
        what: format!("{}{}", span.stage.replace('_', " "), in_brackets(&span.instance)),
        id: &span.id,
        department: &span.department,
        start: span.entered.as_ref(),
        end: span.left.as_ref(),
        durations: span.durations.as_ref(),
        note: note(span.left.is_some(), span.closing(), span.leaving_unobserved),
        waits: false,
    });
    let handoffs = deal.handoffs.iter().map(|handoff| Interval {
        what: format!("wait for {}{}", department(&handoff.to_department), in_brackets(&handoff.instance)),
        id: &handoff.id,
        department: &handoff.to_department,
        start: handoff.offered.as_ref(),
        end: handoff.ended.as_ref(),
        durations: handoff.durations.as_ref(),
        note: note(handoff.ended.is_some(), handoff.closing(), handoff.state() == HandoffState::NotObserved),
        waits: true,
    });
    let mut intervals: Vec<Interval<'_>> = stages.chain(handoffs).collect();
    intervals.sort_by_key(|interval| {
        let start =
            |at: fn(&TimeBound) -> &Option<prost_types::Timestamp>| at(interval.start?).as_ref().and_then(from_wire);
        (start(|start| &start.latest), start(|start| &start.earliest))
    });
    // From one step to another, whoever has it in between: last, for they lie over the others.
    intervals.extend(deal.cycles.iter().map(|cycle| Interval {
        what: format!("all until {}{}", cycle.cycle.replace('_', " "), in_brackets(&cycle.instance)),
        id: &cycle.id,
        department: "",
        start: cycle.started.as_ref(),
        end: cycle.ended.as_ref(),
        durations: cycle.durations.as_ref(),
        note: note(cycle.ended.is_some(), cycle.closing(), cycle.end_unobserved),
        waits: true,
    }));
    intervals
}

fn in_brackets(instance: &str) -> String {
    if instance.is_empty() { String::new() } else { format!(" [{instance}]") }
}

fn note(ended: bool, closing: Closing, unobserved: bool) -> &'static str {
    match (ended, closing) {
        (false, _) if unobserved => "not observed",
        (false, _) => "now",
        (true, Closing::Inferred) => ", not reported",
        (true, Closing::DealEnded) => ", with the deal",
        (true, _) => "",
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
                "id": interval.id, "department": interval.department,
                "from": time(interval.start), "until": time(interval.end),
                "durations": interval.durations.map(|durations| serde_json::json!({
                    "least_wall_seconds": seconds(&durations.least_wall),
                    "most_wall_seconds": seconds(&durations.most_wall),
                    "least_open_seconds": seconds(&durations.least_open),
                    "most_open_seconds": seconds(&durations.most_open),
                })),
            })
        })
        .collect();
    json
}
