use std::time::{Duration, Instant};

use throughline_testkit::{OwnRedis, eventually};

use crate::world::{Reader, SOON, count, database, letter, post, process, process_with, superuser};

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_another_process_finds_entries_at_the_poll() {
    let database = database().await;
    let (writing, reading) = (process(&database).await, process(&database).await);
    Reader::default().follow(&reading);
    let mut conn = superuser(&database).await;
    for round in 1..=5 {
        post(&writing, vec![letter(1, "x")]).await;
        let posted = Instant::now();
        eventually(SOON, async || count(&mut conn, "reading.effect").await == round).await;
        // The first round also waits for the leases.
        assert!(round == 1 || posted.elapsed() < Duration::from_secs(2), "took {:?}", posted.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_wakes_other_processes_and_may_vanish_and_come_back() {
    let database = database().await;
    let mut own = OwnRedis::start().await;
    let url = own.url();
    // So long a poll that only a wake-up explains an arrival.
    let never = Duration::from_secs(3_600);
    let writing = process_with(&database, None, |options| options.redis_url = Some(url.clone())).await;
    let reading = process_with(&database, None, |options| {
        (options.redis_url, options.poll) = (Some(url.clone()), never);
    })
    .await;
    Reader::default().follow(&reading);
    let mut conn = superuser(&database).await;
    let mut posted = 0;
    // Entries are posted until one is heard of: a subscription takes a moment, and what was said meanwhile is not repeated.
    let mut heard = async |conn: &mut sqlx::PgConnection| {
        eventually(SOON, async || {
            post(&writing, vec![letter(1, "x")]).await;
            posted += 1;
            count(conn, "reading.effect").await > posted / 2
        })
        .await;
    };
    heard(&mut conn).await;
    own.redis.kill9();
    post(&writing, vec![letter(1, "x")]).await;
    own.redis.restart().await.unwrap();
    heard(&mut conn).await;
}
