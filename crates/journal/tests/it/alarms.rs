use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use throughline_journal::Follower;
use throughline_platform::clock::Clock;
use throughline_testkit::eventually;

use crate::world::{OPEN, Reader, SOON, Sorter, count, database, fired, letter, post, process_with, spec, superuser};

fn nine() -> Timestamp {
    "2026-01-10T09:00:00Z".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_fires_once_the_clock_has_passed_it() {
    let database = database().await;
    let (clock, hand) = Clock::manual(nine());
    let process = process_with(&database, Some(clock), |_| {}).await;
    Reader::default().follow(&process);
    post(&process, vec![letter(1, "alarm")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.alarm").await == 1).await;
    hand.advance(SignedDuration::from_mins(9));
    // Something later has gone all the way, and the alarm has still not fired.
    post(&process, vec![letter(1, "x")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 2).await;
    assert_eq!(fired(&mut conn).await, None);
    hand.advance(SignedDuration::from_mins(2));
    let at = eventually(SOON, async || fired(&mut conn).await).await;
    assert_eq!(at, nine() + SignedDuration::from_mins(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_alarm_fires_while_what_lies_upstream_is_behind() {
    let database = database().await;
    let (clock, hand) = Clock::manual(nine());
    let process = process_with(&database, Some(clock), |_| {}).await;
    let gate = Sorter::follow(&process);
    Follower::new(&process.cx, spec("rules", "deal"), Arc::new(Reader::default())).spawn();
    post(&process, vec![letter(1, "alarm"), letter(7, "alarm")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.alarm").await == 2).await;

    // The sorter stands still with an entry of one part in hand: what it would say is not known downstream.
    let closed = gate.acquire_many(OPEN).await.unwrap();
    post(&process, vec![letter(1, "x")]).await;
    hand.advance(SignedDuration::from_hours(3));
    // The alarm of the other part comes all the way.
    eventually(SOON, async || count(&mut conn, "reading.alarm where part = 7 and fired is not null").await == 1).await;
    assert_eq!(count(&mut conn, "reading.alarm where part = 1 and fired is not null").await, 0);

    drop(closed);
    eventually(SOON, async || count(&mut conn, "reading.alarm where fired is not null").await == 2).await;
    assert_eq!(fired(&mut conn).await, Some(nine() + SignedDuration::from_hours(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_set_for_the_past_fires_although_the_clock_stands_still() {
    let database = database().await;
    let (clock, _hand) = Clock::manual(nine());
    let process = process_with(&database, Some(clock), |_| {}).await;
    let reader = Reader { alarm_after: std::time::Duration::ZERO, ..Reader::default() };
    reader.follow(&process);
    post(&process, vec![letter(1, "x")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 1).await;
    post(&process, vec![letter(1, "alarm")]).await;
    assert_eq!(eventually(SOON, async || fired(&mut conn).await).await, nine());
}
