//! What needs a person's judgement.

use pb::{
    deal::v1::Deal,
    log::v1::entry_body::Body,
    rule::v1::{ListReviewsRequest, ResolveReviewRequest, Review},
};
use throughline_proto as pb;
use tonic::Code;

use crate::kit::*;

async fn list(desk: &Desk, resolved: bool, at_least: &str) -> Vec<Review> {
    let request = ListReviewsRequest {
        parent: format!("groups/{GROUP}/rooftops/{ROOFTOP}"),
        show_resolved: resolved,
        at_least: at_least.to_owned(),
        ..Default::default()
    };
    desk.client().list_reviews(request).await.unwrap().into_inner().reviews
}

fn returned(known_at: i64) -> Deal {
    Deal { exceptions: vec![exception("contract_returned", 3)], ..deal("D1", known_at, Vec::new()) }
}

fn resolve(review: &Review, actor: &str) -> ResolveReviewRequest {
    ResolveReviewRequest {
        name: review.name.clone(),
        actor: actor.to_owned(),
        resolution: "sent_again".to_owned(),
        etag: review.etag.clone(),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_exception_opens_a_review_that_a_person_resolves_once() {
    let desk = Desk::open().await;
    let token = desk.tell(said(returned(4))).await;
    let open = list(&desk, false, &token).await.remove(0);
    assert_eq!((open.kind.as_str(), open.opened_at), ("contract_returned", Some(pb::time::to_wire(at(3)))));
    assert_eq!(
        (open.deal.as_str(), open.keys.as_slice()),
        (deal_name("D1").as_str(), &["subject:RT001-D1".to_owned()][..])
    );

    let mut client = desk.client();
    let stale = ResolveReviewRequest { etag: "\"99\"".to_owned(), ..resolve(&open, "S3") };
    assert_eq!(client.resolve_review(stale).await.unwrap_err().code(), Code::Aborted);
    let resolved = client.resolve_review(resolve(&open, "S3")).await.unwrap().into_inner();
    assert_eq!((resolved.resolved_by.as_str(), resolved.resolution.as_str()), ("S3", "sent_again"));
    assert_ne!(resolved.etag, open.etag);
    let other = ResolveReviewRequest { etag: String::new(), ..resolve(&open, "S4") };
    assert_eq!(client.resolve_review(other).await.unwrap_err().code(), Code::FailedPrecondition);

    // The decision stays though the deal is told again.
    let token = desk.tell(said(returned(5))).await;
    assert_eq!(list(&desk, false, &token).await, []);
    assert_eq!(list(&desk, true, &token).await, [resolved]);
    let log = desk.log().await;
    assert!(matches!(&log[..], [(Body::Review(_), _), (Body::Review(_), _)]), "{log:?}");
}

#[tokio::test]
async fn a_review_vanishes_with_its_cause_and_comes_back_with_it() {
    let desk = Desk::open().await;
    let token = desk.tell(said(returned(4))).await;
    assert_eq!(list(&desk, false, &token).await.len(), 1);
    let token = desk.tell(said(deal("D1", 5, Vec::new()))).await;
    assert_eq!(list(&desk, false, &token).await, []);
    let vanished = list(&desk, true, &token).await.remove(0);
    assert_eq!((vanished.resolution.as_str(), vanished.resolved_by.as_str()), ("vanished", ""));
    let token = desk.tell(said(returned(6))).await;
    assert_eq!(list(&desk, false, &token).await.remove(0).name, vanished.name);
    let token = desk.tell(taken_back("D1")).await;
    assert_eq!(list(&desk, false, &token).await, []);
}
