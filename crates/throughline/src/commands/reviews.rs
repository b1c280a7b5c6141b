//! `throughline reviews`: the queue of what needs a person's judgement.
use throughline_proto::{
    rule::v1::{ListReviewsRequest, ResolveReviewRequest, Review, rule_service_client::RuleServiceClient},
    time::from_wire,
};

use crate::{
    Connection,
    client::{Patience, Server},
    output::{Format, Output, json_line, rooftop_of, table},
};

/// List the review queue, or resolve an item of it.
#[derive(clap::Args)]
pub struct Arguments {
    /// Resolve this item (its whole name) instead of listing.
    #[arg(long, value_name = "NAME", requires = "actor", requires = "resolution")]
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
                        review
                            .keys
                            .first()
                            .map(|key| key.split_once(':').map_or(key.as_str(), |(_, value)| value).to_owned())
                            .unwrap_or_default(),
                        review.kind.replace('_', " "),
                        review.detail.clone(),
                        review
                            .opened_at
                            .as_ref()
                            .and_then(from_wire)
                            .map(|at| at.strftime("%b %d %H:%M").to_string())
                            .unwrap_or_default(),
                        review.resolution.clone(),
                    ]
                })
                .collect();
            table(
                &["rooftop", "deal", "what", "detail", "since (UTC)", "resolution"],
                rows,
                "nothing waits for a review",
            );
            Ok(())
        }
    }
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
