//! A flag is decided on once the flag log is complete past the entry that changed it, so batches change nothing.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use pb::rule::v1::Flag;
use throughline_journal::NewEntry;
use throughline_proto as pb;
use throughline_testkit::{connect, eventually};

use crate::{kit::*, receiver::Receiver};

#[tokio::test]
async fn flag_that_ends_at_the_instant_at_which_it_opens_sends_no_notification() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    // Each entry in a batch of its own, all recorded at one instant.
    for id in ["11", "12", "13"] {
        desk.append(vec![said(yellow(id, 0))]).await;
    }
    assert_eq!((desk.undecided().await, desk.deliveries().await.len()), (3, 0));
    desk.append(vec![never_stood(&yellow("11", 0))]).await;
    desk.append(vec![said(closed(yellow("12", 0), 0))]).await;
    desk.append(vec![said(taken(yellow("13", 0), 0))]).await;
    desk.append(vec![said(yellow("14", 0))]).await;
    desk.complete().await;
    assert_eq!(receiver.have(1).await[0].body["data"]["keys"][0], "dms:4714");
    assert_eq!(desk.settled().await.len(), 1);
}

#[tokio::test]
async fn flag_is_decided_on_only_once_the_log_is_complete_past_its_last_change() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    desk.append(vec![said(yellow("11", 0))]).await;
    desk.hand.set(at(1));
    desk.append(vec![said(red(yellow("11", 0), 1))]).await;
    desk.complete().await;
    // Whether it was seen yellow depends on how quickly this process was; that red is told of once does not.
    let steps: Vec<String> = desk.settled().await.into_iter().map(|one| one.step).collect();
    assert_eq!(steps.iter().filter(|step| *step == "red").count(), 1, "{steps:?}");
    receiver.have(steps.len()).await;
}

/// What happens to several flags at one instant; entries of one flag are in order.
fn entries() -> Vec<Vec<NewEntry>> {
    let moved = Flag { name: yellow("16", 0).name, continues: yellow("15", 0).name, revision: 1, ..yellow("15", 0) };
    vec![
        vec![said(yellow("11", 0)), said(red(yellow("11", -15), 0))],
        vec![said(yellow("12", 0)), never_stood(&yellow("12", 0))],
        vec![said(yellow("13", 0)), said(closed(yellow("13", 0), 0))],
        vec![said(yellow("14", 0)), said(taken(yellow("14", 0), 0))],
        vec![said(yellow("15", 0)), said(moved), never_stood(&yellow("15", 0))],
        vec![said(imported(yellow("17", 0), 0)), said(red(imported(yellow("17", -15), -1), 0))],
        vec![said(yellow("18", 0))],
    ]
}

#[tokio::test]
async fn any_batches_and_orders_of_the_same_entries_deliver_the_same_notifications() {
    let in_order: Vec<NewEntry> = entries().into_iter().flatten().collect();
    let reversed: Vec<NewEntry> = entries().into_iter().rev().flatten().collect();
    let mut flags: Vec<_> = entries().into_iter().map(Vec::into_iter).collect();
    let mut turns = Vec::new();
    // One entry of each flag in turn: no flag has more.
    for _ in 0..3 {
        turns.extend(flags.iter_mut().filter_map(Iterator::next));
    }
    assert_eq!(turns.len(), in_order.len());
    let whole = in_order.len();
    for (order, sizes) in [(in_order, vec![1, whole]), (reversed, vec![3]), (turns, vec![1])] {
        for size in sizes {
            let (desk, receiver) = (Desk::open().await, Receiver::start().await);
            desk.route(to_webhook(&receiver.url())).await;
            for batch in order.chunks(size) {
                desk.append(batch.to_vec()).await;
            }
            desk.complete().await;
            let decided = desk.settled().await.len();
            let delivered: BTreeSet<String> = receiver
                .have(decided)
                .await
                .iter()
                .map(|message| format!("{} {}", message.body["data"]["keys"][0], message.body["data"]["step"]))
                .collect();
            let wanted = ["11\" \"red", "15\" \"yellow", "17\" \"red", "18\" \"yellow"];
            assert_eq!(delivered, wanted.map(|end| format!("\"dms:47{end}\"")).into(), "batches of {size}");
            assert_eq!(decided, 4, "batches of {size}");
        }
    }
}

#[tokio::test]
async fn flag_that_cannot_be_read_back_keeps_no_other_from_being_decided_on() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    desk.append(vec![said(yellow("11", 0)), said(yellow("12", 0))]).await;
    desk.execute("UPDATE notification.flag SET content = '\\xff' WHERE flag_id = '11'").await;
    desk.hand.advance(SignedDuration::from_micros(1));
    assert_eq!(receiver.have(1).await[0].body["data"]["keys"][0], "dms:4712");
    eventually(SOON, async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM notification.parked_timer");
        let parked: i64 = count.fetch_one(&mut connect(desk.database.url()).await).await.unwrap();
        if parked == 1 { Ok(()) } else { Err(format!("{parked} are parked")) }
    })
    .await;
    assert_eq!(desk.undecided().await, 1, "it stays undecided, and people see why");
}

#[tokio::test(flavor = "multi_thread")]
async fn decision_that_was_due_when_the_process_ended_is_made_by_the_next() {
    let receiver = Receiver::start().await;
    let desk = Desk::open().await;
    desk.route(to_webhook(&receiver.url())).await;
    desk.append(vec![said(yellow("11", 0))]).await;
    let Desk { running, database, .. } = desk;
    running.stop().await.unwrap();
    let heir = Desk::start(database, at(1), |_| {}).await;
    heir.complete().await;
    assert_eq!(receiver.have(1).await[0].body["data"]["step"], "yellow");
    assert_eq!(heir.settled().await.len(), 1);
}
