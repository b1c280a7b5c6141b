//! What happens between the decision and the sending.

use jiff::SignedDuration;
use pb::{
    notification::v1::{DeleteRouteRequest, Delivery, DeliveryState},
    rule::v1::Flag,
};
use throughline_proto as pb;

use crate::{
    kit::*,
    receiver::{Plan, Receiver},
};

/// A message that waits for its second try.
async fn waiting() -> (Desk, Receiver, String) {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let route = desk.route(to_webhook(&receiver.url())).await.route.unwrap().name;
    receiver.plan(Plan::Status(500));
    desk.tell(said(yellow("11", 0))).await;
    desk.only(DeliveryState::Pending, 1).await;
    (desk, receiver, route)
}

async fn withheld(desk: &Desk, receiver: &Receiver) -> Delivery {
    let delivery = desk.only(DeliveryState::Suppressed, 1).await;
    assert_eq!(receiver.messages().len(), 1, "it was tried again");
    assert!(delivery.end_time.is_some());
    let reason = format!("throughline_notifications_suppressed_total{{reason=\"{}\"}}", delivery.last_result);
    desk.counted(&reason, 1).await;
    delivery
}

#[tokio::test]
async fn what_somebody_has_is_not_sent() {
    let (desk, receiver, _) = waiting().await;
    desk.tell(said(taken(yellow("11", 0), 0))).await;
    desk.hand.set(at(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "acknowledged");
    // Nor does it escalate.
    desk.hand.set(at(15));
    desk.tell(said(red(taken(yellow("11", 0), 0), 15))).await;
    assert_eq!(desk.deliveries().await.len(), 1);
}

#[tokio::test]
async fn what_is_over_is_not_sent() {
    let (desk, receiver, _) = waiting().await;
    desk.tell(said(closed(yellow("11", 0), 0))).await;
    desk.hand.set(at(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "closed");
}

#[tokio::test]
async fn what_an_import_says_of_a_live_flag_counts() {
    let (desk, receiver, _) = waiting().await;
    let mut entry = said(closed(yellow("11", 0), 0));
    entry.origin = pb::event::v1::Origin::Backfill;
    desk.tell(entry).await;
    desk.hand.set(at(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "closed");
}

#[tokio::test]
async fn what_never_stood_is_not_sent() {
    let (desk, receiver, _) = waiting().await;
    desk.tell(never_stood(&yellow("11", 0))).await;
    desk.hand.set(at(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "retracted");
}

#[tokio::test]
async fn what_is_of_the_past_by_now_is_not_sent() {
    let (desk, receiver, _) = waiting().await;
    desk.hand.set(at(121));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "too_old");
}

#[tokio::test]
async fn what_was_decided_for_a_route_that_is_removed_is_not_sent() {
    let (desk, receiver, route) = waiting().await;
    desk.client().delete_route(DeleteRouteRequest { name: route, actor: String::new() }).await.unwrap();
    desk.hand.advance(SignedDuration::from_mins(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "route_deleted");
    desk.tell(said(yellow("12", 0))).await;
    assert_eq!(desk.deliveries().await.len(), 1);
}

#[tokio::test]
async fn flag_of_a_deal_that_is_imported_after_the_decision_is_not_sent() {
    let (desk, receiver, _) = waiting().await;
    desk.tell(said(Flag { revision: 2, ..imported(yellow("11", 0), 0) })).await;
    desk.hand.set(at(1));
    assert_eq!(withheld(&desk, &receiver).await.last_result, "imported");
}
