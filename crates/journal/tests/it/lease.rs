use std::{collections::HashMap, sync::atomic::Ordering};

use sqlx::PgConnection;
use throughline_testkit::eventually;

use crate::world::{OPEN, Reader, SOON, count, database, effects, letter, post, process, superuser};

async fn parts_by_owner(conn: &mut PgConnection) -> Vec<i64> {
    let owners: Vec<(String, i64)> = sqlx::query_as(
        "select owner, count(*) from reading.cursor where lease_until > now() group by owner order by 2 desc",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    owners.into_iter().map(|(_, parts)| parts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_parts_and_one_that_goes_leaves_them_to_the_others() {
    let database = database().await;
    let (one, two) = (process(&database).await, process(&database).await);
    Reader::default().follow(&one);
    Reader::default().follow(&two);
    let mut conn = superuser(&database).await;
    eventually(SOON, async || parts_by_owner(&mut conn).await == [128, 128]).await;
    for round in 0..10 {
        post(&one, (0..256u16).map(|part| letter(part, "x")).collect()).await;
        if round == 4 {
            two.cx.platform.tasks.stop();
        }
    }
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 2_560).await;
    eventually(SOON, async || parts_by_owner(&mut conn).await == [256]).await;
    let mut per_part: HashMap<i16, Vec<i64>> = HashMap::new();
    for (part, position) in effects(&mut conn).await {
        per_part.entry(part).or_default().push(position);
    }
    assert_eq!(per_part.len(), 256);
    assert!(per_part.values().all(|positions| *positions == (1..=10).collect::<Vec<_>>()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_part_was_taken_over_commits_nothing() {
    let database = database().await;
    let process = process(&database).await;
    let reader = Reader::default().follow(&process);
    let mut conn = superuser(&database).await;
    eventually(SOON, async || parts_by_owner(&mut conn).await == [256]).await;

    let closed = reader.gate.acquire_many(OPEN).await;
    let closed = closed.unwrap();
    post(&process, vec![letter(9, "x")]).await;
    eventually(SOON, async || reader.arrived.load(Ordering::SeqCst) == 1).await;
    // It sleeps in its transaction; meanwhile its lease runs out and another owner takes the part.
    sqlx::query(
        "update reading.cursor set owner = 'another', epoch = epoch + 1, lease_until = now() + interval '1 hour'
         where part = 9",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    drop(closed);
    eventually(SOON, async || {
        process.cx.platform.metrics.encode().contains("journal_lost_leases_total{consumer=\"reader\"} 1")
    })
    .await;
    assert_eq!(count(&mut conn, "reading.effect").await, 0);

    // The other one goes away without a word; the part comes back, and the entry has its effects once.
    sqlx::query("update reading.cursor set lease_until = now() - interval '1 second' where part = 9")
        .execute(&mut conn)
        .await
        .unwrap();
    eventually(SOON, async || effects(&mut conn).await == [(9, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_another_hand_moved_is_read_anew() {
    let database = database().await;
    let process = process(&database).await;
    Reader::default().follow(&process);
    let mut conn = superuser(&database).await;
    post(&process, vec![letter(9, "a"), letter(9, "b"), letter(9, "c")]).await;
    eventually(SOON, async || effects(&mut conn).await.len() == 3).await;
    // An operator rebuilds the part from its second entry on.
    sqlx::query("update reading.cursor set pos = 1 where part = 9").execute(&mut conn).await.unwrap();
    post(&process, vec![letter(9, "d")]).await;
    eventually(SOON, async || effects(&mut conn).await == [(9, 1), (9, 2), (9, 3), (9, 2), (9, 3), (9, 4)]).await;
}
