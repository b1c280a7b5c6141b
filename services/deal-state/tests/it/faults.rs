//! A deal whose fold panics is parked alone.

use std::sync::atomic::Ordering;

use throughline_proto::{
    deal::v1::DealState,
    log::v1::{ListParkedRequest, RetryParkedRequest, log_service_client::LogServiceClient},
};
use throughline_testkit::eventually;

use crate::kit::{MENDED, NORTH, POISON, RIVAL, SOON, Suite, event, says, signed};

#[tokio::test]
async fn a_panic_parks_one_deal_alone_and_a_retry_folds_it() {
    let suite = Suite::start().await;
    let mut entries = vec![says(NORTH, event("deal.opened", "bad", 0, &[("visit", POISON)]))];
    for nth in 0..20 {
        entries.push(says(NORTH, event("deal.opened", &format!("good{nth}"), nth, &[])));
        entries.push(says(RIVAL, event("deal.opened", &format!("good{nth}"), nth, &[])));
    }
    entries.push(says(NORTH, event("deal.agreed", "bad", 30, &[])));
    suite.tell(entries).await;
    let token = suite.tell([says(NORTH, event("deal.agreed", "good0", 31, &[]))]).await;
    assert_eq!(suite.hash(&token).await.deals, 20, "the others are folded");

    let mut logs = LogServiceClient::new(suite.channel());
    let request = ListParkedRequest { consumer: "deal-state".to_owned(), ..Default::default() };
    let parked = logs.list_parked(suite.asks(request.clone())).await.unwrap().into_inner().parked;
    let entities: Vec<&str> = parked.iter().map(|parked| parked.entity.as_str()).collect();
    assert_eq!(entities, ["crm bad", "crm bad"], "its later entry waits behind it");
    assert!(parked[0].error.contains("panicked"), "{}", parked[0].error);
    let stranger = suite.key("rival", &[], &["admin"]).await;
    let other = logs.list_parked(signed(&stranger, request.clone())).await.unwrap().into_inner().parked;
    assert!(other.is_empty(), "another group sees none of it: {other:?}");

    MENDED.store(true, Ordering::SeqCst);
    let retry = RetryParkedRequest {
        consumer: "deal-state".to_owned(),
        part: NORTH.part.into(),
        group: NORTH.group.to_owned(),
        rooftop: NORTH.rooftop.to_owned(),
        entity: "crm bad".to_owned(),
    };
    assert_eq!(logs.retry_parked(suite.asks(retry)).await.unwrap().into_inner().entries, 2);
    eventually(SOON, async || {
        let left = logs.clone().list_parked(suite.asks(request.clone())).await.unwrap().into_inner().parked;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    assert_eq!(suite.hash("").await.deals, 21);
    let mended = suite.deal(NORTH, "visit", POISON, "").await;
    assert_eq!((mended.event_count, mended.state()), (2, DealState::Agreed));
}
