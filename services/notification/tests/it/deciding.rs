//! What is told of, where, and how often.

use pb::{
    event::v1::Origin,
    notification::v1::{DeliveryState, Route},
    rule::v1::{Flag, Severity},
};
use throughline_proto as pb;
use throughline_testkit::eventually;

use crate::{
    kit::*,
    receiver::{Plan, Receiver},
};

#[tokio::test]
async fn a_flag_reaches_its_receiver_signed_and_in_its_trace() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let secret = desk.route(to_webhook(&receiver.url())).await.signing_secret;
    desk.tell(said(yellow("11", 0))).await;
    let message = receiver.have(1).await.remove(0);
    assert!(message.is_signed_with(&secret));
    assert_eq!(message.timestamp, at(0).as_second());
    assert!(message.traceparent.contains(&TRACE[3..35]), "{}", message.traceparent);
    insta::assert_json_snapshot!(message.body);

    let delivery = desk.only(DeliveryState::Delivered, 1).await;
    assert_eq!(delivery.name, format!("groups/{GROUP}/deliveries/{}", message.id));
    assert_eq!((delivery.step.as_str(), delivery.last_result.as_str()), ("yellow", "http 204"));
    desk.counted("throughline_notifications_decided_total{channel=\"webhook\",step=\"yellow\"}", 1).await;
    desk.counted("throughline_notifications_delivered_total{channel=\"webhook\"}", 1).await;
}

#[tokio::test]
async fn each_step_is_decided_once_however_often_it_is_told() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    let flag = yellow("11", 0);
    desk.tell(said(flag.clone())).await;
    desk.tell(said(flag.clone())).await;
    desk.tell_all(vec![said(Flag { revision: 2, ..flag.clone() }), said(Flag { revision: 3, ..flag.clone() })]).await;
    let redder = red(Flag { revision: 3, ..flag }, 15);
    desk.hand.set(at(15));
    desk.tell_all(vec![said(redder.clone()), said(redder.clone())]).await;
    desk.tell(said(Flag { revision: 5, ..redder })).await;

    let messages = receiver.have(2).await;
    let deliveries = desk.settled().await;
    assert_eq!(deliveries.iter().map(|one| one.step.as_str()).collect::<Vec<_>>(), ["red", "yellow"]);
    let steps: Vec<_> = messages.iter().map(|message| message.body["data"]["step"].as_str().unwrap()).collect();
    assert_eq!((steps, receiver.messages().len()), (vec!["yellow", "red"], 2));
    assert_ne!(messages[0].id, messages[1].id);
}

#[tokio::test]
async fn a_flag_takes_every_route_that_it_fits_and_no_other() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let to = |path: &str| to_webhook(&receiver.url().replace("/hook", path));
    let list = |item: &str| vec![item.to_owned()];
    desk.route(to("/all")).await;
    desk.route(Route { rooftops: list(ROOFTOP), measures: list("handoff.fi"), ..to("/fits") }).await;
    desk.route(Route { rooftops: list("RT002"), ..to("/other-rooftop") }).await;
    desk.route(Route { measures: list("handoff.desk"), ..to("/other-measure") }).await;
    desk.route(Route { min_severity: Severity::Red.into(), ..to("/red") }).await;
    desk.route(to_log()).await;

    desk.tell(said(yellow("11", 0))).await;
    let mut paths: Vec<_> = receiver.have(2).await.into_iter().map(|message| message.path).collect();
    paths.sort();
    assert_eq!((paths, desk.settled().await.len()), (vec!["/all".to_owned(), "/fits".to_owned()], 3));
    desk.counted("throughline_notifications_delivered_total{channel=\"log\"}", 1).await;

    desk.hand.set(at(15));
    desk.tell(said(red(yellow("11", 0), 15))).await;
    let mut paths: Vec<_> = receiver.have(5).await.into_iter().skip(2).map(|message| message.path).collect();
    paths.sort();
    assert_eq!(paths, ["/all", "/fits", "/red"]);
}

#[tokio::test]
async fn imported_flag_sends_no_notification_whatever_its_origin() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    for (id, origin) in [("11", Origin::Backfill), ("12", Origin::Replay), ("13", Origin::Live)] {
        desk.tell(said(Flag { origin: origin.into(), ..imported(yellow(id, 0), 0) })).await;
    }
    // Once this one has come, the others would have.
    desk.tell(said(yellow("15", 0))).await;
    assert_eq!(receiver.have(1).await[0].body["data"]["keys"][0], "dms:4715");
    assert_eq!(desk.settled().await.len(), 1);
}

#[tokio::test]
async fn origin_of_a_flag_and_of_its_entry_silences_nothing() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    for (id, origin) in [("11", Origin::Replay), ("12", Origin::Backfill), ("13", Origin::Unspecified)] {
        desk.tell(said(Flag { origin: origin.into(), ..yellow(id, 0) })).await;
    }
    receiver.have(3).await;
    assert_eq!(desk.settled().await.len(), 3);
}

#[tokio::test]
async fn flag_imported_yellow_that_turns_red_live_sends_one_red_notification() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    let flag = imported(yellow("11", -5), 0);
    desk.tell(said(flag.clone())).await;
    desk.hand.set(at(10));
    desk.tell(said(red(flag, 10))).await;
    let message = receiver.have(1).await.remove(0);
    assert_eq!(message.body["data"]["step"], "red");
    assert_eq!(desk.settled().await.len(), 1);
}

#[tokio::test]
async fn of_what_is_older_than_two_hours_nobody_is_told() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    desk.tell(said(yellow("11", -121))).await;
    desk.tell(said(red(yellow("12", -200), -130))).await;
    // It opened long ago; that it is red now is news.
    desk.tell(said(red(yellow("13", -200), -1))).await;
    let message = receiver.have(1).await.remove(0);
    assert_eq!((&message.body["data"]["keys"][0], &message.body["data"]["step"]), (&"dms:4713".into(), &"red".into()));
    assert_eq!(desk.settled().await.len(), 1);
}

#[tokio::test]
async fn a_broken_entry_parks_its_flag_alone() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    let mut strange = said(yellow("11", 0));
    strange.group = "rival".to_owned();
    desk.tell_all(vec![strange, said(Flag { opened_at: None, ..yellow("12", 0) }), said(yellow("13", 0))]).await;
    assert_eq!(receiver.have(1).await[0].body["data"]["keys"][0], "dms:4713");
    assert_eq!(desk.settled().await.len(), 1);
}

/// The same under another name of its deal.
fn continuing(flag: Flag, id: &str) -> Flag {
    Flag { name: yellow(id, 0).name, continues: flag.name.clone(), revision: 1, ..flag }
}

#[tokio::test]
async fn a_flag_that_goes_on_under_another_name_is_told_of_once() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    let first = yellow("11", 0);
    desk.tell(said(first.clone())).await;
    receiver.have(1).await;
    desk.only(DeliveryState::Delivered, 1).await;
    let then = continuing(first.clone(), "12");
    desk.tell_all(vec![said(then.clone()), never_stood(&first)]).await;
    desk.hand.set(at(15));
    desk.tell(said(red(then, 15))).await;
    let steps: Vec<_> = receiver.have(2).await.iter().map(|told| told.body["data"]["step"].clone()).collect();
    assert_eq!((steps, desk.settled().await.len()), (vec!["yellow".into(), "red".into()], 2));
    desk.counted("throughline_notifications_decided_total{channel=\"webhook\",step=\"yellow\"}", 1).await;
}

#[tokio::test]
async fn what_nobody_was_told_yet_is_told_of_the_flag_that_stands() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Status(500));
    let first = yellow("11", 0);
    desk.tell(said(first.clone())).await;
    desk.only(DeliveryState::Pending, 1).await;
    let then = continuing(first.clone(), "12");
    desk.tell_all(vec![said(then.clone()), never_stood(&first)]).await;
    receiver.plan(Plan::Status(204));
    desk.hand.set(at(1));
    let delivery = desk.only(DeliveryState::Delivered, 2).await;
    assert_eq!(delivery.flag, then.name);

    // The retraction is seen before the name that follows.
    desk.hand.set(at(2));
    receiver.plan(Plan::Status(500));
    let second = yellow("21", 2);
    desk.tell(said(second.clone())).await;
    receiver.have(3).await;
    desk.tell(never_stood(&second)).await;
    desk.hand.set(at(3));
    eventually(SOON, async || desk.deliveries().await.iter().any(|one| one.last_result == "retracted")).await;
    receiver.plan(Plan::Status(204));
    let then = continuing(second, "22");
    desk.tell(said(then.clone())).await;
    receiver.have(4).await;
    let told = desk.settled().await;
    assert!(told.iter().any(|one| one.flag == then.name && one.state() == DeliveryState::Delivered), "{told:#?}");
    assert_eq!(told.len(), 2);
}
