//! A clock that is put back: what is recorded and claimed follows it, through logs that come of logs.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use throughline_journal::Follower;
use throughline_platform::jiff_sqlx;
use throughline_testkit::eventually;

use crate::world::{
    Reader, SOON, Sorter, clock_at_nine, count, database, event_log, letter, post, process_with, record, spec,
    superuser,
};

#[tokio::test(flavor = "multi_thread")]
async fn alarms_of_a_log_with_an_upstream_ring_again_after_the_clock_was_put_back() {
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let nine = clock.now();
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    Sorter::follow(&process);
    Follower::new(&process.cx, spec("rules", "deal"), Arc::new(Reader::default())).spawn();
    post(&process, vec![letter(1, "x")]).await;
    let mut conn = superuser(&database).await;
    hand.advance(SignedDuration::from_hours(6));
    let ahead = clock.now();
    post(&process, vec![letter(1, "x")]).await;
    eventually(SOON, async || count(&mut conn, "sorting.watermark where until >= '2026-01-10T15:00:00Z'").await == 1)
        .await;

    hand.set(nine + SignedDuration::from_mins(5));
    eventually(SOON, async || count(&mut conn, "sorting.watermark where step = 1 and part = 1").await == 1).await;
    post(&process, vec![letter(1, "alarm")]).await;
    eventually(SOON, async || count(&mut conn, "reading.alarm").await == 1).await;
    hand.set(nine + SignedDuration::from_mins(16));
    let fired = eventually(SOON, async || {
        let fired: Option<jiff_sqlx::Timestamp> =
            sqlx::query_scalar("select fired from reading.alarm").fetch_one(&mut conn).await.unwrap();
        fired.map(jiff_sqlx::Timestamp::to_jiff)
    })
    .await;
    assert_eq!(fired, nine + SignedDuration::from_mins(16));
    for log in ["post.event_log", "sorting.deal_log"] {
        let last: jiff_sqlx::Timestamp = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select recorded_at from {log} where part = 1 order by pos desc limit 1"
        )))
        .fetch_one(&mut conn)
        .await
        .unwrap();
        assert!(last.to_jiff() < ahead && last.to_jiff() <= clock.now(), "{log}: {:?}", last.to_jiff());
    }
    // Found once, and by the log whose clock it is: the other one follows.
    assert_eq!(count(&mut conn, "journal.clock_step where log = 'post.event'").await, 1);
    assert_eq!(count(&mut conn, "journal.clock_step").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_with_an_outdated_clock_is_no_clock_step() {
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let nine = clock.now();
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    post(&process, vec![letter(1, "x")]).await;
    hand.advance(SignedDuration::from_hours(6));
    let mut conn = superuser(&database).await;
    let promised = "journal.promise where log = 'post.event' and until >= '2026-01-10T15:00:00Z'";
    eventually(SOON, async || count(&mut conn, promised).await == 1).await;
    let appended = record(&process, &event_log(&process), nine, vec![letter(1, "x")]).await.unwrap();
    assert_eq!(appended[0].recorded_at, clock.now());
    // The next look at all heads is over once a later clock was promised.
    hand.advance(SignedDuration::from_mins(1));
    let promised = "journal.promise where log = 'post.event' and until >= '2026-01-10T15:01:00Z'";
    eventually(SOON, async || count(&mut conn, promised).await == 1).await;
    assert_eq!(count(&mut conn, "journal.clock_step").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_in_flight_over_a_clock_step_holds_the_claims_of_the_new_step_back() {
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let nine = clock.now();
    let process = Arc::new(process_with(&database, Some(clock.clone()), |_| {}).await);
    Reader::default().follow(&process);
    post(&process, vec![letter(1, "alarm"), letter(7, "alarm")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.alarm").await == 2).await;

    let mut holder = superuser(&database).await;
    sqlx::query("begin").execute(&mut holder).await.unwrap();
    sqlx::query("select part from post.event_head where part = 1 for update").execute(&mut holder).await.unwrap();
    let waiting = tokio::spawn({
        let (process, now): (_, Timestamp) = (process.clone(), clock.now());
        async move { record(&process, &event_log(&process), now, vec![letter(1, "x")]).await.unwrap() }
    });
    eventually(SOON, async || {
        count(
            &mut conn,
            "pg_stat_activity where wait_event_type = 'Lock' and query like '%pg_advisory_xact_lock_shared%'",
        )
        .await
            == 1
    })
    .await;
    hand.set(nine - SignedDuration::from_hours(6));
    eventually(SOON, async || count(&mut conn, "journal.clock_step").await == 1).await;
    hand.set(nine + SignedDuration::from_hours(1));
    eventually(SOON, async || count(&mut conn, "reading.alarm where part = 7 and fired is not null").await == 1).await;
    assert_eq!(count(&mut conn, "reading.alarm where part = 1 and fired is not null").await, 0);

    sqlx::query("commit").execute(&mut holder).await.unwrap();
    waiting.await.unwrap();
    eventually(SOON, async || count(&mut conn, "reading.alarm where part = 1 and fired is not null").await == 1).await;
    assert_eq!(count(&mut conn, "reading.effect where part = 1").await, 2);
}
