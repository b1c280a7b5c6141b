//! `throughline list`: the lists that managers look at every day, each with its age.
use std::time::Duration;

use throughline_proto::{
    deal::v1::{
        CountWorkRequest, Holder, ListWorkRequest, WorkCount, WorkItem, WorkList,
        deal_service_client::DealServiceClient,
    },
    time::{duration_from_wire, from_wire},
};

use crate::{
    Connection,
    client::{Patience, Server},
    commands::deals::{key_text, state_text},
    output::{Format, Output, department, json_line, last_segment, rooftop_of, span, table},
};

/// Show how much stands on each list, or what stands on one, the oldest first.
#[derive(clap::Args)]
pub struct Arguments {
    /// The list; none for how much stands on each.
    #[arg(value_enum)]
    list: Option<List>,
    /// Only of this rooftop.
    #[arg(long)]
    rooftop: Option<String>,
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

/// What managers look at every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum List {
    /// Past agreement, not funded, the jacket not with accounting.
    #[value(alias = "deals_laying")]
    DealsLaying,
    /// Agreed and not delivered.
    #[value(alias = "sold_not_delivered")]
    SoldNotDelivered,
    /// Delivered and not funded.
    #[value(alias = "delivered_not_funded")]
    DeliveredNotFunded,
    /// Submitted to a lender, neither funded nor returned.
    #[value(alias = "contracts_in_transit")]
    ContractsInTransit,
    /// Trades that are neither retailed, wholesaled nor transferred, or never acquired.
    #[value(alias = "trades_not_finalized")]
    TradesNotFinalized,
    /// Trades on which nobody works.
    #[value(alias = "holes_in_recon")]
    HolesInRecon,
}

impl List {
    fn to_wire(self) -> WorkList {
        match self {
            Self::DealsLaying => WorkList::DealsLaying,
            Self::SoldNotDelivered => WorkList::SoldNotDelivered,
            Self::DeliveredNotFunded => WorkList::DeliveredNotFunded,
            Self::ContractsInTransit => WorkList::ContractsInTransit,
            Self::TradesNotFinalized => WorkList::TradesNotFinalized,
            Self::HolesInRecon => WorkList::HolesInRecon,
        }
    }

    fn is_of_trades(self) -> bool {
        matches!(self, Self::TradesNotFinalized | Self::HolesInRecon)
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("deal-state", arguments.patience.timeout).await?;
    let parent = match &arguments.rooftop {
        Some(rooftop) => format!("{}/rooftops/{rooftop}", connection.parent),
        None => connection.parent.clone(),
    };
    match arguments.list {
        None => counts(&connection, parent, arguments.output.format).await,
        Some(list) => items(&connection, parent, list, arguments.limit, arguments.output.format).await,
    }
}

async fn counts(connection: &Connection, parent: String, format: Format) -> anyhow::Result<()> {
    let request = CountWorkRequest { parent, ..CountWorkRequest::default() };
    let counts = DealServiceClient::new(connection.channel.clone()).count_work(request).await?.into_inner().counts;
    match format {
        Format::Json => counts.iter().try_for_each(|count| json_line(&count_json(count))),
        Format::Table => {
            let header = ["rooftop", "list", "count", "oldest", "untouched today", ""];
            table(
                &header,
                counts.iter().filter(|count| count.count > 0).map(count_row).collect(),
                "nothing on any list",
            );
            Ok(())
        }
    }
}

async fn items(
    connection: &Connection,
    parent: String,
    list: List,
    limit: Option<usize>,
    format: Format,
) -> anyhow::Result<()> {
    let limit = limit.unwrap_or(match format {
        Format::Json => usize::MAX,
        Format::Table => 40,
    });
    let mut client = DealServiceClient::new(connection.channel.clone());
    let (mut rows, mut shown, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let request = ListWorkRequest {
            parent: parent.clone(),
            list: list.to_wire() as i32,
            page_size: limit.min(200) as i32,
            page_token,
            ..ListWorkRequest::default()
        };
        let page = client.list_work(request).await?.into_inner();
        for item in page.items.iter().take(limit - shown) {
            shown += 1;
            match format {
                Format::Json => json_line(&item_json(item))?,
                Format::Table => rows.push(item_row(list, item)),
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() || shown == limit {
            break;
        }
    }
    if format == Format::Table {
        table(item_header(list), rows, "nothing on this list");
        if !page_token.is_empty() {
            eprintln!("more items: raise --limit, or narrow with --rooftop");
        }
    }
    Ok(())
}

/// `WORK_LIST_DEALS_LAYING` for programs: `deals_laying`.
fn list_id(list: WorkList) -> String {
    list.as_str_name().trim_start_matches("WORK_LIST_").to_lowercase()
}

fn seconds(of: Option<&prost_types::Duration>) -> Option<f64> {
    of.map(duration_from_wire).as_ref().map(Duration::as_secs_f64)
}

/// An age as people say it: at least, and at most where that is another; in whole days from two on.
fn age(least: Option<&prost_types::Duration>, most: Option<&prost_types::Duration>) -> String {
    let (Some(least), Some(most)) = (seconds(least), seconds(most)) else { return String::new() };
    if span(least) == span(most) {
        return span(least);
    }
    let coarse = |age: f64| match span(age).split_once(" d ") {
        Some((days, _)) => format!("{days} d"),
        None => span(age),
    };
    let (least, most) = (coarse(least), coarse(most));
    if least == most { least } else { format!("{least} to {most}") }
}

/// What fits into a column.
fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The end of what does not fit into a column: numbers differ there.
fn tail(text: &str, width: usize) -> String {
    match text.chars().count().checked_sub(width) {
        None | Some(0) => text.to_owned(),
        Some(over) => ['…'].into_iter().chain(text.chars().skip(over + 1)).collect(),
    }
}

fn count_row(count: &WorkCount) -> Vec<String> {
    let blind = match count.leaving_unobserved {
        0 => String::new(),
        blind if blind == count.count => "no source reports the end".to_owned(),
        blind => format!("of {blind} no source reports the end"),
    };
    vec![
        cut(&count.rooftop, 12),
        list_id(count.list()).replace('_', " "),
        count.count.to_string(),
        age(count.oldest_least.as_ref(), count.oldest_most.as_ref()),
        count.untouched_today.to_string(),
        blind,
    ]
}

fn count_json(count: &WorkCount) -> serde_json::Value {
    serde_json::json!({
        "rooftop": count.rooftop,
        "list": list_id(count.list()),
        "count": count.count,
        "untouched_today": count.untouched_today,
        "leaving_unobserved": count.leaving_unobserved,
        "oldest_least_seconds": seconds(count.oldest_least.as_ref()),
        "oldest_most_seconds": seconds(count.oldest_most.as_ref()),
    })
}

fn item_header(list: List) -> &'static [&'static str] {
    match list.is_of_trades() {
        true => &["rooftop", "deal", "trade", "state", "age", "waits for", "today"],
        false => &["rooftop", "deal", "age", "waits for", "customer", "car", "paper", "today"],
    }
}

fn item_row(list: List, item: &WorkItem) -> Vec<String> {
    let with = |holder: Option<&Holder>, width: usize| {
        holder.map_or_else(|| "nobody".to_owned(), |holder| cut(&department(&holder.department), width))
    };
    let age = match item.leaving_unobserved {
        true => "not observed".to_owned(),
        false => age(item.age_least.as_ref(), item.age_most.as_ref()),
    };
    let waits_for = cut(&department(&item.waiting_department), 10);
    let today = if item.untouched_today { "-" } else { "yes" }.to_owned();
    let (rooftop, deal) = (cut(rooftop_of(&item.deal), 8), key_text(&item.keys));
    if list.is_of_trades() {
        let (trade, state) = (tail(&item.instance, 14), cut(&state_text(item.state()), 11));
        return vec![rooftop, tail(&deal, 14), trade, state, age, waits_for, today];
    }
    let holders = item.holders.as_ref();
    vec![
        rooftop,
        tail(&deal, 11),
        age,
        waits_for,
        with(holders.and_then(|holders| holders.customer.as_ref()), 8),
        with(holders.and_then(|holders| holders.car.as_ref()), 8),
        with(holders.and_then(|holders| holders.paper.as_ref()), 10),
        today,
    ]
}

fn item_json(item: &WorkItem) -> serde_json::Value {
    let instant = |at: Option<&prost_types::Timestamp>| at.and_then(from_wire).map(|at| at.to_string());
    let holder = |holder: Option<&Holder>| {
        holder.map(|holder| {
            serde_json::json!({
                "department": holder.department,
                "role": holder.role,
                "actor": holder.actor,
                "since": instant(holder.since.as_ref()),
                "presumed": holder.presumed,
            })
        })
    };
    let (since, holders) = (item.since.as_ref(), item.holders.as_ref());
    serde_json::json!({
        "list": list_id(item.list()),
        "deal": last_segment(&item.deal),
        "name": item.deal,
        "rooftop": rooftop_of(&item.deal),
        "keys": item.keys.iter().map(|key| serde_json::json!({"kind": key.kind, "scope": key.scope, "value": key.value})).collect::<Vec<_>>(),
        "state": item.state().as_str_name().trim_start_matches("DEAL_STATE_"),
        "trade": Some(&item.instance).filter(|trade| !trade.is_empty()),
        "since_earliest": instant(since.and_then(|since| since.earliest.as_ref())),
        "since_latest": instant(since.and_then(|since| since.latest.as_ref())),
        "age_least_seconds": seconds(item.age_least.as_ref()),
        "age_most_seconds": seconds(item.age_most.as_ref()),
        "waits_for": item.waiting_department,
        "holders": {
            "customer": holder(holders.and_then(|holders| holders.customer.as_ref())),
            "car": holder(holders.and_then(|holders| holders.car.as_ref())),
            "paper": holder(holders.and_then(|holders| holders.paper.as_ref())),
        },
        "last_event_at": instant(item.last_event_at.as_ref()),
        "untouched_today": item.untouched_today,
        "leaving_unobserved": item.leaving_unobserved,
    })
}

#[cfg(test)]
mod tests {
    use throughline_proto::{
        deal::v1::{DealKey, DealState, Holders},
        time::duration_to_wire,
    };

    use super::*;
    use crate::output::render;

    fn wide() -> WorkItem {
        let holder = || Some(Holder { department: "accounting".to_owned(), ..Holder::default() });
        let days = |days: u64| Some(duration_to_wire(Duration::from_secs(days * 86_400 + 23 * 3600)));
        WorkItem {
            deal: "groups/g/rooftops/a-rooftop-with-a-long-name/deals/0".to_owned(),
            keys: vec![DealKey { kind: "vin".to_owned(), value: "1HGCM82633A004352".to_owned(), ..DealKey::default() }],
            state: DealState::InProgress as i32,
            instance: "a-trade-with-a-long-key".to_owned(),
            age_least: days(998),
            age_most: days(999),
            waiting_department: "accounting".to_owned(),
            holders: Some(Holders { customer: holder(), car: holder(), paper: holder() }),
            ..WorkItem::default()
        }
    }

    #[test]
    fn the_widest_item_fits_into_100_columns() {
        for list in [List::DealsLaying, List::TradesNotFinalized] {
            let text = render(item_header(list), vec![item_row(list, &wide())], "");
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!((60..=100).contains(&widest), "{widest}\n{text}");
        }
    }

    #[test]
    fn a_long_number_keeps_its_end() {
        assert_eq!(tail("RT001-D260905-002", 12), "…D260905-002");
        assert_eq!((tail("D100", 4), cut("a-rooftop", 5)), ("D100".to_owned(), "a-ro…".to_owned()));
    }

    #[test]
    fn an_age_that_is_bounded_says_both_ends() {
        let minutes = |minutes: u64| Some(duration_to_wire(Duration::from_secs(minutes * 60)));
        assert_eq!(age(minutes(7).as_ref(), minutes(7).as_ref()), "7 min");
        assert_eq!(age(minutes(7).as_ref(), minutes(95).as_ref()), "7 min to 1 h 35");
        assert_eq!(age(minutes(60 * 49).as_ref(), minutes(60 * 73).as_ref()), "2 d to 3 d");
        assert_eq!(age(None, None), "");
    }
}
