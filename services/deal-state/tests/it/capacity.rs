//! A deal holds 2,000 events.

use throughline_proto::event::v1::Event;

use crate::kit::{NORTH, Suite, event, says};

#[tokio::test]
async fn the_first_two_thousand_count_in_whatever_order_they_come() {
    let minutes: Vec<i64> = (0..2_050).collect();
    let mut hashes = Vec::new();
    for backwards in [false, true] {
        let suite = Suite::start().await;
        let mut order = minutes.clone();
        if backwards {
            order.reverse();
        }
        let mut token = String::new();
        for some in order.chunks(700) {
            let entry = |minute: &i64| {
                let told = Event { id: format!("E{minute}"), ..event("deal.pencil.presented", "S1", *minute, &[]) };
                says(NORTH, told)
            };
            token = suite.tell(some.iter().map(entry)).await;
        }
        let deal = suite.deal(NORTH, "subject", "S1", &token).await;
        assert_eq!(deal.event_count, 2_000);
        let exceptions: Vec<&str> = deal.exceptions.iter().map(|exception| exception.kind.as_str()).collect();
        assert!(exceptions.contains(&"too_many_events"), "{exceptions:?}");
        assert_eq!(suite.count("SELECT count(*) FROM deal_state.fold_input").await, 2_001);
        hashes.push((suite.hash("").await, deal.last_event_at));
    }
    assert_eq!(hashes[0], hashes[1]);
}
