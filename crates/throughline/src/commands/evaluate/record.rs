//! `throughline evaluate record`: the suite's deals against the truth of their rooftops.
use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use throughline_proto::{
    deal::v1::{self as pb, GetTimelineRequest, ListDealsRequest, deal_service_client::DealServiceClient},
    event::v1::TimeQuality,
    rule::v1::{self as rule, ListReviewsRequest, rule_service_client::RuleServiceClient},
    time::from_wire,
};

use super::{
    score::{Deal, Kind, Number, Review, Score, Step, Truth},
    truth,
};
use crate::{
    Connection,
    client::{Keyed, Patience, Server},
    output::{Format, Output, json_line, last_segment, table},
};

/// Kinds of review items that are about links.
const LINK_REVIEWS: [&str; 2] = ["identity_ambiguous", "crm_dms_unlinked"];
/// Largest page of the suite's.
const PAGE: i32 = 500;

/// Measure the record against the truth.
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with a folder a rooftop, each with truth.jsonl (canonical events, `subject` is the true deal) and
    /// keys.csv (columns truth_deal and visit, deal_no, app, stock, vin, lead, trade_vin). Where the feeds stand beside
    /// them, every number in these must be linked; else every number that got into a deal.
    #[arg(long, value_name = "DIR")]
    truth: PathBuf,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let truths = truth::read(&arguments.truth)?;
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("rules", arguments.patience.timeout).await?;
    let mut total = Score::default();
    let mut scores = BTreeMap::new();
    for (rooftop, truth) in &truths {
        let parent = format!("{}/rooftops/{rooftop}", connection.parent);
        let deals = deals(&connection, &parent, truth).await?;
        let reviews = reviews(&connection, &parent).await?;
        let score = Score::of(rooftop, truth, &deals, &reviews);
        total.add(&score);
        scores.insert(rooftop.as_str(), score);
    }
    match arguments.output.format {
        Format::Json => {
            let mut line = figures(&total);
            line["rooftops"] = scores.iter().map(|(rooftop, score)| ((*rooftop).to_owned(), figures(score))).collect();
            json_line(&line)
        }
        Format::Table => {
            print(&total, &scores);
            Ok(())
        }
    }
}

/// The deals of a rooftop; with timelines where the truth is known.
async fn deals(connection: &Connection, parent: &str, truth: &Truth) -> anyhow::Result<Vec<Deal>> {
    let mut client = DealServiceClient::new(connection.channel.clone());
    let mut deals = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDealsRequest {
            parent: parent.to_owned(),
            page_size: PAGE,
            page_token,
            order_by: "opened_at".to_owned(),
            ..ListDealsRequest::default()
        };
        let page = client.list_deals(request).await?.into_inner();
        for said in page.deals {
            let mut deal = judged(&said);
            if truth.of(&deal).is_some() {
                deal.timeline = timeline(&mut client, said.name).await?;
            }
            deals.push(deal);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(deals);
        }
    }
}

fn judged(deal: &pb::Deal) -> Deal {
    let id = last_segment(&deal.name).to_owned();
    let number = |key: &pb::DealKey| Some(Number::new(Kind::parse(&key.kind)?, &key.value));
    Deal {
        ids: deal.former_ids.iter().cloned().chain([id]).collect(),
        numbers: deal.keys.iter().filter_map(number).collect(),
        counted: deal.milestones.iter().map(|step| (step.event_type.clone(), step.count)).collect(),
        timeline: Vec::new(),
    }
}

async fn timeline(client: &mut DealServiceClient<Keyed>, name: String) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            GetTimelineRequest { name: name.clone(), page_size: PAGE, page_token, ..GetTimelineRequest::default() };
        let page = client.get_timeline(request).await?.into_inner();
        for item in page.items {
            steps.push(step(item).with_context(|| format!("the timeline of {name} holds an event without a time"))?);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(steps);
        }
    }
}

fn step(item: pb::TimelineItem) -> Option<Step> {
    let event = item.event?;
    let time = event.time?;
    Some(Step {
        event_type: event.r#type,
        source: event.source,
        earliest: time.earliest.as_ref().and_then(from_wire)?,
        latest: time.latest.as_ref().and_then(from_wire)?,
        exact: time.quality() == TimeQuality::Exact,
    })
}

/// The open review items of a rooftop that are about links.
async fn reviews(connection: &Connection, parent: &str) -> anyhow::Result<Vec<Review>> {
    let mut client = RuleServiceClient::new(connection.channel.clone());
    let mut reviews = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListReviewsRequest {
            parent: parent.to_owned(),
            page_size: PAGE,
            page_token,
            ..ListReviewsRequest::default()
        };
        let page = client.list_reviews(request).await?.into_inner();
        let about_links =
            |review: &rule::Review| review.resolved_at.is_none() && LINK_REVIEWS.contains(&review.kind.as_str());
        reviews.extend(page.reviews.into_iter().filter(about_links).map(|review| Review {
            deal: last_segment(&review.deal).to_owned(),
            text: format!("{} {}", review.detail, review.keys.join(" ")),
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(reviews);
        }
    }
}

fn figures(score: &Score) -> Value {
    let Score { deals, links, steps } = score;
    json!({
        "deals": deals,
        "links_made": links.made,
        "links_made_true": links.made_true,
        "true_links": links.all_true,
        "true_links_in_review": links.in_review,
        "link_precision": links.precision(),
        "link_recall": links.recall(),
        "link_recall_with_review": links.recall_with_review(),
        "bounds_checked": steps.bounds_checked,
        "bounds_hold": steps.bounds_hold(),
        "bound_failures": steps.bound_failures,
        "fi_checked": steps.fi_checked,
        "fi_equal": steps.fi_equal,
        "duplicate_occurrences": steps.duplicate_occurrences(),
        "duplicate_occurrences_by_type": steps.surplus,
    })
}

fn print(total: &Score, scores: &BTreeMap<&str, Score>) {
    let all = std::iter::once(("all", total));
    let rows = all.chain(scores.iter().map(|(rooftop, score)| (*rooftop, score))).map(|(what, score)| row(what, score));
    table(
        &[
            "rooftop",
            "deals",
            "links",
            "precision",
            "recall",
            "with review",
            "bounds hold",
            "F&I equal",
            "counted twice",
        ],
        rows.collect(),
        "nothing measured",
    );
    let surplus = &total.steps.surplus;
    if !surplus.is_empty() {
        let rows = surplus.iter().map(|(event_type, count)| vec![event_type.clone(), count.to_string()]).collect();
        table(&["counted more often than it happened", "times"], rows, "");
    }
    let failures = &total.steps.bound_failures;
    if !failures.is_empty() {
        let rows = failures
            .iter()
            .map(|failure| {
                let times = [failure.earliest, failure.latest, failure.nearest_truth].map(|at| at.to_string());
                [failure.rooftop.clone(), failure.deal.clone(), failure.r#type.clone()]
                    .into_iter()
                    .chain(times)
                    .collect()
            })
            .collect();
        table(&["rooftop", "deal", "bound that fails", "earliest", "latest", "nearest truth"], rows, "");
    }
}

fn row(what: &str, score: &Score) -> Vec<String> {
    let Score { deals, links, steps } = score;
    vec![
        what.to_owned(),
        deals.to_string(),
        links.made.to_string(),
        percent(links.precision()),
        percent(links.recall()),
        percent(links.recall_with_review()),
        format!("{} of {}", percent(steps.bounds_hold()), steps.bounds_checked),
        format!("{} of {}", steps.fi_equal, steps.fi_checked),
        steps.duplicate_occurrences().to_string(),
    ]
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}
