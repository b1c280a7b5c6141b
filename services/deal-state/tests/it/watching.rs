//! The live board: a snapshot, then changes, and resuming.

use jiff::SignedDuration;
use throughline_proto::deal::v1::{self as pb, WatchBoardRequest, WatchBoardResponse};
use throughline_testkit::ends_within;
use tonic::{Code, Streaming};

use crate::kit::{NORTH, SOON, SOUTH, Suite, event, rooftop_expecting, says};

async fn next(stream: &mut Streaming<WatchBoardResponse>) -> WatchBoardResponse {
    let message = tokio::time::timeout(SOON, stream.message()).await;
    message.expect("in time").unwrap().expect("the stream goes on")
}

/// The next message that changes what stands on the board.
async fn change(stream: &mut Streaming<WatchBoardResponse>) -> WatchBoardResponse {
    ends_within(SOON, async {
        loop {
            let message = next(stream).await;
            if !message.upserts.is_empty() || !message.removes.is_empty() {
                return message;
            }
        }
    })
    .await
}

/// The next of what is said of the CRM of north that satisfies a condition.
async fn crm(stream: &mut Streaming<WatchBoardResponse>, wanted: impl Fn(&pb::SourceAsOf) -> bool) -> pb::SourceAsOf {
    ends_within(SOON, async {
        loop {
            let message = next(stream).await;
            let north = message.sources.into_iter().find(|source| source.rooftop == "north");
            if let Some(source) = north.filter(&wanted) {
                return source;
            }
        }
    })
    .await
}

fn names(message: &WatchBoardResponse) -> Vec<&str> {
    message.upserts.iter().map(|entry| entry.deal.as_str()).collect()
}

#[tokio::test]
async fn a_watcher_gets_a_snapshot_then_changes_and_resumes_behind_them() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[])),
            says(SOUTH, event("deal.opened", "S2", 0, &[])),
            says(SOUTH, event("deal.lost", "S2", 3, &[])),
        ])
        .await;
    let deal = suite.deal(NORTH, "subject", "S1", &token).await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let snapshot = next(&mut stream).await;
    assert!(snapshot.snapshot && snapshot.complete);
    assert_eq!(names(&snapshot), [deal.name.as_str()], "what is lost is on no board");
    let sources: Vec<_> =
        snapshot.sources.iter().map(|source| (source.rooftop.as_str(), source.source.as_str())).collect();
    assert_eq!(sources, [("north", "crm"), ("south", "crm")]);
    assert!(
        snapshot
            .unobserved
            .iter()
            .any(|step| (step.rooftop.as_str(), step.event_type.as_str()) == ("north", "deal.lost"))
    );
    assert!(
        !snapshot
            .unobserved
            .iter()
            .any(|step| (step.rooftop.as_str(), step.event_type.as_str()) == ("south", "deal.lost"))
    );

    suite.hand.advance(SignedDuration::from_secs(7));
    suite.tell([says(NORTH, event("deal.agreed", "S1", 10, &[]))]).await;
    let agreed = change(&mut stream).await;
    assert!(!agreed.snapshot && agreed.complete);
    assert_eq!(agreed.upserts[0].state(), pb::DealState::Agreed);
    assert_eq!(agreed.delay.unwrap().seconds, 0, "recorded at the test's own now");
    drop(stream);

    // What happens meanwhile comes first when the watcher is back.
    suite.tell([says(NORTH, event("deal.opened", "S3", 11, &[]))]).await;
    let resumed = WatchBoardRequest { resume_token: agreed.resume_token, ..Default::default() };
    let mut stream = suite.watch(resumed).await;
    let first = change(&mut stream).await;
    assert!(!first.snapshot);
    assert_eq!(first.upserts.len(), 1);
    assert_eq!(first.upserts[0].keys[0].value, "S3");

    suite.tell([says(NORTH, event("deal.lost", "S1", 20, &[]))]).await;
    assert_eq!(change(&mut stream).await.removes, [deal.name]);
}

#[tokio::test]
async fn a_merge_takes_the_former_deal_off_the_board() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await;
    let before = suite.deal(NORTH, "subject", "S1", &token).await;
    let mut stream = suite.watch(WatchBoardRequest { rooftops: vec!["north".to_owned()], ..Default::default() }).await;
    next(&mut stream).await;
    suite.tell([says(NORTH, event("deal.agreed", "S1", 9, &[("visit", "V1")]))]).await;
    let merged = change(&mut stream).await;
    assert_eq!(merged.removes, [before.name]);
    assert_eq!(merged.upserts.len(), 1);
}

#[tokio::test]
async fn a_large_snapshot_comes_in_pieces_and_once_ends_behind_it() {
    let suite = Suite::start().await;
    let entries = (0..450).map(|nth| {
        let store = if nth % 2 == 0 { NORTH } else { SOUTH };
        says(store, event("deal.opened", &format!("S{nth}"), nth / 10, &[]))
    });
    let token = suite.tell(entries).await;
    suite.hash(&token).await;
    let mut stream = suite.watch(WatchBoardRequest { once: true, ..Default::default() }).await;
    let mut pieces = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        pieces.push(piece);
    }
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.snapshot));
    let complete: Vec<bool> = pieces.iter().map(|piece| piece.complete).collect();
    assert_eq!(complete.iter().filter(|complete| **complete).count(), 1);
    assert!(complete.last().unwrap());
    let deals: std::collections::BTreeSet<&str> = pieces.iter().flat_map(|piece| names(piece)).collect();
    assert_eq!(deals.len(), 450);
}

#[tokio::test]
async fn a_deal_of_which_nothing_was_heard_for_two_weeks_is_on_no_board() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await;
    suite.hash(&token).await;
    suite.hand.advance(SignedDuration::from_hours(15 * 24));
    let mut stream = suite.watch(WatchBoardRequest { once: true, ..Default::default() }).await;
    assert!(next(&mut stream).await.upserts.is_empty());
    assert_eq!(suite.list("open = true", "").await.len(), 1, "lists have it");
}

#[tokio::test]
async fn what_fell_silent_while_nobody_watched_leaves_a_board_that_resumes() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await;
    suite.hash(&token).await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let snapshot = next(&mut stream).await;
    assert_eq!(names(&snapshot).len(), 1);
    drop(stream);

    suite.hand.advance(SignedDuration::from_hours(15 * 24));
    let resumed = WatchBoardRequest { resume_token: snapshot.resume_token.clone(), ..Default::default() };
    let mut stream = suite.watch(resumed).await;
    let first = next(&mut stream).await;
    assert!(!first.snapshot, "it goes on where it was");
    let gone = if first.removes.is_empty() { change(&mut stream).await } else { first };
    assert_eq!(gone.removes, [snapshot.upserts[0].deal.clone()]);
}

#[tokio::test]
async fn a_signed_contract_without_a_ready_car_shows() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[])),
            says(NORTH, event("deal.contract.signed", "S1", 30, &[])),
        ])
        .await;
    suite.hash(&token).await;
    let mut stream = suite.watch(WatchBoardRequest { rooftops: vec!["north".to_owned()], ..Default::default() }).await;
    let snapshot = next(&mut stream).await;
    assert!(!snapshot.upserts[0].vehicle_not_ready, "no source of the rooftop says when a car is ready");
    suite.tell([says(NORTH, event("deal.vehicle.ready", "S2", 40, &[]))]).await;
    ends_within(SOON, async {
        while !change(&mut stream).await.upserts.iter().any(|entry| entry.vehicle_not_ready) {}
    })
    .await;
}

#[tokio::test]
async fn a_board_of_an_unknown_rooftop_or_with_a_forged_token_is_refused() {
    let suite = Suite::start().await;
    suite.hash(&suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await).await;
    for (request, code) in [
        (WatchBoardRequest { rooftops: vec!["nowhere".to_owned()], ..Default::default() }, Code::NotFound),
        (WatchBoardRequest { resume_token: "forged".to_owned(), ..Default::default() }, Code::InvalidArgument),
        (WatchBoardRequest { rooftops: vec!["north".to_owned(); 257], ..Default::default() }, Code::InvalidArgument),
    ] {
        let request = WatchBoardRequest { parent: "groups/summit".to_owned(), ..request };
        assert_eq!(suite.deals().watch_board(suite.asks(request)).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_source_that_falls_silent_is_pushed_although_nothing_happens() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            rooftop_expecting(NORTH, 300),
            says(NORTH, event("deal.opened", "S1", 0, &[])),
            says(SOUTH, event("deal.opened", "S2", 0, &[])),
        ])
        .await;
    suite.hash(&token).await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let fresh = crm(&mut stream, |_| true).await;
    assert_eq!((fresh.stale, fresh.expected_interval.map(|of| of.seconds)), (false, Some(300)));

    // Four intervals, and not a moment more; of the other store nobody knows what to expect.
    suite.hand.advance(SignedDuration::from_mins(20));
    suite.hand.advance(SignedDuration::from_micros(1));
    let silent = crm(&mut stream, |_| true).await;
    assert!(silent.stale && silent.stale_since.is_some(), "{silent:?}");
    assert_eq!(silent.last_recorded_at, fresh.last_recorded_at);

    // Who comes back later is told as well.
    let mut late = suite.watch(WatchBoardRequest::default()).await;
    let snapshot = next(&mut late).await;
    let stale: Vec<_> = snapshot.sources.iter().map(|source| (source.rooftop.as_str(), source.stale)).collect();
    assert_eq!(stale, [("north", true), ("south", false)]);
    drop(late);
    let resumed = WatchBoardRequest { resume_token: snapshot.resume_token, ..Default::default() };
    assert!(crm(&mut suite.watch(resumed).await, |_| true).await.stale);

    // A poll that brought nothing is a sign of life, a failure is none.
    suite.tell([says(NORTH, event("feed.failed", "", 20, &[]))]).await;
    assert!(crm(&mut stream, |_| true).await.stale);
    suite.tell([says(NORTH, event("feed.polled", "", 20, &[]))]).await;
    let heard = crm(&mut stream, |source| !source.stale).await;
    assert_eq!(heard.stale_since, None);
}

#[tokio::test]
async fn how_often_to_expect_a_source_is_learnt_and_the_directory_says_otherwise_at_once() {
    let suite = Suite::start().await;
    let mut token = String::new();
    for nth in 0..20 {
        token = suite.tell([says(NORTH, event("deal.opened", &format!("S{nth}"), 0, &[]))]).await;
        suite.hand.advance(SignedDuration::from_mins(10));
    }
    suite.hash(&token).await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let learnt = crm(&mut stream, |_| true).await;
    assert_eq!((learnt.stale, learnt.expected_interval.map(|of| of.seconds)), (false, Some(600)));
    suite.hand.advance(SignedDuration::from_mins(10));
    suite.tell([rooftop_expecting(NORTH, 60)]).await;
    let told = crm(&mut stream, |source| source.expected_interval.is_some_and(|of| of.seconds == 60)).await;
    assert!(told.stale, "20 minutes are more than a quarter of an hour");
}
