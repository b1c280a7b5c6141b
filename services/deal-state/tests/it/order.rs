//! Any order of arrival, in any batches, ends in the same state.

use crate::kit::{NORTH, SOUTH, Suite, event, says};

#[tokio::test]
async fn any_order_of_arrival_ends_in_the_same_hash_and_one_event_fewer_in_another() {
    let mut events = Vec::new();
    for nth in 0..30 {
        let (subject, visit, dms) = (format!("S{nth}"), format!("V{}", nth / 2), format!("D{}", nth % 11));
        let store = if nth % 3 == 0 { SOUTH } else { NORTH };
        events.push((store, event("deal.opened", &subject, nth, &[("visit", &visit)])));
        events.push((store, event("deal.writeup.submitted", &subject, nth + 10, &[])));
        events.push((store, event("deal.desk.started", &subject, nth + 15, &[])));
        events.push((store, event("deal.agreed", &subject, nth + 40, &[("dms_deal", &dms)])));
        events.push((store, event("deal.fi.started", &subject, nth + 55, &[("stock", "K1")])));
    }
    let mut ends = Vec::new();
    for (seed, batch) in [(0_u64, 200), (1, 1), (2, 13), (3, 50)] {
        let suite = Suite::start().await;
        let mut order = events.clone();
        if seed > 0 {
            order.sort_by_key(|(_, event)| *blake3::hash(format!("{seed}{}", event.id).as_bytes()).as_bytes());
        }
        let mut token = String::new();
        for some in order.chunks(batch) {
            token = suite.tell(some.iter().map(|(store, event)| says(*store, event.clone()))).await;
        }
        // One token names the parts of its own commit alone.
        suite.hash(&token).await;
        let closed = event("store.closed", "", 600, &[]);
        let last = suite.tell([says(NORTH, closed.clone()), says(SOUTH, closed)]).await;
        ends.push(suite.hash(&last).await);
        if seed == 3 {
            let more = suite.tell([says(NORTH, event("deal.lost", "S1", 90, &[]))]).await;
            assert_ne!(suite.hash(&more).await.state_hash, ends[0].state_hash);
        }
    }
    assert!(ends[0].deals > 1, "{ends:?}");
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}
