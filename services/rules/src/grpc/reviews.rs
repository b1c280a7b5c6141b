//! The review queue: list, resolve.

use bytes::Bytes;
use pb::rule::v1::{ListReviewsRequest, ListReviewsResponse, ResolveReviewRequest, Review};
use prost::Message;
use throughline_journal::NewEntry;
use throughline_platform::pages::Pages;
use throughline_platform::{
    Failure, Principal, Violation,
    db::Role,
    principal::Scope,
    repeat,
    seal::{args_hash, page_size},
    trace,
};
use throughline_proto as pb;

use super::{
    Rules,
    request::{Named, Within, check_actor, check_code, named, refuse, within},
};
use crate::{
    domain,
    store::{self, ReviewsQuery},
    wire,
};

const REVIEW: &str = "groups/{group}/rooftops/{rooftop}/reviews/{review}";
const RESOLVE: &str = "ResolveReview";

pub(super) async fn list(
    rules: &Rules,
    principal: Principal,
    request: ListReviewsRequest,
) -> Result<ListReviewsResponse, Failure> {
    principal.require(Scope::Read)?;
    let Within { principal, rooftops } = within(&principal, &request.parent)?;
    let size = page_size(request.page_size, 50, 500)?;
    let pages = Pages {
        sealer: &rules.cx.platform.sealer,
        purpose: "rules.reviews",
        principal: &principal,
        args: args_hash(&[&request.parent, if request.show_resolved { "resolved" } else { "open" }]),
    };
    let after = pages.open(&request.page_token)?;
    rules.wait_for(&request.at_least).await?;

    let query = ReviewsQuery {
        group: principal.group.clone(),
        rooftops,
        resolved: request.show_resolved,
        after,
        limit: i64::from(size) + 1,
    };
    let mut reviews = rules
        .cx
        .platform
        .db
        .read(&principal, |tx| Box::pin(async move { Ok::<_, Failure>(store::list_reviews(tx, query).await?) }))
        .await?;
    let next_page_token = pages.cut(&mut reviews, size as usize);
    let reviews = reviews.iter().map(|(_, review)| wire::render_review(review)).collect();
    Ok(ListReviewsResponse { reviews, next_page_token })
}

pub(super) async fn resolve(
    rules: &Rules,
    principal: Principal,
    request: ResolveReviewRequest,
) -> Result<Review, Failure> {
    principal.require(Scope::Review)?;
    let Named { principal, rooftop, id } = named(&principal, "name", REVIEW, &request.name)?;
    check(&request)?;

    let (log, now, trace) = (rules.log.clone(), rules.cx.platform.clock.now(), trace::current());
    let group = principal.group;
    let write = rules.cx.platform.db.work(Role::Appender, move |tx| {
        Box::pin(async move {
            let hash = repeat::body_hash(&request.encode_to_vec());
            let request_id = &request.request_id;
            if let Some(first) = repeat::replayed(tx, crate::SCHEMA, &group, request_id, RESOLVE, &hash).await? {
                let review = Review::decode(&*first).map_err(Failure::internal)?;
                return Ok((review, None));
            }
            let locked = store::lock_review(tx, &group, &rooftop, &id).await?;
            let (part, key, review) = locked.ok_or_else(|| Failure::not_found("review", request.name.as_str()))?;
            if !request.etag.is_empty() && request.etag != wire::etag(review.revision) {
                return Err(Failure::aborted_etag(request.name));
            }
            let resolved = domain::resolve(&review, &request.actor, &request.resolution, now)
                .map_err(|already| Failure::precondition(already.to_string()).with("review", request.name.as_str()))?;
            let answer = wire::render_review(resolved.as_ref().unwrap_or(&review));
            repeat::remember(tx, crate::SCHEMA, &group, request_id, RESOLVE, &hash, &answer.encode_to_vec()).await?;
            let Some(review) = resolved else { return Ok((answer, None)) };
            store::save_reviews(tx, part, &[(&key, &review)]).await?;
            let entry = NewEntry {
                part,
                group,
                rooftop,
                entity: review.id.clone(),
                origin: pb::event::v1::Origin::Live,
                actor: request.actor,
                trace,
                body: Bytes::from(wire::review_entry(&review).encode_to_vec()),
            };
            log.append(tx, now, vec![entry]).await?;
            Ok::<_, Failure>((answer, Some(part)))
        })
    });
    let (review, part) = write.await?;
    rules.log.wake(part);
    Ok(review)
}

fn check(request: &ResolveReviewRequest) -> Result<(), Failure> {
    let mut violations: Vec<Violation> = Vec::new();
    check_actor(&request.actor, &mut violations);
    check_code("resolution", &request.resolution, true, &mut violations);
    refuse(violations)
}
