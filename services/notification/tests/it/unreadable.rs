//! A message that cannot be read keeps no other from being sent, is seen, and is sent once it is mended.

use jiff::SignedDuration;
use pb::notification::v1::{Delivery, DeliveryState};
use throughline_proto as pb;
use throughline_testkit::eventually;

use crate::{
    kit::*,
    receiver::{Plan, Receiver},
};

/// Waits until one message stands as wanted, and answers with it and with the others.
async fn once(desk: &Desk, flag: &str, wanted: impl Fn(&Delivery) -> bool) -> (Delivery, Vec<Delivery>) {
    eventually(SOON, async || {
        let (one, others): (Vec<_>, Vec<_>) =
            desk.deliveries().await.into_iter().partition(|delivery| delivery.flag.ends_with(flag));
        let sent = others.iter().all(|other| other.state() == DeliveryState::Delivered);
        match <[Delivery; 1]>::try_from(one) {
            Ok([one]) if sent && wanted(&one) => Ok((one, others)),
            one => Err(format!("{one:#?} {others:#?}")),
        }
    })
    .await
}

async fn one_of_three(damage: &'static str, mend: &'static str) {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    // Nobody takes them at first, so that all three wait.
    (0..3).for_each(|_| receiver.plan(Plan::Status(500)));
    desk.tell_all(["11", "12", "13"].map(|id| said(yellow(id, 0))).to_vec()).await;
    eventually(SOON, async || {
        let deliveries = desk.deliveries().await;
        let tried = deliveries.iter().filter(|one| one.attempts == 1).count();
        if tried == 3 { Ok(()) } else { Err(format!("{deliveries:#?}")) }
    })
    .await;
    desk.execute(damage).await;
    desk.hand.advance(SignedDuration::from_secs(6));
    let unread = |one: &Delivery| one.attempts == 2 && one.last_result.starts_with("unreadable: ");
    let (one, _) = once(&desk, "12", unread).await;
    assert_eq!((one.state(), one.end_time), (DeliveryState::Pending, None));
    desk.counted("throughline_notifications_unreadable_total{channel=\"webhook\"}", 1).await;

    // What comes later is sent as well.
    desk.tell(said(yellow("14", 0))).await;
    once(&desk, "12", unread).await;

    desk.execute(mend).await;
    desk.hand.advance(SignedDuration::from_secs(331));
    let (one, others) = once(&desk, "12", |one| one.state() == DeliveryState::Delivered).await;
    assert_eq!((one.last_result.as_str(), others.len()), ("http 204", 3));
}

#[tokio::test]
async fn message_with_an_unreadable_instant_keeps_no_other_from_being_sent() {
    one_of_three(
        "UPDATE notification.delivery SET step_at = 'infinity' WHERE flag_id = '12'",
        "UPDATE notification.delivery SET step_at = '2026-09-07T10:00:00Z' WHERE flag_id = '12'",
    )
    .await;
}

#[tokio::test]
async fn message_with_an_unreadable_part_keeps_no_other_from_being_sent() {
    one_of_three(
        "UPDATE notification.delivery SET part = -1 WHERE flag_id = '12'",
        "UPDATE notification.delivery SET part = 7 WHERE flag_id = '12'",
    )
    .await;
}

#[tokio::test]
async fn message_that_stays_unreadable_is_given_up_and_says_why() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Status(500));
    desk.tell(said(yellow("12", 0))).await;
    desk.only(DeliveryState::Pending, 1).await;
    desk.execute("UPDATE notification.delivery SET step_at = 'infinity'").await;
    for attempts in 2..10 {
        desk.hand.advance(SignedDuration::from_hours(3));
        let tried = eventually(SOON, async || match &desk.deliveries().await[..] {
            [one] if one.attempts >= attempts => Ok(one.clone()),
            other => Err(format!("{other:#?}")),
        })
        .await;
        if tried.state() == DeliveryState::Failed {
            assert!(tried.last_result.starts_with("unreadable: "), "{}", tried.last_result);
            return;
        }
    }
    panic!("it is tried for ever");
}
