//! Processes that die, and two that work side by side.

use jiff::Timestamp;
use pb::notification::v1::DeliveryState;
use throughline_proto as pb;
use throughline_testkit::Database;

use crate::{
    kit::*,
    receiver::{Plan, Receiver},
};

/// A process on a runtime of its own, in which it dies as by a kill: between two instructions, with nothing put in order.
struct Doomed {
    runtime: tokio::runtime::Runtime,
}

impl Doomed {
    fn new() -> Self {
        Self { runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap() }
    }

    async fn open(&self, database: Database, now: Timestamp) -> Desk {
        self.runtime.spawn(Desk::start(database, now, |_| {})).await.unwrap()
    }

    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_noted_is_sent_again_under_the_same_id() {
    let (doomed, receiver) = (Doomed::new(), Receiver::start().await);
    let desk = doomed.open(Database::create().await, at(0)).await;
    let secret = desk.route(to_webhook(&receiver.url())).await.signing_secret;
    receiver.plan(Plan::Hold);
    desk.tell(said(yellow("11", 0))).await;
    receiver.have(1).await;
    doomed.kill();
    receiver.let_go();
    let Desk { database, .. } = desk;

    let heir = Desk::start(database, at(1), |_| {}).await;
    // Nobody else sends it before the lease has run out, which takes longer than a test may.
    assert_eq!(heir.only(DeliveryState::Pending, 0).await.attempts, 0);
    heir.execute("UPDATE notification.delivery SET lease_until = now() - interval '1 second'").await;
    heir.only(DeliveryState::Delivered, 1).await;
    let messages = receiver.messages();
    assert_eq!((messages.len(), &messages[0].id, &messages[0].body), (2, &messages[1].id, &messages[1].body));
    assert!(messages.iter().all(|message| message.is_signed_with(&secret)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_lost_its_lease_changes_nothing() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    receiver.plan(Plan::Hold);
    desk.tell(said(yellow("11", 0))).await;
    receiver.have(1).await;
    // Somebody else takes it over while the first is still waiting for its answer.
    desk.execute("UPDATE notification.delivery SET lease_until = now() - interval '1 second'").await;
    receiver.have(2).await;
    let delivered = desk.only(DeliveryState::Delivered, 1).await;
    receiver.let_go();
    desk.tell(said(yellow("12", 0))).await;
    receiver.have(3).await;
    let kept = desk.deliveries().await.into_iter().find(|one| one.name == delivered.name).unwrap();
    assert_eq!(kept, delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_what_is_to_be_sent() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    desk.route(to_webhook(&receiver.url())).await;
    let options = throughline_platform::Options::for_test(desk.database.url(), None);
    let clock = desk.running.cx.platform.clock.clone();
    // It has no flag log of its own and follows that of the first.
    let options =
        throughline_platform::Options { rules_url: Some(format!("http://{}", desk.running.grpc_addr)), ..options };
    let second =
        throughline_journal::host::start_with(options, Some(clock), &[throughline_notification::SERVICE]).await;
    let second = second.unwrap();
    desk.tell_all((10..60).map(|n| said(yellow(&n.to_string(), 0))).collect()).await;
    desk.settled().await;
    let mut ids: Vec<_> = receiver.have(50).await.into_iter().map(|message| message.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.messages().len()), (50, 50));
    second.stop().await.unwrap();
}
