//! What a live board sends although no deal changed: heartbeats, unobserved steps, and rooftops that are created.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use throughline_proto::deal::v1::{IntervalKind, IntervalState, WatchBoardRequest, WatchBoardResponse};
use throughline_testkit::{ends_within, eventually};
use tonic::{Code, Streaming};
use tonic_types::StatusExt;

use crate::kit::{NORTH, SOON, SOUTH, Store, Suite, event, rooftop, rooftop_expecting, says, signed};

/// On a part of its own.
const WEST: Store = Store { group: "summit", rooftop: "west", part: 99 };
/// On the part of north.
const NEXT: Store = Store { group: "summit", rooftop: "next", part: 7 };

async fn next(stream: &mut Streaming<WatchBoardResponse>) -> WatchBoardResponse {
    let message = tokio::time::timeout(SOON, stream.message()).await;
    message.expect("in time").unwrap().expect("the stream goes on")
}

/// The next message that satisfies a condition; the condition sees all messages before it, too.
async fn until(
    stream: &mut Streaming<WatchBoardResponse>,
    mut wanted: impl FnMut(&WatchBoardResponse) -> bool,
) -> WatchBoardResponse {
    ends_within(SOON, async {
        loop {
            let message = next(stream).await;
            if wanted(&message) {
                return message;
            }
        }
    })
    .await
}

/// With both rooftops known to deal-state, and a deal of north.
async fn open_suite() -> Suite {
    let suite = Suite::start().await;
    let known = [rooftop(NORTH), rooftop(SOUTH), says(NORTH, event("deal.opened", "S1", 0, &[]))];
    suite.hash(&suite.tell(known).await).await;
    suite
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// The steps that a message says no source of a rooftop reports.
fn unobserved<'m>(message: &'m WatchBoardResponse, rooftop: &str) -> Vec<&'m str> {
    let steps = message.unobserved.iter().filter(|step| step.rooftop == rooftop);
    steps.map(|step| step.event_type.as_str()).collect()
}

fn names(message: &WatchBoardResponse) -> Vec<&str> {
    message.upserts.iter().flat_map(|entry| &entry.keys).map(|key| key.value.as_str()).collect()
}

#[tokio::test]
async fn heartbeat_comes_at_the_requested_interval_and_carries_nothing_else() {
    let suite = open_suite().await;
    let began = Instant::now();
    let mut stream = suite.watch(WatchBoardRequest { heartbeat: seconds(1), ..Default::default() }).await;
    let mut slower = suite.watch(WatchBoardRequest { heartbeat: seconds(60), ..Default::default() }).await;
    assert!(next(&mut stream).await.snapshot && next(&mut slower).await.snapshot);
    let beat = tokio::select! {
        beat = next(&mut stream) => beat,
        other = next(&mut slower) => panic!("nothing happens for a minute: {other:?}"),
    };
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let nothing_else = WatchBoardResponse {
        complete: true,
        as_of: beat.as_of,
        resume_token: beat.resume_token.clone(),
        ..Default::default()
    };
    assert_eq!(beat, nothing_else);
    assert!(beat.as_of.is_some() && !beat.resume_token.is_empty());
    let resumed = WatchBoardRequest { resume_token: beat.resume_token, heartbeat: seconds(1), ..Default::default() };
    assert!(!next(&mut suite.watch(resumed).await).await.snapshot, "a heartbeat resumes");
}

#[tokio::test]
async fn heartbeat_out_of_range_is_refused_together_with_everything_else_that_is_wrong() {
    let suite = Suite::start().await;
    for heartbeat in [(-1, 0), (0, 999_999_999), (60, 1), (61, 0), (5, -1)] {
        let request = WatchBoardRequest {
            parent: "groups/summit".to_owned(),
            rooftops: vec!["north".to_owned(); 257],
            heartbeat: Some(prost_types::Duration { seconds: heartbeat.0, nanos: heartbeat.1 }),
            ..Default::default()
        };
        let refused = suite.deals().watch_board(suite.asks(request)).await.unwrap_err();
        let fields: Vec<_> = refused.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!((refused.code(), fields), (Code::InvalidArgument, vec!["rooftops", "heartbeat"]), "{heartbeat:?}");
    }
}

#[tokio::test]
async fn unobserved_steps_of_a_rooftop_are_sent_again_when_one_becomes_observed() {
    let suite = open_suite().await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let snapshot = next(&mut stream).await;
    assert_eq!(snapshot.unobserved_rooftops, ["north", "south"]);
    let before = unobserved(&snapshot, "north");
    assert!(before.contains(&"deal.agreed") && !before.contains(&"deal.opened"));

    suite.tell([says(NORTH, event("deal.agreed", "S1", 9, &[]))]).await;
    let again = until(&mut stream, |message| !message.unobserved_rooftops.is_empty()).await;
    assert_eq!(again.unobserved_rooftops, ["north"], "the other rooftop keeps its list");
    let expected: Vec<&str> = before.into_iter().filter(|step| *step != "deal.agreed").collect();
    assert_eq!(unobserved(&again, "north"), expected);
    assert!(!again.snapshot && again.complete && unobserved(&again, "south").is_empty());

    // An event of no deal is a step as well.
    suite.tell([says(SOUTH, event("feed.polled", "", 10, &[])), says(SOUTH, event("deal.lost", "S2", 10, &[]))]).await;
    let again = until(&mut stream, |message| !message.unobserved_rooftops.is_empty()).await;
    assert_eq!(again.unobserved_rooftops, ["south"]);
    assert!(!unobserved(&again, "south").contains(&"deal.lost"));
}

#[tokio::test]
async fn step_that_is_no_longer_observed_is_sent_at_the_next_heartbeat() {
    let suite = open_suite().await;
    let mut stream = suite.watch(WatchBoardRequest { heartbeat: seconds(1), ..Default::default() }).await;
    assert!(!unobserved(&next(&mut stream).await, "north").contains(&"deal.opened"));
    // As a service that forgets a step after a while would: no entry says so.
    suite.damage("delete from deal_state.observed where group_id = 'summit' and event_type = 'deal.opened'").await;
    let again = until(&mut stream, |message| !message.unobserved_rooftops.is_empty()).await;
    assert_eq!(again.unobserved_rooftops, ["north"]);
    assert!(unobserved(&again, "north").contains(&"deal.opened"));
}

#[tokio::test]
async fn resumed_board_gets_the_unobserved_steps_of_every_rooftop_again() {
    let suite = open_suite().await;
    let snapshot = next(&mut suite.watch(WatchBoardRequest::default()).await).await;
    suite.hash(&suite.tell([says(NORTH, event("deal.agreed", "S1", 9, &[]))]).await).await;
    let resumed = WatchBoardRequest { resume_token: snapshot.resume_token, ..Default::default() };
    let mut stream = suite.watch(resumed).await;
    let again = until(&mut stream, |message| {
        assert!(!message.snapshot, "it goes on where it was");
        !message.unobserved_rooftops.is_empty()
    })
    .await;
    assert_eq!(again.unobserved_rooftops, ["north", "south"]);
    assert!(!unobserved(&again, "north").contains(&"deal.agreed"));
}

#[tokio::test]
async fn rooftop_created_after_the_stream_began_joins_with_its_own_snapshot() {
    let suite = open_suite().await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    assert_eq!(names(&next(&mut stream).await), ["S1"]);
    let mut named = suite
        .watch(WatchBoardRequest { rooftops: vec!["north".to_owned()], heartbeat: seconds(1), ..Default::default() })
        .await;
    next(&mut named).await;
    let key = suite.key("summit", &["north"], &["read"]).await;
    let request = WatchBoardRequest { parent: "groups/summit".to_owned(), heartbeat: seconds(1), ..Default::default() };
    let mut held = suite.deals().watch_board(signed(&key, request)).await.unwrap().into_inner();
    next(&mut held).await;

    for (store, subject) in [(WEST, "S7"), (NEXT, "S8")] {
        // More deals than one page holds.
        let deals = (0..250).map(|nth| says(store, event("deal.opened", &format!("{subject}-{nth}"), 1, &[])));
        let entries = std::iter::once(rooftop(store)).chain(deals);
        suite.hash(&suite.tell(entries.collect::<Vec<_>>()).await).await;
        let joined = until(&mut stream, |message| !message.added_rooftops.is_empty()).await;
        assert_eq!(joined.added_rooftops, [store.rooftop]);
        assert!(!joined.snapshot, "nothing else is replaced");
        assert_eq!(joined.unobserved_rooftops, [store.rooftop]);
        assert!(unobserved(&joined, store.rooftop).contains(&"deal.agreed"));
        // All of it is folded by the time the snapshot is whole, or comes as changes behind it.
        let mut seen: std::collections::BTreeSet<String> = names(&joined).into_iter().map(str::to_owned).collect();
        let mut sources = joined.sources.clone();
        ends_within(SOON, async {
            while seen.iter().filter(|name| name.starts_with(subject)).count() < 250 || sources.is_empty() {
                let more = next(&mut stream).await;
                assert_eq!(more.complete, !more.resume_token.is_empty());
                seen.extend(names(&more).into_iter().map(str::to_owned));
                sources.extend(more.sources.into_iter().filter(|source| source.rooftop == store.rooftop));
            }
        })
        .await;
        assert!(sources.iter().any(|source| source.rooftop == store.rooftop));

        suite.tell([says(store, event("deal.opened", "S9", 2, &[]))]).await;
        let change = until(&mut stream, |message| names(message).contains(&"S9")).await;
        assert!(change.complete && change.added_rooftops.is_empty() && !change.snapshot);
    }

    // What happens where it was before still arrives, and nothing else at those who asked for less.
    suite.tell([says(NORTH, event("deal.opened", "S2", 3, &[]))]).await;
    let last = until(&mut stream, |message| names(message).contains(&"S2")).await;
    for stream in [&mut named, &mut held] {
        until(stream, |message| {
            let elsewhere = message.upserts.iter().any(|entry| !entry.deal.contains("/rooftops/north/"));
            assert!(!elsewhere && message.added_rooftops.is_empty(), "{message:?}");
            names(message).contains(&"S2")
        })
        .await;
    }

    // The token knows of the rooftops that joined.
    let resumed = WatchBoardRequest { resume_token: last.resume_token, ..Default::default() };
    let mut stream = suite.watch(resumed).await;
    suite.tell([says(WEST, event("deal.opened", "S10", 4, &[]))]).await;
    until(&mut stream, |message| {
        assert!(!message.snapshot && message.added_rooftops.is_empty());
        names(message).contains(&"S10")
    })
    .await;
}

#[tokio::test]
async fn board_that_resumes_after_a_rooftop_was_created_begins_with_a_snapshot_of_all() {
    let suite = open_suite().await;
    let snapshot = next(&mut suite.watch(WatchBoardRequest::default()).await).await;
    let created = [rooftop(NEXT), says(NEXT, event("deal.opened", "S8", 1, &[]))];
    suite.hash(&suite.tell(created).await).await;
    let resumed = WatchBoardRequest { resume_token: snapshot.resume_token, ..Default::default() };
    let again = next(&mut suite.watch(resumed).await).await;
    assert!(again.snapshot && again.complete);
    let mut shown = names(&again);
    shown.sort_unstable();
    assert_eq!(shown, ["S1", "S8"]);
    assert_eq!(again.unobserved_rooftops, ["next", "north", "south"]);
}

#[tokio::test]
async fn source_that_is_new_stale_or_expected_otherwise_is_sent_while_deals_keep_changing() {
    let suite = Suite::start().await;
    suite.hash(&suite.tell([rooftop_expecting(NORTH, 300), rooftop(SOUTH)]).await).await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    assert_eq!(next(&mut stream).await.sources, []);
    suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await;
    let about_north = |message: &WatchBoardResponse, expected: i64, stale: bool| {
        message.sources.iter().any(|source| {
            let interval = source.expected_interval.as_ref().map(|of| of.seconds);
            (source.rooftop.as_str(), interval, source.stale) == ("north", Some(expected), stale)
        })
    };
    until(&mut stream, |message| about_north(message, 300, false)).await;
    // The other rooftop has something to say at every turn; that must not keep the board from looking.
    suite.hand.advance(jiff::SignedDuration::from_mins(21));
    let mut stale = false;
    for nth in 0..2_000 {
        suite.tell([says(SOUTH, event("deal.opened", &format!("T{nth}"), 21, &[]))]).await;
        stale = about_north(&next(&mut stream).await, 300, true);
        if stale {
            break;
        }
    }
    assert!(stale, "a busy board says which source fell silent");
    suite.tell([rooftop_expecting(NORTH, 7_200)]).await;
    until(&mut stream, |message| about_north(message, 7_200, false)).await;
}

#[tokio::test]
async fn step_that_no_source_has_reported_for_thirty_open_days_is_no_longer_observed() {
    let suite = Suite::start().await;
    let known = [
        rooftop(NORTH),
        says(NORTH, event("deal.fi.started", "S1", 0, &[])),
        says(NORTH, event("deal.agreed", "S2", 5, &[])),
    ];
    let token = suite.tell(known).await;
    let waits = async |at_least: &str| {
        let deal = suite.deal(NORTH, "subject", "S2", at_least).await;
        deal.intervals.iter().find(|of| of.name == "fi" && of.kind() == IntervalKind::Handoff).unwrap().state()
    };
    assert_eq!(waits(&token).await, IntervalState::Open);

    // The day of the report is not counted; without a calendar the rooftop is open every day.
    let ends = "2026-10-08T00:00:00Z".parse::<Timestamp>().unwrap();
    suite.hand.set(ends - SignedDuration::from_secs(1));
    eventually(SOON, async || {
        let fired = "SELECT count(*) FROM deal_state.watermark WHERE part = 7 AND until >= '2026-10-07T23:59:59Z'";
        if suite.count(fired).await == 1 { Ok(()) } else { Err("its timers have not fired") }
    })
    .await;
    assert_eq!(waits("").await, IntervalState::Open);
    suite.hand.set(ends);
    eventually(SOON, async || match waits("").await {
        IntervalState::NotObserved => Ok(()),
        state => Err(state.as_str_name()),
    })
    .await;
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    assert!(unobserved(&next(&mut stream).await, "north").contains(&"deal.fi.started"));

    // Once a source reports it again, its absence says something again.
    let token = suite.tell([says(NORTH, event("deal.fi.started", "S3", 31 * 24 * 60, &[]))]).await;
    suite.hash(&token).await;
    eventually(SOON, async || match waits("").await {
        IntervalState::Open => Ok(()),
        state => Err(state.as_str_name()),
    })
    .await;
}
