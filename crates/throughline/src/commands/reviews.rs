//! `throughline reviews`: the queue of what needs a person's judgement.
use throughline_proto::{
    rule::v1::{ListReviewsRequest, ResolveReviewRequest, Review, rule_service_client::RuleServiceClient},
    time::from_wire,
};

use crate::{
    Connection,
    client::{Keyed, Patience, Server},
    output::{Format, Output, json_line, last_segment, rooftop_of, table},
};

/// List the review queue, or resolve an item of it.
#[derive(clap::Args)]
pub struct Arguments {
    /// Resolve this item instead of listing: its name, or the beginning of its id.
    #[arg(long, value_name = "ID", requires = "actor", requires = "resolution")]
    resolve: Option<String>,
    /// Staff id who decides.
    #[arg(long)]
    actor: Option<String>,
    /// Reason code, such as corrected or accepted_as_is.
    #[arg(long)]
    resolution: Option<String>,
    /// Also what is resolved.
    #[arg(long)]
    resolved: bool,
    /// At most so many.
    #[arg(long, default_value_t = 40)]
    limit: usize,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("rules", arguments.patience.timeout).await?;
    let mut client = RuleServiceClient::new(connection.channel.clone());
    let reviews = match arguments.resolve {
        Some(name) => {
            let name = named(&mut client, &connection.parent, name).await?;
            let request = ResolveReviewRequest {
                name,
                actor: arguments.actor.unwrap_or_default(),
                resolution: arguments.resolution.unwrap_or_default(),
                etag: String::new(),
                request_id: uuid::Uuid::new_v4().to_string(),
            };
            vec![client.resolve_review(request).await?.into_inner()]
        }
        None => {
            let mut reviews = Vec::new();
            let mut page_token = String::new();
            loop {
                let page = client
                    .list_reviews(ListReviewsRequest {
                        parent: connection.parent.clone(),
                        page_size: arguments.limit.min(200) as i32,
                        page_token,
                        show_resolved: arguments.resolved,
                        ..ListReviewsRequest::default()
                    })
                    .await?
                    .into_inner();
                reviews.extend(page.reviews);
                page_token = page.next_page_token;
                if page_token.is_empty() || reviews.len() >= arguments.limit {
                    reviews.truncate(arguments.limit);
                    break reviews;
                }
            }
        }
    };
    match arguments.output.format {
        Format::Json => reviews.iter().try_for_each(|review| json_line(&json(review))),
        Format::Table => {
            let rows = reviews
                .iter()
                .map(|review| {
                    vec![
                        rooftop_of(&review.name).to_owned(),
                        called(&review.keys),
                        review.kind.replace('_', " "),
                        review.detail.clone(),
                        review
                            .opened_at
                            .as_ref()
                            .and_then(from_wire)
                            .map(|at| at.strftime("%b %d %H:%M").to_string())
                            .unwrap_or_default(),
                        review.resolution.clone(),
                        last_segment(&review.name).chars().take(SHORT).collect(),
                    ]
                })
                .collect();
            table(
                &["rooftop", "deal", "what", "detail", "since (UTC)", "resolution", "id"],
                rows,
                "nothing waits for a review",
            );
            Ok(())
        }
    }
}

/// How much of an id is shown: enough to tell items apart.
const SHORT: usize = 8;
/// Items that are looked through for one.
const MOST: usize = 10_000;

/// The review that is meant: its resource name, or as much of its id as tells it from the other open ones.
async fn named(client: &mut RuleServiceClient<Keyed>, parent: &str, meant: String) -> anyhow::Result<String> {
    if meant.contains('/') {
        return Ok(meant);
    }
    let (mut found, mut seen, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let request = ListReviewsRequest {
            parent: parent.to_owned(),
            page_size: 200,
            page_token: std::mem::take(&mut page_token),
            ..ListReviewsRequest::default()
        };
        let page = client.list_reviews(request).await?.into_inner();
        seen += page.reviews.len();
        found.extend(
            page.reviews.into_iter().map(|review| review.name).filter(|name| last_segment(name).starts_with(&meant)),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() || seen >= MOST {
            break;
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => anyhow::bail!("no open review has an id that begins with {meant}: `throughline reviews` shows them"),
        several => anyhow::bail!("{} open reviews have ids that begin with {meant}: say more of it", several.len()),
    }
}

/// What people call the deal: the best number that it has.
fn called(keys: &[String]) -> String {
    const BEST_FIRST: [&str; 6] = ["dms_deal:", "visit:", "application:", "subject:", "stock:", "vin:"];
    let of_kind = |kind: &&str| keys.iter().find_map(|key| key.strip_prefix(*kind));
    BEST_FIRST.iter().find_map(of_kind).or(keys.first().map(String::as_str)).unwrap_or("-").to_owned()
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    at.and_then(from_wire).map(|at| at.to_string())
}

fn json(review: &Review) -> serde_json::Value {
    serde_json::json!({
        "name": review.name, "rooftop": rooftop_of(&review.name), "deal": review.deal, "keys": review.keys,
        "kind": review.kind, "detail": review.detail,
        "opened_at": instant(review.opened_at.as_ref()), "resolved_at": instant(review.resolved_at.as_ref()),
        "resolved_by": review.resolved_by, "resolution": review.resolution,
        "candidates": review.candidates.iter().map(|found| &found.deal).collect::<Vec<_>>(),
    })
}
