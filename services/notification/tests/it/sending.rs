//! What a receiver answers, and what follows.

use jiff::SignedDuration;
use pb::notification::v1::{DeliveryState, ListRoutesRequest};
use throughline_proto as pb;

use crate::{
    kit::*,
    receiver::{Plan, Receiver},
};

/// The next try comes after the scheduled pause and at most a tenth of it later.
fn pass(desk: &Desk, seconds: i64) {
    desk.hand.advance(SignedDuration::from_secs(seconds + seconds / 10 + 1));
}

#[tokio::test]
async fn a_failed_try_is_repeated_at_its_time_under_the_same_id() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let secret = desk.route(to_webhook(&receiver.url())).await.signing_secret;
    receiver.plan(Plan::Status(500));
    receiver.plan(Plan::Status(503));
    desk.tell(said(yellow("11", 0))).await;
    let pending = desk.only(DeliveryState::Pending, 1).await;
    assert_eq!((pending.last_result.as_str(), pending.end_time), ("http 500", None));

    // Not before its time: another flag is sent meanwhile.
    desk.hand.advance(SignedDuration::from_secs(4));
    desk.tell(said(yellow("12", 0))).await;
    receiver.have(2).await;
    let of_first = |messages: &[crate::receiver::Message]| {
        messages.iter().filter(|one| one.body["data"]["keys"][0] == "dms:4711").count()
    };
    assert_eq!(of_first(&receiver.messages()), 1);

    pass(&desk, 1);
    receiver.have(3).await;
    pass(&desk, 300);
    let deliveries = desk.settled().await;
    assert!(deliveries.iter().all(|one| one.state() == DeliveryState::Delivered), "{deliveries:#?}");
    let messages: Vec<_> = receiver.messages().into_iter().filter(|one| one.is_signed_with(&secret)).collect();
    let mut ids: Vec<_> = messages.iter().map(|message| (message.id.clone(), message.body.to_string())).collect();
    assert_eq!(ids.len(), 4, "{messages:#?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2, "the same id and body over all tries");
    assert!(messages.last().unwrap().timestamp > messages[0].timestamp, "each try is signed anew");
    desk.counted("throughline_notifications_retried_total{channel=\"webhook\"}", 2).await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_given_it() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Later { status: 429, retry_after: "600" });
    desk.tell(said(yellow("11", 0))).await;
    desk.only(DeliveryState::Pending, 1).await;
    desk.hand.advance(SignedDuration::from_secs(599));
    desk.tell(said(yellow("12", 0))).await;
    receiver.have(2).await;
    assert_eq!(receiver.messages()[1].body["data"]["keys"][0], "dms:4712");
    pass(&desk, 60);
    receiver.have(3).await;
    desk.settled().await;
}

#[tokio::test]
async fn a_receiver_that_never_takes_it_is_given_up_while_it_is_fresh() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    for _ in 0..4 {
        receiver.plan(Plan::Status(500));
    }
    desk.tell(said(yellow("11", 0))).await;
    for (tries, pause) in [(1, 5), (2, 300), (3, 1800)] {
        desk.only(DeliveryState::Pending, tries).await;
        pass(&desk, pause);
    }
    let failed = desk.only(DeliveryState::Failed, 4).await;
    assert_eq!(failed.last_result, "http 500");
    assert!(failed.end_time.is_some());
    desk.counted("throughline_notifications_failed_total{channel=\"webhook\"}", 1).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_closes_its_route() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Status(500));
    desk.tell(said(yellow("11", 0))).await;
    desk.only(DeliveryState::Pending, 1).await;
    receiver.plan(Plan::Status(410));
    desk.tell(said(yellow("12", 0))).await;

    let deliveries = desk.settled().await;
    let ended: Vec<_> = deliveries.iter().map(|one| (one.state(), one.last_result.as_str())).collect();
    assert_eq!(ended.len(), 2);
    assert!(ended.contains(&(DeliveryState::Failed, "http 410")), "{ended:?}");
    assert!(ended.contains(&(DeliveryState::Suppressed, "route_disabled")), "{ended:?}");
    let request = ListRoutesRequest { parent: format!("groups/{GROUP}"), ..Default::default() };
    let routes = desk.client().list_routes(request).await.unwrap().into_inner().routes;
    assert!(routes[0].disable_time.is_some());
    // Nothing is decided for it any more.
    desk.tell(said(yellow("13", 0))).await;
    assert_eq!((desk.deliveries().await.len(), receiver.messages().len()), (2, 2));
    desk.counted("throughline_notifications_suppressed_total{reason=\"route_disabled\"}", 1).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (desk, receiver, other) = (Desk::open().await, Receiver::start().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Redirect(other.url()));
    desk.tell(said(yellow("11", 0))).await;
    assert_eq!(desk.only(DeliveryState::Pending, 1).await.last_result, "http 302");
    assert_eq!(other.messages().len(), 0);
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Babble);
    desk.tell(said(yellow("11", 0))).await;
    desk.only(DeliveryState::Delivered, 1).await;
}

#[tokio::test]
async fn nobody_listening_is_a_failed_try() {
    let desk = Desk::open().await;
    desk.route(to_webhook(&format!("http://127.0.0.1:{}/", throughline_testkit::free_port()))).await;
    desk.tell(said(yellow("11", 0))).await;
    assert_eq!(desk.only(DeliveryState::Pending, 1).await.last_result, "cannot connect");
}

#[tokio::test]
async fn one_receiver_that_hangs_holds_up_no_other() {
    let (desk, slow, quick) = (Desk::open().await, Receiver::start().await, Receiver::start().await);
    let only_slow = pb::notification::v1::Route { measures: vec!["slow".to_owned()], ..to_webhook(&slow.url()) };
    desk.route(only_slow).await;
    let only_quick =
        pb::notification::v1::Route { measures: vec!["handoff.fi".to_owned()], ..to_webhook(&quick.url()) };
    desk.route(only_quick).await;
    let of_slow = |n: i32| said(pb::rule::v1::Flag { measure: "slow".to_owned(), ..yellow(&format!("s{n}"), 0) });
    (0..30).for_each(|_| slow.plan(Plan::Hold));
    desk.tell_all((0..30).map(of_slow).collect()).await;
    slow.have(4).await;
    desk.tell(said(yellow("11", 0))).await;
    quick.have(1).await;
    assert!(slow.messages().len() < 8, "{}", slow.messages().len());
}
