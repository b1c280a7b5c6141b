use std::{sync::Arc, time::Duration};

use throughline_journal::{Context, Cursors, Replay};
use throughline_platform::{
    Failure, Options,
    db::{Db, Role},
    failure::{Code, Reason},
    metrics::Metrics,
};
use throughline_testkit::eventually;

use crate::world::{OPEN, Reader, SOON, count, database, effects, letter, post, process, spec, superuser};

/// A consumer's tables in another database than the log's.
async fn elsewhere(process: &throughline_journal::host::Running, url: &str) -> Context {
    let db = Db::connect(&Options::for_test(url, None)).await.unwrap();
    let platform = throughline_platform::Context { db, metrics: Metrics::new(), ..process.cx.platform.clone() };
    Context::new(platform)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_again_up_to_a_position_and_no_further() {
    let (here, there) = (database().await, database().await);
    let process = process(&here).await;
    let mut letters: Vec<_> = (0..150).map(|_| letter(3, "x")).collect();
    letters.push(letter(3, "alarm"));
    letters.push(letter(3, "poison"));
    letters.push(letter(3, "y"));
    post(&process, letters).await;

    let reader = Reader { alarm_after: Duration::ZERO, ..Reader::default() };
    reader.poisonous.lock().unwrap().insert("poison".to_owned());
    let replay =
        Replay::new(&elsewhere(&process, there.url()).await, spec("reader", "event"), Arc::new(reader)).await.unwrap();
    replay.require_whole(&[3]).await.unwrap();
    let mut conn = superuser(&there).await;
    let mut at = replay.part(3);
    for (target, alarms) in [(1, 0), (70, 0), (151, 1)] {
        replay.run_to(&mut at, target).await.unwrap();
        let read: Vec<i64> = effects(&mut conn).await.into_iter().map(|(_, position)| position).collect();
        assert_eq!(read, (1..=target as i64).collect::<Vec<_>>());
        assert_eq!((at.position(), count(&mut conn, "reading.alarm where fired is not null").await), (target, alarms));
    }
    replay.run_to(&mut at, 153).await.unwrap();
    assert_eq!(count(&mut conn, "reading.parked").await, 1, "as the follower would set it aside");
    assert_eq!(count(&mut conn, "reading.effect").await, 152);
    assert_eq!(count(&mut superuser(&here).await, "reading.effect").await, 0);

    sqlx::query("update post.event_head set first_pos = 2 where part = 3")
        .execute(&mut superuser(&here).await)
        .await
        .unwrap();
    let refused = eventually(SOON, async || replay.require_whole(&[3]).await.err()).await;
    assert_eq!((refused.code(), refused.reason()), (Code::OutOfRange, Reason::CursorTooOld));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_position_ends_reading_again() {
    let (here, there) = (database().await, database().await);
    let process = process(&here).await;
    post(&process, (0..5).map(|_| letter(3, "x")).collect()).await;
    sqlx::query("delete from post.event_log where part = 3 and pos = 2")
        .execute(&mut superuser(&here).await)
        .await
        .unwrap();
    let replay =
        Replay::new(&elsewhere(&process, there.url()).await, spec("reader", "event"), Arc::new(Reader::default()))
            .await
            .unwrap();
    let mut at = replay.part(3);
    let refused = replay.run_to(&mut at, 5).await.unwrap_err();
    assert!(refused.message().contains("position 2 of part 3 is missing"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_taken_rolls_its_owner_back_and_goes_on_with_it_afterwards() {
    let database = database().await;
    let process = process(&database).await;
    let reader = Reader::default().follow(&process);
    let mut conn = superuser(&database).await;
    post(&process, vec![letter(3, "x")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 1).await;

    // The owner has read what it decides on when the part is taken.
    let closed = reader.gate.acquire_many(OPEN).await.unwrap();
    let arrived = reader.arrived.load(std::sync::atomic::Ordering::SeqCst);
    post(&process, vec![letter(3, "y")]).await;
    eventually(SOON, async || reader.arrived.load(std::sync::atomic::Ordering::SeqCst) > arrived).await;
    let db = &process.cx.platform.db;
    let cursors = Arc::new(Cursors::of(&spec("reader", "event"), Duration::from_secs(60)));
    let held = cursors.take(db, 3).await.unwrap();
    assert_eq!(held.position, 1);
    drop(closed);
    let keep = |held| {
        let cursors = cursors.clone();
        db.work(Role::Worker, move |tx| Box::pin(async move { Ok::<_, Failure>(cursors.keep(tx, held).await?) }))
    };
    for _ in 0..3 {
        post(&process, vec![letter(4, "z")]).await;
    }
    eventually(SOON, async || count(&mut conn, "reading.effect where part = 4").await == 3).await;
    assert!(keep(held).await.unwrap());
    assert_eq!(count(&mut conn, "reading.effect where part = 3").await, 1, "it is held");

    cursors.give_back(db, held).await.unwrap();
    eventually(SOON, async || count(&mut conn, "reading.effect where part = 3").await == 2).await;
    assert!(!keep(held).await.unwrap(), "the owner has it again");
}
