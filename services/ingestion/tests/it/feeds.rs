//! Sources: how often each is to be expected, when one has fallen silent, and what its clock shows.

use jiff::SignedDuration;
use throughline_proto::{
    cloudevents::CloudEvent,
    ingestion::v1::{Feed, FeedHealth, ListFeedsRequest},
    tenant::v1::{Calendar, FeedExpectation, OpenHours, Rooftop, UpdateRooftopRequest},
    time::from_wire,
};
use tonic::Code;

use crate::kit::{Suite, at, event, with};

const SOURCE: &str = "//dms.example/north";

async fn feeds(suite: &Suite, token: &str, stale_only: bool) -> Vec<Feed> {
    let request = ListFeedsRequest { parent: "groups/summit".to_owned(), stale_only, ..ListFeedsRequest::default() };
    suite.events(token).list_feeds(request).await.unwrap().into_inner().feeds
}

async fn feed(suite: &Suite, token: &str) -> Feed {
    feeds(suite, token, false).await.pop().unwrap()
}

fn minutes(of: Option<prost_types::Duration>) -> Option<i64> {
    of.map(|of| of.seconds / 60)
}

fn typed(id: &str, event_type: &str) -> CloudEvent {
    CloudEvent { r#type: event_type.to_owned(), ..event(id) }
}

/// Twenty arrivals, five minutes apart; it is 13:35 then.
async fn steady(suite: &Suite, token: &str) {
    for nth in 0..20 {
        if nth > 0 {
            suite.hand.advance(SignedDuration::from_mins(5));
        }
        suite.append(token, vec![event(&format!("e-{nth}"))]).await;
    }
}

#[tokio::test]
async fn a_source_that_misses_four_of_its_intervals_is_stale_until_it_is_heard_of_again() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite
        .append(&admin, vec![event("early"), CloudEvent { source: "//crm.example/north".to_owned(), ..event("x") }])
        .await;
    assert_eq!(
        (feed(&suite, &admin).await.health(), feed(&suite, &admin).await.expected_interval),
        (FeedHealth::Unspecified, None)
    );
    suite.hand.advance(SignedDuration::from_mins(5));
    steady(&suite, &admin).await;

    let fresh = feed(&suite, &admin).await;
    assert_eq!((fresh.health(), minutes(fresh.expected_interval)), (FeedHealth::Fresh, Some(5)));
    suite.hand.advance(SignedDuration::from_mins(20));
    assert!(feeds(&suite, &admin, true).await.is_empty());
    suite.hand.advance(SignedDuration::from_secs(1));
    let stale = feeds(&suite, &admin, true).await;
    assert_eq!(stale.len(), 1);
    assert_eq!((stale[0].source.as_str(), stale[0].health()), (SOURCE, FeedHealth::Stale));
    let since = stale[0].stale_since.as_ref().and_then(from_wire).unwrap();
    assert_eq!(since.to_string(), "2026-09-07T14:00:00.000001Z");
    assert_eq!(stale[0].last_arrival_time.as_ref().and_then(from_wire), Some(at("2026-09-07T13:40:00Z")));

    // A table that is sent again brings nothing new, and lives.
    let before = suite.logged_events().await.len();
    let sent = suite.append(&admin, vec![event("e-1"), event("e-2")]).await;
    assert!(sent.results.iter().all(|result| result.outcome == 2), "{sent:?}");
    let again = feed(&suite, &admin).await;
    assert_eq!((again.health(), again.accepted, again.duplicates), (FeedHealth::Fresh, 21, 2));
    // Who follows the log is told so, and not each time.
    suite.append(&admin, vec![event("e-3")]).await;
    let log = suite.logged_events().await;
    assert_eq!(log.len(), before + 1);
    let told = log.iter().find(|event| event.r#type == "feed.polled").unwrap();
    assert_eq!((told.source.as_str(), told.subject.as_str()), (SOURCE, ""));
    let ids = suite.count("SELECT count(*) FROM ingestion.event_key").await;
    assert_eq!(ids, i64::try_from(log.len()).unwrap(), "its id is used like any other");
    suite.hand.advance(SignedDuration::from_mins(5));
    suite.append(&admin, vec![event("e-4")]).await;
    assert_eq!(suite.logged_events().await.len(), before + 2);
}

#[tokio::test]
async fn the_directory_says_how_often_to_expect_a_source_and_when_the_store_is_open() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![event("e-1")]).await;
    let expects = |source: &str, seconds: i64| FeedExpectation {
        source: source.to_owned(),
        interval: Some(prost_types::Duration { seconds, nanos: 0 }),
    };
    let update = async |rooftop: Rooftop, path: &str| {
        let request = UpdateRooftopRequest {
            rooftop: Some(Rooftop { name: "groups/summit/rooftops/north".to_owned(), ..rooftop }),
            update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
            ..UpdateRooftopRequest::default()
        };
        suite.directory(&admin).update_rooftop(request).await
    };
    for wrong in [expects("jane@example.invalid", 60), expects(SOURCE, 0), expects(SOURCE, 400 * 86_400)] {
        let refused = update(Rooftop { feeds: vec![wrong], ..Rooftop::default() }, "feeds").await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let changed = update(Rooftop { feeds: vec![expects(SOURCE, 3_600)], ..Rooftop::default() }, "feeds").await.unwrap();
    assert_eq!(changed.into_inner().feeds.len(), 1);
    // It is judged anew at once: four hours from twelve.
    let judged = feed(&suite, &admin).await;
    assert_eq!((judged.health(), minutes(judged.expected_interval)), (FeedHealth::Fresh, Some(60)));
    suite.hand.set(at("2026-09-07T16:00:01Z"));
    assert_eq!(feed(&suite, &admin).await.health(), FeedHealth::Stale);
    // From nine to six in New York: at noon, local time, three hours have passed.
    let hours = (1..=7).map(|weekday| OpenHours { weekday, opens: "09:00".into(), closes: "18:00".into() });
    let calendar = Calendar { hours: hours.collect(), valid_from: None, ..Calendar::default() };
    update(Rooftop { calendar: Some(calendar), ..Rooftop::default() }, "calendar").await.unwrap();
    assert_eq!(feed(&suite, &admin).await.health(), FeedHealth::Fresh);
    suite.hand.set(at("2026-09-07T17:00:01Z"));
    assert_eq!(feed(&suite, &admin).await.health(), FeedHealth::Stale);
    // The next arrival is judged by the same.
    suite.append(&admin, vec![event("e-2")]).await;
    suite.hand.set(at("2026-09-08T12:30:00Z"));
    assert_eq!(feed(&suite, &admin).await.health(), FeedHealth::Stale, "five open hours were left of that day");
}

#[tokio::test]
async fn a_failure_is_counted_and_is_no_sign_of_life() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![typed("p-1", "feed.polled")]).await;
    suite.hand.advance(SignedDuration::from_mins(10));
    suite.append(&admin, vec![typed("f-1", "feed.failed"), typed("f-2", "feed.failed")]).await;
    suite.append(&admin, vec![typed("f-1", "feed.failed")]).await;
    let feed = feed(&suite, &admin).await;
    assert_eq!(feed.last_arrival_time.as_ref().and_then(from_wire), Some(at("2026-09-07T12:00:00Z")));
    assert_eq!(feed.failures, 2, "one that is sent again is one");
    assert_eq!(feed.last_failure_time.as_ref().and_then(from_wire), Some(at("2026-09-07T12:10:00Z")));
}

#[tokio::test]
async fn backlog_refreshes_a_source_and_teaches_no_rhythm() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    // As a large file with last year in it, read for half an hour.
    for nth in 0..30 {
        suite.hand.advance(SignedDuration::from_mins(1));
        suite.append(&admin, vec![with(event(&format!("e-{nth}")), "time", "2025-09-07T11:50:00Z")]).await;
    }
    let feed = feed(&suite, &admin).await;
    assert_eq!((feed.expected_interval, feed.clock_ahead_at_least, feed.clock_skew), (None, None, None));
    assert_eq!(feed.last_arrival_time.as_ref().and_then(from_wire), Some(at("2026-09-07T12:30:00Z")));
}

#[tokio::test]
async fn a_clock_that_is_ahead_shows_and_one_that_is_behind_shows_where_it_says_what_it_saw() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![with(event("e-1"), "time", "2026-09-07T11:50:00Z")]).await;
    let late = feed(&suite, &admin).await;
    assert_eq!((late.clock_ahead_at_least, late.clock_skew), (None, None), "late and behind look the same");
    let ahead = with(event("e-2"), "time", "2026-09-07T12:03:00Z");
    let behind = with(event("e-3"), "observedat", "2026-09-07T11:58:00Z");
    suite.append(&admin, vec![ahead, behind]).await;
    let feed = feed(&suite, &admin).await;
    assert_eq!(feed.clock_ahead_at_least.map(|of| of.seconds), Some(180));
    assert_eq!(feed.clock_skew.map(|of| of.seconds), Some(-120));
}
